//! Views: their answers at a past block, and the digests that they compute.

use ethers::types::{BlockNumber, H256, U256};
use hourglass_component::chain::Curve;
use hourglass_harness::chain::publish_tables;
use hourglass_proto::{
    certificate::{self, EcdsaCertificate},
    contracts::{addresses as at, bindings as b},
    messages,
};

use crate::support::{Contracts, Pair, bound, registration_digest, send, topology};

/// Aggregators ask at the block of the table, which is in the past when a task arrives.
#[tokio::test]
async fn anvil_views_answer_for_the_requested_block() {
    let pair = Pair::start(&topology(&[40, 10])).await;
    let (l1, l2) = (pair.l1.control(), pair.l2.control());
    let contracts = Contracts::on(l1);
    let (set, avs) = (pair.accounts.executor_set(), &pair.accounts.avs);
    let operator = &pair.accounts.operators[0].key;
    let before = l1.client().head().await.unwrap().number;
    let l2_before = l2.client().head().await.unwrap().number;

    send(l1, operator, contracts.registrar.update_socket(operator.address(), "localhost:9".to_owned())).await;
    let allocation =
        b::AllocateParams { operator_set: set.into(), strategies: vec![at::STAKE_STRATEGY], new_magnitudes: vec![60] };
    send(l1, operator, contracts.allocation.modify_allocations(operator.address(), vec![allocation])).await;
    let leave = b::DeregisterParams {
        operator: pair.accounts.operators[1].address(),
        avs: avs.address(),
        operator_set_ids: vec![set.id],
    };
    send(l1, &pair.accounts.operators[1].key, contracts.allocation.deregister_from_operator_sets(leave)).await;
    let config = b::AvsConfig { aggregator_operator_set_id: 0, executor_operator_set_ids: vec![1, 2] };
    send(l1, &pair.accounts.deployer, contracts.registrar.set_avs_config(config)).await;
    publish_tables(l1, l2, &pair.accounts).await.unwrap();
    for chain in pair.both() {
        let mailbox = Contracts::on(chain).mailbox;
        let config = mailbox.get_executor_operator_set_task_config(set.into()).call().await.unwrap();
        let config = b::ExecutorOperatorSetTaskConfig { task_sla: 60, ..config };
        send(chain, avs, mailbox.set_executor_operator_set_task_config(set.into(), config)).await;
    }
    let after = l1.client().head().await.unwrap().number;
    let l2_after = l2.client().head().await.unwrap().number;

    let client = l1.client();
    let operators = async |block| {
        let operators = client.operators(set, block).await.unwrap();
        operators.into_iter().map(|info| (info.operator, info.weight.as_u64(), info.socket)).collect::<Vec<_>>()
    };
    let [first, second] = [0, 1].map(|index: usize| pair.accounts.operators[index].address());
    assert_eq!(operators(before).await, [(first, 40, String::new()), (second, 10, String::new())]);
    assert_eq!(operators(after).await, [(first, 60, "localhost:9".to_owned())]);
    let member =
        [client.is_member(set, second, before).await.unwrap(), client.is_member(set, second, after).await.unwrap()];
    assert_eq!(member, [true, false]);
    let sets = async |block| client.avs_config(avs.address(), block).await.unwrap().executor_operator_set_ids;
    assert_eq!((sets(before).await, sets(after).await), (vec![1], vec![1, 2]));
    assert_eq!(client.curve(set, before).await.unwrap(), Curve::Ecdsa);
    assert_eq!(client.signing_address(set, first, before).await.unwrap(), first);
    for (chain, [before, after]) in [(l1, [before, after]), (l2, [l2_before, l2_after])] {
        let sla = async |block| chain.client().task_config(set, block).await.unwrap().sla;
        assert_eq!((sla(before).await, sla(after).await), (3600, 60));
        let reference = async |block| chain.client().latest_reference(block).await.unwrap();
        assert!(reference(before).await.timestamp < reference(after).await.timestamp, "a new table, a later reference");
        let weights = async |block: u64| {
            let ecdsa = Contracts::on(chain).ecdsa;
            let reference = reference(block).await.timestamp;
            ecdsa.get_total_stake_weights(set.into(), reference).block(block).call().await.unwrap()
        };
        assert_eq!((weights(before).await, weights(after).await), (vec![U256::from(50)], vec![U256::from(60)]));
    }
    let code =
        contracts.registry.get_supported_chains().block(BlockNumber::Number(before.into())).call().await.unwrap();
    assert_eq!(code.0, [at::L1_CHAIN_ID, at::L2_CHAIN_ID].map(U256::from));
}

#[tokio::test]
async fn anvil_digests_agree_with_components() {
    let pair = Pair::start(&topology(&[1])).await;
    let results: [&[u8]; 4] = [b"", b"0x10", &[0; 32], &[0xff; 100]];
    for chain in pair.both() {
        let contracts = Contracts::on(chain);
        let verifier = at::ECDSA_CERTIFICATE_VERIFIER;
        let domain = contracts.ecdsa.domain_separator().call().await.unwrap();
        assert_eq!(H256(domain), certificate::domain_separator(verifier));
        for (timestamp, result) in [0, 1, 1_700_000_000, u32::MAX].into_iter().zip(results) {
            let task = messages::hash(result);
            let hash = contracts.mailbox.get_message_hash(task.0, result.to_vec().into()).call().await.unwrap();
            assert_eq!(H256(hash), messages::message_hash(task, result));
            let bytes = contracts.ecdsa.calculate_certificate_digest_bytes(timestamp, hash).call().await.unwrap();
            assert_eq!(bytes.as_ref(), certificate::digest_bytes(verifier, timestamp, H256(hash)));
            let digest = contracts.ecdsa.calculate_certificate_digest(timestamp, hash).call().await.unwrap();
            assert_eq!(H256(digest), certificate::digest(verifier, timestamp, H256(hash)));
            let digest = contracts.bn254.calculate_certificate_digest(timestamp, hash).call().await.unwrap();
            assert_eq!(H256(digest), certificate::bn254_digest(timestamp, H256(hash)));

            let certificate =
                EcdsaCertificate { reference_timestamp: timestamp, message_hash: task, signatures: result.to_vec() };
            let encoded = contracts.mailbox.get_ecdsa_certificate_bytes(bound(&certificate)).call().await.unwrap();
            assert_eq!(encoded.to_vec(), certificate.encode());
        }
        let (operator, set) = (pair.accounts.operators[0].address(), pair.accounts.executor_set().into());
        let call =
            contracts.keys.get_ecdsa_key_registration_message_hash(operator, b::OperatorSet::clone(&set), operator);
        let expected = registration_digest(chain.chain_id(), operator, &set, operator);
        assert_eq!(H256(call.call().await.unwrap()), expected, "a registration is bound to its chain");
    }
}
