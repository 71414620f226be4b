//! The runtimes that this machine supports, determined cheaply and once, before anything is listed.

use std::{
    io::{self, Read, Write},
    net::{TcpStream, ToSocketAddrs as _},
    os::unix::net::UnixStream,
    time::Duration,
};

use hourglass_api::{REQUIRE_VARIABLE, required_runtimes};
use hourglass_base::{ComponentHost, RuntimeKind, on_path};
use hourglass_chain::AnvilSearch;
use hourglass_engine::EngineAddress;

/// How long an engine may take to answer before its trials are left out: listing must be fast.
const ANSWERED_WITHIN: Duration = Duration::from_millis(300);

/// The available runtimes, and why others are not.
pub(crate) struct Availability {
    runtimes: Vec<(RuntimeKind, Result<(), String>)>,
}

impl Availability {
    /// Checks the machine and the required runtimes.
    pub(crate) fn of_this_machine() -> Result<Self, String> {
        let required = required_runtimes()?;
        let runtimes = RuntimeKind::ALL.into_iter().map(|kind| {
            // A required runtime runs, and its trials report what it lacks.
            let there = if required.contains(&kind) { Ok(()) } else { has(kind) };
            (kind, there)
        });
        Ok(Self { runtimes: runtimes.collect() })
    }

    /// The runtimes that have trials.
    pub(crate) fn runtimes(&self) -> Vec<RuntimeKind> {
        self.runtimes.iter().map(|(kind, _)| *kind).collect()
    }

    /// Whether the trials of a runtime run.
    pub(crate) fn has(&self, kind: RuntimeKind) -> bool {
        self.runtimes.iter().any(|(known, there)| *known == kind && there.is_ok())
    }

    /// Why trials are ignored, one line for each runtime.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = String> {
        self.runtimes.iter().filter_map(|(kind, there)| {
            let reason = there.as_ref().err()?;
            Some(format!("{kind} trials are ignored: {reason}; {REQUIRE_VARIABLE}={kind} makes them fail instead"))
        })
    }
}

/// How the trials look for Anvil.
pub(crate) fn anvil_search() -> AnvilSearch {
    AnvilSearch::default()
}

fn has(kind: RuntimeKind) -> Result<(), String> {
    match kind.capabilities().host {
        ComponentHost::Harness => {}
        ComponentHost::Engine => engine()?,
        ComponentHost::Cluster => return Err("they may have to make a cluster first".to_owned()),
    }
    match anvil_search().find() {
        Ok(Some(_)) => Ok(()),
        Ok(None) if on_path("npm").is_some() => Ok(()),
        Ok(None) => Err("Anvil is not installed, and there is no npm to install it with".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether a Docker engine answers, with the simplest request: listing starts no asynchronous runtime.
fn engine() -> Result<(), String> {
    let address = EngineAddress::locate();
    let answer = match address.plain().map_err(|reason| format!("no Docker engine is at {address}: {reason}"))? {
        EngineAddress::Socket(path) => UnixStream::connect(path).and_then(|stream| {
            stream.set_read_timeout(Some(ANSWERED_WITHIN))?;
            ping(stream)
        }),
        engine => remote(&engine.to_string()).and_then(|stream| {
            stream.set_read_timeout(Some(ANSWERED_WITHIN))?;
            ping(stream)
        }),
    };
    answer.map_err(|error| format!("no Docker engine answers at {address}: {error}"))
}

fn remote(host: &str) -> io::Result<TcpStream> {
    let authority = host.split_once("://").map_or(host, |(_, authority)| authority);
    let resolved = authority.to_socket_addrs()?.next();
    let resolved = resolved.ok_or_else(|| io::Error::other("the name has no address"))?;
    TcpStream::connect_timeout(&resolved, ANSWERED_WITHIN)
}

fn ping(mut stream: impl Read + Write) -> io::Result<()> {
    stream.write_all(b"GET /_ping HTTP/1.0\r\nHost: docker\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    // After the version, which has eight characters, and a space.
    if &status[9..] == b"200" { Ok(()) } else { Err(io::Error::other(String::from_utf8_lossy(&status).into_owned())) }
}
