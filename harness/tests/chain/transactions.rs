//! Transactions of an account: many at once, refused ones, cancelled ones, and a node that lacks a method.

use std::time::Duration;

use ethers::{providers::Middleware as _, types::U256};
use futures::future::{join_all, try_join_all};
use hourglass_component::chain::{ChainClient, OperatorSetId, SendError};
use hourglass_harness::chain::{ChainControl, NewTask};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _, copy},
    net::{TcpListener, TcpStream},
    time::sleep,
};

use crate::support::{Pair, SOON, topology, within};

const METHOD: &[u8] = b"eth_getBlockReceipts";
const UNKNOWN: &[u8] = b"eth_getBlockReceiptX";

/// A connection to `url` on which the node does not know [`METHOD`].
async fn without_method(url: &str) -> ChainControl {
    let node = url.strip_prefix("http://").unwrap().trim_end_matches('/').to_owned();
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let Ok(server) = TcpStream::connect(&node).await else { return };
            let ((mut from_client, mut to_client), (mut from_server, mut to_server)) =
                (client.into_split(), server.into_split());
            tokio::spawn(async move { copy(&mut from_server, &mut to_client).await });
            tokio::spawn(async move {
                let mut buffer = vec![0; 1 << 16];
                while let Ok(read @ 1..) = from_client.read(&mut buffer).await {
                    let mut sent = buffer[..read].to_vec();
                    while let Some(at) = sent.windows(METHOD.len()).position(|window| window == METHOD) {
                        sent[at..at + METHOD.len()].copy_from_slice(UNKNOWN);
                    }
                    if to_server.write_all(&sent).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    ChainControl::new(ChainClient::connect(&format!("http://{address}"), 31_338, Duration::from_secs(1)).await.unwrap())
}

fn task(pair: &Pair) -> NewTask {
    NewTask { set: pair.accounts.executor_set(), payload: b"1".to_vec() }
}

/// Of one after the other, each waits for its receipt; of a hundred at once, each gets its own.
async fn assert_all_are_mined(pair: &Pair, chain: &ChainControl) {
    let task = task(pair);
    for count in [1, 100] {
        let creating = try_join_all((0..count).map(|_| chain.create_task(&pair.accounts.app, &task)));
        let mut created: Vec<_> = within(SOON, "tasks", creating).await.unwrap();
        created.sort_by_key(|created| created.task);
        created.dedup_by_key(|created| created.task);
        assert_eq!(created.len(), count, "each transaction has its own task");
        assert!(created.iter().all(|created| created.gas > Some(21_000)), "{created:?}");
    }
}

#[tokio::test]
async fn anvil_transactions_at_once_are_all_mined() {
    let pair = Pair::start(&topology(&[1])).await;
    assert_all_are_mined(&pair, pair.l2.control()).await;
}

#[tokio::test]
async fn anvil_transactions_are_mined_on_a_node_without_receipts_of_blocks() {
    let pair = Pair::start(&topology(&[1])).await;
    let chain = without_method(pair.l2.control().client().url()).await;
    let refused = chain.client().provider().request::<_, Value>("eth_getBlockReceipts", ["0x1"]).await;
    let error = refused.unwrap_err().to_string();
    assert!(error.contains("-32601") || error.contains("ethod not found"), "the node has the method: {error}");
    assert_all_are_mined(&pair, &chain).await;
}

/// The limit of gas is that of the call before, so that no estimate finds the revert first.
#[tokio::test]
async fn anvil_a_call_like_an_earlier_one_is_refused_by_the_name_of_the_error() {
    let pair = Pair::start(&topology(&[1])).await;
    let (chain, good) = (pair.l2.control(), task(&pair));
    let bad = NewTask { set: OperatorSetId { id: 99, ..good.set }, ..good.clone() };
    let refused = |result| match result {
        Err(SendError::Reverted { error, .. }) => error,
        other => panic!("it is not refused: {other:?}"),
    };
    let estimated = refused(chain.create_task(&pair.accounts.app, &bad).await);
    let before = chain.client().head().await.unwrap().number;
    chain.create_task(&pair.accounts.app, &good).await.unwrap();
    let mined = within(SOON, "refusal", chain.create_task(&pair.accounts.app, &bad)).await;
    assert_eq!(refused(mined), estimated);
    assert_eq!(chain.client().head().await.unwrap().number, before + 2, "it was mined, not estimated");
    within(SOON, "task", chain.create_task(&pair.accounts.app, &good)).await.unwrap();
}

/// A later transaction waits for the nonces of earlier ones.
#[tokio::test]
async fn anvil_cancelled_transactions_hold_up_no_later_ones() {
    let pair = Pair::start(&topology(&[1])).await;
    let (chain, task) = (pair.l2.control(), task(&pair));
    chain.create_task(&pair.accounts.app, &task).await.unwrap();
    let cancelled = (0..50).map(|after| {
        let creating = chain.create_task(&pair.accounts.app, &task);
        tokio::time::timeout(Duration::from_micros(200 * after), creating)
    });
    let cancelled = join_all(cancelled).await;
    assert!(cancelled.iter().any(Result::is_err), "none was cancelled");
    within(SOON, "task", chain.create_task(&pair.accounts.app, &task)).await.unwrap();
}

/// A node that adds a transaction to its pool after the one before was mined, but has read the nonce before that, waits for
/// ever. The same state is made here by setting the nonce.
#[tokio::test]
async fn anvil_a_transaction_that_waits_for_a_mined_one_is_sent_again() {
    let pair = Pair::start(&topology(&[1])).await;
    let (chain, app) = (pair.l2.control(), &pair.accounts.app);
    let provider = chain.client().provider();
    let (address, task) = (app.address(), task(&pair));
    let set_nonce = async |nonce: U256| provider.request::<_, Value>("anvil_setNonce", (address, nonce)).await.unwrap();
    within(SOON, "a task", chain.create_task(app, &task)).await.unwrap();
    let next = provider.get_transaction_count(address, None).await.unwrap();
    set_nonce(next - 1).await;
    let queued = async {
        while provider.request::<_, Value>("txpool_status", Value::Null).await.unwrap()["queued"] != "0x2" {
            sleep(Duration::from_millis(1)).await;
        }
        set_nonce(next).await;
    };
    let creating = try_join_all((0..2).map(|_| chain.create_task(app, &task)));
    let (created, ()) = within(SOON, "tasks", async { tokio::join!(creating, queued) }).await;
    assert_eq!(created.unwrap().len(), 2);
}

/// A transaction may be removed together with others before the node's answer to it has come.
#[tokio::test]
async fn anvil_a_transaction_that_the_node_has_lost_is_sent_again() {
    let pair = Pair::start(&topology(&[1])).await;
    let (chain, app) = (pair.l2.control(), &pair.accounts.app);
    let provider = chain.client().provider();
    let task = task(&pair);
    // The first heads of a connection are told twice, upon which a caller asks for its transaction.
    for _ in 0..20 {
        within(SOON, "a task", chain.create_task(app, &task)).await.unwrap();
    }
    provider.request::<_, Value>("evm_setAutomine", [false]).await.unwrap();
    let lost = async {
        while provider.request::<_, Value>("txpool_status", Value::Null).await.unwrap()["pending"] != "0x1" {
            sleep(Duration::from_millis(1)).await;
        }
        provider.request::<_, Value>("anvil_removePoolTransactions", [app.address()]).await.unwrap();
        provider.request::<_, Value>("evm_setAutomine", [true]).await.unwrap();
    };
    let (created, ()) = within(SOON, "a task", async { tokio::join!(chain.create_task(app, &task), lost) }).await;
    created.unwrap();
}
