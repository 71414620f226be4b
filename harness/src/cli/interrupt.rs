//! Ctrl-C and SIGTERM during a run: the first ends the run in order, and nothing can keep it from ending.

use std::{
    process,
    sync::mpsc::{Sender, channel},
    thread,
    time::{Duration, Instant},
};

use hourglass_base::ExitStatus;
use rustix::process::{Signal as ProcessSignal, getpid, kill_process};
use tokio::{
    runtime::Builder,
    signal::unix::{Signal, SignalKind, signal},
    time::sleep,
};
use tokio_util::sync::CancellationToken;

use super::CliError;

/// When the process ends after an interruption, whatever hangs. Trials have ended by then, or their supervisors end
/// them; the supervisors also end whatever remains.
const LAST_RESORT: Duration = Duration::from_secs(9);
/// Signals that come this shortly after the first are the same request: `timeout` signals its child and then its group.
const ONE_REQUEST: Duration = Duration::from_millis(300);
/// How long the exit of the process may take, which writes the rest of its output.
const EXIT_WITHIN: Duration = Duration::from_millis(500);

/// A token that is cancelled by the first SIGTERM or SIGINT. The second signal ends the process at once; the
/// supervisors end what remains. If signal handlers cannot be installed, signals end the process by default.
///
/// A thread of its own listens: all threads of a runtime may be blocked by writing to a pipe that nobody reads.
pub(super) fn on_signal() -> CancellationToken {
    let token = CancellationToken::new();
    let (cancelled, (ready, is_ready)) = (token.clone(), channel());
    let listening = thread::Builder::new().name("signals".to_owned()).spawn(move || listen(&cancelled, ready));
    if listening.is_ok() {
        // The channel closes once the thread listens, or has failed to.
        let _ = is_ready.recv();
    }
    token
}

fn listen(token: &CancellationToken, ready: Sender<()>) {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    runtime.block_on(async {
        let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
        else {
            return;
        };
        // With a handler, a limit on the size of files is an error of the write that exceeds it, and does not end the
        // process.
        let _ = signal(SignalKind::from_raw(ProcessSignal::XFSZ.as_raw()));
        drop(ready);
        either(&mut terminate, &mut interrupt).await;
        token.cancel();
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
        exit()
    });
}

/// Ends the process. Its output may never be read: the end does not wait for that.
fn exit() -> ! {
    let last = thread::Builder::new().spawn(|| {
        thread::sleep(EXIT_WITHIN);
        let _ = kill_process(getpid(), ProcessSignal::KILL);
    });
    if last.is_err() {
        let _ = kill_process(getpid(), ProcessSignal::KILL);
    }
    process::exit(ExitStatus::Interrupted.code().into())
}

/// Runs the preparation of a command, and gives it up if the token is cancelled.
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
