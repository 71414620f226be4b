//! Chain time: one second for each block, warps, snapshots, interval mining, and clocks that differ.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hourglass_component::chain::{Head, TaskStatus};
use hourglass_harness::chain::{ChainControl, publish_tables, register_sockets, registrar_of};
use hourglass_proto::contracts::bindings as b;

use crate::support::{Contracts, Pair, SOON, certificate, create, send, topology, within};

const HOUR: Duration = Duration::from_hours(1);

async fn head(chain: &ChainControl) -> Head {
    chain.client().head().await.unwrap()
}

fn wall() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Timestamps of the blocks after `from` up to the head.
async fn timestamps(chain: &ChainControl, from: u64) -> Vec<u64> {
    let mut timestamps = Vec::new();
    for number in from..=head(chain).await.number {
        timestamps.push(chain.client().block(number).await.unwrap().unwrap().timestamp);
    }
    timestamps
}

fn steps(timestamps: &[u64]) -> Vec<u64> {
    timestamps.windows(2).map(|pair| pair[1] - pair[0]).collect()
}

#[tokio::test]
async fn anvil_every_block_of_instant_mining_is_a_second_later() {
    let pair = Pair::start(&topology(&[1])).await;
    for chain in pair.both() {
        let first = head(chain).await;
        for payload in 0..10_u8 {
            create(chain, &pair.accounts, &[payload + 1]).await;
        }
        chain.mine(3).await.unwrap();
        create(chain, &pair.accounts, b"last").await;
        // All at once: however many of them a block takes, no two blocks share a second.
        let aggregator = &pair.accounts.aggregator;
        let sockets = (0..20).map(|port| (registrar_of(None), aggregator, format!("localhost:{port}")));
        if chain.chain_id() == pair.l1.control().chain_id() {
            register_sockets(chain, sockets).await.unwrap();
        }
        let timestamps = timestamps(chain, first.number).await;
        assert!(timestamps.len() >= 15, "ten tasks, three blocks, one task");
        assert_eq!(steps(&timestamps), vec![1; timestamps.len() - 1], "a second of chain time a block");
    }
}

#[tokio::test]
async fn anvil_a_warp_moves_the_clock_and_mines_one_block() {
    let pair = Pair::start(&topology(&[1])).await;
    let chain = pair.l2.control();
    // Directly after loading, before any block.
    let before = head(chain).await;
    let after = chain.warp(HOUR).await.unwrap();
    assert_eq!((after.number, after.timestamp), (before.number + 1, before.timestamp + 3600));
    let mined = chain.mine(5).await.unwrap();
    assert_eq!((mined.number, mined.timestamp), (after.number + 5, after.timestamp + 5), "a second a block again");
    let least = chain.warp(Duration::ZERO).await.unwrap();
    assert_eq!(least.timestamp, mined.timestamp + 1, "time does not stand still");
    let far = chain.warp_to(least.timestamp + 9).await.unwrap();
    assert_eq!(far.timestamp, least.timestamp + 9);
    chain.warp_to(far.timestamp).await.unwrap_err();
    assert_eq!(create(chain, &pair.accounts, b"1").await.deadline, far.timestamp + 1 + 3600, "and none was lost");
}

#[tokio::test]
async fn anvil_a_snapshot_brings_back_state_clock_and_accounts() {
    let pair = Pair::start(&topology(&[1])).await;
    for chain in pair.both() {
        let kept = create(chain, &pair.accounts, b"kept").await;
        let before = head(chain).await;
        for _ in 0..5 {
            let snapshot = chain.snapshot().await.unwrap();
            let lost = create(chain, &pair.accounts, b"lost").await;
            chain.warp(HOUR).await.unwrap();
            assert_eq!(chain.revert(snapshot.clone()).await.unwrap(), before);
            assert_eq!(chain.task_status(lost.task).await.unwrap(), TaskStatus::None);
            assert_eq!(chain.task_status(kept.task).await.unwrap(), TaskStatus::Created);
            let used_up = chain.revert(snapshot).await.unwrap_err();
            assert!(used_up.to_string().contains("evm_revert"), "{used_up}");
        }
        // The same transaction in the same second makes the same block. Its receipt must be noticed nevertheless.
        let again = create(chain, &pair.accounts, b"lost").await;
        assert_eq!(again.block_number, before.number + 1);
    }
}

