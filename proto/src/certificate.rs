//! The ECDSA certificate: its EIP-712 digest, its ABI encoding and the order of its signatures.
//!
//! The domain has no chain id, so one digest serves L1 and L2: the verifier has the same address on both chains.

use ethers::{
    abi::{self, ParamType, Token},
    types::{Address, H256, U256},
    utils::keccak256,
};

use crate::signature::{self, SIGNATURE_LENGTH, SignError};

/// Domain name of the verifier.
pub const DOMAIN_NAME: &str = "EigenLayer";
/// Domain version of the verifier: the major version of its contract.
pub const DOMAIN_VERSION: &str = "1";
const DOMAIN_TYPE: &str = "EIP712Domain(string name,string version,address verifyingContract)";
const CERTIFICATE_TYPE: &str = "ECDSACertificate(uint32 referenceTimestamp,bytes32 messageHash)";
const BN254_CERTIFICATE_TYPE: &str = "BN254Certificate(uint32 referenceTimestamp,bytes32 messageHash)";

/// Why a certificate could not be read or made.
#[derive(Debug, thiserror::Error)]
pub enum CertificateError {
    /// The bytes are not the ABI encoding of a certificate.
    #[error("failed to decode {length} bytes as an ECDSA certificate")]
    Decode {
        /// Length of the bytes.
        length: usize,
        /// Why not.
        source: abi::Error,
    },
    /// The signatures are not a whole number of 65 bytes.
    #[error("failed to split {0} bytes into signatures of 65 bytes")]
    Length(usize),
    /// No signer can be recovered from a signature.
    #[error(transparent)]
    Signature(#[from] SignError),
    /// The verifier wants signers in strictly ascending order.
    #[error("signers are not in ascending order: {next:?} follows {previous:?}")]
    Order {
        /// The signer before.
        previous: Address,
        /// The signer that should have a greater address.
        next: Address,
    },
}

/// What the mailbox stores and the verifier checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EcdsaCertificate {
    /// Operator table reference timestamp, in seconds.
    pub reference_timestamp: u32,
    /// The mailbox's message hash of task and result.
    pub message_hash: H256,
    /// Signatures of 65 bytes each, ascending by recovered signer.
    pub signatures: Vec<u8>,
}

impl EcdsaCertificate {
    /// Sorts signatures over the certificate digest of `verifier` into the order that the contract requires.
    pub fn new(
        verifier: Address,
        reference_timestamp: u32,
        message_hash: H256,
        signatures: impl IntoIterator<Item = Vec<u8>>,
    ) -> Result<Self, CertificateError> {
        let digest = digest(verifier, reference_timestamp, message_hash);
        let mut signed = signatures
            .into_iter()
            .map(|bytes| Ok((signature::recover(digest, &bytes)?, bytes)))
            .collect::<Result<Vec<_>, SignError>>()?;
        signed.sort();
        signed.dedup_by_key(|(signer, _)| *signer);
        let signatures = signed.into_iter().flat_map(|(_, bytes)| bytes).collect();
        Ok(Self { reference_timestamp, message_hash, signatures })
    }

    /// abi.encode(certificate), as `submitResult` takes it.
    pub fn encode(&self) -> Vec<u8> {
        abi::encode(&[Token::Tuple(vec![
            Token::Uint(U256::from(self.reference_timestamp)),
            Token::FixedBytes(self.message_hash.as_bytes().to_vec()),
            Token::Bytes(self.signatures.clone()),
        ])])
    }

    /// Decodes the certificate that `TaskVerified` carries.
    pub fn decode(bytes: &[u8]) -> Result<Self, CertificateError> {
        let shape = ParamType::Tuple(vec![ParamType::Uint(32), ParamType::FixedBytes(32), ParamType::Bytes]);
        let fail = |source| CertificateError::Decode { length: bytes.len(), source };
        let token = abi::decode(&[shape], bytes).map_err(fail)?.pop().and_then(Token::into_tuple);
        match token.as_deref() {
            Some([Token::Uint(timestamp), Token::FixedBytes(hash), Token::Bytes(signatures)])
                if *timestamp <= U256::from(u32::MAX) && hash.len() == 32 =>
            {
                Ok(Self {
                    reference_timestamp: timestamp.low_u32(),
                    message_hash: H256::from_slice(hash),
                    signatures: signatures.clone(),
                })
            }
            _ => Err(fail(abi::Error::InvalidData)),
        }
    }

    /// The signers, in the order of the signatures; fails as the contract would on a wrong order.
    pub fn signers(&self, verifier: Address) -> Result<Vec<Address>, CertificateError> {
        if !self.signatures.len().is_multiple_of(SIGNATURE_LENGTH) {
            return Err(CertificateError::Length(self.signatures.len()));
        }
        let digest = digest(verifier, self.reference_timestamp, self.message_hash);
        let mut signers = Vec::<Address>::new();
        for bytes in self.signatures.chunks_exact(SIGNATURE_LENGTH) {
            let next = signature::recover(digest, bytes)?;
            match signers.last() {
                Some(&previous) if previous >= next => return Err(CertificateError::Order { previous, next }),
                _ => signers.push(next),
            }
        }
        Ok(signers)
    }
}

