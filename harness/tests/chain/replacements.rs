//! Contracts of the user's in place of those of the harness.

use ethers::types::{Address, H256, U256};
use hourglass_component::chain::{Artifact, Function, TaskStatus};
use hourglass_harness::{
    chain::{ChainControl, ChainTopology, ContractReplacement, UserCall, prepare_in},
    reaper::RunId,
};
use hourglass_proto::contracts::addresses as at;
use serde_json::json;

use crate::{
    support::{Contracts, Pair, anvil, certificate, create, topology},
    user_contracts::artifact,
};

const COUNTER_HOOK: &str = include_str!("../../examples/avs-counter/contracts/out/CounterHook.sol/CounterHook.json");
const MAILBOX: &str = include_str!("../../../fixtures/contracts/artifacts/TaskMailbox.json");

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn call(function: &str, args: &[&str], from: &str) -> UserCall {
    UserCall { function: function.to_owned(), args: texts(args), from: from.to_owned() }
}

/// A hook with immutables in place of that of the harness; its constructor stores a limit.
fn hook(calls: Vec<UserCall>) -> ContractReplacement {
    ContractReplacement {
        name: "avs_task_hook".to_owned(),
        from: "avs".to_owned(),
        artifact: Artifact::parse(COUNTER_HOOK.as_bytes()).unwrap(),
        args: texts(&["task_mailbox", "9"]),
        calls,
    }
}

fn with(replacement: ContractReplacement) -> ChainTopology {
    ChainTopology { replacements: vec![replacement], ..topology(&[1]) }
}

/// The word that a view function of the hook returns.
async fn view(chain: &ChainControl, function: &str) -> H256 {
    let data = Function::parse(function).unwrap().call(&[], &|_| None).unwrap();
    let call = json!([{ "to": at::AVS_TASK_HOOK, "data": format!("0x{}", hex::encode(data)) }, "latest"]);
    chain.client().provider().request("eth_call", call).await.unwrap()
}

async fn number(chain: &ChainControl, function: &str) -> u64 {
    U256::from_big_endian(view(chain, function).await.as_bytes()).as_u64()
}

/// Its constructor runs at the address of the contract that it replaces, on both chains: immutables are there, and what the constructor
/// stores is not, as behind a proxy.
#[tokio::test]
async fn anvil_a_contract_of_the_users_stands_in_place_of_one_of_the_harness() {
    let pair = Pair::start(&with(hook(vec![call("setLimit(uint256)", &["4"], "avs")]))).await;
    for chain in pair.both() {
        let mailbox = Address::from_slice(&view(chain, "mailbox()").await.as_bytes()[12..]);
        let owner = Address::from_slice(&view(chain, "owner()").await.as_bytes()[12..]);
        assert_eq!((mailbox, owner), (at::TASK_MAILBOX, pair.accounts.avs.address()));
        assert_eq!(number(chain, "limit()").await, 4);
        create(chain, &pair.accounts, b"1").await;
        assert_eq!(number(chain, "created()").await, 1, "the mailbox asks it");
    }
    let pair = Pair::start(&with(hook(Vec::new()))).await;
    assert_eq!(number(pair.l2.control(), "limit()").await, 0, "the constructor has stored 9");
}

/// The harness initialises a mailbox of the user's as its own, unless the user does.
#[rstest::rstest]
#[case::by_the_harness(Vec::new(), "deployer", 0)]
#[case::by_the_user(vec![call("initialize(address,uint16,address)", &["app", "100", "avs"], "avs")], "app", 100)]
#[tokio::test]
async fn anvil_a_mailbox_of_the_users_is_initialized_once(
    #[case] calls: Vec<UserCall>,
    #[case] owner: &str,
    #[case] split: u16,
) {
    let topology = with(ContractReplacement {
        name: "task_mailbox".to_owned(),
        from: "deployer".to_owned(),
        artifact: artifact(MAILBOX),
        args: Vec::new(),
        calls,
    });
    let pair = Pair::start(&topology).await;
    let accounts = &pair.accounts;
    for chain in pair.both() {
        let mailbox = Contracts::on(chain).mailbox;
        assert_eq!(mailbox.owner().call().await.unwrap(), accounts.named(owner).unwrap().address());
        assert_eq!(mailbox.fee_split().call().await.unwrap(), split);
        let reference = chain.client().latest_reference(chain.client().head().await.unwrap().number).await.unwrap();
        let task = create(chain, accounts, b"0x04").await;
        let keys = [accounts.signing_key("alice", None).unwrap()];
        let certificate = certificate(reference.timestamp, task.task, b"0x10", &keys).encode();
        chain.client().submit_result(&accounts.aggregator, task.task, &certificate, b"0x10").await.unwrap();
        assert_eq!(chain.task_status(task.task).await.unwrap(), TaskStatus::Verified);
    }
}

/// A state belongs to the bytes of an artefact, not to its path.
#[tokio::test]
async fn anvil_another_artifact_is_another_state() {
    let cache = tempfile::tempdir().unwrap();
    let (binary, run) = (anvil().await, RunId::generate());
    let first = prepare_in(cache.path(), &binary, &topology(&[1]), &run).await.unwrap();
    let other = prepare_in(cache.path(), &binary, &with(hook(Vec::new())), &run).await.unwrap();
    assert!(other.made && other.l1 != first.l1);
    let again = prepare_in(cache.path(), &binary, &with(hook(Vec::new())), &run).await.unwrap();
    assert!(!again.made);
}

#[rstest::rstest]
#[case::no_code("task_mailbox", "00", "failed to replace the contract `task_mailbox`: its constructor returns no code")]
// Reverts with the custom error `PayloadIsEmpty()`.
#[case::reverts(
    "task_mailbox",
    "63d63436d260e01b60005260046000fd",
    "failed to replace the contract `task_mailbox`: its constructor reverts with PayloadIsEmpty"
)]
#[case::unknown("mailbox", "00", "failed to replace the contract `mailbox`: the harness has no contract of this name")]
#[tokio::test]
async fn anvil_a_contract_that_cannot_be_placed_is_named(
    #[case] name: &str,
    #[case] code: &str,
    #[case] expected: &str,
) {
    let cache = tempfile::tempdir().unwrap();
    let compiled = json!({ "abi": [], "bytecode": code }).to_string();
    let replacement = ContractReplacement {
        name: name.to_owned(),
        from: "deployer".to_owned(),
        artifact: Artifact::parse(compiled.as_bytes()).unwrap(),
        args: Vec::new(),
        calls: Vec::new(),
    };
    let made = prepare_in(cache.path(), &anvil().await, &with(replacement), &RunId::generate()).await;
    assert_eq!(made.unwrap_err().to_string(), expected);
}
