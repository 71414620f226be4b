//! Anvil processes: they become ready, run side by side, end and leave nothing; and programs that are no Anvil.

use std::{collections::BTreeSet, fs, os::unix::fs::PermissionsExt as _, path::Path, time::Duration};

use futures::future::join_all;
use hourglass_component::chain::ChainClient;
use hourglass_harness::{
    chain::{AnvilBinary, AnvilProcess, AnvilSettings, FoundIn},
    reaper::{RunId, processes_of},
};
use hourglass_proto::contracts::addresses as at;

use crate::{
    child,
    support::{Pair, SOON, anvil, topology, within},
};

#[tokio::test]
async fn anvil_a_chain_is_ready_with_its_id_and_gone_when_stopped() {
    let (binary, run, folder) = (anvil().await, RunId::generate(), tempfile::tempdir().unwrap());
    let settings = AnvilSettings { chain_id: 4711, state: None, folder: folder.path().to_owned() };
    let chain = AnvilProcess::start(&binary, &settings, &run).await.unwrap();
    let client = chain.control().client().clone();
    assert_eq!(client.chain_id(), 4711);
    assert_eq!(client.head().await.unwrap().number, 1, "its genesis, and the block that sets its clock");
    assert_eq!(processes_of(&run).unwrap().len(), 1, "the process carries the run's id");

    chain.stop().await;
    assert_eq!(processes_of(&run).unwrap().len(), 0, "a stopped chain is gone, and reaped");
    client.head().await.unwrap_err();
    let log = fs::read_to_string(folder.path().join("chain-4711.log")).unwrap();
    assert!(log.contains("Listening on"), "its output is kept: {log}");
}

#[tokio::test]
async fn anvil_another_chains_id_is_not_accepted() {
    let (binary, run, folder) = (anvil().await, RunId::generate(), tempfile::tempdir().unwrap());
    let settings = AnvilSettings { chain_id: 4711, state: None, folder: folder.path().to_owned() };
    let chain = AnvilProcess::start(&binary, &settings, &run).await.unwrap();
    let error = ChainClient::connect(chain.control().client().url(), 4712, SOON).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("4711") && text.contains("4712"), "both chains are named: {text}");
}

#[tokio::test]
async fn anvil_a_dropped_chain_ends() {
    let (binary, run, folder) = (anvil().await, RunId::generate(), tempfile::tempdir().unwrap());
    let settings = AnvilSettings { chain_id: 1, state: None, folder: folder.path().to_owned() };
    drop(AnvilProcess::start(&binary, &settings, &run).await.unwrap());
    let gone = async {
        while !processes_of(&run).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within(SOON, "end of the process", gone).await;
}

#[tokio::test]
async fn anvil_ten_pairs_run_side_by_side() {
    let topology = topology(&[1]);
    // The state is made once beforehand, or each of the ten would make it.
    drop(Pair::start(&topology).await);
    let pairs = join_all((0..10).map(|_| Pair::start(&topology))).await;
    let urls: BTreeSet<_> =
        pairs.iter().flat_map(|pair| pair.both().map(|chain| chain.client().url().to_owned())).collect();
    assert_eq!(urls.len(), 20, "every chain has a port of its own");
    for (index, pair) in pairs.iter().enumerate() {
        for chain in pair.both() {
            chain.mine(u64::try_from(index).unwrap() + 1).await.unwrap();
        }
    }
    let mut heads = Vec::new();
    for pair in &pairs {
        heads.push(pair.l1.control().client().head().await.unwrap().number);
    }
    let steps: BTreeSet<_> = heads.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!(steps, BTreeSet::from([1]), "each pair has the blocks that it was told to mine: {heads:?}");
}

/// Runs with an empty folder as `HOME`: it must stay empty for a thousand blocks.
#[tokio::test]
async fn anvil_leaves_nothing_in_the_home_folder() {
    if child::acts() {
        let pair = Pair::start(&topology(&[1])).await;
        for chain in pair.both() {
            chain.mine(1000).await.unwrap();
        }
        let states = fs::read_dir(pair.folder.path().join("anvil")).unwrap().count();
        assert!(states > 0, "so many blocks are kept on disk, in the folder that the chain was given");
        tokio::join!(pair.l1.stop(), pair.l2.stop());
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let cache = tempfile::tempdir().unwrap();
    let mut environment = vec![("HOME", home.path().into()), ("HARNESS_CACHE", cache.path().into())];
    environment.push(("HARNESS_ANVIL", anvil().await.path.into()));
    for variable in ["XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"] {
        environment.push((variable, home.path().join(variable).into()));
    }
    child::act("process::anvil_leaves_nothing_in_the_home_folder", &environment).await;
    let left: Vec<_> = fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert!(left.is_empty(), "{left:?}: the home folder is as it was");
    let folders: Vec<_> = fs::read_dir(cache.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(folders, ["state"], "the child did use the environment that it was given");
}

/// A program in `folder` with this script.
fn program(folder: &Path, script: &str) -> AnvilBinary {
    let path = folder.join("anvil");
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    AnvilBinary { path, found_in: FoundIn::Flag }
}

#[rstest::rstest]
#[case::ends_at_once("echo cannot go on >&2; exit 3", &["it ended with exit status: 3", "cannot go on"])]
#[case::says_nothing("exit 0", &["it ended with exit status: 0", "(none)"])]
#[case::is_killed("kill -9 $$", &["signal: 9"])]
#[case::prints_garbage("printf 'one\\n\\377\\376 two\\n'; exit 1", &["one", "two"])]
#[case::is_another_program("exec ls \"$@\"", &["unrecognized option"])]
#[case::listens_nowhere("echo 'Listening on 127.0.0.1:1'; sleep 1000", &["127.0.0.1:1", "its id"])]
#[case::listens_on_nonsense("echo 'Listening on the other side'; sleep 1000", &["the other side"])]
#[tokio::test]
async fn program_that_is_no_anvil_is_named_with_its_output(#[case] script: &str, #[case] expected: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let binary = program(folder.path(), script);
    let settings = AnvilSettings { chain_id: at::L1_CHAIN_ID, state: None, folder: folder.path().join("chain") };
    let run = RunId::generate();
    let start = AnvilProcess::start(&binary, &settings, &run);
    let error = within(Duration::from_secs(10), "error", start).await.unwrap_err().to_string();
    let program = binary.path.display().to_string();
    for part in expected.iter().copied().chain([program.as_str(), "chain 31337"]) {
        assert!(error.contains(part), "{part:?} is not in: {error}");
    }
}

#[tokio::test]
async fn anvil_reports_why_a_state_cannot_be_loaded() {
    let (binary, folder) = (anvil().await, tempfile::tempdir().unwrap());
    let state = folder.path().join("state.json");
    fs::write(&state, "{\"block\": 1").unwrap();
    let settings = AnvilSettings { chain_id: 1, state: Some(state), folder: folder.path().to_owned() };
    let error = AnvilProcess::start(&binary, &settings, &RunId::generate()).await.unwrap_err().to_string();
    assert!(
        error.contains("it ended with") && error.contains("failed to parse"),
        "Anvil's own words are there: {error}"
    );
}
