//! Ctrl-C and SIGTERM of a run: the first ends it in order, and nothing keeps it from ending.

use std::{
    process,
    time::{Duration, Instant},
};

use tokio::{
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::CliError;
use crate::runner::verdict::ExitStatus;

/// When the process ends after an interruption, whatever hangs. Trials have ended by then, or have been left to their
/// supervisors; what is not ended by then is left to them as well.
const LAST_RESORT: Duration = Duration::from_millis(9500);
/// Signals that come so shortly after the first are the same request: `timeout` signals its child and then its group.
const ONE_REQUEST: Duration = Duration::from_millis(300);

/// A token that is cancelled by the first SIGTERM or SIGINT. The second ends the process at once; what it leaves is ended
/// by the supervisors. Where signals cannot be had, they end the process as they do by themselves.
///
/// Must be called within a tokio runtime.
pub(super) fn on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    if let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt())) {
        tokio::spawn(async move {
            either(&mut terminate, &mut interrupt).await;
            cancelled.cancel();
            let first = Instant::now();
            let again = async {
                while first.elapsed() < ONE_REQUEST {
                    either(&mut terminate, &mut interrupt).await;
                }
            };
            tokio::select! {
                () = again => {}
                () = sleep(LAST_RESORT) => {}
            }
            process::exit(ExitStatus::Interrupted.code().into());
        });
    }
    token
}

/// Does what goes before a command's own work, and gives it up where the token is cancelled.
pub(super) async fn unless_interrupted<T>(
    interrupt: &CancellationToken,
    preparation: impl Future<Output = Result<T, CliError>>,
) -> Result<T, CliError> {
    tokio::select! {
        biased;
        () = interrupt.cancelled() => Err(CliError::Interrupted),
        prepared = preparation => prepared,
    }
}

async fn either(one: &mut Signal, other: &mut Signal) {
    tokio::select! {
        _ = one.recv() => {}
        _ = other.recv() => {}
    }
}
