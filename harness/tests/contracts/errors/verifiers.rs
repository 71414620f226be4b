//! The certificate verifiers of both curves.

use std::time::Duration;

use ethers::types::{H256, U256};
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::{addresses as at, bindings as b};

use crate::{
    fixture::{ECDSA, Fixture, RESULT, STALENESS},
    run::{Act, Case, case, send},
    support::{bound, certificate, ecdsa_table, leaf},
};

/// Order of secp256k1.
const ORDER: [u8; 32] = [
    0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xfe, 0xba, 0xae, 0xdc,
    0xe6, 0xaf, 0x48, 0xa0, 0x3b, 0xbf, 0xd2, 0x5e, 0x8c, 0xd0, 0x36, 0x41, 0x41,
];

pub(crate) fn cases(fixture: &Fixture) -> Vec<Case> {
    [ecdsa_tables(fixture), ecdsa_signatures(fixture), ecdsa_reads(fixture), bn254(fixture)]
        .into_iter()
        .flatten()
        .collect()
}

fn cert(reference: u32, signers: &[&EcdsaKey]) -> b::Ecdsacertificate {
    bound(&certificate(reference, H256::repeat_byte(7), RESULT, signers))
}

fn config(fixture: &Fixture) -> b::OperatorSetConfig {
    b::OperatorSetConfig { owner: fixture.avs(), max_staleness_period: 0 }
}

fn disable(fixture: &Fixture, root: H256) -> Act {
    send(&fixture.accounts.deployer, fixture.contracts.updater.disable_root(root.0))
}

fn expiry() -> Act {
    Act::Warp(Duration::from_secs(u64::from(STALENESS)))
}

fn ecdsa_tables(fixture: &Fixture) -> Vec<Case> {
    let ecdsa = &fixture.contracts.ecdsa;
    let verify = |reference| ecdsa.verify_certificate(fixture.set.clone(), cert(reference, &fixture.keys()));
    let update = |reference| ecdsa.update_operator_table(fixture.set.clone(), reference, Vec::new(), config(fixture));
    let stale = fixture.transport(&fixture.table(&fixture.set, STALENESS), 1);
    let empty = fixture.table_of(&fixture.set, ECDSA, 0, ecdsa_table(&[]));
    let count = "ECDSACertificateVerifier.OperatorCountZero";
    vec![
        case("ECDSACertificateVerifier.OnlyTableUpdater", fixture.app(), update(fixture.reference + 1)),
        case("ECDSACertificateVerifier.TableUpdateStale", at::OPERATOR_TABLE_UPDATER, update(fixture.reference)),
        case("ECDSACertificateVerifier.CertificateStale", fixture.app(), verify(fixture.reference + 1))
            .after(stale)
            .after([expiry()]),
        case("ECDSACertificateVerifier.ReferenceTimestampDoesNotExist", fixture.app(), verify(5)),
        case("ECDSACertificateVerifier.RootDisabled", fixture.app(), verify(fixture.reference))
            .after([disable(fixture, fixture.reference_root)]),
        case(count, fixture.app(), ecdsa.get_total_stake_weights(fixture.other(9), fixture.reference)),
        case(count, fixture.app(), ecdsa.get_total_stake_weights(fixture.set.clone(), 5)),
        case(count, fixture.app(), verify(fixture.reference + 1)).after(fixture.transport(&empty, 1)),
    ]
}

fn ecdsa_signatures(fixture: &Fixture) -> Vec<Case> {
    let ecdsa = &fixture.contracts.ecdsa;
    let keys = fixture.keys();
    let refused = |row, change: &dyn Fn(&mut Vec<u8>)| {
        let mut certificate = cert(fixture.reference, &keys[..2]);
        let mut signatures = certificate.sig.to_vec();
        change(&mut signatures);
        certificate.sig = signatures.into();
        case(row, fixture.app(), ecdsa.verify_certificate(fixture.set.clone(), certificate))
    };
    let length = "ECDSACertificateVerifier.InvalidSignatureLength";
    let invalid = "ECDSACertificateVerifier.InvalidSignature";
    let order = "ECDSACertificateVerifier.SignersNotOrdered";
    let stranger = cert(fixture.reference, &[&fixture.stranger]);
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
            fixture.app(),
            ecdsa.verify_certificate(fixture.set.clone(), stranger),
        ),
    ]
}

/// The other form of a signature: it recovers to the same key by the curve's mathematics.
fn upper_half(signature: &mut [u8]) {
    let s = U256::from_big_endian(&ORDER) - U256::from_big_endian(&signature[32..64]);
    s.to_big_endian(&mut signature[32..64]);
    signature[64] = 27 + 28 - signature[64];
}

fn ecdsa_reads(fixture: &Fixture) -> Vec<Case> {
    let ecdsa = &fixture.contracts.ecdsa;
    let certificate = || cert(fixture.reference, &fixture.keys());
    let length = "ECDSACertificateVerifier.ArrayLengthMismatch";
    let (set, reference) = (|| fixture.set.clone(), fixture.reference);
    vec![
        case(length, fixture.app(), ecdsa.verify_certificate_proportion(set(), certificate(), vec![1, 1])),
        case(length, fixture.app(), ecdsa.verify_certificate_nominal(set(), certificate(), vec![1.into(), 1.into()])),
        case(
            "ECDSACertificateVerifier.IndexOutOfBounds",
            fixture.app(),
            ecdsa.get_operator_info(set(), reference, fixture.keys().len().into()),
        ),
    ]
}

fn bn254(fixture: &Fixture) -> Vec<Case> {
    let bn254 = &fixture.contracts.bn254;
    let set = || fixture.other(7);
    let certificate = || b::Bn254Certificate { reference_timestamp: fixture.reference + 1, ..Default::default() };
    let verify = || bn254.verify_certificate(set(), certificate());
    let table = |staleness| fixture.bn254_table(&set(), staleness);
    let present = || fixture.transport(&table(0), 1);
    let update =
        |reference| bn254.update_operator_table(set(), reference, b::Bn254OperatorSetInfo::default(), config(fixture));
    let not_yet = "BN254CertificateVerifier.BN254VerificationNotImplemented";
    vec![
        case("BN254CertificateVerifier.OnlyTableUpdater", fixture.app(), update(fixture.reference + 1)),
        case("BN254CertificateVerifier.TableUpdateStale", at::OPERATOR_TABLE_UPDATER, update(fixture.reference + 1))
            .after(present()),
        case("BN254CertificateVerifier.CertificateStale", fixture.app(), verify())
            .after(fixture.transport(&table(STALENESS), 1))
            .after([expiry()]),
        case("BN254CertificateVerifier.ReferenceTimestampDoesNotExist", fixture.app(), verify()),
        case("BN254CertificateVerifier.RootDisabled", fixture.app(), verify())
            .after(present())
            .after([disable(fixture, leaf(&table(0)))]),
        case(not_yet, fixture.app(), verify()).after(present()),
        case(not_yet, fixture.app(), bn254.verify_certificate_proportion(set(), certificate(), vec![1]))
            .after(present()),
        case(not_yet, fixture.app(), bn254.verify_certificate_nominal(set(), certificate(), vec![1.into()]))
            .after(present()),
    ]
}