/// From a state of the past, without transactions, and back again.
#[tokio::test]
async fn anvil_interval_mining_continues_and_follows_the_wall_clock() {
    let pair = Pair::start(&topology(&[1])).await;
    let chain = pair.l2.control();
    let mut heads = chain.client().heads();
    chain.mine_every(Duration::from_secs(1)).await.unwrap();
    let first = head(chain).await;
    let third = heads.wait_for(|head| head.number >= first.number + 3);
    let third = *within(SOON, "third block", third).await.unwrap();
    let lag = wall().abs_diff(third.timestamp);
    assert!(lag <= 3, "the chain is {lag} s from the wall");
    let mined = timestamps(chain, first.number).await;
    assert_eq!(steps(&mined), vec![1; mined.len() - 1], "a second a block");

    let task = create(chain, &pair.accounts, b"1").await;
    assert!(task.block_number > third.number, "transactions wait for their block");
    chain.mine_instantly().await.unwrap();
    let instant = create(chain, &pair.accounts, b"2").await;
    let still = head(chain).await;
    assert_eq!(instant.block_number, still.number);
    let next = heads.wait_for(|head| head.number > still.number);
    let idle = tokio::time::timeout(Duration::from_millis(2500), next).await;
    assert!(idle.is_err(), "no block comes without a transaction any more");
}

/// No component compares the clock of one chain with the other's.
#[rstest::rstest]
#[case::l1_is_ahead(true)]
#[case::l2_is_ahead(false)]
#[tokio::test]
async fn anvil_a_table_is_published_when_the_clocks_are_an_hour_apart(#[case] l1_ahead: bool) {
    let pair = Pair::start(&topology(&[40, 30])).await;
    let (l1, l2) = (pair.l1.control(), pair.l2.control());
    if l1_ahead { l1 } else { l2 }.warp(HOUR).await.unwrap();
    for _ in 0..2 {
        publish_tables(l1, l2, &pair.accounts).await.unwrap();
        let mut references = Vec::new();
        for chain in pair.both() {
            references.push(chain.client().latest_reference(head(chain).await.number).await.unwrap());
        }
        assert_eq!(references[0], references[1], "both chains have the same table");
        for chain in pair.both() {
            let task = create(chain, &pair.accounts, b"0x04").await;
            let keys: Vec<_> = pair.accounts.operators.iter().map(|operator| &operator.key).collect();
            let certificate = certificate(references[0].timestamp, task.task, b"0x10", &keys).encode();
            let key = &pair.accounts.aggregator;
            chain.client().submit_result(key, task.task, &certificate, b"0x10").await.unwrap();
            assert_eq!(chain.task_status(task.task).await.unwrap(), TaskStatus::Verified);
        }
    }
}

/// Weights and sockets that change between tables are those of the table's block.
#[tokio::test]
async fn anvil_a_new_table_has_the_weights_of_its_block() {
    let pair = Pair::start(&topology(&[40, 30])).await;
    let (l1, l2) = (pair.l1.control(), pair.l2.control());
    let operator = &pair.accounts.operators[0].key;
    let set = pair.accounts.executor_set();
    register_sockets(l1, [(registrar_of(None), operator, "localhost:7".to_owned())]).await.unwrap();
    let allocation = b::AllocateParams {
        operator_set: set.into(),
        strategies: vec![hourglass_proto::contracts::addresses::STAKE_STRATEGY],
        new_magnitudes: vec![70],
    };
    let call = Contracts::on(l1).allocation.modify_allocations(operator.address(), vec![allocation]);
    send(l1, operator, call).await;
    publish_tables(l1, l2, &pair.accounts).await.unwrap();
    let reference = l2.client().latest_reference(head(l2).await.number).await.unwrap();
    let operators = l1.client().operators(set, reference.block_number).await.unwrap();
    assert_eq!((operators[0].weight.as_u64(), operators[0].socket.as_str()), (70, "localhost:7"));
    let total = Contracts::on(l2).ecdsa.get_total_stake_weights(set.into(), reference.timestamp);
    assert_eq!(total.call().await.unwrap(), [100.into()], "L2 has the table that L1 computed");
}
