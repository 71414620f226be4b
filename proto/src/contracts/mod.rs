//! Typed bindings of the contracts (crate `hourglass_contracts`), their addresses, and the meaning of their errors.

pub mod addresses;
pub mod errors;

use ethers::abi::Abi;
pub use hourglass_contracts::bindings;

/// The descriptions of all contracts.
pub fn abis() -> [&'static Abi; 19] {
    use bindings as b;
    [
        &b::TASKMAILBOX_ABI,
        &b::ECDSACERTIFICATEVERIFIER_ABI,
        &b::BN254CERTIFICATEVERIFIER_ABI,
        &b::OPERATORTABLEUPDATER_ABI,
        &b::KEYREGISTRAR_ABI,
        &b::ALLOCATIONMANAGER_ABI,
        &b::DELEGATIONMANAGER_ABI,
        &b::CROSSCHAINREGISTRY_ABI,
        &b::ECDSATABLECALCULATOR_ABI,
        &b::BN254TABLECALCULATOR_ABI,
        &b::TASKAVSREGISTRAR_ABI,
        &b::AVSTASKHOOK_ABI,
        &b::FEETOKEN_ABI,
        &b::PERMISSIONCONTROLLER_ABI,
        &b::STRATEGYMANAGER_ABI,
        &b::STAKESTRATEGY_ABI,
        &b::RELEASEMANAGER_ABI,
        &b::PROXYADMIN_ABI,
        &b::TRANSPARENTPROXY_ABI,
    ]
}

#[cfg(test)]
mod tests {
    use ethers::contract::{EthCall as _, EthEvent as _};

    use super::bindings as b;

    /// Topics that public binaries look for.
    #[rstest::rstest]
    #[case(b::TaskCreatedFilter::signature(), "33add0b01e02278be5459fbfa3274aee699ec47f4ee7236b59e7a2c8b5000c26")]
    #[case(b::TaskVerifiedFilter::signature(), "659f23b2e7edf490e5fd6561c5148691ed0375ed7ddd3ab1bcfcfdbec4f209a9")]
    #[case(
        b::ExecutorOperatorSetRegisteredFilter::signature(),
        "48b63f21a1eb9dd6880e196de6d7db3fbd0c282b74f1298dcb4cf53472298f39"
    )]
    #[case(
        b::ExecutorOperatorSetTaskConfigSetFilter::signature(),
        "7cd76abd4025a20959a1b20f7c1536e3894a0735cd8de0215dde803ddea7f2d2"
    )]
    #[case(b::FeeRefundedFilter::signature(), "e3ed40d31808582f7a92a30beacc0ec788d5091407ec6c10c1b999b3f317aea3")]
    fn event_topics_are_the_public_ones(#[case] topic: ethers::types::H256, #[case] public: &str) {
        assert_eq!(hex::encode(topic), public);
    }

    /// Selectors that public binaries call.
    #[rstest::rstest]
    #[case(b::CreateTaskCall::selector(), "1fb66f5d")]
    #[case(b::SubmitResultCall::selector(), "a5fabc81")]
    #[case(b::GetMessageHashCall::selector(), "37eaa104")]
    #[case(b::SetExecutorOperatorSetTaskConfigCall::selector(), "f741e81a")]
    #[case(b::RegisterExecutorOperatorSetCall::selector(), "49acd884")]
    #[case(b::GetExecutorOperatorSetTaskConfigCall::selector(), "6bf6fad5")]
    #[case(b::GetTaskInfoCall::selector(), "4ad52e02")]
    #[case(b::GetTaskStatusCall::selector(), "2bf6cc79")]
    #[case(b::GetTaskResultCall::selector(), "62fee037")]
    fn selectors_are_the_public_ones(#[case] selector: [u8; 4], #[case] public: &str) {
        assert_eq!(hex::encode(selector), public);
    }

    #[test]
    fn a_revert_is_described_by_name_and_arguments() {
        let data = hex::decode(format!("81236312{:064x}{:064x}", 1, 2)).unwrap();
        assert_eq!(super::errors::describe(&data), "InvalidTaskStatus(1, 2)");
        assert_eq!(super::errors::describe(&hex::decode("d63436d2").unwrap()), "PayloadIsEmpty");
        let overflow = hex::decode(format!("4e487b71{:064x}", 0x11)).unwrap();
        assert_eq!(super::errors::describe(&overflow), "Panic(0x11)");
        assert_eq!(super::errors::describe(&[1, 2, 3, 4]), "0x01020304");
        assert_eq!(super::errors::describe(&[]), "no reason");
    }
}
