//! Why a reconcile fails.

use std::time::Duration;

use tokio::time::timeout;

use super::redact::redacted;
use crate::{api::Performer, health::words};

/// How long the API server may take to answer one request.
const WITHIN: Duration = Duration::from_secs(10);

/// Why a reconcile fails. It is tried again in any case.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReconcileError {
    /// The API server refuses the request, and would refuse it again. The status says so too.
    #[error("failed to {doing}: {reason}")]
    Refused {
        /// What was refused, with the object.
        doing: String,
        /// The API server's words, without values of environment variables.
        reason: String,
    },
    /// Somebody else changed the object meanwhile. The watch delivers their change.
    #[error("failed to {doing}: it has changed meanwhile")]
    Conflict {
        /// What was tried, with the object.
        doing: String,
    },
    /// The object is no longer there.
    #[error("failed to {doing}: it is gone")]
    Gone {
        /// What was tried, with the object.
        doing: String,
    },
    /// The API server cannot be reached, or has trouble of its own.
    #[error("failed to {doing}: {reason}")]
    Unreachable {
        /// What was tried, with the object.
        doing: String,
        /// What went wrong.
        reason: String,
    },
    /// The API server does not answer.
    #[error("failed to {doing}: no answer within {}", humantime::format_duration(WITHIN))]
    Unanswered {
        /// What was tried, with the object.
        doing: String,
    },
}

/// Sends a request to the API server with a time limit; `doing` names the action and its object.
pub(super) async fn ask<T>(
    performer: &Performer,
    doing: String,
    request: impl Future<Output = kube::Result<T>>,
) -> Result<T, ReconcileError> {
    match timeout(WITHIN, request).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => {
            let code = if let kube::Error::Api(status) = &error { status.code } else { 0 };
            let reason = redacted(&words(&error), performer);
            Err(match code {
                404 => ReconcileError::Gone { doing },
                409 => ReconcileError::Conflict { doing },
                429 => ReconcileError::Unreachable { doing, reason },
                400..500 => ReconcileError::Refused { doing, reason },
                _ => ReconcileError::Unreachable { doing, reason },
            })
        }
        Err(_) => Err(ReconcileError::Unanswered { doing }),
    }
}
