//! ECDSA signatures over 32-byte digests: 65 bytes, r || s || v with v 27 or 28, no EIP-191 prefix.

use ethers::{
    core::k256::ecdsa::SigningKey,
    signers::{LocalWallet, WalletError},
    types::{Address, H256, Signature, SignatureError},
};

/// Length of an encoded signature in bytes.
pub const SIGNATURE_LENGTH: usize = 65;

/// Why a signature could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The private key is not a secp256k1 key.
    #[error("failed to read the private key as 32 bytes in hexadecimal")]
    Key(#[source] WalletError),
    /// The signer refused the digest.
    #[error("failed to sign digest {digest:?}")]
    Sign {
        /// The digest.
        digest: H256,
        /// Why not.
        source: WalletError,
    },
    /// The bytes are no signature, or no signer can be recovered from them.
    #[error("failed to recover the signer of digest {digest:?} from {length} bytes")]
    Recover {
        /// The digest, as far as the verifier knows.
        digest: H256,
        /// Length of the bytes given as signature.
        length: usize,
        /// Why not.
        source: SignatureError,
    },
}

/// A signing key and its address.
#[derive(Debug, Clone)]
pub struct EcdsaKey(LocalWallet);

impl EcdsaKey {
    /// Reads a key from 64 hexadecimal digits, with or without 0x.
    pub fn from_hex(text: &str) -> Result<Self, SignError> {
        let digits = text.strip_prefix("0x").unwrap_or(text);
        digits.parse::<LocalWallet>().map(Self).map_err(SignError::Key)
    }

    /// The address that signatures of this key recover to.
    pub fn address(&self) -> Address {
        ethers::signers::Signer::address(&self.0)
    }

    /// Signs a digest as it is.
    pub fn sign(&self, digest: H256) -> Result<Vec<u8>, SignError> {
        self.0
            .sign_hash(digest)
            .map(|signature| signature.to_vec())
            .map_err(|source| SignError::Sign { digest, source })
    }

    /// The wallet that signs transactions with this key.
    pub fn wallet(&self) -> &LocalWallet {
        &self.0
    }

    /// The key itself, in hexadecimal with 0x: for configuration files of components.
    pub fn to_hex(&self) -> String {
        let key: &SigningKey = self.0.signer();
        format!("0x{}", hex::encode(key.to_bytes()))
    }
}

/// The address whose key signed `digest`.
pub fn recover(digest: H256, signature: &[u8]) -> Result<Address, SignError> {
    Signature::try_from(signature)
        .and_then(|signature| signature.recover(digest))
        .map_err(|source| SignError::Recover { digest, length: signature.len(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    // The first account of the default mnemonic of Anvil and Hardhat.
    const KEY: &str = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

    #[test]
    fn a_signature_recovers_to_its_key() {
        let key = EcdsaKey::from_hex(KEY).unwrap();
        assert_eq!(key.address(), "f39fd6e51aad88f6f4ce6ab8827279cfffb92266".parse().unwrap());
        let digest = H256::repeat_byte(7);
        let signature = key.sign(digest).unwrap();
        assert_eq!(signature.len(), SIGNATURE_LENGTH);
        assert!(matches!(signature[64], 27 | 28), "v is 27 or 28, as the contracts want it");
        assert_eq!(recover(digest, &signature).unwrap(), key.address());
        assert_eq!(key.to_hex(), KEY);
    }

    #[test]
    fn invalid_signature_is_refused_with_its_length() {
        let error = recover(H256::zero(), &[1, 2, 3]).unwrap_err();
        assert!(error.to_string().contains("3 bytes"), "{error}");
        EcdsaKey::from_hex("0x12").unwrap_err();
    }
}
