//! How many requests the nodes get for a task: each costs time that grows with the chain, so that a few more for each
//! block or task make a burst many times slower.

use std::{collections::BTreeMap, fs, path::Path};

use hourglass_test_support::Sandbox;

use crate::HARNESS;

const TASKS: usize = 100;

/// The requests that Anvil has logged, by method, and its blocks.
fn logged(folder: &Path) -> (BTreeMap<String, usize>, usize) {
    let (mut requests, mut blocks) = (BTreeMap::new(), 0);
    for chain in ["chain-31337.log", "chain-31338.log"] {
        let log = fs::read_to_string(folder.join("logs").join(chain)).unwrap();
        for line in log.lines() {
            if ["eth_", "evm_", "anvil_", "net_", "txpool_"].iter().any(|prefix| line.starts_with(prefix)) {
                *requests.entry(line.to_owned()).or_default() += 1;
            }
            blocks += usize::from(line.trim_start().starts_with("Block Number:"));
        }
    }
    (requests, blocks)
}

/// A block has one task or many, as the machine is fast or slow: the limits are for a task and for a block. They are a
/// tenth above what was counted.
#[test]
fn requests_of_a_task_and_of_a_block_stay_few() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(&["run", "burst", "--keep", "always"]).assert_code(0);
    let [folder] = sandbox.run_folders().try_into().unwrap();
    let (requests, blocks) = logged(&folder);
    sandbox.run(&["gc"]).assert_code(0);
    let of = |method: &str| requests.get(method).copied().unwrap_or_default();
    let shown = format!("{blocks} blocks: {requests:#?}");
    assert!((5..=2 * TASKS + 40).contains(&blocks), "{shown}");

    // One creates it, one verifies it, and few fail.
    assert!((2 * TASKS..=2 * TASKS + 20).contains(&of("eth_sendRawTransaction")), "{shown}");
    // Once for the kind of a call, and again if that fails.
    assert!(of("eth_estimateGas") <= 20, "{shown}");
    assert!(of("eth_feeHistory") <= blocks / 2 + 10, "{shown}");
    // Blocks have the receipts of all who wait; who has waited for sixteen blocks asks by itself.
    assert!(of("eth_getTransactionReceipt") <= TASKS, "{shown}");
    assert!(of("eth_getBlockReceipts") <= 4 * blocks + 10, "{shown}");
    // The harness asks for events of each block, and so does the aggregator.
    assert!(of("eth_getLogs") <= 2 * blocks + 20, "{shown}");
    // Status of a task, once more if a block comes between the step and the invariants, as one does each second; configuration
    // and operator table of a block with tasks.
    let again = of("eth_call").saturating_sub(TASKS + 3 * blocks + 30);
    assert!(again <= TASKS, "{shown}");
    // Whether transactions wait is asked by time, and more often on a slow machine.
    let all = requests.values().sum::<usize>() - of("txpool_status") - again;
    assert!(10 * all <= 11 * (3 * TASKS + 9 * blocks + 120), "{all} requests in all, {shown}");
}
