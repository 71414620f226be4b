//! The history of a chain ends at its bounds: a block of many transactions, little time, an Anvil that hangs.

use std::{
    fs,
    time::{Duration, Instant},
};

use ethers::{
    providers::Middleware as _,
    types::{Address, TransactionRequest},
};
use hourglass_harness::{
    chain::{AnvilProcess, AnvilSettings},
    reaper::{RunId, processes_of},
};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::support::{SOON, anvil, within};

/// More than a history tells.
const TRANSACTIONS: usize = 1_100;

/// Stops a process, and waits until all its threads are: one that runs stops only when it next enters the kernel, and
/// may answer a request before.
pub(crate) async fn stop_process(pid: i32) {
    kill_process(Pid::from_raw(pid).unwrap(), Signal::STOP).unwrap();
    let states = || {
        let tasks = fs::read_dir(format!("/proc/{pid}/task")).unwrap();
        let stats = tasks.map(|task| fs::read_to_string(task.unwrap().path().join("stat")).unwrap());
        stats.map(|stat| stat.rsplit_once(") ").unwrap().1.chars().next().unwrap()).collect::<String>()
    };
    let stopped = async {
        while states().contains(|state| state != 'T') {
            sleep(Duration::from_millis(1)).await;
        }
    };
    within(SOON, "stopped threads", stopped).await;
}

/// A chain with accounts of Anvil's own.
async fn chain(run: &RunId) -> (AnvilProcess, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let settings = AnvilSettings { chain_id: 4711, state: None, folder: folder.path().to_owned() };
    (AnvilProcess::start(&anvil().await, &settings, run).await.unwrap(), folder)
}

#[tokio::test]
async fn anvil_a_history_of_a_block_with_many_transactions_keeps_its_bounds() {
    let (chain, _folder) = chain(&RunId::generate()).await;
    let control = chain.control();
    let provider = control.client().provider();
    let sender = provider.get_accounts().await.unwrap()[0];
    provider.request::<_, ()>("evm_setAutomine", [false]).await.unwrap();
    for nonce in 0..TRANSACTIONS {
        let transfer = TransactionRequest::pay(Address::repeat_byte(1), 1).from(sender).nonce(nonce).gas(21_000);
        provider.send_transaction(transfer, None).await.unwrap();
    }
    let block = control.mine(1).await.unwrap().number;
    let mined = provider.get_block(block).await.unwrap().unwrap().transactions.len();
    assert_eq!(mined, TRANSACTIONS, "one block has them all");

    let history = within(SOON, "history", control.history(block, Instant::now() + SOON)).await;
    assert_eq!(history.transactions.len(), 1_000);
    let remark = format!("block {block}: only its latest transactions are told: there are more than 1000");
    assert_eq!(history.remarks, [remark]);

    let history = control.history(block, Instant::now() + Duration::from_millis(20)).await;
    assert!(history.transactions.len() < 1_000, "it had no time for all: {}", history.transactions.len());
    assert!(history.remarks.concat().ends_with("there was no time"), "{:?}", history.remarks);
}

#[tokio::test]
async fn anvil_a_history_of_a_chain_that_hangs_ends_by_its_deadline() {
    let run = RunId::generate();
    let (chain, _folder) = chain(&run).await;
    for process in processes_of(&run).unwrap() {
        stop_process(process.pid).await;
    }
    // One request may wait for a second, but not longer than the history.
    let begun = Instant::now();
    let history = within(SOON, "history", chain.control().history(0, begun + Duration::from_millis(100))).await;
    assert!(begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
    assert_eq!(history.remarks, ["the chain does not tell its last block: there was no time"]);
    let history = within(SOON, "history", chain.control().history(0, Instant::now() + SOON)).await;
    let remark = "the chain does not tell its last block: no answer to eth_getBlockByNumber within 1s";
    assert_eq!(history.remarks, [remark]);
    assert_eq!((history.head, history.transactions.len()), (None, 0));
}
