//! Deposits, the shares that follow from them, and slashes.

use ethers::types::{Address, U256};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::Fixture,
    support::{Call, send},
};

/// All of an operator's magnitude, and a token.
const WHOLE: u64 = 1_000_000_000_000_000_000;

/// The stranger deposits a token and delegates to the first operator.
async fn deposit_and_delegate(fixture: &Fixture) {
    let (l1, key, contracts) = (fixture.l1(), &fixture.stranger, &fixture.contracts);
    send(l1, key, contracts.token.mint(key.address(), WHOLE.into())).await;
    send(l1, key, contracts.token.approve(at::STRATEGY_MANAGER, WHOLE.into())).await;
    let deposit = contracts.strategies.deposit_into_strategy(at::STAKE_STRATEGY, at::FEE_TOKEN, WHOLE.into());
    send(l1, key, deposit).await;
    send(l1, key, delegate(fixture)).await;
}

fn delegate(fixture: &Fixture) -> Call<()> {
    let operator = fixture.operator(0).address();
    fixture.contracts.delegation.delegate_to(operator, b::SignatureWithExpiry::default(), [0; 32])
}

/// The first operator's shares, and its weight in the executor set.
async fn stake(fixture: &Fixture) -> (u64, u64) {
    let operator = fixture.operator(0).address();
    let shares = fixture.contracts.delegation.operator_shares(operator, at::STAKE_STRATEGY).call().await.unwrap();
    let calculator = b::EcdsaTableCalculator::new(at::ECDSA_TABLE_CALCULATOR, fixture.contracts.mailbox.client());
    let weights = calculator.get_operator_weights(fixture.set.clone(), operator).call().await.unwrap();
    (shares.as_u64(), weights.first().map_or(0, U256::as_u64))
}

/// What the stranger may have of its deposit, and its deposit.
async fn shares(fixture: &Fixture) -> (u64, u64) {
    let staker = fixture.stranger.address();
    let call = fixture.contracts.delegation.get_withdrawable_shares(staker, vec![at::STAKE_STRATEGY]);
    let (withdrawable, deposited) = call.call().await.unwrap();
    (withdrawable[0].as_u64(), deposited[0].as_u64())
}

/// Slashes half of what the first operator allocates.
async fn slash(fixture: &Fixture) {
    let params = b::SlashingParams {
        operator: fixture.operator(0).address(),
        operator_set_id: fixture.set.id,
        strategies: vec![at::STAKE_STRATEGY],
        wads_to_slash: vec![(WHOLE / 2).into()],
        description: "double signature".to_owned(),
    };
    let call = fixture.contracts.allocation.slash_operator(fixture.avs(), params);
    let (id, lost) = call.clone().from(fixture.avs()).call().await.unwrap();
    assert_eq!((id, lost), (U256::one(), vec![(WHOLE / 2).into()]), "a quarter of two tokens");
    send(fixture.l1(), &fixture.accounts.avs, call).await;
}

async fn allocate_half(fixture: &Fixture) {
    let key = fixture.operator(0);
    let params = b::AllocateParams {
        operator_set: fixture.set.clone(),
        strategies: vec![at::STAKE_STRATEGY],
        new_magnitudes: vec![WHOLE / 2],
    };
    send(fixture.l1(), key, fixture.contracts.allocation.modify_allocations(key.address(), vec![params])).await;
}

#[tokio::test]
async fn anvil_a_deposit_raises_the_weight_of_its_operator() {
    let fixture = Fixture::start().await;
    assert_eq!(stake(&fixture).await, (WHOLE, 40));
    deposit_and_delegate(&fixture).await;
    assert_eq!(stake(&fixture).await, (2 * WHOLE, 80));
    assert_eq!(shares(&fixture).await, (WHOLE, WHOLE));
    let strategy = &fixture.contracts.strategy;
    let tokens = strategy.user_underlying_view(fixture.stranger.address()).call().await.unwrap();
    assert_eq!((tokens, strategy.total_shares().call().await.unwrap()), (WHOLE.into(), WHOLE.into()));
    let (strategies, deposits) =
        fixture.contracts.strategies.get_deposits(fixture.stranger.address()).call().await.unwrap();
    assert_eq!((strategies, deposits), (vec![at::STAKE_STRATEGY], vec![WHOLE.into()]));
    send(fixture.l1(), &fixture.stranger, fixture.contracts.delegation.undelegate(fixture.stranger.address())).await;
    assert_eq!((stake(&fixture).await, shares(&fixture).await), ((WHOLE, 40), (WHOLE, WHOLE)));
}

