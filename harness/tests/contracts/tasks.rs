//! Tasks on both chains: verified, paid for, refunded, expired.

use std::time::Duration;

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes, H256, U256},
};
use hourglass_component::chain::TaskStatus;
use hourglass_harness::chain::ChainControl;
use hourglass_proto::{
    contracts::{addresses as at, bindings as b},
    messages,
};
use serde_json::{Value, json};

use crate::support::{Contracts, Pair, certificate, create, parts, revert, send, topology};

const WEIGHTS: [u64; 4] = [40, 30, 20, 10];
const RESULT: &[u8] = b"0x10";

async fn pair() -> Pair {
    Pair::start(&topology(&WEIGHTS)).await
}

/// A valid certificate for a task of `chain`, encoded.
async fn certified(pair: &Pair, chain: &ChainControl, task: H256) -> Bytes {
    let head = chain.client().head().await.unwrap();
    let reference = chain.client().latest_reference(head.number).await.unwrap();
    let keys: Vec<_> = pair.accounts.operators.iter().map(|operator| &operator.key).collect();
    certificate(reference.timestamp, task, RESULT, &keys).encode().into()
}

async fn submit(pair: &Pair, chain: &ChainControl, task: H256) {
    let certificate = certified(pair, chain, task).await;
    let key = &pair.accounts.aggregator;
    chain.client().submit_result(key, task, &certificate, RESULT).await.unwrap();
}

#[tokio::test]
async fn anvil_a_task_is_verified_on_either_chain() {
    let pair = pair().await;
    for chain in pair.both() {
        let contracts = Contracts::on(chain);
        let task = create(chain, &pair.accounts, b"0x04").await;
        let created = chain.client().tasks_created(task.block_number, task.block_number).await.unwrap();
        let block = chain.client().block(task.block_number).await.unwrap().unwrap();
        let [created] = created.as_slice() else { panic!("one task, one event: {created:?}") };
        assert_eq!(created.task, task.task);
        assert_eq!(
            created.task,
            first_hash(chain.chain_id(), &pair, b"0x04"),
            "hash of count, mailbox, chain and task"
        );
        assert_eq!(created.deadline, block.timestamp + 3600, "the deadline is the SLA after creation");
        assert_eq!(created.payload, b"0x04");
        assert_eq!(chain.task_status(task.task).await.unwrap(), TaskStatus::Created);

        submit(&pair, chain, task.task).await;
        let head = chain.client().head().await.unwrap();
        let verified = chain.client().tasks_verified(task.block_number, head.number).await.unwrap();
        let [verified] = verified.as_slice() else { panic!("one result, one event: {verified:?}") };
        assert_eq!(verified.task, task.task);
        assert_eq!(verified.aggregator, pair.accounts.aggregator.address());
        assert_eq!(verified.result, RESULT);
        assert_eq!(verified.certificate, certified(&pair, chain, task.task).await.to_vec());
        assert_eq!(chain.task_status(task.task).await.unwrap(), TaskStatus::Verified);
        let result = contracts.mailbox.get_task_result(task.task.0).call().await.unwrap();
        assert_eq!(result.as_ref(), RESULT);
        let info = contracts.mailbox.get_task_info(task.task.0).call().await.unwrap();
        assert_eq!((info.creator, info.status), (pair.accounts.app.address(), 2));
        assert_eq!(info.operator_table_reference_timestamp, created.reference_timestamp);

        let second = create(chain, &pair.accounts, b"0x04").await;
        assert_ne!(second.task, task.task, "two equal tasks are two tasks");
        chain.warp(Duration::from_secs(3601)).await.unwrap();
        assert_eq!(
            chain.task_status(task.task).await.unwrap(),
            TaskStatus::Verified,
            "a verified task does not expire"
        );
    }
}

fn first_hash(chain_id: u64, pair: &Pair, payload: &[u8]) -> H256 {
    let set = pair.accounts.executor_set();
    let params = Token::Tuple(vec![
        Token::Address(pair.accounts.app.address()),
        Token::Tuple(vec![Token::Address(set.avs), Token::Uint(set.id.into())]),
        Token::Bytes(payload.to_vec()),
    ]);
    let number = |number: u64| Token::Uint(number.into());
    messages::hash(&encode(&[number(0), Token::Address(at::TASK_MAILBOX), number(chain_id), params]))
}

#[tokio::test]
async fn anvil_a_task_expires_after_its_deadline_and_not_before() {
    let pair = pair().await;
    for chain in pair.both() {
        let mailbox = Contracts::on(chain).mailbox;
        let (on_time, late) =
            (create(chain, &pair.accounts, b"0x04").await, create(chain, &pair.accounts, b"0x05").await);
        let good = certified(&pair, chain, late.task).await;
        // The result is mined at the deadline itself, a second after this head.
        chain.warp_to(on_time.deadline - 1).await.unwrap();
        submit(&pair, chain, on_time.task).await;
        let head = chain.client().head().await.unwrap();
        assert_eq!(head.timestamp, on_time.deadline);
        assert_eq!(chain.task_status(on_time.task).await.unwrap(), TaskStatus::Verified);

        chain.warp_to(late.deadline + 1).await.unwrap();
        assert_eq!(chain.task_status(late.task).await.unwrap(), TaskStatus::Expired);
        let call = mailbox.submit_result(late.task.0, good, Bytes::from_static(RESULT));
        let refused = revert(pair.accounts.app.address(), call).await;
        assert_eq!(refused.as_deref(), Some("InvalidTaskStatus(1, 3)"));
    }
}

