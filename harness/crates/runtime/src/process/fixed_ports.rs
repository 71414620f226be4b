//! The ports that performers of a trial have chosen themselves: trials with the same port on one machine follow one
//! another.
//!
//! A trial that has a port listens on a name of the kernel that contains the port. The kernel frees the name when the
//! process ends for any reason, and closes the connections of those who wait for it, which is how they learn of it.
//! Network namespaces separate names just as they separate ports.

use std::{
    collections::BTreeSet,
    io,
    time::{Duration, Instant},
};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use hourglass_component::{ports, sockets::listeners_at};
use hourglass_scenario::{ComponentRef, Scenario};
use tokio::{
    io::AsyncReadExt as _,
    net::{UnixListener, UnixStream},
    time::{sleep, timeout},
};

use crate::{RuntimeError, blocking};

/// How long a trial waits for those before it: three that take their ten minutes.
const WAIT: Duration = Duration::from_mins(30);
/// The pause after a name that is neither free nor can be waited for, because too many wait.
const CROWDED: Duration = Duration::from_millis(500);

/// How long the performer of a trial whose harness was killed may take to be ended by its supervisor.
const LINGER: Duration = Duration::from_secs(3);

/// A port of this machine that no other trial of a harness uses while this is held.
#[derive(Debug)]
pub(super) struct FixedPort {
    _name: UnixListener,
}

/// Waits until no other trial has the fixed ports of `scenario`, and checks that nothing listens there.
pub(super) async fn acquire(
    scenario: &Scenario,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<Vec<FixedPort>, RuntimeError> {
    let performers = scenario.topology.performers().filter_map(|(name, operator)| {
        let performer = scenario.components.performer.overlaid_with(&operator.performer);
        Some((performer.port?, ComponentRef::Performer(name)))
    });
    let mut performers: Vec<_> = performers.collect();
    // In the same order in every trial, so that two with several ports do not wait for each other.
    performers.sort();
    let distinct: BTreeSet<_> = performers.iter().map(|(port, _)| *port).collect();
    let mut held = Vec::new();
    for port in distinct {
        held.push(turn(port, WAIT, progress).await?);
    }
    for (port, component) in performers {
        must_be_free(port, component).await?;
    }
    Ok(held)
}

/// Waits until no other trial has the port.
async fn turn(port: u16, within: Duration, progress: &(dyn Fn(&str) + Sync)) -> Result<FixedPort, RuntimeError> {
    let began = Instant::now();
    let name = format!("\0hourglass-harness/fixed-port/{port}");
    let mut holder = None;
    loop {
        match UnixListener::bind(&name) {
            Ok(listener) => return Ok(FixedPort { _name: listener }),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(RuntimeError::Port(error)),
        }
        let left = within.saturating_sub(began.elapsed());
        let waited = timeout(
            left,
            until_freed(&name, |process| {
                let process = process.map_or_else(|| "another process".to_owned(), |id| format!("process {id}"));
                if holder.as_ref() != Some(&process) {
                    progress(&format!("waiting for port {port}, which a trial of {process} has"));
                    holder = Some(process);
                }
            }),
        );
        if waited.await.is_err() {
            let state = format!("a trial of {} has it", holder.as_deref().unwrap_or("another process"));
            return Err(RuntimeError::Timeout { what: format!("port {port}"), within, state });
        }
    }
}

/// Waits until the holder of a name has gone; `holder` is given its process.
async fn until_freed(name: &str, holder: impl FnOnce(Option<i32>)) {
    let Ok(mut connection) = UnixStream::connect(name).await else {
        // Freed by now, or its queue is full.
        return sleep(CROWDED).await;
    };
    holder(connection.peer_cred().ok().and_then(|credentials| credentials.pid()));
    // The holder sends nothing: this ends with the holder.
    let _ = connection.read(&mut [0]).await;
}

/// Only trials take turns; any other program that has the port is in the way.
async fn must_be_free(port: u16, component: ComponentRef) -> Result<(), RuntimeError> {
    let began = Instant::now();
    // No event tells when a port is free.
    let pauses = ExponentialBuilder::default().with_min_delay(Duration::from_millis(20)).without_max_times();
    for pause in pauses.build() {
        if ports::is_free(port).map_err(RuntimeError::Port)? {
            return Ok(());
        }
        if began.elapsed() + pause > LINGER {
            break;
        }
        sleep(pause).await;
    }
    let listeners = blocking(move || Ok::<_, RuntimeError>(listeners_at(port))).await?;
    let holder = listeners.first().map_or_else(|| "a program has it".to_owned(), ToString::to_string);
    Err(RuntimeError::PortTaken { component, port, holder })
}

#[cfg(test)]
mod tests {
    use std::{
        net::{Ipv4Addr, TcpListener},
        sync::Mutex,
    };

    use hourglass_component::ports::ReservedPort;

    use super::*;

    const LIMIT: Duration = Duration::from_secs(20);

    fn silent(_: &str) {}

    /// Two trials with one port follow one another, and the second says what it waits for.
    #[tokio::test]
    async fn a_port_is_had_by_one_trial_at_a_time() {
        let port = ReservedPort::reserve().unwrap().endpoint().port();
        let first = turn(port, LIMIT, &silent).await.unwrap();
        let told = Mutex::new(Vec::new());
        let tell = |message: &str| told.lock().unwrap().push(message.to_owned());
        let error = turn(port, Duration::from_millis(50), &tell).await.unwrap_err().to_string();
        let holder = format!("a trial of process {} has it", std::process::id());
        assert_eq!(error, format!("timed out after 50ms waiting for port {port}: {holder}"));
        let expected = format!("waiting for port {port}, which a trial of process {} has", std::process::id());
        assert_eq!(*told.lock().unwrap(), [expected]);
        let waiting = tokio::spawn(async move { turn(port, LIMIT, &silent).await });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop(first);
        timeout(LIMIT, waiting).await.unwrap().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_program_that_has_the_port_is_named() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let alice = ComponentRef::performer("alice");
        let error = must_be_free(address.port(), alice.clone()).await.unwrap_err().to_string();
        let start = format!("failed to give performer/alice port {}: ", address.port());
        let end = format!("(process {}) listens on {address}", std::process::id());
        assert!(error.starts_with(&start) && error.contains(&end), "{error}");
        drop(listener);
        must_be_free(address.port(), alice).await.unwrap();
    }
}