/// The verifier's EIP-712 domain separator, without chain id.
pub fn domain_separator(verifier: Address) -> H256 {
    H256(keccak256(
        [keccak256(DOMAIN_TYPE), keccak256(DOMAIN_NAME), keccak256(DOMAIN_VERSION), H256::from(verifier).0].concat(),
    ))
}

/// `calculateCertificateDigestBytes`: 0x1901, domain separator, struct hash; 66 bytes.
pub fn digest_bytes(verifier: Address, reference_timestamp: u32, message_hash: H256) -> [u8; 66] {
    let fields = struct_hash(CERTIFICATE_TYPE, reference_timestamp, message_hash);
    let mut bytes = [0; 66];
    bytes[..2].copy_from_slice(&[0x19, 0x01]);
    bytes[2..34].copy_from_slice(domain_separator(verifier).as_bytes());
    bytes[34..].copy_from_slice(fields.as_bytes());
    bytes
}

/// `calculateCertificateDigest`: keccak256 of [`digest_bytes`]; what an executor of an ECDSA set signs.
pub fn digest(verifier: Address, reference_timestamp: u32, message_hash: H256) -> H256 {
    H256(keccak256(digest_bytes(verifier, reference_timestamp, message_hash)))
}

/// The BN254 verifier's digest: no domain, no contract, no chain id.
pub fn bn254_digest(reference_timestamp: u32, message_hash: H256) -> H256 {
    struct_hash(BN254_CERTIFICATE_TYPE, reference_timestamp, message_hash)
}

fn struct_hash(kind: &str, reference_timestamp: u32, message_hash: H256) -> H256 {
    let timestamp = H256::from_low_u64_be(u64::from(reference_timestamp));
    H256(keccak256([keccak256(kind), timestamp.0, message_hash.0].concat()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::signature::EcdsaKey;

    fn verifier() -> Address {
        Address::repeat_byte(0xaa)
    }

    fn key(number: u8) -> EcdsaKey {
        EcdsaKey::from_hex(&format!("{number:064x}")).unwrap()
    }

    /// Type hashes as public EigenLayer contracts have them.
    #[rstest::rstest]
    #[case(CERTIFICATE_TYPE, "da346acb3ce99e7c5132bf8cafb159ad8085970ebfdba78007ef0fe163063d14")]
    #[case(BN254_CERTIFICATE_TYPE, "d9f77a423768f4b0526fa60a7c732334516a93f1d228dce50ad804ea74ced36e")]
    fn type_hashes_are_the_public_ones(#[case] kind: &str, #[case] hash: &str) {
        assert_eq!(hex::encode(keccak256(kind)), hash);
    }

    #[test]
    fn the_domain_has_no_chain_id() {
        assert!(hex::encode(keccak256(DOMAIN_TYPE)).starts_with("91ab3d17"));
    }

    #[test]
    fn digest_bytes_are_prefix_domain_and_struct() {
        let bytes = digest_bytes(verifier(), 42, H256::repeat_byte(1));
        assert_eq!(bytes[..2], [0x19, 0x01]);
        assert_eq!(bytes[2..34], domain_separator(verifier()).0);
        let fields = [keccak256(CERTIFICATE_TYPE), H256::from_low_u64_be(42).0, [1; 32]].concat();
        assert_eq!(bytes[34..], keccak256(fields));
    }

    #[test]
    fn wrong_order_and_wrong_length_are_refused() {
        let hash = H256::repeat_byte(1);
        let all = [1, 2, 3].map(|number| key(number).sign(digest(verifier(), 1, hash)).unwrap());
        let mut certificate = EcdsaCertificate::new(verifier(), 1, hash, all).unwrap();
        certificate.signers(verifier()).unwrap();
        certificate.signatures.rotate_left(SIGNATURE_LENGTH);
        assert!(matches!(certificate.signers(verifier()), Err(CertificateError::Order { .. })));
        certificate.signatures.pop();
        assert!(matches!(certificate.signers(verifier()), Err(CertificateError::Length(194))));
    }

    proptest! {
        #[test]
        fn encoding_round_trips(timestamp in any::<u32>(), hash in any::<[u8; 32]>(),
            signatures in proptest::collection::vec(any::<u8>(), 0..300)) {
            let certificate = EcdsaCertificate { reference_timestamp: timestamp, message_hash: H256(hash), signatures };
            prop_assert_eq!(EcdsaCertificate::decode(&certificate.encode()).unwrap(), certificate);
        }

        #[test]
        fn invalid_bytes_are_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = EcdsaCertificate::decode(&bytes);
        }

        /// In whatever order answers arrive, signers are ascending and each appears once.
        #[test]
        fn signers_are_ascending(numbers in proptest::collection::vec(1_u8..50, 1..6), timestamp in any::<u32>()) {
            let hash = H256::repeat_byte(9);
            let to_sign = digest(verifier(), timestamp, hash);
            let signatures = numbers.iter().map(|number| key(*number).sign(to_sign).unwrap());
            let certificate = EcdsaCertificate::new(verifier(), timestamp, hash, signatures).unwrap();
            let mut expected: Vec<_> = numbers.iter().map(|number| key(*number).address()).collect();
            expected.sort();
            expected.dedup();
            prop_assert_eq!(certificate.signers(verifier()).unwrap(), expected);
        }
    }
}
