//! What table calculators tell of a set of BN254 keys.

use ethers::{
    abi::{Token, encode},
    types::{Address, U256},
};
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::{BN254, Fixture},
    support::send,
};

/// The prime of the field of BN254's coordinates.
const FIELD: &str = "21888242871839275222246405745257275088696311157297823662689037894645226208583";

/// Makes `key` a member of set 7 with `point` as its key.
async fn join(fixture: &Fixture, key: &EcdsaKey, point: [U256; 2], magnitude: u64) {
    let (l1, contracts, set) = (fixture.l1(), &fixture.contracts, fixture.other(7));
    let operator = key.address();
    let zero = U256::zero();
    let words = [point[0], point[1], zero, zero, zero, zero].map(Token::Uint);
    let register = contracts.keys.register_key(operator, set.clone(), encode(&words).into(), vec![1; 64].into());
    send(l1, key, register).await;
    let data = encode(&[Token::String("localhost:1".to_owned())]).into();
    let params = b::RegisterParams { avs: fixture.avs(), operator_set_ids: vec![set.id], data };
    send(l1, key, contracts.allocation.register_for_operator_sets(operator, params)).await;
    let params =
        b::AllocateParams { operator_set: set, strategies: vec![at::STAKE_STRATEGY], new_magnitudes: vec![magnitude] };
    send(l1, key, contracts.allocation.modify_allocations(operator, vec![params])).await;
}

#[tokio::test]
async fn anvil_bn254_operators_are_found_in_their_table() {
    let fixture = Fixture::start().await;
    let (l1, contracts, set) = (fixture.l1(), &fixture.contracts, || fixture.other(7));
    let params = b::CreateSetParams { operator_set_id: 7, strategies: vec![at::STAKE_STRATEGY] };
    let create = contracts.allocation.create_operator_sets(fixture.avs(), vec![params]);
    send(l1, &fixture.accounts.avs, create).await;
    send(l1, &fixture.accounts.avs, contracts.keys.configure_operator_set(set(), BN254)).await;
    // The generator of the curve, and its negation.
    let points = [[1.into(), 2.into()], [1.into(), U256::from_dec_str(FIELD).unwrap() - 2]];
    for (index, magnitude) in [(0, 5), (1, 7)] {
        join(&fixture, fixture.operator(index), points[index], magnitude).await;
    }

    let calculator = b::Bn254TableCalculator::new(at::BN254_TABLE_CALCULATOR, contracts.mailbox.client());
    let index = async |operator: Address| calculator.get_operator_index(set(), operator).call().await.unwrap();
    assert_eq!(index(fixture.operator(0).address()).await, (true, 0));
    assert_eq!(index(fixture.operator(1).address()).await, (true, 1));
    assert_eq!(index(fixture.operator(2).address()).await, (false, 0), "it is in another set");
    let table = calculator.calculate_operator_table(set()).call().await.unwrap();
    assert_eq!((table.num_operators, table.total_weights), (2.into(), vec![12.into()]));
    assert_eq!(calculator.lookahead_blocks().call().await.unwrap(), 11.into());
}
