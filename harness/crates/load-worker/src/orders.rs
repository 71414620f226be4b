//! Orders of the harness: a line of JSON each over TCP, answered with the worker's clock.

use std::{net::Ipv4Addr, time::Duration};

use hourglass_component::timeout::timeout;
use hourglass_load::worker::{Clock, Order};
use jiff::Timestamp;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};
use tokio_util::task::AbortOnDropHandle;

use crate::WorkerError;

/// How long the start is awaited: the harness waits for the other workers meanwhile.
const START_WITHIN: Duration = Duration::from_mins(3);
/// The pause after a connection that could not be accepted. No event tells when descriptors are available again.
const AGAIN: Duration = Duration::from_millis(100);
/// An order is shorter than this.
const LONGEST: u64 = 1 << 10;

/// Takes orders until it is dropped. Connections without an order are probes of readiness.
pub(crate) struct Orders {
    start: watch::Receiver<Option<Timestamp>>,
    _serving: AbortOnDropHandle<()>,
}

impl Orders {
    /// Listens; port 0 is any free one. Returns the port as well.
    pub(crate) async fn listen(port: u16) -> Result<(Self, u16), WorkerError> {
        let failed = |source| WorkerError::Listen { port, source };
        let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await.map_err(failed)?;
        let bound = listener.local_addr().map_err(failed)?.port();
        let (sender, start) = watch::channel(None);
        let serving = AbortOnDropHandle::new(tokio::spawn(serve(listener, sender)));
        Ok((Self { start, _serving: serving }, bound))
    }

    /// Waits for the order to start, and says when.
    pub(crate) async fn start(&mut self) -> Result<Timestamp, WorkerError> {
        let no_start = || WorkerError::NoStart { within: START_WITHIN };
        let started = timeout(START_WITHIN, self.start.wait_for(Option::is_some)).await;
        let start = started.map_err(|_| no_start())?.map_err(|_| no_start())?;
        start.ok_or_else(no_start)
    }
}

async fn serve(listener: TcpListener, start: watch::Sender<Option<Timestamp>>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => drop(connections.spawn(take(stream, start.clone()))),
                Err(_) => sleep(AGAIN).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Takes the orders of one connection. What is none ends it.
async fn take(stream: TcpStream, start: watch::Sender<Option<Timestamp>>) {
    let _ = stream.set_nodelay(true);
    let (from, mut to) = stream.into_split();
    let mut from = BufReader::new(tokio::io::AsyncReadExt::take(from, LONGEST));
    let mut line = String::new();
    while let Ok(1..) = from.read_line(&mut line).await {
        let now = Timestamp::now();
        match serde_json::from_str(&line) {
            Ok(Order::Clock) => {}
            // Only the first counts: a share is sent once.
            Ok(Order::Start(at)) => {
                start.send_if_modified(|start| {
                    let is_first = start.is_none();
                    *start = start.or(Some(at));
                    is_first
                });
            }
            Err(_) => return,
        }
        line.clear();
        let Ok(mut answer) = serde_json::to_vec(&Clock { now }) else { return };
        answer.push(b'\n');
        if to.write_all(&answer).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn answer(to: &mut BufReader<TcpStream>, order: &Order) -> Clock {
        let order = serde_json::to_string(order).unwrap() + "\n";
        to.write_all(order.as_bytes()).await.unwrap();
        let mut line = String::new();
        to.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// Probes say nothing, and a second start would send the tasks of a share twice.
    #[tokio::test]
    async fn the_first_start_counts() {
        let (mut orders, port) = Orders::listen(0).await.unwrap();
        let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, port));
        drop(connect().await.unwrap());
        let mut other = connect().await.unwrap();
        other.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut harness = BufReader::new(connect().await.unwrap());
        let before = Timestamp::now();
        let clock = answer(&mut harness, &Order::Clock).await;
        assert!((before..=Timestamp::now()).contains(&clock.now), "{clock:?}");
        let at = before + Duration::from_secs(1);
        answer(&mut harness, &Order::Start(at)).await;
        answer(&mut harness, &Order::Start(at + Duration::from_secs(1))).await;
        assert_eq!(orders.start().await.unwrap(), at);
    }
}
