//! Prepared states: they are made once by the first process that needs them, and made again if they are damaged.

use std::{
    fs,
    path::{Path, PathBuf},
};

use ethers::providers::Middleware as _;
use hourglass_harness::{
    chain::{AccountSecret, ChainTopology, PreparedState, prepare, prepare_in},
    reaper::{RunId, processes_of},
};
use hourglass_proto::contracts::addresses as at;

use crate::{
    child,
    support::{Pair, anvil, create, topology},
};

async fn prepared(cache: &Path, topology: &ChainTopology) -> PreparedState {
    prepare_in(cache, &anvil().await, topology, &RunId::generate()).await.unwrap()
}

/// All entries in the cache's folder of states.
fn entries(cache: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<_> = fs::read_dir(cache.join("state")).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries
}

#[tokio::test]
async fn anvil_a_state_is_made_once_for_a_topology() {
    let cache = tempfile::tempdir().unwrap();
    let run = RunId::generate();
    let first = prepare_in(cache.path(), &anvil().await, &topology(&[1]), &run).await.unwrap();
    assert!(first.made, "an empty cache has nothing");
    assert!(processes_of(&run).unwrap().is_empty(), "the chains that it was made with are gone");
    let again = prepared(cache.path(), &topology(&[1])).await;
    assert_eq!(again, PreparedState { made: false, ..first.clone() }, "the second time it is there");
    let other = prepared(cache.path(), &topology(&[2])).await;
    assert!(other.made && other.l1 != first.l1, "other weights are another state");
    let foreign = ChainTopology { secret: AccountSecret::new([8; 32]), ..topology(&[1]) };
    let foreign = prepared(cache.path(), &foreign).await;
    assert!(foreign.made && foreign.l1 != first.l1, "so is one of the accounts of another secret");
    let entry = first.l1.parent().unwrap();
    let mut files: Vec<_> = fs::read_dir(entry).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["l1.json", "l2.json", "manifest.json"], "nothing of the making is left in the entry");
    assert_eq!(entries(cache.path()).len(), 3, "nor beside it");
}

/// A process that is killed while it makes a state cannot clean up. The next one that makes a state does, and only
/// that.
#[tokio::test]
async fn anvil_remains_of_a_killed_process_are_removed() {
    let cache = tempfile::tempdir().unwrap();
    let [abandoned, under_way] = ["abandoned", "under-way"].map(|name| {
        let folder = cache.path().join("state").join(format!("making-{name}"));
        fs::create_dir_all(folder.join("work")).unwrap();
        fs::write(folder.join("lock"), "").unwrap();
        folder
    });
    let lock = fs::File::open(under_way.join("lock")).unwrap();
    lock.lock().unwrap();
    prepared(cache.path(), &topology(&[1])).await;
    assert!(!abandoned.exists(), "nobody was at it any more");
    assert!(under_way.exists(), "somebody is still at it");
}

#[tokio::test]
async fn anvil_a_damaged_state_is_made_again() {
    let cache = tempfile::tempdir().unwrap();
    let topology = topology(&[1]);
    let state = prepared(cache.path(), &topology).await;
    let entry = state.l1.parent().unwrap();
    let damages: [(&str, &dyn Fn()); 5] = [
        ("a truncated file", &|| {
            let whole = fs::read(&state.l1).unwrap();
            fs::write(&state.l1, &whole[..whole.len() / 2]).unwrap();
        }),
        ("a flipped bit", &|| {
            let mut bytes = fs::read(&state.l2).unwrap();
            let middle = bytes.len() / 2;
            bytes[middle] ^= 1;
            fs::write(&state.l2, bytes).unwrap();
        }),
        ("a missing manifest", &|| fs::remove_file(entry.join("manifest.json")).unwrap()),
        ("a manifest that is none", &|| fs::write(entry.join("manifest.json"), "{").unwrap()),
        ("a half-written entry", &|| {
            fs::remove_dir_all(entry).unwrap();
            fs::create_dir(entry).unwrap();
            fs::write(entry.join("l1.json"), "{").unwrap();
        }),
    ];
    for (damage, make) in damages {
        make();
        let again = prepared(cache.path(), &topology).await;
        assert!(again.made, "{damage} is noticed");
        assert_eq!(entries(cache.path()), [entry], "{damage} leaves nothing behind");
        assert!(!prepared(cache.path(), &topology).await.made, "after {damage} the entry is whole again");
    }
    let pair = Pair::load(&anvil().await, &topology, &state, &RunId::generate()).await;
    create(pair.l2.control(), &pair.accounts, b"1").await;
}

