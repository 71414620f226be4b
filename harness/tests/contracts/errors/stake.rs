//! `StrategyManager`, `StakeStrategy`, and the shares of `DelegationManager`.

use ethers::types::{Address, U256};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use super::slashing::slash;
use crate::{
    fixture::Fixture,
    run::{Act, Case, case, send},
};

const WHOLE: u64 = 1_000_000_000_000_000_000;

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    [deposits(fixture), strategy(fixture), shares(fixture)].into_iter().flatten().collect()
}

/// The stranger has so many shares of the strategy.
fn deposit(fixture: &Fixture, amount: u64) -> [Act; 3] {
    let contracts = &fixture.contracts;
    let key = &fixture.stranger;
    let deposit = contracts.strategies.deposit_into_strategy(at::STAKE_STRATEGY, at::FEE_TOKEN, amount.into());
    [
        send(key, contracts.token.mint(key.address(), amount.into())),
        send(key, contracts.token.approve(at::STRATEGY_MANAGER, amount.into())),
        send(key, deposit),
    ]
}

fn deposits(fixture: &Fixture) -> Vec<Case> {
    let strategies = &fixture.contracts.strategies;
    let (nobody, staker) = (fixture.app(), fixture.stranger.address());
    let add = |staker, shares: u64| strategies.add_shares(staker, at::STAKE_STRATEGY, shares.into());
    let remove = |shares: u64| strategies.remove_deposit_shares(staker, at::STAKE_STRATEGY, shares.into());
    vec![
        case(
            "StrategyManager.StrategyNotWhitelisted",
            nobody,
            strategies.deposit_into_strategy(at::AVS_TASK_HOOK, at::FEE_TOKEN, 5.into()),
        ),
        case(
            "StrategyManager.OnlyStrategyWhitelister",
            nobody,
            strategies.add_strategies_to_deposit_whitelist(vec![at::AVS_TASK_HOOK]),
        ),
        case(
            "StrategyManager.OnlyStrategyWhitelister",
            nobody,
            strategies.remove_strategies_from_deposit_whitelist(vec![at::STAKE_STRATEGY]),
        ),
        case("StrategyManager.OnlyDelegationManager", nobody, add(staker, 5)),
        case("StrategyManager.OnlyDelegationManager", nobody, remove(5)),
        case("StrategyManager.StakerAddressZero", at::DELEGATION_MANAGER, add(Address::zero(), 5)),
        case("StrategyManager.SharesAmountZero", at::DELEGATION_MANAGER, add(staker, 0)),
        case("StrategyManager.SharesAmountZero", at::DELEGATION_MANAGER, remove(0)),
        case("StrategyManager.SharesAmountTooHigh", at::DELEGATION_MANAGER, remove(5)),
    ]
}

fn strategy(fixture: &Fixture) -> Vec<Case> {
    let (strategy, token) = (&fixture.contracts.strategy, &fixture.contracts.token);
    let deposit = |token, amount: U256| strategy.deposit(token, amount);
    let much = U256::exp10(38);
    let rich = send(&fixture.accounts.app, token.mint(at::STAKE_STRATEGY, much));
    vec![
        case("StakeStrategy.OnlyStrategyManager", fixture.app(), deposit(at::FEE_TOKEN, 5.into())),
        case("StakeStrategy.OnlyUnderlyingToken", at::STRATEGY_MANAGER, deposit(at::AVS_TASK_HOOK, 5.into())),
        case(
            "StakeStrategy.NewSharesZero",
            fixture.app(),
            fixture.contracts.strategies.deposit_into_strategy(at::STAKE_STRATEGY, at::FEE_TOKEN, 0.into()),
        ),
        case("StakeStrategy.TotalSharesExceedsMax", at::STRATEGY_MANAGER, deposit(at::FEE_TOKEN, much)).after([rich]),
    ]
}

fn shares(fixture: &Fixture) -> Vec<Case> {
    let delegation = &fixture.contracts.delegation;
    let operator = fixture.operator(0);
    let whole = b::AllocateParams {
        operator_set: fixture.set.clone(),
        strategies: vec![at::STAKE_STRATEGY],
        new_magnitudes: vec![WHOLE],
    };
    let (set, stake) = (fixture.set.clone(), at::STAKE_STRATEGY);
    vec![
        case(
            "DelegationManager.OnlyAllocationManager",
            fixture.app(),
            delegation.slash_operator_shares(operator.address(), set, 1.into(), stake, WHOLE, 1),
        ),
        case(
            "DelegationManager.OnlyStrategyManagerOrEigenPodManager",
            fixture.app(),
            delegation.increase_delegated_shares(fixture.app(), stake, 0.into(), 5.into()),
        ),
        case(
            "DelegationManager.FullySlashed",
            fixture.stranger.address(),
            delegation.delegate_to(operator.address(), b::SignatureWithExpiry::default(), [0; 32]),
        )
        .after(deposit(fixture, 5))
        .after([
            send(operator, fixture.contracts.allocation.modify_allocations(operator.address(), vec![whole])),
            send(&fixture.accounts.avs, slash(fixture, operator.address(), 1, &[(stake, WHOLE)])),
        ]),
    ]
}
