//! Mining in batches: fewer blocks while many transactions wait, none that waits for nothing, and a chain that goes on
//! when nobody mines for it any more.

use std::time::Duration;

use futures::future::try_join_all;
use hourglass_harness::chain::{BatchMiner, NewTask};
use serde_json::Value;
use tokio::time::sleep;

use crate::{
    history::stop_process,
    support::{Pair, SOON, topology, within},
};

/// Blocks that this many tasks at once take.
async fn blocks_of(pair: &Pair, tasks: usize) -> u64 {
    let chain = pair.l2.control();
    let task = NewTask { set: pair.accounts.executor_set(), payload: b"1".to_vec() };
    let before = chain.client().head().await.unwrap().number;
    let creating = try_join_all((0..tasks).map(|_| chain.create_task(&pair.accounts.app, &task)));
    let mut created: Vec<_> = within(SOON, "tasks", creating).await.unwrap().iter().map(|task| task.task).collect();
    created.sort();
    created.dedup();
    assert_eq!(created.len(), tasks, "each transaction is mined once");
    chain.client().head().await.unwrap().number - before
}

/// The node mines each transaction at once by itself.
async fn mines_at_once(pair: &Pair) -> bool {
    pair.l2.control().client().provider().request::<_, bool>("anvil_getAutomine", Value::Null).await.unwrap()
}

async fn awaits_mining_at_once(pair: &Pair, expected: bool) {
    let changed = async {
        while mines_at_once(pair).await != expected {
            sleep(Duration::from_millis(1)).await;
        }
    };
    within(SOON, "a change of mining", changed).await;
}

#[tokio::test]
async fn anvil_many_transactions_take_fewer_blocks_in_batches() {
    let pair = Pair::start(&topology(&[1])).await;
    // The first are fewer: nothing is known of prices and limits yet.
    let at_once = blocks_of(&pair, 400).await.max(blocks_of(&pair, 400).await);
    let miner = BatchMiner::start(pair.l2.control());
    let in_batches = blocks_of(&pair, 400).await.min(blocks_of(&pair, 400).await);
    assert!(in_batches * 2 < at_once, "{in_batches} blocks in batches, {at_once} without");
    // And nothing waits for a batch when there are no more.
    awaits_mining_at_once(&pair, true).await;
    blocks_of(&pair, 1).await;
    miner.stop().await;
}

/// One after the other: each is mined at once, and no other block is.
#[tokio::test]
async fn anvil_single_transactions_are_mined_without_batches() {
    let pair = Pair::start(&topology(&[1])).await;
    let miner = BatchMiner::start(pair.l2.control());
    for _ in 0..20 {
        assert_eq!(blocks_of(&pair, 1).await, 1);
        assert!(mines_at_once(&pair).await);
    }
    miner.stop().await;
}

#[tokio::test]
async fn anvil_a_miner_that_is_stopped_leaves_a_node_that_mines_at_once() {
    let pair = Pair::start(&topology(&[1])).await;
    let miner = BatchMiner::start(pair.l2.control());
    let (_, ()) = tokio::join!(blocks_of(&pair, 400), async {
        awaits_mining_at_once(&pair, false).await;
        miner.stop().await;
    });
    assert!(mines_at_once(&pair).await);
    blocks_of(&pair, 1).await;
}

/// As if the harness were killed in the middle.
#[tokio::test]
async fn anvil_transactions_are_mined_when_the_miner_is_gone() {
    let pair = Pair::start(&topology(&[1])).await;
    let miner = BatchMiner::start(pair.l2.control());
    tokio::join!(blocks_of(&pair, 400), async {
        awaits_mining_at_once(&pair, false).await;
        drop(miner);
    });
    assert!(!mines_at_once(&pair).await, "nothing has changed that");
    blocks_of(&pair, 1).await;
}

/// A kept environment must not wait for minutes, as for a request that mines.
#[tokio::test]
async fn anvil_a_miner_of_a_chain_that_hangs_is_stopped() {
    let pair = Pair::start(&topology(&[1])).await;
    let miner = BatchMiner::start(pair.l2.control());
    let task = NewTask { set: pair.accounts.executor_set(), payload: b"1".to_vec() };
    let creating = try_join_all((0..400).map(|_| pair.l2.control().create_task(&pair.accounts.app, &task)));
    let stopping = async {
        awaits_mining_at_once(&pair, false).await;
        stop_process(i32::try_from(pair.l2.pid()).unwrap()).await;
        within(SOON, "the end of the miner", miner.stop()).await;
    };
    tokio::select! {
        () = stopping => {}
        created = creating => panic!("all tasks were created before the chain was stopped: {}", created.unwrap().len()),
    }
}
