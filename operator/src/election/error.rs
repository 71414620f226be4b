//! Errors of an election.

use std::time::Duration;

/// Why the Lease is not held, or no longer held.
#[derive(Debug, thiserror::Error)]
pub enum ElectionError {
    /// Somebody else holds it.
    #[error("the Lease {lease} is lost: {holder} holds it")]
    Taken {
        /// Namespace and name.
        lease: String,
        /// Who holds it.
        holder: String,
    },
    /// It could not be renewed in time; others may take it over soon.
    #[error("failed to renew the Lease {lease} within {}", humantime::format_duration(*within))]
    NotRenewed {
        /// Namespace and name.
        lease: String,
        /// How long it was tried.
        within: Duration,
        /// The error of the last try, unless there was no answer at all.
        source: Option<Box<kube::Error>>,
    },
}
