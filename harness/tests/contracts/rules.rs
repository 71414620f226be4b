//! Rules of the public contracts that are easily missed: what nobody is asked for, what overflows, and what fails
//! without a reason.

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes, H256, U256},
};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::{Fixture, RESULT},
    run::{Act, Case, case, provoke, send},
    support::{self, bound, certificate, leaf, registration_digest, revert},
};

/// A period with which somebody may mean that a table never grows stale.
const NEVER: u32 = u32::MAX;
/// The address of a token whose code is `revert(0, 0)`.
const TOKEN: Address = ethers::types::H160([0xac; 20]);
const REVERTS: &[u8] = &[0x5f, 0x5f, 0xfd];

/// The allow-list is asked for aggregators alone.
#[tokio::test]
async fn anvil_an_executor_joins_without_being_allowed() {
    let fixture = Fixture::start().await;
    let (l1, key) = (fixture.l1(), &fixture.stranger);
    let operator = key.address();
    let contracts = &fixture.contracts;
    let allowed = contracts.registrar.is_operator_allowed(fixture.set.clone(), operator).call().await.unwrap();
    assert!(!allowed, "nobody allowed it");
    support::send(l1, key, contracts.delegation.register_as_operator(Address::zero(), 0, String::new())).await;
    let signature = key.sign(registration_digest(at::L1_CHAIN_ID, operator, &fixture.set, operator)).unwrap();
    let key_data = operator.as_bytes().to_vec().into();
    let call = contracts.keys.register_key(operator, fixture.set.clone(), key_data, signature.into());
    support::send(l1, key, call).await;
    let data = encode(&[Token::String("localhost:1".to_owned())]).into();
    let parameters = b::RegisterParams { avs: fixture.avs(), operator_set_ids: vec![fixture.set.id], data };
    support::send(l1, key, contracts.allocation.register_for_operator_sets(operator, parameters)).await;
    let member = contracts.allocation.is_member_of_operator_set(operator, fixture.set.clone());
    assert!(member.call().await.unwrap());
}

#[tokio::test]
async fn anvil_seconds_of_staleness_overflow_after_32_bits() {
    let fixture = Fixture::start().await;
    let contracts = &fixture.contracts;
    let never = || fixture.transport(&fixture.table(&fixture.set, NEVER), 1);
    let other = fixture.other(7);
    let bn254 = fixture.transport(&fixture.bn254_table(&other, NEVER), 1);
    let keys = fixture.keys();
    let cert = bound(&certificate(fixture.reference, fixture.hash(), RESULT, &keys));
    let submit = contracts.mailbox.submit_result(fixture.hash().0, fixture.encoded(&keys), Bytes::from_static(RESULT));
    let bn254_cert = b::Bn254Certificate { reference_timestamp: fixture.reference + 1, ..Default::default() };
    let app = fixture.app();
    let cases = [
        case("TaskMailbox.Panic", app, contracts.mailbox.create_task(fixture.task())).after(never()),
        case("TaskMailbox.Panic", app, submit).after([fixture.create()]).after(never()),
        case("ECDSACertificateVerifier.Panic", app, contracts.ecdsa.verify_certificate(fixture.set.clone(), cert))
            .after(never()),
        case("BN254CertificateVerifier.Panic", app, contracts.bn254.verify_certificate(other, bn254_cert)).after(bn254),
    ];
    all(&fixture, cases.map(|case| case.with("0x11"))).await;
}

