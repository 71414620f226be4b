//! Heads of a chain: they arrive quickly, and again after the node was away.

use std::{
    net::TcpListener,
    process::Stdio,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use hourglass_component::chain::{ChainClient, Head};
use hourglass_harness::{
    chain::{AnvilProcess, AnvilSettings},
    reaper::RunId,
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use crate::support::{SOON, anvil, within};

/// Polls so rarely that a head that arrives in time must have arrived by subscription.
const RARELY: Duration = Duration::from_hours(1);
const PROMPTLY: Duration = Duration::from_millis(200);

#[tokio::test]
async fn anvil_block_is_seen_within_200_ms() {
    let (binary, folder) = (anvil().await, tempfile::tempdir().unwrap());
    let settings = AnvilSettings { chain_id: 1, state: None, folder: folder.path().to_owned() };
    let chain = AnvilProcess::start(&binary, &settings, &RunId::generate()).await.unwrap();
    let client = ChainClient::connect(chain.control().client().url(), 1, RARELY).await.unwrap();
    let mut heads = client.heads();
    subscribed(&client, &mut heads).await;
    for _ in 0..20 {
        let mined = chain.control().mine(1).await.unwrap();
        let since = Instant::now();
        within(SOON, "head", heads.wait_for(|head| head.hash == mined.hash)).await.unwrap();
        assert!(since.elapsed() < PROMPTLY, "the head came after {:?}", since.elapsed());
    }
}

/// Followers take a head that goes back for a reorganisation, which ends tasks. On a new connection heads arrive by
/// subscription and by polling, and must not overtake each other.
#[tokio::test]
async fn anvil_heads_go_back_only_for_reorganisations() {
    let (binary, folder) = (anvil().await, tempfile::tempdir().unwrap());
    let settings = AnvilSettings { chain_id: 1, state: None, folder: folder.path().to_owned() };
    let chain = AnvilProcess::start(&binary, &settings, &RunId::generate()).await.unwrap();
    for _ in 0..20 {
        let client = ChainClient::connect(chain.control().client().url(), 1, RARELY).await.unwrap();
        let mut heads = client.heads();
        let (first, mut last) = (heads.borrow().number, heads.borrow().number);
        let watching = tokio::spawn(async move {
            while last < first + 40 {
                heads.changed().await.unwrap();
                let head = heads.borrow_and_update().number;
                assert!(head >= last, "the head went from {last} back to {head}");
                last = head;
            }
        });
        // As fast as the node can, so that blocks are mined while a head is on its way.
        let mining = (0..40).map(|_| client.provider().request::<_, Value>("evm_mine", json!([])));
        try_join_all(mining).await.unwrap();
        within(SOON, "heads", watching).await.unwrap();
    }
}

/// Waits until the follower is subscribed, which the first block that arrives by itself shows.
async fn subscribed(client: &ChainClient, heads: &mut tokio::sync::watch::Receiver<Head>) {
    let first = heads.borrow().number;
    let come = async {
        loop {
            client.provider().request::<_, Value>("evm_mine", json!([])).await.unwrap();
            let next = heads.wait_for(|head| head.number > first);
            if tokio::time::timeout(Duration::from_millis(50), next).await.is_ok() {
                break;
            }
        }
    };
    within(SOON, "subscription", come).await;
}

/// An Anvil on this port; nothing if another process has taken the port meanwhile.
async fn anvil_on(port: u16) -> Option<Child> {
    let folder = tempfile::tempdir().unwrap();
    let mut child = Command::new(anvil().await.path)
        .args(["--host", "127.0.0.1", "--chain-id", "1", "--port", &port.to_string(), "--cache-path"])
        .arg(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    while let Ok(Some(line)) = within(SOON, "line of Anvil's", lines.next_line()).await {
        if line.starts_with("Listening on") {
            tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
            return Some(child);
        }
    }
    None
}

#[tokio::test]
async fn anvil_heads_resume_after_a_node_restart() {
    let (port, mut node) = loop {
        // The port is bound and released: another process may take it in between, and then another port is tried.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if let Some(node) = anvil_on(port).await {
            break (port, node);
        }
    };
    let client = ChainClient::connect(&format!("http://127.0.0.1:{port}"), 1, RARELY).await.unwrap();
    let mut heads = client.heads();
    subscribed(&client, &mut heads).await;
    client.provider().request::<_, Value>("anvil_mine", json!(["0x64"])).await.unwrap();
    let before = *within(SOON, "head", heads.wait_for(|head| head.number > 100)).await.unwrap();

    node.kill().await.unwrap();
    client.head().await.unwrap_err();
    let restart = async {
        loop {
            if let Some(node) = anvil_on(port).await {
                break node;
            }
        }
    };
    let _node = within(SOON, "restart on the same port", restart).await;
    let genesis =
        *within(SOON, "head of the new chain", heads.wait_for(|head| head.number < before.number)).await.unwrap();
    assert_eq!(genesis.number, 0, "the follower asks for what it missed");
    subscribed(&client, &mut heads).await;
    for _ in 0..3 {
        let since = Instant::now();
        client.provider().request::<_, Value>("evm_mine", json!([])).await.unwrap();
        let mined = client.head().await.unwrap();
        within(SOON, "head", heads.wait_for(|head| head.hash == mined.hash)).await.unwrap();
        assert!(since.elapsed() < PROMPTLY, "by subscription again, not by polling: {:?}", since.elapsed());
    }
}
