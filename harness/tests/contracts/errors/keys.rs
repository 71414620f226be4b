//! `KeyRegistrar`.

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes, U256},
};
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::{BN254, ECDSA, Fixture},
    run::{Act, Case, case, send},
    support::{Call, registration_digest},
};

const GENERATOR: [u64; 2] = [1, 2];

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    [configuration(fixture), registration(fixture), formats(fixture), deregistration(fixture)]
        .into_iter()
        .flatten()
        .collect()
}

fn configuration(fixture: &Fixture) -> Vec<Case> {
    let keys = &fixture.contracts.keys;
    let operator = fixture.operator(0).address();
    let curve = "KeyRegistrar.InvalidCurveType";
    let key_data = || Bytes::from(operator.as_bytes().to_vec());
    let calculator = b::Bn254TableCalculator::new(at::BN254_TABLE_CALCULATOR, keys.client());
    vec![
        case("KeyRegistrar.InvalidPermissions", fixture.app(), keys.configure_operator_set(fixture.other(7), ECDSA)),
        case(curve, fixture.avs(), keys.configure_operator_set(fixture.other(7), 0)),
        case(
            "KeyRegistrar.ConfigurationAlreadySet",
            fixture.avs(),
            keys.configure_operator_set(fixture.set.clone(), ECDSA),
        ),
        case(curve, fixture.app(), keys.get_bn254_key(fixture.set.clone(), operator)),
        // It reads the key of each member, also when it looks for one alone.
        case(curve, fixture.app(), calculator.get_operator_index(fixture.set.clone(), operator)),
        case(curve, fixture.app(), keys.get_ecdsa_address(fixture.other(7), operator))
            .after([bn254_set(fixture)])
            .already_before(),
        case(curve, fixture.app(), keys.get_operator_from_signing_key(fixture.other(9), key_data())),
    ]
}

/// Set 7 has BN254 keys.
fn bn254_set(fixture: &Fixture) -> Act {
    send(&fixture.accounts.avs, fixture.contracts.keys.configure_operator_set(fixture.other(7), BN254))
}

/// Registers `key` for `operator` in `set`, signed by `signer`.
fn register(fixture: &Fixture, operator: Address, set: b::OperatorSet, key: Address, signer: &EcdsaKey) -> Call<()> {
    let signature = signer.sign(registration_digest(at::L1_CHAIN_ID, operator, &set, key)).unwrap();
    let data = Bytes::from(key.as_bytes().to_vec());
    fixture.contracts.keys.register_key(operator, set, data, signature.into())
}

fn registration(fixture: &Fixture) -> Vec<Case> {
    let stranger = &fixture.stranger;
    let (operator, set) = (stranger.address(), || fixture.set.clone());
    let (first, second) = (fixture.operator(0), fixture.operator(1));
    vec![
        case("KeyRegistrar.InvalidPermissions", fixture.app(), register(fixture, operator, set(), operator, stranger)),
        case(
            "KeyRegistrar.OperatorSetNotConfigured",
            operator,
            register(fixture, operator, fixture.other(9), operator, stranger),
        ),
        case(
            "KeyRegistrar.OperatorAlreadyRegistered",
            first.address(),
            register(fixture, first.address(), set(), operator, stranger),
        ),
        case(
            "KeyRegistrar.KeyAlreadyRegistered",
            operator,
            register(fixture, operator, set(), second.address(), second),
        ),
        case("KeyRegistrar.InvalidSignature", operator, register(fixture, operator, set(), operator, first)),
    ]
}

fn formats(fixture: &Fixture) -> Vec<Case> {
    let keys = &fixture.contracts.keys;
    let operator = fixture.stranger.address();
    let ecdsa = |row, data: &[u8]| {
        let call = keys.register_key(operator, fixture.set.clone(), data.to_vec().into(), vec![1; 65].into());
        case(row, operator, call)
    };
    let bn254 = |row, data: Vec<u8>, signature: usize| {
        let call = keys.register_key(operator, fixture.other(7), data.into(), vec![1; signature].into());
        case(row, operator, call).after([bn254_set(fixture)])
    };
    let points = |[x, y]: [u64; 2]| {
        let words = [x, y, 0, 0, 0, 0].map(|word| Token::Uint(U256::from(word)));
        encode(&words)
    };
    let format = "KeyRegistrar.InvalidKeyFormat";
    vec![
        ecdsa(format, &[1; 21]),
        ecdsa("KeyRegistrar.ZeroPubkey", &[0; 20]),
        bn254(format, points(GENERATOR)[..191].to_vec(), 64),
        bn254("KeyRegistrar.ZeroPubkey", points([0, 0]), 64),
        bn254("KeyRegistrar.InvalidSignature", points(GENERATOR), 65),
    ]
}

fn deregistration(fixture: &Fixture) -> Vec<Case> {
    let keys = &fixture.contracts.keys;
    let (operator, member) = (fixture.stranger.address(), fixture.operator(0).address());
    vec![
        case("KeyRegistrar.InvalidPermissions", fixture.app(), keys.deregister_key(member, fixture.set.clone())),
        case("KeyRegistrar.KeyNotFound", operator, keys.deregister_key(operator, fixture.set.clone())),
        case("KeyRegistrar.OperatorStillSlashable", member, keys.deregister_key(member, fixture.set.clone())),
        case("KeyRegistrar.OperatorSetNotConfigured", operator, keys.deregister_key(operator, fixture.other(9))),
    ]
}
