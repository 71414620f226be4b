//! `AllocationManager`: slashes, strategies of sets, recipients.

use ethers::types::{Address, U256};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::Fixture,
    run::{Case, case},
    support::Call,
};

const WHOLE: u64 = 1_000_000_000_000_000_000;
/// The strategy that stands for native ETH.
const ETH_STRATEGY: &str = "0xbeac0eeeeeeeeeeeeeeeeeeeeeeeeeeeeeebeac0";
const BURN_ADDRESS: &str = "0x00000000000000000000000000000000000e16e4";

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    [slashes(fixture), sets(fixture)].into_iter().flatten().collect()
}

/// Slashes an operator of the AVS in a set: strategies, and a part for each.
pub(crate) fn slash(
    fixture: &Fixture,
    operator: Address,
    id: u32,
    parts: &[(Address, u64)],
) -> Call<(U256, Vec<U256>)> {
    let params = b::SlashingParams {
        operator,
        operator_set_id: id,
        strategies: parts.iter().map(|(strategy, _)| *strategy).collect(),
        wads_to_slash: parts.iter().map(|(_, part)| (*part).into()).collect(),
        description: "double signature".to_owned(),
    };
    fixture.contracts.allocation.slash_operator(fixture.avs(), params)
}

fn slashes(fixture: &Fixture) -> Vec<Case> {
    let member = fixture.operator(0).address();
    let stake = at::STAKE_STRATEGY;
    let lengths =
        b::SlashingParams { operator: member, operator_set_id: 1, strategies: vec![stake], ..Default::default() };
    let row =
        |row, operator, id, parts: &[(Address, u64)]| case(row, fixture.avs(), slash(fixture, operator, id, parts));
    let twice = &[(stake, WHOLE), (stake, WHOLE)];
    vec![
        case("AllocationManager.InvalidPermissions", fixture.app(), slash(fixture, member, 1, &[(stake, 1)])),
        case(
            "AllocationManager.InputArrayLengthMismatch",
            fixture.avs(),
            fixture.contracts.allocation.slash_operator(fixture.avs(), lengths),
        ),
        row("AllocationManager.InvalidOperatorSet", member, 9, &[(stake, 1)]),
        row("AllocationManager.OperatorNotSlashable", fixture.app(), 1, &[(stake, 1)]),
        row("AllocationManager.StrategiesMustBeInAscendingOrder", member, 1, twice),
        row("AllocationManager.InvalidWadToSlash", member, 1, &[(stake, 0)]),
        row("AllocationManager.InvalidWadToSlash", member, 1, &[(stake, WHOLE + 1)]),
        row("AllocationManager.StrategyNotInOperatorSet", member, 1, &[(at::FEE_TOKEN, 1)]),
    ]
}

fn sets(fixture: &Fixture) -> Vec<Case> {
    let allocation = &fixture.contracts.allocation;
    let (avs, recipient) = (fixture.avs(), fixture.app());
    let redistributing = |avs, strategy, recipients: &[Address]| {
        let params = b::CreateSetParams { operator_set_id: 5, strategies: vec![strategy] };
        allocation.create_redistributing_operator_sets(avs, vec![params], recipients.to_vec())
    };
    let stake = at::STAKE_STRATEGY;
    let add = |id, strategy| allocation.add_strategies_to_operator_set(avs, id, vec![strategy]);
    let remove = |id, strategy| allocation.remove_strategies_from_operator_set(avs, id, vec![strategy]);
    vec![
        case("AllocationManager.InvalidPermissions", recipient, redistributing(avs, stake, &[recipient])),
        case("AllocationManager.InputArrayLengthMismatch", avs, redistributing(avs, stake, &[])),
        case("AllocationManager.NonexistentAVSMetadata", recipient, redistributing(recipient, stake, &[recipient])),
        case("AllocationManager.InputAddressZero", avs, redistributing(avs, stake, &[Address::zero()])),
        case(
            "AllocationManager.InvalidRedistributionRecipient",
            avs,
            redistributing(avs, stake, &[BURN_ADDRESS.parse().unwrap()]),
        ),
        case(
            "AllocationManager.InvalidStrategy",
            avs,
            redistributing(avs, ETH_STRATEGY.parse().unwrap(), &[recipient]),
        ),
        case("AllocationManager.InvalidPermissions", recipient, add(1, at::FEE_TOKEN)),
        case("AllocationManager.InvalidOperatorSet", avs, add(9, at::FEE_TOKEN)),
        case("AllocationManager.StrategyAlreadyInOperatorSet", avs, add(1, stake)),
        case("AllocationManager.InvalidPermissions", recipient, remove(1, stake)),
        case("AllocationManager.InvalidOperatorSet", avs, remove(9, stake)),
        case("AllocationManager.StrategyNotInOperatorSet", avs, remove(1, at::FEE_TOKEN)),
    ]
}
