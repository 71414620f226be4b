//! Changes of membership and of allocations, which take their blocks.

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes, U256},
};
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::Fixture,
    support::{Call, revert, send},
};

/// `DEALLOCATION_DELAY` of `AllocationManager`.
const DELAY: u64 = 10;

fn allocate(fixture: &Fixture, magnitude: u64) -> Call<()> {
    let params = b::AllocateParams {
        operator_set: fixture.set.clone(),
        strategies: vec![at::STAKE_STRATEGY],
        new_magnitudes: vec![magnitude],
    };
    fixture.contracts.allocation.modify_allocations(fixture.operator(0).address(), vec![params])
}

/// The first operator's weight in the executor set.
async fn weight(fixture: &Fixture) -> u64 {
    let calculator = b::EcdsaTableCalculator::new(at::ECDSA_TABLE_CALCULATOR, fixture.contracts.mailbox.client());
    let weights = calculator.get_operator_weights(fixture.set.clone(), fixture.operator(0).address());
    weights.call().await.unwrap().first().map_or(0, U256::as_u64)
}

#[tokio::test]
async fn anvil_who_leaves_a_set_is_slashable_until_the_delay_is_over() {
    let fixture = Fixture::start().await;
    let (l1, key) = (fixture.l1(), fixture.operator(1));
    let operator = key.address();
    let (allocation, set) = (&fixture.contracts.allocation, || fixture.set.clone());
    assert_eq!(u64::from(allocation.deallocation_delay().call().await.unwrap()), DELAY);
    let leave = b::DeregisterParams { operator, avs: fixture.avs(), operator_set_ids: vec![fixture.set.id] };
    send(l1, key, allocation.deregister_from_operator_sets(leave)).await;

    let data: Bytes = encode(&[Token::String("localhost:1".to_owned())]).into();
    let join = || {
        let params =
            b::RegisterParams { avs: fixture.avs(), operator_set_ids: vec![fixture.set.id], data: data.clone() };
        allocation.register_for_operator_sets(operator, params)
    };
    let give_up_key = || fixture.contracts.keys.deregister_key(operator, set());
    assert!(!allocation.is_member_of_operator_set(operator, set()).call().await.unwrap());
    for mined in [1, DELAY - 2] {
        l1.mine(mined).await.unwrap();
        assert!(allocation.is_operator_slashable(operator, set()).call().await.unwrap());
        assert_eq!(revert(operator, join()).await.as_deref(), Some("AlreadyMemberOfSet"), "after {mined} blocks");
        let error = revert(operator, give_up_key()).await.unwrap();
        assert!(error.starts_with("OperatorStillSlashable"), "after {mined} blocks: {error}");
    }
    l1.mine(1).await.unwrap();
    assert_eq!(revert(operator, give_up_key()).await, None);
    send(l1, key, join()).await;
    assert!(allocation.is_member_of_operator_set(operator, set()).call().await.unwrap());
}

#[tokio::test]
async fn anvil_a_lower_magnitude_counts_at_once_and_is_free_after_the_delay() {
    let fixture = Fixture::start().await;
    let (l1, key) = (fixture.l1(), fixture.operator(0));
    let (operator, strategy) = (key.address(), at::STAKE_STRATEGY);
    let allocation = &fixture.contracts.allocation;
    let lowered = send(l1, key, allocate(&fixture, 30)).await.block_number.unwrap().as_u64();
    assert_eq!(weight(&fixture).await, 30, "calculators look so many blocks ahead");

    let pending = allocation.get_allocation(operator, fixture.set.clone(), strategy).call().await.unwrap();
    let expected = (40, -10, u32::try_from(lowered + DELAY + 1).unwrap());
    assert_eq!((pending.current_magnitude, pending.pending_diff, pending.effect_block), expected);
    l1.mine(DELAY - 1).await.unwrap();
    assert_eq!(revert(operator, allocate(&fixture, 20)).await.as_deref(), Some("ModificationAlreadyPending"));
    assert_eq!(allocation.get_encumbered_magnitude(operator, strategy).call().await.unwrap(), 40);
    l1.mine(2).await.unwrap();
    assert_eq!(allocation.get_encumbered_magnitude(operator, strategy).call().await.unwrap(), 30);
    let free = allocation.get_allocatable_magnitude(operator, strategy).call().await.unwrap();
    assert_eq!(free, 1_000_000_000_000_000_000 - 30);
    send(l1, &fixture.stranger, allocation.clear_deallocation_queue(operator, vec![strategy], vec![5])).await;
    send(l1, key, allocate(&fixture, 60)).await;
    assert_eq!(weight(&fixture).await, 60);
}

#[tokio::test]
async fn anvil_a_higher_magnitude_waits_for_the_allocation_delay() {
    let fixture = Fixture::start().await;
    let (l1, key) = (fixture.l1(), fixture.operator(0));
    let (operator, allocation) = (key.address(), &fixture.contracts.allocation);
    send(l1, key, allocation.set_allocation_delay(operator, 5)).await;
    send(l1, key, allocate(&fixture, 70)).await;
    assert_eq!(allocation.get_encumbered_magnitude(operator, at::STAKE_STRATEGY).call().await.unwrap(), 70);
    l1.mine(3).await.unwrap();
    assert_eq!(weight(&fixture).await, 40);
    assert_eq!(revert(operator, allocate(&fixture, 20)).await.as_deref(), Some("ModificationAlreadyPending"));
    l1.mine(2).await.unwrap();
    assert_eq!(weight(&fixture).await, 70);
}

/// Stake of a set that may not slash it any more, or never could, is free at once.
#[tokio::test]
async fn anvil_stake_that_nobody_can_slash_is_free_at_once() {
    let fixture = Fixture::start().await;
    let (l1, key) = (fixture.l1(), fixture.operator(0));
    let (operator, allocation) = (key.address(), &fixture.contracts.allocation);
    let sets = async |operator: Address| allocation.get_allocated_sets(operator).call().await.unwrap().len();
    assert_eq!(sets(operator).await, 1);
    let remove = allocation.remove_strategies_from_operator_set(fixture.avs(), 1, vec![at::STAKE_STRATEGY]);
    send(l1, &fixture.accounts.avs, remove).await;
    send(l1, key, allocate(&fixture, 0)).await;
    assert_eq!(allocation.get_encumbered_magnitude(operator, at::STAKE_STRATEGY).call().await.unwrap(), 0);
    assert_eq!(sets(operator).await, 0);
}