#[tokio::test]
async fn anvil_two_tasks_that_make_a_state_at_once_both_succeed() {
    let cache = tempfile::tempdir().unwrap();
    let topology = topology(&[1]);
    let (one, two) = tokio::join!(prepared(cache.path(), &topology), prepared(cache.path(), &topology));
    assert_eq!((one.l1, one.l2), (two.l1, two.l2));
    assert_eq!(entries(cache.path()).len(), 1, "one entry, and nothing left of the making");
    assert!(!prepared(cache.path(), &topology).await.made, "and it is whole");
}

#[tokio::test]
async fn anvil_two_processes_that_make_a_state_at_once_both_succeed() {
    let topology = topology(&[1]);
    if child::acts() {
        prepare(&anvil().await, &topology, &RunId::generate()).await.unwrap();
        return;
    }
    let cache = tempfile::tempdir().unwrap();
    let environment = [("HARNESS_CACHE", cache.path().into()), ("HARNESS_ANVIL", anvil().await.path.into())];
    let test = "state::anvil_two_processes_that_make_a_state_at_once_both_succeed";
    tokio::join!(child::act(test, &environment), child::act(test, &environment));
    assert_eq!(entries(cache.path()).len(), 1, "one entry, and nothing left of the making");
    assert!(!prepared(cache.path(), &topology).await.made, "and it is whole");
}

#[tokio::test]
async fn anvil_a_loaded_chain_has_its_code_its_history_and_its_clock() {
    let pair = Pair::start(&topology(&[40, 30])).await;
    let set = pair.accounts.executor_set();
    for chain in pair.both() {
        for address in [
            at::ALLOCATION_MANAGER,
            at::DELEGATION_MANAGER,
            at::KEY_REGISTRAR,
            at::CROSS_CHAIN_REGISTRY,
            at::TASK_MAILBOX,
            at::ECDSA_CERTIFICATE_VERIFIER,
            at::BN254_CERTIFICATE_VERIFIER,
            at::OPERATOR_TABLE_UPDATER,
            at::ECDSA_TABLE_CALCULATOR,
            at::BN254_TABLE_CALCULATOR,
            at::TASK_AVS_REGISTRAR,
            at::AVS_TASK_HOOK,
            at::FEE_TOKEN,
        ] {
            let code = chain.client().provider().get_code(address, None).await.unwrap();
            assert!(!code.is_empty(), "nothing stands at {address:?} of chain {}", chain.chain_id());
        }
        let head = chain.client().head().await.unwrap();
        let task = create(chain, &pair.accounts, b"1").await;
        let block = chain.client().block(task.block_number).await.unwrap().unwrap();
        assert_eq!((block.number, block.timestamp), (head.number + 1, head.timestamp + 1), "a second a block");
        assert_eq!(block.parent, head.hash);
        let oldest = chain.client().block(1).await.unwrap().unwrap();
        assert_eq!(oldest.number, 1, "the blocks before the state are there");
    }
    // Components ask for the state of a block that was mined before the dump, and they choose which one.
    let l1 = pair.l1.control().client();
    let reference = l1.latest_reference(l1.head().await.unwrap().number).await.unwrap();
    let weights: Vec<_> =
        l1.operators(set, reference.block_number).await.unwrap().iter().map(|info| info.weight.as_u64()).collect();
    assert_eq!(weights, [40, 30]);
    let operator = pair.accounts.operators[0].address();
    let mut members = Vec::new();
    for number in 1..=l1.head().await.unwrap().number {
        members.push(l1.is_member(set, operator, number).await.unwrap());
    }
    assert_eq!((members.first(), members.last()), (Some(&false), Some(&true)), "each block answers for itself");
}
