//! `CrossChainRegistry`.

use ethers::types::{Address, U256};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    run::{Act, Case, case, send},
    support::Call,
    world::{ECDSA, World},
};

/// The address of a registry that nobody initialized.
const FRESH: Address = ethers::types::H160([0xab; 20]);

pub(crate) fn cases(world: &World) -> Vec<Case> {
    [reservations(world), configuration(world), chains(world), ranges(world)].into_iter().flatten().collect()
}

fn reserve(world: &World, set: b::OperatorSet, staleness: u32) -> Call<()> {
    world.contracts.registry.create_generation_reservation(set, at::ECDSA_TABLE_CALCULATOR, config(world, staleness))
}

fn config(world: &World, staleness: u32) -> b::OperatorSetConfig {
    b::OperatorSetConfig { owner: world.avs(), max_staleness_period: staleness }
}

/// Set 5 exists.
fn set_5(world: &World) -> Act {
    let parameters = b::CreateSetParams { operator_set_id: 5, strategies: vec![at::STAKE_STRATEGY] };
    send(&world.accounts.avs, world.contracts.allocation.create_operator_sets(world.avs(), vec![parameters]))
}

fn reservations(world: &World) -> Vec<Case> {
    let registry = &world.contracts.registry;
    let missing = "CrossChainRegistry.GenerationReservationDoesNotExist";
    let calculator = at::ECDSA_TABLE_CALCULATOR;
    let permissions = "CrossChainRegistry.InvalidPermissions";
    vec![
        case(permissions, world.app(), reserve(world, world.set.clone(), 0)),
        case(permissions, world.app(), registry.remove_generation_reservation(world.set.clone())),
        case("CrossChainRegistry.InvalidOperatorSet", world.avs(), reserve(world, world.other(9), 0)),
        case("CrossChainRegistry.KeyTypeNotSet", world.avs(), reserve(world, world.other(5), 0)).after([set_5(world)]),
        case(
            "CrossChainRegistry.GenerationReservationAlreadyExists",
            world.avs(),
            reserve(world, world.set.clone(), 0),
        ),
        case(missing, world.avs(), registry.remove_generation_reservation(world.other(5))).after([set_5(world)]),
        case(missing, world.avs(), registry.set_operator_set_config(world.other(5), config(world, 0)))
            .after([set_5(world)]),
        case(missing, world.avs(), registry.set_operator_table_calculator(world.other(5), calculator))
            .after([set_5(world)]),
    ]
}

fn configuration(world: &World) -> Vec<Case> {
    let registry = &world.contracts.registry;
    let owner = world.deployer();
    let fresh = b::CrossChainRegistry::new(FRESH, registry.client());
    let place = Act::Place(FRESH, b::CROSSCHAINREGISTRY_DEPLOYED_BYTECODE.clone());
    let staleness = "CrossChainRegistry.InvalidStalenessPeriod";
    let cadence = || send(&world.accounts.deployer, registry.set_table_update_cadence(100));
    let keys = send(&world.accounts.avs, world.contracts.keys.configure_operator_set(world.other(5), ECDSA));
    vec![
        case(staleness, world.avs(), registry.set_operator_set_config(world.set.clone(), config(world, 99)))
            .after([cadence()]),
        case(staleness, world.avs(), reserve(world, world.other(5), 99)).after([cadence(), set_5(world), keys]),
        case("CrossChainRegistry.InvalidTableUpdateCadence", owner, registry.set_table_update_cadence(0)),
        case("CrossChainRegistry.InvalidTableUpdateCadence", owner, fresh.initialize(owner, 0, U256::zero()))
            .after([place]),
    ]
}

fn chains(world: &World) -> Vec<Case> {
    let registry = &world.contracts.registry;
    let add = |ids: &[u64], updaters: usize| {
        let ids = ids.iter().copied().map(U256::from).collect();
        registry.add_chain_i_ds_to_whitelist(ids, vec![at::OPERATOR_TABLE_UPDATER; updaters])
    };
    let owner = world.deployer();
    let unknown = registry.remove_chain_i_ds_from_whitelist(vec![5.into()]);
    vec![
        case("CrossChainRegistry.ArrayLengthMismatch", owner, add(&[5, 6], 1)),
        case("CrossChainRegistry.InvalidChainId", owner, add(&[0], 1)),
        case("CrossChainRegistry.ChainIDAlreadyWhitelisted", owner, add(&[at::L2_CHAIN_ID], 1)),
        case("CrossChainRegistry.ChainIDNotWhitelisted", owner, unknown),
    ]
}

fn ranges(world: &World) -> Vec<Case> {
    let registry = &world.contracts.registry;
    let range = |from: u64, to: u64| registry.get_active_generation_reservations_by_range(from.into(), to.into());
    vec![
        case("CrossChainRegistry.InvalidRange", world.app(), range(1, 0)),
        case("CrossChainRegistry.InvalidEndIndex", world.app(), range(0, 3)),
    ]
}
