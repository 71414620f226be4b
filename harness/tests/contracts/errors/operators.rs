//! `AllocationManager`, `DelegationManager` and the AVS's registrar.

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes},
};
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::Fixture,
    run::{Act, Case, case, send},
    support::{Call, registration_digest},
};

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    [operator_sets(fixture), membership(fixture), allocations(fixture), delegation(fixture), registrar(fixture)]
        .into_iter()
        .flatten()
        .collect()
}

fn create(fixture: &Fixture, avs: Address, id: u32, strategies: &[Address]) -> Call<()> {
    let parameters = b::CreateSetParams { operator_set_id: id, strategies: strategies.to_vec() };
    fixture.contracts.allocation.create_operator_sets(avs, vec![parameters])
}

fn join(fixture: &Fixture, operator: Address, id: u32) -> Call<()> {
    let data = encode(&[Token::String("localhost:1".to_owned())]).into();
    let parameters = b::RegisterParams { avs: fixture.avs(), operator_set_ids: vec![id], data };
    fixture.contracts.allocation.register_for_operator_sets(operator, parameters)
}

fn become_operator(fixture: &Fixture, key: &EcdsaKey) -> Act {
    send(key, fixture.contracts.delegation.register_as_operator(Address::zero(), 0, String::new()))
}

fn operator_sets(fixture: &Fixture) -> Vec<Case> {
    let allocation = &fixture.contracts.allocation;
    let strategy = at::STAKE_STRATEGY;
    let permissions = "AllocationManager.InvalidPermissions";
    vec![
        case(permissions, fixture.app(), allocation.update_avs_metadata_uri(fixture.avs(), String::new())),
        case(permissions, fixture.app(), allocation.set_avs_registrar(fixture.avs(), at::TASK_AVS_REGISTRAR)),
        case(permissions, fixture.app(), create(fixture, fixture.avs(), 5, &[])),
        case(
            "AllocationManager.InvalidAVSRegistrar",
            fixture.app(),
            allocation.set_avs_registrar(fixture.app(), at::TASK_AVS_REGISTRAR),
        ),
        case("AllocationManager.NonexistentAVSMetadata", fixture.app(), create(fixture, fixture.app(), 5, &[])),
        case("AllocationManager.InvalidOperatorSet", fixture.avs(), create(fixture, fixture.avs(), 1, &[])),
        case(
            "AllocationManager.StrategyAlreadyInOperatorSet",
            fixture.avs(),
            create(fixture, fixture.avs(), 5, &[strategy, strategy]),
        ),
    ]
}

fn membership(fixture: &Fixture) -> Vec<Case> {
    let allocation = &fixture.contracts.allocation;
    let (member, stranger) = (fixture.operator(0).address(), fixture.stranger.address());
    let leave = |operator, id| {
        let parameters = b::DeregisterParams { operator, avs: fixture.avs(), operator_set_ids: vec![id] };
        allocation.deregister_from_operator_sets(parameters)
    };
    vec![
        case("AllocationManager.InvalidPermissions", fixture.app(), join(fixture, member, 1)),
        case("AllocationManager.InvalidOperator", stranger, join(fixture, stranger, 1)),
        case("AllocationManager.InvalidOperator", stranger, allocation.set_allocation_delay(stranger, 1)),
        case("AllocationManager.InvalidCaller", stranger, allocation.set_allocation_delay(member, 1)),
        case("AllocationManager.InvalidOperatorSet", member, join(fixture, member, 9)),
        case("AllocationManager.AlreadyMemberOfSet", member, join(fixture, member, 1)),
        case("AllocationManager.AlreadyMemberOfSet", member, join(fixture, member, 1))
            .after([send(fixture.operator(0), leave(member, 1))])
            .already_before(),
        case("AllocationManager.NotMemberOfSet", stranger, leave(stranger, 1)),
        case("AllocationManager.InvalidOperatorSet", member, leave(member, 9)),
        case("AllocationManager.InvalidCaller", stranger, leave(member, 1)),
    ]
}

fn allocations(fixture: &Fixture) -> Vec<Case> {
    let (member, stranger) = (fixture.operator(0).address(), fixture.stranger.address());
    let allocate = |operator, id, strategies: usize, magnitude| {
        let parameters = b::AllocateParams {
            operator_set: fixture.other(id),
            strategies: vec![at::STAKE_STRATEGY; strategies],
            new_magnitudes: vec![magnitude],
        };
        fixture.contracts.allocation.modify_allocations(operator, vec![parameters])
    };
    let whole = 1_000_000_000_000_000_000;
    let second_set = send(&fixture.accounts.avs, create(fixture, fixture.avs(), 5, &[at::STAKE_STRATEGY]));
    vec![
        case("AllocationManager.InvalidCaller", stranger, allocate(member, 1, 1, 5)),
        case("AllocationManager.UninitializedAllocationDelay", stranger, allocate(stranger, 1, 1, 5)),
        case("AllocationManager.InputArrayLengthMismatch", member, allocate(member, 1, 2, 5)),
        case("AllocationManager.InvalidOperatorSet", member, allocate(member, 9, 1, 5)),
        case("AllocationManager.SameMagnitude", member, allocate(member, 1, 1, 40)),
        case("AllocationManager.InsufficientMagnitude", member, allocate(member, 1, 1, whole + 1)),
        // The sum over sets counts: 40 are in the executor set already.
        case("AllocationManager.InsufficientMagnitude", member, allocate(member, 5, 1, whole - 39)).after([second_set]),
        case("AllocationManager.ModificationAlreadyPending", member, allocate(member, 1, 1, 20))
            .after([send(fixture.operator(0), allocate(member, 1, 1, 30))]),
        case(
            "AllocationManager.InputArrayLengthMismatch",
            stranger,
            fixture.contracts.allocation.clear_deallocation_queue(member, vec![at::STAKE_STRATEGY], Vec::new()),
        ),
    ]
}

