//! Certificates, as `TaskVerified` carries them: the submitter of a result controls these bytes.

use hourglass_proto::{certificate::EcdsaCertificate, contracts::addresses::ECDSA_CERTIFICATE_VERIFIER};

use crate::mutate;

const WORDS: &[&[u8]] = &[&[0; 32], &[0xff; 32], &[0x20], &[0x41], &[0; 65], &[27]];

#[test]
fn any_certificate_is_read_or_refused() {
    mutate::all_of("certificate", WORDS, |bytes| {
        let Ok(certificate) = EcdsaCertificate::decode(bytes) else { return };
        assert!(certificate.signatures.len() <= bytes.len(), "more signatures than were given");
        assert_eq!(EcdsaCertificate::decode(&certificate.encode()).unwrap(), certificate, "it reads what it writes");
        if let Ok(signers) = certificate.signers(ECDSA_CERTIFICATE_VERIFIER) {
            assert!(signers.is_sorted(), "a contract would refuse the order");
        }
    });
}
