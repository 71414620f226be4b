//! The messages that aggregator and executor sign for each other, and the mailbox's message hash.
//!
//! Every message is a sequence of 32-byte words, with numbers in big-endian order and padded on the left. The signed
//! digest is its keccak256.

use ethers::{
    abi::{self, Token},
    types::{Address, H256},
    utils::keccak256,
};

/// Version of the submission message; others are refused.
pub const SUBMISSION_VERSION: u32 = 1;

/// A task hash and how it is written on the wire.
pub type TaskHash = H256;

/// Reads a task hash as the services carry it: 0x and 64 hexadecimal digits.
pub fn parse_task_hash(text: &str) -> Option<TaskHash> {
    let digits = text.strip_prefix("0x")?;
    let mut hash = [0; 32];
    hex::decode_to_slice(digits, &mut hash).ok()?;
    Some(H256(hash))
}

/// Writes a task hash as the services carry it: 66 characters.
pub fn format_task_hash(hash: TaskHash) -> String {
    format!("{hash:?}")
}

/// The message that the aggregator signs for each executor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubmissionMessage {
    /// Hash of the task.
    pub task: TaskHash,
    /// The AVS.
    pub avs: Address,
    /// The executor that the submission is for.
    pub executor: Address,
    /// Executor operator set.
    pub operator_set_id: u32,
    /// Operator table reference timestamp of the task, in seconds.
    pub reference_timestamp: u32,
    /// L1 block at which operator sets and keys are read.
    pub block_number: u64,
    /// keccak256 of the task's payload.
    pub payload_hash: H256,
}

impl SubmissionMessage {
    /// The message: 224 bytes.
    pub fn encode(&self) -> [u8; 224] {
        words([
            self.task.0,
            address_word(self.avs),
            address_word(self.executor),
            number_word(u64::from(self.operator_set_id)),
            number_word(u64::from(self.reference_timestamp)),
            number_word(self.block_number),
            self.payload_hash.0,
        ])
    }

    /// The signed digest: keccak256 of the message.
    pub fn digest(&self) -> H256 {
        H256(keccak256(self.encode()))
    }
}

/// The message that the executor signs to claim a result as its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdentityMessage {
    /// Hash of the task.
    pub task: TaskHash,
    /// The AVS.
    pub avs: Address,
    /// The executor's operator address.
    pub operator: Address,
    /// Executor operator set.
    pub operator_set_id: u32,
    /// keccak256 of the result signature.
    pub result_signature_hash: H256,
}

impl IdentityMessage {
    /// The message: 160 bytes.
    pub fn encode(&self) -> [u8; 160] {
        words([
            self.task.0,
            address_word(self.avs),
            address_word(self.operator),
            number_word(u64::from(self.operator_set_id)),
            self.result_signature_hash.0,
        ])
    }

    /// The signed digest: keccak256 of the message.
    pub fn digest(&self) -> H256 {
        H256(keccak256(self.encode()))
    }
}

/// The mailbox's message hash: keccak256(abi.encode(bytes32 task hash, bytes result)).
pub fn message_hash(task: TaskHash, result: &[u8]) -> H256 {
    let encoded = abi::encode(&[Token::FixedBytes(task.as_bytes().to_vec()), Token::Bytes(result.to_vec())]);
    H256(keccak256(encoded))
}

/// The digest of a management call's signature: keccak256 of keccak256 of the challenge token, because the public
/// client hashes the token and its signer hashes once more.
pub fn challenge_digest(token: &str) -> H256 {
    H256(keccak256(keccak256(token.as_bytes())))
}

/// keccak256, for the hashes that the messages hold.
pub fn hash(bytes: &[u8]) -> H256 {
    H256(keccak256(bytes))
}

fn address_word(address: Address) -> [u8; 32] {
    H256::from(address).0
}

fn number_word(number: u64) -> [u8; 32] {
    H256::from_low_u64_be(number).0
}

