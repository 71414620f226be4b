//! Chains that are prepared for several AVSs.

use std::time::Duration;

use hourglass_component::chain::TaskStatus;
use hourglass_harness::chain::{AvsTopology, ChainTopology, NewTask, OperatorStake, publish_tables, registrar_of};

use crate::support::{Pair, SOON, certificate, topology, within};

fn stake(name: &str, weight: u64) -> OperatorStake {
    OperatorStake { name: name.to_owned(), weight }
}

/// Three AVSs beside each other; alice is in all of them.
fn three() -> ChainTopology {
    let avs = |name: &str, threshold, operators: &[OperatorStake]| AvsTopology {
        name: name.to_owned(),
        task_sla: Duration::from_mins(1),
        threshold,
        operators: operators.to_vec(),
    };
    let further_avss =
        vec![avs("second", 10_000, &[stake("alice", 5), stake("erin", 7)]), avs("third", 0, &[stake("alice", 1)])];
    ChainTopology { further_avss, ..topology(&[40, 30]) }
}

/// An app that uses the first AVS sees nothing of the others.
#[test]
fn further_avss_leave_the_first_as_it_is() {
    let (alone, beside) = (topology(&[40, 30]).accounts(), three().accounts());
    assert_eq!(alone.executor_set(), beside.executor_set());
    let addresses = |accounts: &hourglass_harness::chain::Accounts| {
        accounts.operators.iter().map(hourglass_harness::chain::OperatorAccount::address).collect::<Vec<_>>()
    };
    assert_eq!(addresses(&alone), addresses(&beside)[..2]);
    assert_eq!(
        beside.operators.iter().map(|operator| operator.name.as_str()).collect::<Vec<_>>(),
        ["alice", "bob", "erin"]
    );
}

/// Each AVS has its members with weights of their own, its registrar and its task configuration, and its tasks are
/// verified by its members, on both chains and after each publication of the tables.
#[tokio::test]
async fn anvil_every_avs_has_tables_and_tasks_of_its_own() {
    let pair = Pair::start(&three()).await;
    let (l1, l2) = (pair.l1.control(), pair.l2.control());
    let accounts = &pair.accounts;
    let avss = [None, Some("second"), Some("third")];
    let expected: [(&[&str], &[u64], u64, u16); 3] = [
        (&["alice", "bob"], &[40, 30], 3600, 6667),
        (&["alice", "erin"], &[5, 7], 60, 10_000),
        (&["alice"], &[1], 60, 0),
    ];
    for _ in 0..2 {
        for chain in pair.both() {
            let head = chain.client().head().await.unwrap().number;
            let reference = chain.client().latest_reference(head).await.unwrap();
            for ((set, avs), (names, weights, sla, threshold)) in
                accounts.executor_sets().into_iter().zip(avss).zip(expected)
            {
                let members = l1.client().operators(set, reference.block_number).await.unwrap();
                assert_eq!(members.iter().map(|info| info.weight.as_u64()).collect::<Vec<_>>(), weights);
                let keys: Vec<_> = names.iter().map(|name| accounts.signing_key(name, avs).unwrap()).collect();
                assert_eq!(
                    members.iter().map(|info| info.signing_address).collect::<Vec<_>>(),
                    keys.iter().map(|key| key.address()).collect::<Vec<_>>()
                );
                let config = chain.client().task_config(set, head).await.unwrap();
                assert_eq!((config.sla, config.threshold), (sla, threshold));
                let new = NewTask { set, payload: b"0x04".to_vec() };
                let task = within(SOON, "task", chain.create_task(&accounts.app, &new)).await.unwrap();
                let certificate = certificate(reference.timestamp, task.task, b"0x10", &keys).encode();
                chain.client().submit_result(&accounts.aggregator, task.task, &certificate, b"0x10").await.unwrap();
                assert_eq!(chain.task_status(task.task).await.unwrap(), TaskStatus::Verified);
            }
        }
        publish_tables(l1, l2, accounts).await.unwrap();
    }
}

/// A member of one AVS cannot sign for another.
#[tokio::test]
async fn anvil_a_signature_of_another_avs_is_refused() {
    let pair = Pair::start(&three()).await;
    let (chain, accounts) = (pair.l2.control(), &pair.accounts);
    let reference = chain.client().latest_reference(chain.client().head().await.unwrap().number).await.unwrap();
    let new = NewTask { set: accounts.executor_sets()[1], payload: b"0x04".to_vec() };
    let task = chain.create_task(&accounts.app, &new).await.unwrap();
    let both = ["alice", "bob"].map(|name| accounts.signing_key(name, Some("second")).unwrap());
    let certificate = certificate(reference.timestamp, task.task, b"0x10", &both).encode();
    let refused = chain.client().submit_result(&accounts.aggregator, task.task, &certificate, b"0x10").await;
    refused.expect_err("bob is no operator of the second AVS");
    assert_eq!(chain.task_status(task.task).await.unwrap(), TaskStatus::Created);
    assert_ne!(registrar_of(None), registrar_of(Some("second")));
}
