//! Both ends of a test connection: a server that sends its name, and a client that reports how far it came. They run
//! inside pods, in the image of the components.

use std::{
    io,
    net::IpAddr,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, lookup_host},
    task::JoinSet,
    time::timeout,
};
use tokio_util::sync::CancellationToken;

/// The minimum time limit for each part of an attempt; the limit may be half of the whole time.
const ATTEMPT: Duration = Duration::from_secs(1);
const FIRST_DELAY: Duration = Duration::from_millis(20);
const LONGEST_DELAY: Duration = Duration::from_millis(500);
/// The longest name that is read, in bytes.
const LONGEST_NAME: u64 = 256;

/// The result of a test connection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DialResult {
    /// The target, as `NAME:PORT`.
    pub target: String,
    /// What the name resolves to.
    pub addresses: Vec<IpAddr>,
    /// How far the last attempt came.
    pub came: DialOutcome,
}

/// How far an attempt came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DialOutcome {
    /// The server sent its name.
    Answered(String),
    /// The name could not be resolved; why.
    NotResolved(String),
    /// The connection failed; why.
    NotConnected(String),
    /// The connection gave no answer; why.
    NotAnswered(String),
}

impl DialResult {
    /// What failed, as `probe.n.svc:8080 is not resolved: …`; `None` if it was answered.
    pub fn failure(&self) -> Option<String> {
        let Self { target, addresses, came } = self;
        let via = match addresses.first() {
            Some(address) if !target.starts_with(&address.to_string()) => format!(" ({address})"),
            _ => String::new(),
        };
        match came {
            DialOutcome::Answered(_) => None,
            DialOutcome::NotResolved(why) => Some(format!("{target} is not resolved: {why}")),
            DialOutcome::NotConnected(why) => Some(format!("{target}{via} takes no connection: {why}")),
            DialOutcome::NotAnswered(why) => {
                Some(format!("{target}{via} takes a connection and does not answer: {why}"))
            }
        }
    }
}

/// Sends `name` to every client, until it is told to end.
pub async fn serve(listener: TcpListener, name: &str, end: &CancellationToken) -> io::Result<()> {
    let mut connections = JoinSet::new();
    let greeting = format!("{name}\n");
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (mut client, _) = accepted?;
                let greeting = greeting.clone();
                // A client that is gone needs nothing else.
                connections.spawn(async move { drop(client.write_all(greeting.as_bytes()).await) });
            }
            Some(_) = connections.join_next() => {}
            () = end.cancelled() => return Ok(()),
        }
    }
}

/// Tries to reach a [`serve`]r until it answers or the time is over; at least once.
pub async fn dial(target: &str, within: Duration) -> DialResult {
    let began = Instant::now();
    let limit = ATTEMPT.max(within / 2);
    let attempt = || async {
        let dialled = attempt(target, limit).await;
        if matches!(dialled.came, DialOutcome::Answered(_)) { Ok(dialled) } else { Err(dialled) }
    };
    // No event tells when the rules for Services and names are in force.
    let patient =
        ExponentialBuilder::default().with_min_delay(FIRST_DELAY).with_max_delay(LONGEST_DELAY).without_max_times();
    attempt.retry(patient).when(|_| began.elapsed() < within).await.unwrap_or_else(|failed| failed)
}

async fn attempt(target: &str, limit: Duration) -> DialResult {
    let mut dialled =
        DialResult { target: target.to_owned(), addresses: Vec::new(), came: DialOutcome::Answered(String::new()) };
    let resolved = match limited(limit, lookup_host(target)).await {
        Ok(resolved) => resolved.collect::<Vec<_>>(),
        Err(why) => return DialResult { came: DialOutcome::NotResolved(why), ..dialled },
    };
    dialled.addresses = resolved.iter().map(std::net::SocketAddr::ip).collect();
    let mut stream = match limited(limit, TcpStream::connect(resolved.as_slice())).await {
        Ok(stream) => stream,
        Err(why) => return DialResult { came: DialOutcome::NotConnected(why), ..dialled },
    };
    let mut name = String::new();
    dialled.came = match limited(limit, (&mut stream).take(LONGEST_NAME).read_to_string(&mut name)).await {
        Ok(_) if name.ends_with('\n') => DialOutcome::Answered(name.trim_end().to_owned()),
        Ok(_) => DialOutcome::NotAnswered(format!("it says {name:?}")),
        Err(why) => DialOutcome::NotAnswered(why),
    };
    dialled
}

async fn limited<T>(limit: Duration, part: impl Future<Output = io::Result<T>>) -> Result<T, String> {
    match timeout(limit, part).await {
        Ok(done) => done.map_err(|error| error.to_string()),
        Err(_) => Err(format!("nothing came within {}", humantime::format_duration(limit))),
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[tokio::test]
    async fn the_failing_hop_is_reported() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let end = CancellationToken::new();
        let serving = tokio::spawn({
            let end = end.clone();
            async move { serve(listener, "one", &end).await }
        });
        let answered = dial(&address, ATTEMPT).await;
        assert_eq!((answered.came.clone(), answered.failure()), (DialOutcome::Answered("one".to_owned()), None));
        end.cancel();
        serving.await.unwrap().unwrap();
        let refused = dial(&address, Duration::ZERO).await;
        assert!(matches!(refused.came, DialOutcome::NotConnected(_)), "{refused:?}");
        let unknown = dial("no-such-name.invalid:80", Duration::ZERO).await;
        assert!(matches!(unknown.came, DialOutcome::NotResolved(_)), "{unknown:?}");
    }
}