#[tokio::test]
async fn anvil_a_slash_lowers_weight_and_shares() {
    let fixture = Fixture::start().await;
    deposit_and_delegate(&fixture).await;
    allocate_half(&fixture).await;
    assert_eq!(stake(&fixture).await, (2 * WHOLE, WHOLE));
    slash(&fixture).await;

    // A third of the magnitude that is left, rounded down as the public contracts round.
    assert_eq!(stake(&fixture).await, (WHOLE / 2 * 3, WHOLE / 2 - 1));
    assert_eq!(shares(&fixture).await, (WHOLE / 4 * 3, WHOLE));
    let (operator, allocation) = (fixture.operator(0).address(), &fixture.contracts.allocation);
    assert_eq!(allocation.get_max_magnitude(operator, at::STAKE_STRATEGY).call().await.unwrap(), WHOLE / 4 * 3);
    assert_eq!(allocation.get_slash_count(fixture.set.clone()).call().await.unwrap(), U256::one());
    let head = fixture.l1().client().head().await.unwrap().number;
    let before = u32::try_from(head - 1).unwrap();
    let earlier = allocation.get_max_magnitudes_at_block(operator, vec![at::STAKE_STRATEGY], before);
    assert_eq!(earlier.call().await.unwrap(), [WHOLE]);
}

#[tokio::test]
async fn anvil_what_was_slashed_is_gone_for_the_staker() {
    let fixture = Fixture::start().await;
    deposit_and_delegate(&fixture).await;
    allocate_half(&fixture).await;
    slash(&fixture).await;
    let staker = fixture.stranger.address();
    send(fixture.l1(), &fixture.stranger, fixture.contracts.delegation.undelegate(staker)).await;
    assert_eq!((stake(&fixture).await.0, shares(&fixture).await), (WHOLE / 4 * 3, (WHOLE / 4 * 3, WHOLE / 4 * 3)));
    send(fixture.l1(), &fixture.stranger, delegate(&fixture)).await;
    assert_eq!(stake(&fixture).await.0, WHOLE / 2 * 3);
    assert_eq!(shares(&fixture).await, (WHOLE / 4 * 3 - 1, WHOLE / 4 * 3), "earlier slashes do not count again");
}

#[tokio::test]
async fn anvil_a_set_with_a_recipient_makes_its_members_redistributable() {
    let fixture = Fixture::start().await;
    let (l1, allocation) = (fixture.l1(), &fixture.contracts.allocation);
    let recipient = Address::repeat_byte(9);
    let params = b::CreateSetParams { operator_set_id: 5, strategies: vec![at::STAKE_STRATEGY] };
    let create = allocation.create_redistributing_operator_sets(fixture.avs(), vec![params], vec![recipient]);
    send(l1, &fixture.accounts.avs, create).await;
    let of = allocation.get_redistribution_recipient(fixture.other(5)).call().await.unwrap();
    assert_eq!(of, recipient);
    let redistributes = async |set| allocation.is_redistributing_operator_set(set).call().await.unwrap();
    assert!(redistributes(fixture.other(5)).await && !redistributes(fixture.set.clone()).await);
    let operator = fixture.operator(0).address();
    assert!(!allocation.is_operator_redistributable(operator).call().await.unwrap());
    let add = allocation.add_strategies_to_operator_set(fixture.avs(), 5, vec![at::FEE_TOKEN]);
    send(l1, &fixture.accounts.avs, add).await;
    let strategies = allocation.get_strategies_in_operator_set(fixture.other(5)).call().await.unwrap();
    assert_eq!(strategies, [at::STAKE_STRATEGY, at::FEE_TOKEN]);
}