#[tokio::test]
async fn anvil_a_config_that_cannot_be_decoded_fails_without_a_reason() {
    let fixture = Fixture::start().await;
    let set = |caller, config| {
        let call = fixture.contracts.mailbox.set_executor_operator_set_task_config(fixture.set.clone(), config);
        case("TaskMailbox.no reason", caller, call)
    };
    let consensus = |consensus_type, bps: u64| b::ExecutorOperatorSetTaskConfig {
        consensus: b::Consensus { consensus_type, value: H256::from_low_u64_be(bps).0.into() },
        ..fixture.config()
    };
    let curve = || b::ExecutorOperatorSetTaskConfig { curve_type: 3, ..fixture.config() };
    all(
        &fixture,
        [
            set(fixture.avs(), consensus(1, 65_536)),
            set(fixture.avs(), consensus(2, 1)),
            set(fixture.avs(), curve()),
            // Before every other check: no time limit, and not the owner.
            set(fixture.app(), b::ExecutorOperatorSetTaskConfig { task_sla: 0, ..curve() }),
        ],
    )
    .await;
}

#[tokio::test]
async fn anvil_a_fee_token_that_reverts_without_a_reason_gets_one() {
    let fixture = Fixture::start().await;
    let contracts = &fixture.contracts;
    let config = b::ExecutorOperatorSetTaskConfig { fee_token: TOKEN, ..fixture.config() };
    let configure = contracts.mailbox.set_executor_operator_set_task_config(fixture.set.clone(), config);
    let create = contracts.mailbox.create_task(fixture.task());
    let cases = [case("TaskMailbox.SafeERC20: low-level call failed", fixture.app(), create).after([
        Act::Place(TOKEN, Bytes::from_static(REVERTS)),
        send(&fixture.accounts.deployer, contracts.hook.set_fee(5)),
        send(&fixture.accounts.avs, configure),
    ])];
    all(&fixture, cases).await;
}

/// As the getter of a public array does, beyond its end.
#[tokio::test]
async fn anvil_a_strategy_beyond_a_stakers_list_fails_without_a_reason() {
    let fixture = Fixture::start().await;
    let call = fixture.contracts.strategies.staker_strategy_list(fixture.app(), 0.into());
    all(&fixture, [case("StrategyManager.no reason", fixture.app(), call)]).await;
}

/// Points are judged by the precompiles, which refuse them with all the gas they were given.
#[tokio::test]
async fn anvil_a_bn254_key_off_the_curve_fails_without_a_reason() {
    let fixture = Fixture::start().await;
    let keys = &fixture.contracts.keys;
    let set = fixture.other(7);
    support::send(fixture.l1(), &fixture.accounts.avs, keys.configure_operator_set(set.clone(), 2)).await;
    let operator = fixture.stranger.address();
    let register = |y: u64| {
        let words = [1, y, 0, 0, 0, 0].map(|word| Token::Uint(U256::from(word)));
        keys.register_key(operator, set.clone(), encode(&words).into(), vec![1; 64].into())
    };
    assert_eq!(revert(operator, register(2)).await, None, "the generator is on the curve");
    let refused = revert(operator, register(3)).await.unwrap();
    assert!(refused.contains("InvalidFEOpcode"), "{refused}");
}

/// A tree of one leaf has no places to tell apart.
#[tokio::test]
async fn anvil_the_index_in_a_tree_of_one_leaf_is_any() {
    let fixture = Fixture::start().await;
    let table = fixture.table(&fixture.set, 0);
    let [confirm, _] = fixture.transport(&table, 1);
    let Act::Send(key, to, data) = confirm else { unreachable!("a transaction") };
    support::try_send(fixture.l1(), &key, to, data).await.unwrap();
    let updater = &fixture.contracts.updater;
    let update = updater.update_operator_table(fixture.reference + 1, leaf(&table).0, 7, Bytes::new(), table.clone());
    support::send(fixture.l1(), &fixture.accounts.app, update).await;
    let latest = fixture.contracts.ecdsa.latest_reference_timestamp(fixture.set.clone());
    assert_eq!(latest.call().await.unwrap(), fixture.reference + 1);
}

async fn all<const N: usize>(fixture: &Fixture, cases: [Case; N]) {
    let mut wrong = Vec::new();
    for case in &cases {
        wrong.extend(provoke(fixture.l1(), case).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
