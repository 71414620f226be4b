//! `AllocationManager`, `DelegationManager` and the AVS's registrar.

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes},
};
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    run::{Act, Case, case, send},
    support::{Call, registration_digest},
    world::World,
};

pub(crate) fn cases(world: &World) -> Vec<Case> {
    [operator_sets(world), membership(world), allocations(world), delegation(world), registrar(world)]
        .into_iter()
        .flatten()
        .collect()
}

fn create(world: &World, avs: Address, id: u32, strategies: &[Address]) -> Call<()> {
    let parameters = b::CreateSetParams { operator_set_id: id, strategies: strategies.to_vec() };
    world.contracts.allocation.create_operator_sets(avs, vec![parameters])
}

fn join(world: &World, operator: Address, id: u32) -> Call<()> {
    let data = encode(&[Token::String("localhost:1".to_owned())]).into();
    let parameters = b::RegisterParams { avs: world.avs(), operator_set_ids: vec![id], data };
    world.contracts.allocation.register_for_operator_sets(operator, parameters)
}

fn become_operator(world: &World, key: &EcdsaKey) -> Act {
    send(key, world.contracts.delegation.register_as_operator(Address::zero(), 0, String::new()))
}

fn operator_sets(world: &World) -> Vec<Case> {
    let allocation = &world.contracts.allocation;
    let strategy = at::STAKE_STRATEGY;
    let permissions = "AllocationManager.InvalidPermissions";
    vec![
        case(permissions, world.app(), allocation.update_avs_metadata_uri(world.avs(), String::new())),
        case(permissions, world.app(), allocation.set_avs_registrar(world.avs(), at::TASK_AVS_REGISTRAR)),
        case(permissions, world.app(), create(world, world.avs(), 5, &[])),
        case(
            "AllocationManager.InvalidAVSRegistrar",
            world.app(),
            allocation.set_avs_registrar(world.app(), at::TASK_AVS_REGISTRAR),
        ),
        case("AllocationManager.NonexistentAVSMetadata", world.app(), create(world, world.app(), 5, &[])),
        case("AllocationManager.InvalidOperatorSet", world.avs(), create(world, world.avs(), 1, &[])),
        case(
            "AllocationManager.StrategyAlreadyInOperatorSet",
            world.avs(),
            create(world, world.avs(), 5, &[strategy, strategy]),
        ),
    ]
}

fn membership(world: &World) -> Vec<Case> {
    let allocation = &world.contracts.allocation;
    let (member, stranger) = (world.operator(0).address(), world.stranger.address());
    let leave = |operator, id| {
        let parameters = b::DeregisterParams { operator, avs: world.avs(), operator_set_ids: vec![id] };
        allocation.deregister_from_operator_sets(parameters)
    };
    vec![
        case("AllocationManager.InvalidPermissions", world.app(), join(world, member, 1)),
        case("AllocationManager.InvalidOperator", stranger, join(world, stranger, 1)),
        case("AllocationManager.InvalidOperator", stranger, allocation.set_allocation_delay(stranger, 1)),
        case("AllocationManager.InvalidPermissions", stranger, allocation.set_allocation_delay(member, 1)),
        case("AllocationManager.InvalidOperatorSet", member, join(world, member, 9)),
        case("AllocationManager.AlreadyMemberOfSet", member, join(world, member, 1)),
        case("AllocationManager.NotMemberOfSet", stranger, leave(stranger, 1)),
        case("AllocationManager.InvalidOperatorSet", member, leave(member, 9)),
        case("AllocationManager.InvalidCaller", stranger, leave(member, 1)),
    ]
}

