//! Events beside those of tasks, in their order, and the constants that a public deployment sets in constructors.

use ethers::types::{Address, Bytes, U256};
use hourglass_component::chain::Receipt;
use hourglass_proto::contracts::{abis, addresses as at, bindings as b};
use serde_json::json;

use crate::{fixture::Fixture, support};

/// The address of a contract that nobody initialized.
const FRESH: Address = ethers::types::H160([0xad; 20]);

/// The names of a transaction's events.
fn events(receipt: &Receipt) -> Vec<&'static str> {
    let named = |log: &ethers::types::Log| {
        let mut known = abis().into_iter().flat_map(|abi| abi.events());
        known.find(|event| event.signature() == log.topics[0]).map_or("unknown", |event| event.name.as_str())
    };
    receipt.logs.iter().map(named).collect()
}

#[tokio::test]
async fn anvil_registration_has_the_public_events() {
    let fixture = Fixture::start().await;
    let delegation = &fixture.contracts.delegation;
    let call = delegation.register_as_operator(fixture.app(), 3, "https://example.org".to_owned());
    let registered = support::send(fixture.l1(), &fixture.stranger, call).await;
    assert_eq!(
        events(&registered),
        [
            "AllocationDelaySet",
            "DelegationApproverUpdated",
            "StakerDelegated",
            "OperatorRegistered",
            "OperatorMetadataURIUpdated",
        ]
    );
    let words: Vec<_> = registered.logs[0].data.chunks(32).map(U256::from_big_endian).collect();
    let wait = fixture.contracts.allocation.allocation_configuration_delay().call().await.unwrap();
    let effect = registered.block_number.unwrap().as_u64() + u64::from(wait) + 1;
    assert_eq!(words[1..], [U256::from(3), effect.into()], "the delay, and the block from which it counts");
}

#[tokio::test]
async fn anvil_encumbered_magnitude_is_reported_when_it_changes() {
    let fixture = Fixture::start().await;
    let key = fixture.operator(0);
    let modify = |magnitude| {
        let params = b::AllocateParams {
            operator_set: fixture.set.clone(),
            strategies: vec![at::STAKE_STRATEGY],
            new_magnitudes: vec![magnitude],
        };
        fixture.contracts.allocation.modify_allocations(key.address(), vec![params])
    };
    let raised = support::send(fixture.l1(), key, modify(50)).await;
    assert_eq!(events(&raised), ["EncumberedMagnitudeUpdated", "AllocationUpdated"]);
    let lowered = support::send(fixture.l1(), key, modify(30)).await;
    assert_eq!(events(&lowered), ["AllocationUpdated"], "what is lowered is encumbered until it takes effect");
}

#[tokio::test]
async fn anvil_initialization_has_the_public_events() {
    let fixture = Fixture::start().await;
    let (owner, key) = (fixture.deployer(), &fixture.accounts.app);
    let node = fixture.l1().client().provider().clone();
    let place = async |code: &Bytes| {
        let placed = node.request::<_, ()>("anvil_setCode", json!([FRESH, code])).await;
        placed.unwrap();
        let cleared = node.request::<_, bool>("anvil_setStorageAt", json!([FRESH, "0x0", format!("0x{:064x}", 0)]));
        cleared.await.unwrap();
    };
    place(&b::TASKMAILBOX_DEPLOYED_BYTECODE).await;
    let mailbox = b::TaskMailbox::new(FRESH, node.clone()).initialize(owner, 0, owner);
    assert_eq!(
        events(&support::send(fixture.l1(), key, mailbox).await),
        ["OwnershipTransferred", "OwnershipTransferred", "FeeSplitSet", "FeeSplitCollectorSet", "Initialized"],
        "first to the caller, then to the owner"
    );
    place(&b::TASKAVSREGISTRAR_DEPLOYED_BYTECODE).await;
    let config = b::AvsConfig { aggregator_operator_set_id: 0, executor_operator_set_ids: vec![1] };
    let registrar = b::TaskAvsRegistrar::new(FRESH, node.clone()).initialize(fixture.avs(), owner, config);
    assert_eq!(
        events(&support::send(fixture.l1(), key, registrar).await),
        ["OwnershipTransferred", "OwnershipTransferred", "AvsConfigSet", "Initialized"]
    );
    place(&b::CROSSCHAINREGISTRY_DEPLOYED_BYTECODE).await;
    let registry = b::CrossChainRegistry::new(FRESH, node.clone()).initialize(owner, 1, U256::zero());
    assert_eq!(
        events(&support::send(fixture.l1(), key, registry).await),
        ["OwnershipTransferred", "TableUpdateCadenceSet", "Initialized"]
    );
}

#[tokio::test]
async fn anvil_contracts_name_their_version_and_each_other() {
    let fixture = Fixture::start().await;
    let c = &fixture.contracts;
    let ecdsa = b::EcdsaTableCalculator::new(at::ECDSA_TABLE_CALCULATOR, c.mailbox.client());
    let bn254 = b::Bn254TableCalculator::new(at::BN254_TABLE_CALCULATOR, c.mailbox.client());
    for version in [
        c.mailbox.version(),
        c.ecdsa.version(),
        c.bn254.version(),
        c.updater.version(),
        c.allocation.version(),
        c.delegation.version(),
        c.keys.version(),
        c.registry.version(),
        c.permissions.version(),
        c.strategies.version(),
        c.strategy.version(),
        c.releases.version(),
    ] {
        assert_eq!(version.call().await.unwrap(), "1.8.1", "{:?}", version.tx.to());
    }
    for (getter, address) in [
        (c.ecdsa.operator_table_updater(), at::OPERATOR_TABLE_UPDATER),
        (c.bn254.operator_table_updater(), at::OPERATOR_TABLE_UPDATER),
        (c.updater.bn_254_certificate_verifier(), at::BN254_CERTIFICATE_VERIFIER),
        (c.updater.ecdsa_certificate_verifier(), at::ECDSA_CERTIFICATE_VERIFIER),
        (c.allocation.delegation(), at::DELEGATION_MANAGER),
        (c.allocation.permission_controller(), at::PERMISSION_CONTROLLER),
        (c.delegation.allocation_manager(), at::ALLOCATION_MANAGER),
        (c.delegation.strategy_manager(), at::STRATEGY_MANAGER),
        (c.delegation.permission_controller(), at::PERMISSION_CONTROLLER),
        (c.keys.allocation_manager(), at::ALLOCATION_MANAGER),
        (c.keys.permission_controller(), at::PERMISSION_CONTROLLER),
        (c.registry.allocation_manager(), at::ALLOCATION_MANAGER),
        (c.registry.key_registrar(), at::KEY_REGISTRAR),
        (c.registrar.allocation_manager(), at::ALLOCATION_MANAGER),
        (c.registrar.key_registrar(), at::KEY_REGISTRAR),
        (c.registrar.permission_controller(), at::PERMISSION_CONTROLLER),
        (c.strategies.delegation(), at::DELEGATION_MANAGER),
        (c.strategy.strategy_manager(), at::STRATEGY_MANAGER),
        (c.strategy.underlying_token(), at::FEE_TOKEN),
        (ecdsa.key_registrar(), at::KEY_REGISTRAR),
        (ecdsa.allocation_manager(), at::ALLOCATION_MANAGER),
        (bn254.key_registrar(), at::KEY_REGISTRAR),
        (bn254.allocation_manager(), at::ALLOCATION_MANAGER),
    ] {
        assert_eq!(getter.call().await.unwrap(), address, "{:?}", getter.tx.to());
    }
}
