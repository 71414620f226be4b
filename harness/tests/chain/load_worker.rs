//! Workers of a load on a real chain, without a cluster: each sends its share with an account of its own.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    net::Ipv4Addr,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::future::{join, join_all};
use hourglass_component::{keys::EcdsaKey, ports::ReservedPort};
use hourglass_load::worker::{Order, WorkerLine, WorkersConfig};
use hourglass_load_worker::{WorkerArgs, WorkerError, run};
use jiff::Timestamp;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    net::TcpStream,
};
use tokio_util::sync::CancellationToken;

use crate::support::{Pair, SOON, topology, within};

/// What a worker prints.
#[derive(Clone, Default)]
struct Printed(Arc<Mutex<Vec<u8>>>);

impl Write for Printed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Printed {
    fn lines(&self) -> Vec<WorkerLine> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| WorkerLine::of(line).unwrap()).collect()
    }
}

/// The configuration of two workers, in a file.
async fn config(pair: &Pair, folder: &Path, load: serde_json::Value) -> std::path::PathBuf {
    let (chain, set) = (pair.l2.control(), pair.accounts.executor_set());
    let keys: Vec<_> = (0..2).map(|worker| pair.accounts.load_worker("load", worker)).collect();
    for key in &keys {
        chain.fund(key.address()).await.unwrap();
    }
    let config = WorkersConfig {
        chain_id: chain.chain_id(),
        avs: format!("{:?}", set.avs),
        operator_set: set.id,
        keys: keys.iter().map(EcdsaKey::to_hex).collect(),
        load: serde_json::from_value(load).unwrap(),
    };
    let path = folder.join("load.json");
    std::fs::write(&path, serde_json::to_string(&config).unwrap()).unwrap();
    path
}

fn args(pair: &Pair, config: &Path, index: u32, port: u16) -> WorkerArgs {
    let chain_url = pair.l2.control().client().url().to_owned();
    WorkerArgs { config: config.to_owned(), chain_url, port, index }
}

/// Tells a worker to start now, as soon as it takes orders.
async fn start(port: u16) {
    let connected = async {
        loop {
            if let Ok(connected) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await {
                return connected;
            }
            // No event tells when the worker listens.
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let mut connection = BufReader::new(within(SOON, "connection", connected).await);
    let order = serde_json::to_string(&Order::Start(Timestamp::now())).unwrap() + "\n";
    connection.write_all(order.as_bytes()).await.unwrap();
    let mut answer = String::new();
    within(SOON, "answer", connection.read_line(&mut answer)).await.unwrap();
}

/// Their nonces do not conflict although both send at the same time, and each task is told of twice: sent and created.
#[tokio::test]
async fn anvil_workers_send_their_shares() {
    let (pair, folder) = (Pair::start(&topology(&[1])).await, tempfile::tempdir().unwrap());
    let load = serde_json::json!({"rate": 100, "tasks": 41, "payload": "0x04", "workers": 2});
    let config = config(&pair, folder.path(), load).await;
    let mut hashes = BTreeSet::new();
    let workers = (0..2).map(|index| {
        let (pair, config) = (&pair, &config);
        async move {
            let (port, printed) = (ReservedPort::reserve().unwrap(), Printed::default());
            let args = args(pair, config, index, port.endpoint().port());
            let running = run(&args, printed.clone(), CancellationToken::new());
            let (ran, ()) = within(SOON, "worker", join(running, start(port.endpoint().port()))).await;
            ran.unwrap();
            printed.lines()
        }
    });
    for (worker, lines) in (0..2_u64).zip(join_all(workers).await) {
        let share = if worker == 0 { 21 } else { 20 };
        assert_eq!(lines.last(), Some(&WorkerLine::Done { sent: share }));
        let (mut sent, mut created) = (Vec::new(), BTreeSet::new());
        for line in &lines[..lines.len() - 1] {
            match line {
                WorkerLine::Sent { index, .. } => sent.push(*index),
                WorkerLine::Created { index, task, .. } => {
                    assert!(sent.contains(index), "it was not told that task {index} is sent");
                    assert!(created.insert(*index) && hashes.insert(*task), "task {index} is told twice");
                }
                other => panic!("{other:?}"),
            }
        }
        let expected: Vec<_> = (0..share).map(|number| number * 2 + worker).collect();
        assert_eq!(sent, expected, "tasks are sent in the order in which they are due");
        assert!(created.into_iter().eq(expected));
    }
    assert_eq!(hashes.len(), 41);
}

/// What was not sent is not told as done.
#[tokio::test]
async fn anvil_a_worker_that_gets_a_signal_is_not_done() {
    let (pair, folder) = (Pair::start(&topology(&[1])).await, tempfile::tempdir().unwrap());
    let load = serde_json::json!({"concurrency": 2, "tasks": 40, "payload": "0x04", "workers": 2});
    let config = config(&pair, folder.path(), load).await;
    let (port, printed, end) = (ReservedPort::reserve().unwrap(), Printed::default(), CancellationToken::new());
    let args = args(&pair, &config, 1, port.endpoint().port());
    let ending = async {
        start(port.endpoint().port()).await;
        // In a closed loop without an aggregator, the first task keeps its place.
        while !printed.lines().iter().any(|line| matches!(line, WorkerLine::Created { .. })) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        end.cancel();
    };
    let (ran, ()) = within(SOON, "worker", join(run(&args, printed.clone(), end.clone()), ending)).await;
    assert!(matches!(ran, Err(WorkerError::Stopped)), "{ran:?}");
    let lines = printed.lines();
    assert!(
        matches!(lines.as_slice(), [WorkerLine::Sent { index: 1, .. }, WorkerLine::Created { index: 1, .. }]),
        "{lines:?}"
    );
}

#[tokio::test]
async fn anvil_an_index_without_a_worker_is_refused() {
    let (pair, folder) = (Pair::start(&topology(&[1])).await, tempfile::tempdir().unwrap());
    let load = serde_json::json!({"rate": 1, "tasks": 4, "payload": "0x04"});
    let config = config(&pair, folder.path(), load).await;
    let ran = run(&args(&pair, &config, 2, 0), Printed::default(), CancellationToken::new()).await;
    assert_eq!(ran.unwrap_err().to_string(), "the load has 2 workers, and none with the index 2");
    std::fs::write(&config, "{\"keys\": [\"secret\"]}").unwrap();
    let ran = run(&args(&pair, &config, 0, 0), Printed::default(), CancellationToken::new()).await;
    let error = ran.unwrap_err().to_string();
    assert!(error.contains("is no configuration of a load") && !error.contains("secret"), "{error}");
}