fn delegation(fixture: &Fixture) -> Vec<Case> {
    let delegation = &fixture.contracts.delegation;
    let stranger = &fixture.stranger;
    let operator = fixture.operator(0).address();
    let delegate = |operator| delegation.delegate_to(operator, b::SignatureWithExpiry::default(), [0; 32]);
    let delegated = || [send(stranger, delegate(operator))];
    let active = "DelegationManager.ActivelyDelegated";
    vec![
        case(active, operator, delegation.register_as_operator(Address::zero(), 0, String::new())),
        case(active, stranger.address(), delegate(operator)).after(delegated()),
        case("DelegationManager.OperatorNotRegistered", stranger.address(), delegate(fixture.app())),
        case("DelegationManager.NotActivelyDelegated", stranger.address(), delegation.undelegate(stranger.address())),
        case("DelegationManager.OperatorsCannotUndelegate", operator, delegation.undelegate(operator)),
        case("DelegationManager.CallerCannotUndelegate", fixture.app(), delegation.undelegate(stranger.address()))
            .after(delegated()),
        case(
            "DelegationManager.InvalidPermissions",
            fixture.app(),
            delegation.modify_operator_details(operator, fixture.app()),
        ),
        case(
            "DelegationManager.InvalidPermissions",
            fixture.app(),
            delegation.update_operator_metadata_uri(operator, String::new()),
        ),
        case(
            "DelegationManager.OperatorNotRegistered",
            fixture.app(),
            delegation.modify_operator_details(fixture.app(), operator),
        ),
    ]
}

fn registrar(fixture: &Fixture) -> Vec<Case> {
    let registrar = &fixture.contracts.registrar;
    let (owner, key) = (fixture.deployer(), &fixture.stranger);
    let (member, stranger) = (fixture.operator(0).address(), key.address());
    let configure = |aggregator, executors: &[u32]| {
        registrar.set_avs_config(b::AvsConfig {
            aggregator_operator_set_id: aggregator,
            executor_operator_set_ids: executors.to_vec(),
        })
    };
    let aggregators = fixture.other(0);
    let signature = key.sign(registration_digest(at::L1_CHAIN_ID, stranger, &aggregators, stranger)).unwrap();
    let key_data = Bytes::from(stranger.as_bytes().to_vec());
    let register = fixture.contracts.keys.register_key(stranger, aggregators.clone(), key_data, signature.into());
    let not_allowed = "TaskAVSRegistrar.OperatorNotInAllowlist";
    vec![
        case(
            "TaskAVSRegistrar.NotAllocationManager",
            owner,
            registrar.register_operator(member, fixture.avs(), vec![1], Bytes::new()),
        ),
        case(
            "TaskAVSRegistrar.NotAllocationManager",
            owner,
            registrar.deregister_operator(member, fixture.avs(), vec![1]),
        ),
        case(not_allowed, stranger, join(fixture, stranger, 0))
            .after([become_operator(fixture, key), send(key, register)]),
        case(not_allowed, owner, registrar.remove_operator_from_allowlist(fixture.set.clone(), stranger)),
        case(
            "TaskAVSRegistrar.OperatorAlreadyInAllowlist",
            owner,
            registrar.add_operator_to_allowlist(aggregators, fixture.accounts.aggregator.address()),
        ),
        case("TaskAVSRegistrar.KeyNotRegistered", stranger, join(fixture, stranger, 1))
            .after([become_operator(fixture, key)]),
        case("TaskAVSRegistrar.ExecutorOperatorSetIdsEmpty", owner, configure(0, &[])),
        case("TaskAVSRegistrar.InvalidAggregatorOperatorSetId", owner, configure(1, &[1])),
        case("TaskAVSRegistrar.DuplicateExecutorOperatorSetId", owner, configure(0, &[1, 1])),
        case("TaskAVSRegistrar.DuplicateExecutorOperatorSetId", owner, configure(0, &[2, 1])),
        case("TaskAVSRegistrar.InvalidPermissions", owner, registrar.update_socket(member, String::new())),
    ]
}