#[tokio::test]
async fn anvil_a_fee_is_split_when_the_task_is_verified() {
    let pair = pair().await;
    let collector = Address::repeat_byte(0xfe);
    for chain in pair.both() {
        let contracts = Contracts::on(chain);
        ask_fee(&pair, chain, 100, collector).await;
        let (deployer, app) = (&pair.accounts.deployer, &pair.accounts.app);
        send(chain, deployer, contracts.mailbox.set_fee_split(1000)).await;
        let task = create(chain, &pair.accounts, b"0x04").await;
        assert_eq!(balances(chain, &[app.address(), at::TASK_MAILBOX]).await, [900, 100], "the mailbox holds the fee");

        // Values that are fixed when the task is created do not change later.
        send(chain, deployer, contracts.mailbox.set_fee_split(9000)).await;
        send(chain, deployer, contracts.hook.set_fee(7)).await;
        submit(&pair, chain, task.task).await;
        let after = balances(chain, &[at::TASK_MAILBOX, deployer.address(), collector, app.address()]).await;
        assert_eq!(after, [0, 10, 90, 900], "a tenth for the protocol, the rest for the AVS's collector");
        let refund = revert(app.address(), contracts.mailbox.refund_fee(task.task.0)).await;
        assert_eq!(refund.as_deref(), Some("InvalidTaskStatus(3, 2)"), "what was earned is not given back");
    }
}

#[tokio::test]
async fn anvil_the_fee_of_an_expired_task_is_refunded_once() {
    let pair = pair().await;
    for chain in pair.both() {
        let contracts = Contracts::on(chain);
        ask_fee(&pair, chain, 100, Address::repeat_byte(0xfe)).await;
        let app = &pair.accounts.app;
        let task = create(chain, &pair.accounts, b"0x04").await;
        chain.warp(Duration::from_secs(3601)).await.unwrap();
        let receipt = send(chain, app, contracts.mailbox.refund_fee(task.task.0)).await;
        let topic = <b::FeeRefundedFilter as ethers::contract::EthEvent>::signature();
        assert!(receipt.logs.iter().any(|log| log.topics[0] == topic), "the refund is announced");
        assert_eq!(balances(chain, &[app.address(), at::TASK_MAILBOX]).await, [1000, 0]);
        assert!(contracts.mailbox.get_task_info(task.task.0).call().await.unwrap().is_fee_refunded);
        let again = revert(app.address(), contracts.mailbox.refund_fee(task.task.0)).await;
        assert_eq!(again.as_deref(), Some("FeeAlreadyRefunded"));
    }
}

/// Tasks cost `fee` tokens, for `collector`; the app has a thousand.
async fn ask_fee(pair: &Pair, chain: &ChainControl, fee: u128, collector: Address) {
    let contracts = Contracts::on(chain);
    let set: b::OperatorSet = pair.accounts.executor_set().into();
    let before = contracts.mailbox.get_executor_operator_set_task_config(set.clone()).call().await.unwrap();
    let config = b::ExecutorOperatorSetTaskConfig { fee_token: at::FEE_TOKEN, fee_collector: collector, ..before };
    let configure = contracts.mailbox.set_executor_operator_set_task_config(set, config);
    send(chain, &pair.accounts.avs, configure).await;
    send(chain, &pair.accounts.deployer, contracts.hook.set_fee(fee)).await;
    send(chain, &pair.accounts.app, contracts.token.mint(pair.accounts.app.address(), 1000.into())).await;
    send(chain, &pair.accounts.app, contracts.token.approve(at::TASK_MAILBOX, U256::MAX)).await;
}

async fn balances(chain: &ChainControl, accounts: &[Address]) -> Vec<u64> {
    let token = Contracts::on(chain).token;
    let mut balances = Vec::new();
    for account in accounts {
        balances.push(token.balance_of(*account).call().await.unwrap().as_u64());
    }
    balances
}

/// A single block holds the transactions of an app and of a submitter that knew the result beforehand.
#[tokio::test]
async fn anvil_a_result_in_the_block_of_its_task_is_refused() {
    let pair = pair().await;
    let chain = pair.l2.control();
    let mailbox = Contracts::on(chain).mailbox;
    let node = chain.client().provider();
    let task = first_hash(at::L2_CHAIN_ID, &pair, b"0x04");
    let create = mailbox.create_task(b::TaskParams {
        refund_collector: pair.accounts.app.address(),
        executor_operator_set: pair.accounts.executor_set().into(),
        payload: Bytes::from_static(b"0x04"),
    });
    let submit = mailbox.submit_result(task.0, certified(&pair, chain, task).await, Bytes::from_static(RESULT));
    node.request::<_, Value>("evm_setAutomine", json!([false])).await.unwrap();
    let mut hashes = Vec::<H256>::new();
    for (to, data) in [parts(&create), parts(&submit)] {
        let from = pair.accounts.app.address();
        node.request::<_, Value>("anvil_impersonateAccount", json!([from])).await.unwrap();
        let transaction = json!({ "from": from, "to": to, "data": data, "gas": "0x1e8480" });
        hashes.push(node.request("eth_sendTransaction", json!([transaction])).await.unwrap());
    }
    let head = chain.mine(1).await.unwrap();
    let mut statuses = Vec::new();
    for hash in hashes {
        let receipt: Value = node.request("eth_getTransactionReceipt", json!([hash])).await.unwrap();
        assert_eq!(receipt["blockNumber"], json!(format!("{:#x}", head.number)), "both are in the one block");
        statuses.push(receipt["status"].clone());
    }
    assert_eq!(statuses, ["0x1", "0x0"], "the task is created, its result refused");
    assert_eq!(chain.task_status(task).await.unwrap(), TaskStatus::Created);
}
