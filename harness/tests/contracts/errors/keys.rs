//! `KeyRegistrar`.

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes, U256},
};
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    run::{Act, Case, case, send},
    support::{Call, registration_digest},
    world::{BN254, ECDSA, World},
};

/// No point of BN254 has these coordinates.
const OFF_CURVE: [u64; 2] = [1, 3];
const GENERATOR: [u64; 2] = [1, 2];

pub(crate) fn cases(world: &World) -> Vec<Case> {
    [configuration(world), registration(world), formats(world), deregistration(world)].into_iter().flatten().collect()
}

fn configuration(world: &World) -> Vec<Case> {
    let keys = &world.contracts.keys;
    let operator = world.operator(0).address();
    let curve = "KeyRegistrar.InvalidCurveType";
    let key_data = || Bytes::from(operator.as_bytes().to_vec());
    vec![
        case("KeyRegistrar.InvalidPermissions", world.app(), keys.configure_operator_set(world.other(7), ECDSA)),
        case(curve, world.avs(), keys.configure_operator_set(world.other(7), 0)),
        case(
            "KeyRegistrar.ConfigurationAlreadySet",
            world.avs(),
            keys.configure_operator_set(world.set.clone(), ECDSA),
        ),
        case(curve, world.app(), keys.get_bn254_key(world.set.clone(), operator)),
        case(curve, world.app(), keys.get_ecdsa_address(world.other(7), operator))
            .after([bn254_set(world)])
            .already_before(),
        case(curve, world.app(), keys.get_operator_from_signing_key(world.other(9), key_data())),
    ]
}

/// Set 7 has BN254 keys.
fn bn254_set(world: &World) -> Act {
    send(&world.accounts.avs, world.contracts.keys.configure_operator_set(world.other(7), BN254))
}

/// Registers `key` for `operator` in `set`, signed by `signer`.
fn register(world: &World, operator: Address, set: b::OperatorSet, key: Address, signer: &EcdsaKey) -> Call<()> {
    let signature = signer.sign(registration_digest(at::L1_CHAIN_ID, operator, &set, key)).unwrap();
    let data = Bytes::from(key.as_bytes().to_vec());
    world.contracts.keys.register_key(operator, set, data, signature.into())
}

fn registration(world: &World) -> Vec<Case> {
    let stranger = &world.stranger;
    let (operator, set) = (stranger.address(), || world.set.clone());
    let (first, second) = (world.operator(0), world.operator(1));
    vec![
        case("KeyRegistrar.InvalidPermissions", world.app(), register(world, operator, set(), operator, stranger)),
        case(
            "KeyRegistrar.OperatorSetNotConfigured",
            operator,
            register(world, operator, world.other(9), operator, stranger),
        ),
        case(
            "KeyRegistrar.OperatorAlreadyRegistered",
            first.address(),
            register(world, first.address(), set(), operator, stranger),
        ),
        case("KeyRegistrar.KeyAlreadyRegistered", operator, register(world, operator, set(), second.address(), second)),
        case("KeyRegistrar.InvalidSignature", operator, register(world, operator, set(), operator, first)),
    ]
}

fn formats(world: &World) -> Vec<Case> {
    let keys = &world.contracts.keys;
    let operator = world.stranger.address();
    let ecdsa = |row, data: &[u8]| {
        let call = keys.register_key(operator, world.set.clone(), data.to_vec().into(), vec![1; 65].into());
        case(row, operator, call)
    };
    let bn254 = |row, data: Vec<u8>, signature: usize| {
        let call = keys.register_key(operator, world.other(7), data.into(), vec![1; signature].into());
        case(row, operator, call).after([bn254_set(world)])
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
        bn254(format, points(OFF_CURVE), 64),
        bn254("KeyRegistrar.ZeroPubkey", points([0, 0]), 64),
        bn254("KeyRegistrar.InvalidSignature", points(GENERATOR), 65),
    ]
}

fn deregistration(world: &World) -> Vec<Case> {
    let keys = &world.contracts.keys;
    let (operator, member) = (world.stranger.address(), world.operator(0).address());
    vec![
        case("KeyRegistrar.InvalidPermissions", world.app(), keys.deregister_key(member, world.set.clone())),
        case("KeyRegistrar.KeyNotFound", operator, keys.deregister_key(operator, world.set.clone())),
        case("KeyRegistrar.OperatorStillSlashable", member, keys.deregister_key(member, world.set.clone())),
        case("KeyRegistrar.OperatorSetNotConfigured", operator, keys.deregister_key(operator, world.other(9))),
    ]
}
