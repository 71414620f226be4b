//! `CrossChainRegistry`.

use ethers::types::{Address, U256};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::{ECDSA, Fixture},
    run::{Act, Case, case, send},
    support::Call,
};

/// The address of a registry that nobody initialized.
const FRESH: Address = ethers::types::H160([0xab; 20]);

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    [reservations(fixture), configuration(fixture), chains(fixture), ranges(fixture)].into_iter().flatten().collect()
}

fn reserve(fixture: &Fixture, set: b::OperatorSet, staleness: u32) -> Call<()> {
    fixture.contracts.registry.create_generation_reservation(
        set,
        at::ECDSA_TABLE_CALCULATOR,
        config(fixture, staleness),
    )
}

fn config(fixture: &Fixture, staleness: u32) -> b::OperatorSetConfig {
    b::OperatorSetConfig { owner: fixture.avs(), max_staleness_period: staleness }
}

/// Set 5 exists.
fn set_5(fixture: &Fixture) -> Act {
    let parameters = b::CreateSetParams { operator_set_id: 5, strategies: vec![at::STAKE_STRATEGY] };
    send(&fixture.accounts.avs, fixture.contracts.allocation.create_operator_sets(fixture.avs(), vec![parameters]))
}

fn reservations(fixture: &Fixture) -> Vec<Case> {
    let registry = &fixture.contracts.registry;
    let missing = "CrossChainRegistry.GenerationReservationDoesNotExist";
    let calculator = at::ECDSA_TABLE_CALCULATOR;
    let permissions = "CrossChainRegistry.InvalidPermissions";
    vec![
        case(permissions, fixture.app(), reserve(fixture, fixture.set.clone(), 0)),
        case(permissions, fixture.app(), registry.remove_generation_reservation(fixture.set.clone())),
        case("CrossChainRegistry.InvalidOperatorSet", fixture.avs(), reserve(fixture, fixture.other(9), 0)),
        case("CrossChainRegistry.KeyTypeNotSet", fixture.avs(), reserve(fixture, fixture.other(5), 0))
            .after([set_5(fixture)]),
        case(
            "CrossChainRegistry.GenerationReservationAlreadyExists",
            fixture.avs(),
            reserve(fixture, fixture.set.clone(), 0),
        ),
        case(missing, fixture.avs(), registry.remove_generation_reservation(fixture.other(5))).after([set_5(fixture)]),
        case(missing, fixture.avs(), registry.set_operator_set_config(fixture.other(5), config(fixture, 0)))
            .after([set_5(fixture)]),
        case(missing, fixture.avs(), registry.set_operator_table_calculator(fixture.other(5), calculator))
            .after([set_5(fixture)]),
    ]
}

fn configuration(fixture: &Fixture) -> Vec<Case> {
    let registry = &fixture.contracts.registry;
    let owner = fixture.deployer();
    let fresh = b::CrossChainRegistry::new(FRESH, registry.client());
    let uninitialized = Act::Place(FRESH, b::CROSSCHAINREGISTRY_DEPLOYED_BYTECODE.clone());
    let staleness = "CrossChainRegistry.InvalidStalenessPeriod";
    let cadence = || send(&fixture.accounts.deployer, registry.set_table_update_cadence(100));
    let keys = send(&fixture.accounts.avs, fixture.contracts.keys.configure_operator_set(fixture.other(5), ECDSA));
    vec![
        case(staleness, fixture.avs(), registry.set_operator_set_config(fixture.set.clone(), config(fixture, 99)))
            .after([cadence()]),
        case(staleness, fixture.avs(), reserve(fixture, fixture.other(5), 99)).after([cadence(), set_5(fixture), keys]),
        case("CrossChainRegistry.InvalidTableUpdateCadence", owner, registry.set_table_update_cadence(0)),
        case("CrossChainRegistry.InvalidTableUpdateCadence", owner, fresh.initialize(owner, 0, U256::zero()))
            .after([uninitialized]),
    ]
}

fn chains(fixture: &Fixture) -> Vec<Case> {
    let registry = &fixture.contracts.registry;
    let add = |ids: &[u64], updaters: usize| {
        let ids = ids.iter().copied().map(U256::from).collect();
        registry.add_chain_i_ds_to_whitelist(ids, vec![at::OPERATOR_TABLE_UPDATER; updaters])
    };
    let owner = fixture.deployer();
    let unknown = registry.remove_chain_i_ds_from_whitelist(vec![5.into()]);
    vec![
        case("CrossChainRegistry.ArrayLengthMismatch", owner, add(&[5, 6], 1)),
        case("CrossChainRegistry.InvalidChainId", owner, add(&[0], 1)),
        case("CrossChainRegistry.ChainIDAlreadyWhitelisted", owner, add(&[at::L2_CHAIN_ID], 1)),
        case("CrossChainRegistry.ChainIDNotWhitelisted", owner, unknown),
    ]
}

fn ranges(fixture: &Fixture) -> Vec<Case> {
    let registry = &fixture.contracts.registry;
    let range = |from: u64, to: u64| registry.get_active_generation_reservations_by_range(from.into(), to.into());
    vec![
        case("CrossChainRegistry.InvalidRange", fixture.app(), range(1, 0)),
        case("CrossChainRegistry.InvalidEndIndex", fixture.app(), range(0, 3)),
    ]
}