fn allocations(world: &World) -> Vec<Case> {
    let (member, stranger) = (world.operator(0).address(), world.stranger.address());
    let allocate = |operator, id, strategies: usize, magnitude| {
        let parameters = b::AllocateParams {
            operator_set: world.other(id),
            strategies: vec![at::STAKE_STRATEGY; strategies],
            new_magnitudes: vec![magnitude],
        };
        world.contracts.allocation.modify_allocations(operator, vec![parameters])
    };
    let whole = 1_000_000_000_000_000_000;
    let second_set = send(&world.accounts.avs, create(world, world.avs(), 5, &[at::STAKE_STRATEGY]));
    vec![
        case("AllocationManager.InvalidPermissions", stranger, allocate(member, 1, 1, 5)),
        case("AllocationManager.UninitializedAllocationDelay", stranger, allocate(stranger, 1, 1, 5)),
        case("AllocationManager.InputArrayLengthMismatch", member, allocate(member, 1, 2, 5)),
        case("AllocationManager.InvalidOperatorSet", member, allocate(member, 9, 1, 5)),
        case("AllocationManager.SameMagnitude", member, allocate(member, 1, 1, 40)),
        case("AllocationManager.InsufficientMagnitude", member, allocate(member, 1, 1, whole + 1)),
        // The sum over sets counts: 40 are in the executor set already.
        case("AllocationManager.InsufficientMagnitude", member, allocate(member, 5, 1, whole - 39)).after([second_set]),
    ]
}

fn delegation(world: &World) -> Vec<Case> {
    let delegation = &world.contracts.delegation;
    let stranger = &world.stranger;
    let operator = world.operator(0).address();
    let delegate = |operator| delegation.delegate_to(operator, b::SignatureWithExpiry::default(), [0; 32]);
    let delegated = || [send(stranger, delegate(operator))];
    let active = "DelegationManager.ActivelyDelegated";
    vec![
        case(active, operator, delegation.register_as_operator(Address::zero(), 0, String::new())),
        case(active, stranger.address(), delegate(operator)).after(delegated()),
        case("DelegationManager.OperatorNotRegistered", stranger.address(), delegate(world.app())),
        case("DelegationManager.NotActivelyDelegated", stranger.address(), delegation.undelegate(stranger.address())),
        case("DelegationManager.OperatorsCannotUndelegate", operator, delegation.undelegate(operator)),
        case("DelegationManager.CallerCannotUndelegate", world.app(), delegation.undelegate(stranger.address()))
            .after(delegated()),
    ]
}

fn registrar(world: &World) -> Vec<Case> {
    let registrar = &world.contracts.registrar;
    let (owner, key) = (world.deployer(), &world.stranger);
    let (member, stranger) = (world.operator(0).address(), key.address());
    let configure = |aggregator, executors: &[u32]| {
        registrar.set_avs_config(b::AvsConfig {
            aggregator_operator_set_id: aggregator,
            executor_operator_set_ids: executors.to_vec(),
        })
    };
    let signature = key.sign(registration_digest(at::L1_CHAIN_ID, stranger, &world.set, stranger)).unwrap();
    let key_data = Bytes::from(stranger.as_bytes().to_vec());
    let register = world.contracts.keys.register_key(stranger, world.set.clone(), key_data, signature.into());
    let allow = registrar.add_operator_to_allowlist(world.set.clone(), stranger);
    let not_allowed = "TaskAVSRegistrar.OperatorNotInAllowlist";
    vec![
        case(
            "TaskAVSRegistrar.NotAllocationManager",
            owner,
            registrar.register_operator(member, world.avs(), vec![1], Bytes::new()),
        ),
        case(
            "TaskAVSRegistrar.NotAllocationManager",
            owner,
            registrar.deregister_operator(member, world.avs(), vec![1]),
        ),
        case(not_allowed, stranger, join(world, stranger, 1)).after([become_operator(world, key), send(key, register)]),
        case(not_allowed, owner, registrar.remove_operator_from_allowlist(world.set.clone(), stranger)),
        case(
            "TaskAVSRegistrar.OperatorAlreadyInAllowlist",
            owner,
            registrar.add_operator_to_allowlist(world.set.clone(), member),
        ),
        case("TaskAVSRegistrar.KeyNotRegistered", stranger, join(world, stranger, 1))
            .after([become_operator(world, key), send(&world.accounts.deployer, allow)]),
        case("TaskAVSRegistrar.ExecutorOperatorSetIdsEmpty", owner, configure(0, &[])),
        case("TaskAVSRegistrar.InvalidAggregatorOperatorSetId", owner, configure(1, &[1])),
        case("TaskAVSRegistrar.DuplicateExecutorOperatorSetId", owner, configure(0, &[1, 1])),
        case("TaskAVSRegistrar.DuplicateExecutorOperatorSetId", owner, configure(0, &[2, 1])),
        case("TaskAVSRegistrar.InvalidPermissions", owner, registrar.update_socket(member, String::new())),
    ]
}