fn words<const COUNT: usize, const LENGTH: usize>(words: [[u8; 32]; COUNT]) -> [u8; LENGTH] {
    const { assert!(COUNT * 32 == LENGTH, "every word has 32 bytes") };
    let mut bytes = [0; LENGTH];
    for (slot, word) in bytes.chunks_exact_mut(32).zip(words) {
        slot.copy_from_slice(&word);
    }
    bytes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn submission() -> SubmissionMessage {
        SubmissionMessage {
            task: H256::repeat_byte(0x11),
            avs: Address::repeat_byte(0x22),
            executor: Address::repeat_byte(0x33),
            operator_set_id: 1,
            reference_timestamp: 0x0102_0304,
            block_number: 0x0506_0708_090a_0b0c,
            payload_hash: hash(b"0x04"),
        }
    }

    #[test]
    fn submission_is_seven_words() {
        let expected = [
            "1111111111111111111111111111111111111111111111111111111111111111",
            "0000000000000000000000002222222222222222222222222222222222222222",
            "0000000000000000000000003333333333333333333333333333333333333333",
            "0000000000000000000000000000000000000000000000000000000000000001",
            "0000000000000000000000000000000000000000000000000000000001020304",
            "00000000000000000000000000000000000000000000000005060708090a0b0c",
            "PAYLOAD",
        ]
        .concat()
        .replace("PAYLOAD", &hex::encode(keccak256("0x04")));
        assert_eq!(hex::encode(submission().encode()), expected);
    }

    #[test]
    fn identity_is_five_words() {
        let message = IdentityMessage {
            task: H256::repeat_byte(0x11),
            avs: Address::repeat_byte(0x22),
            operator: Address::repeat_byte(0x33),
            operator_set_id: 1,
            result_signature_hash: H256::repeat_byte(0x44),
        };
        let expected = [
            "1111111111111111111111111111111111111111111111111111111111111111",
            "0000000000000000000000002222222222222222222222222222222222222222",
            "0000000000000000000000003333333333333333333333333333333333333333",
            "0000000000000000000000000000000000000000000000000000000000000001",
            "4444444444444444444444444444444444444444444444444444444444444444",
        ]
        .concat();
        assert_eq!(hex::encode(message.encode()), expected);
        assert_eq!(message.digest().0, keccak256(hex::decode(expected).unwrap()));
    }

    /// abi.encode(bytes32, bytes) written out by hand: hash, offset 0x40, length 4, the bytes padded to a word.
    #[test]
    fn message_hash_is_that_of_the_mailbox() {
        let encoded = format!("{}{:064x}{:064x}{:0<64}", "11".repeat(32), 0x40, 4, hex::encode("0x10"));
        assert_eq!(message_hash(H256::repeat_byte(0x11), b"0x10").0, keccak256(hex::decode(encoded).unwrap()));
    }

    #[test]
    fn task_hash_text_is_66_characters_with_a_prefix() {
        let hash = H256::repeat_byte(0xab);
        assert_eq!(format_task_hash(hash).len(), 66);
        assert_eq!(parse_task_hash(&format_task_hash(hash)), Some(hash));
        for bad in
            ["", "0x", "0x12", &"ab".repeat(32), &format!("0x{}", "zz".repeat(32)), &format!("0x{}", "ab".repeat(33))]
        {
            assert_eq!(parse_task_hash(bad), None, "{bad} is no task hash");
        }
    }

    proptest! {
        /// A change of any field must change the digest, or a signature could be replayed.
        #[test]
        fn every_field_is_in_the_submission_digest(
            set in any::<u32>(), timestamp in any::<u32>(), block in any::<u64>(), fill in any::<u8>(),
        ) {
            let base = submission();
            let fill_address = Address::repeat_byte(fill);
            let changes = [
                SubmissionMessage { task: H256::repeat_byte(fill), ..base },
                SubmissionMessage { avs: fill_address, ..base },
                SubmissionMessage { executor: fill_address, ..base },
                SubmissionMessage { operator_set_id: set, ..base },
                SubmissionMessage { reference_timestamp: timestamp, ..base },
                SubmissionMessage { block_number: block, ..base },
                SubmissionMessage { payload_hash: H256::repeat_byte(fill), ..base },
            ];
            for changed in changes {
                prop_assert_eq!(changed == base, changed.digest() == base.digest());
            }
        }

        #[test]
        fn message_hash_depends_on_task_and_result(a in any::<[u8; 32]>(), b in any::<[u8; 32]>(),
            x in proptest::collection::vec(any::<u8>(), 0..100), y in proptest::collection::vec(any::<u8>(), 0..100)) {
            let same = a == b && x == y;
            prop_assert_eq!(same, message_hash(H256(a), &x) == message_hash(H256(b), &y));
        }
    }
}
