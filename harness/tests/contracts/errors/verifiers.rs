//! The certificate verifiers of both curves.

use std::time::Duration;

use ethers::types::{H256, U256};
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    run::{Act, Case, case, send},
    support::{bound, certificate, ecdsa_table, leaf},
    world::{ECDSA, RESULT, STALENESS, World},
};

/// Order of secp256k1.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc,
    0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

pub(crate) fn cases(world: &World) -> Vec<Case> {
    [ecdsa_tables(world), ecdsa_signatures(world), ecdsa_reads(world), bn254(world)].into_iter().flatten().collect()
}

fn cert(reference: u32, signers: &[&EcdsaKey]) -> b::Ecdsacertificate {
    bound(&certificate(reference, H256::repeat_byte(7), RESULT, signers))
}

fn config(world: &World) -> b::OperatorSetConfig {
    b::OperatorSetConfig { owner: world.avs(), max_staleness_period: 0 }
}

fn disable(world: &World, root: H256) -> Act {
    send(&world.accounts.deployer, world.contracts.updater.disable_root(root.0))
}

fn expiry() -> Act {
    Act::Warp(Duration::from_secs(u64::from(STALENESS)))
}

fn ecdsa_tables(world: &World) -> Vec<Case> {
    let ecdsa = &world.contracts.ecdsa;
    let verify = |reference| ecdsa.verify_certificate(world.set.clone(), cert(reference, &world.keys()));
    let update = |reference| ecdsa.update_operator_table(world.set.clone(), reference, Vec::new(), config(world));
    let stale = world.transport(&world.table(&world.set, STALENESS), 1);
    let empty = world.table_of(&world.set, ECDSA, 0, ecdsa_table(&[]));
    let count = "ECDSACertificateVerifier.OperatorCountZero";
    vec![
        case("ECDSACertificateVerifier.OnlyTableUpdater", world.app(), update(world.reference + 1)),
        case("ECDSACertificateVerifier.TableUpdateStale", at::OPERATOR_TABLE_UPDATER, update(world.reference)),
        case("ECDSACertificateVerifier.CertificateStale", world.app(), verify(world.reference + 1))
            .after(stale)
            .after([expiry()]),
        case("ECDSACertificateVerifier.ReferenceTimestampDoesNotExist", world.app(), verify(5)),
        case("ECDSACertificateVerifier.RootDisabled", world.app(), verify(world.reference))
            .after([disable(world, world.reference_root)]),
        case(count, world.app(), ecdsa.get_total_stake_weights(world.other(9), world.reference)),
        case(count, world.app(), ecdsa.get_total_stake_weights(world.set.clone(), 5)),
        case(count, world.app(), verify(world.reference + 1)).after(world.transport(&empty, 1)),
    ]
}

fn ecdsa_signatures(world: &World) -> Vec<Case> {
    let ecdsa = &world.contracts.ecdsa;
    let keys = world.keys();
    let refused = |row, change: &dyn Fn(&mut Vec<u8>)| {
        let mut certificate = cert(world.reference, &keys[..2]);
        let mut signatures = certificate.sig.to_vec();
        change(&mut signatures);
        certificate.sig = signatures.into();
        case(row, world.app(), ecdsa.verify_certificate(world.set.clone(), certificate))
    };
    let length = "ECDSACertificateVerifier.InvalidSignatureLength";
    let invalid = "ECDSACertificateVerifier.InvalidSignature";
    let order = "ECDSACertificateVerifier.SignersNotOrdered";
    let stranger = cert(world.reference, &[&world.stranger]);
    vec![
        refused(length, &|signatures| signatures.clear()),
        refused(length, &|signatures| signatures.truncate(129)),
        refused(invalid, &|signatures| signatures[64] = 29),
        refused(invalid, &|signatures| signatures[64] -= 27),
        refused(invalid, &|signatures| upper_half(&mut signatures[..65])),
        refused(order, &|signatures| signatures.rotate_left(65)),
        refused(order, &|signatures| signatures.copy_within(..65, 65)),
        case(
            "ECDSACertificateVerifier.VerificationFailed",
            world.app(),
            ecdsa.verify_certificate(world.set.clone(), stranger),
        ),
    ]
}

/// The other form of a signature: it recovers to the same key by the curve's mathematics.
fn upper_half(signature: &mut [u8]) {
    let s = U256::from_big_endian(&ORDER) - U256::from_big_endian(&signature[32..64]);
    s.to_big_endian(&mut signature[32..64]);
    signature[64] = 27 + 28 - signature[64];
}

fn ecdsa_reads(world: &World) -> Vec<Case> {
    let ecdsa = &world.contracts.ecdsa;
    let certificate = || cert(world.reference, &world.keys());
    let length = "ECDSACertificateVerifier.ArrayLengthMismatch";
    let (set, reference) = (|| world.set.clone(), world.reference);
    vec![
        case(length, world.app(), ecdsa.verify_certificate_proportion(set(), certificate(), vec![1, 1])),
        case(length, world.app(), ecdsa.verify_certificate_nominal(set(), certificate(), vec![1.into(), 1.into()])),
        case(
            "ECDSACertificateVerifier.IndexOutOfBounds",
            world.app(),
            ecdsa.get_operator_info(set(), reference, world.keys().len().into()),
        ),
    ]
}

fn bn254(world: &World) -> Vec<Case> {
    let bn254 = &world.contracts.bn254;
    let set = || world.other(7);
    let certificate = || b::Bn254Certificate { reference_timestamp: world.reference + 1, ..Default::default() };
    let verify = || bn254.verify_certificate(set(), certificate());
    let table = |staleness| world.bn254_table(&set(), staleness);
    let present = || world.transport(&table(0), 1);
    let update =
        |reference| bn254.update_operator_table(set(), reference, b::Bn254OperatorSetInfo::default(), config(world));
    let not_yet = "BN254CertificateVerifier.BN254VerificationNotImplemented";
    vec![
        case("BN254CertificateVerifier.OnlyTableUpdater", world.app(), update(world.reference + 1)),
        case("BN254CertificateVerifier.TableUpdateStale", at::OPERATOR_TABLE_UPDATER, update(world.reference + 1))
            .after(present()),
        case("BN254CertificateVerifier.CertificateStale", world.app(), verify())
            .after(world.transport(&table(STALENESS), 1))
            .after([expiry()]),
        case("BN254CertificateVerifier.ReferenceTimestampDoesNotExist", world.app(), verify()),
        case("BN254CertificateVerifier.RootDisabled", world.app(), verify())
            .after(present())
            .after([disable(world, leaf(&table(0)))]),
        case(not_yet, world.app(), verify()).after(present()),
        case(not_yet, world.app(), bn254.verify_certificate_proportion(set(), certificate(), vec![1])).after(present()),
        case(not_yet, world.app(), bn254.verify_certificate_nominal(set(), certificate(), vec![1.into()]))
            .after(present()),
    ]
}
