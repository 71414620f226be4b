//! The addresses of the contracts, the same on L1 and on L2.
//!
//! Contracts that the public binaries find by chain ids 31337 and 31338, or that the public devnet context names for them,
//! have the addresses that are expected there. All others have the last 20 bytes of keccak256("hourglass-harness/NAME"). A test compares them with the compiled
//! artefacts.

use ethers::types::Address;

/// Chain id of L1.
pub const L1_CHAIN_ID: u64 = 31_337;
/// Chain id of L2.
pub const L2_CHAIN_ID: u64 = 31_338;

/// Operator sets and their members (L1).
pub const ALLOCATION_MANAGER: Address = address("42583067658071247ec8ce0a516a58f682002d07");
/// Operators and delegation (L1).
pub const DELEGATION_MANAGER: Address = address("d4a7e1bd8015057293f0d0a557088c286942e84b");
/// Signing keys (L1).
pub const KEY_REGISTRAR: Address = address("a4db30d08d8bbca00d40600bee9f029984db162a");
/// Table calculators and supported chains (L1).
pub const CROSS_CHAIN_REGISTRY: Address = address("287381b1570d9048c4b4c7ec94d21ddb8aa1352a");
/// Tasks (both chains).
pub const TASK_MAILBOX: Address = address("b99cc53e8db7018f557606c2a5b066527bf96b26");
/// ECDSA certificates (both chains).
pub const ECDSA_CERTIFICATE_VERIFIER: Address = address("b3cd1a457dea9a9a6f6406c6419b1c326670a96f");
/// BN254 certificates (both chains).
pub const BN254_CERTIFICATE_VERIFIER: Address = address("ff58a373c18268f483c1f5ca03cf885c0c43373a");
/// Confirmed operator tables (both chains).
pub const OPERATOR_TABLE_UPDATER: Address = address("b02a15c6bd0882b35e9936a9579f35fb26e11476");
/// Weights of ECDSA operator sets (L1).
pub const ECDSA_TABLE_CALCULATOR: Address = address("acb5de6aa94a1908e6fa577c2ade65065333b450");
/// Weights of BN254 operator sets (L1).
pub const BN254_TABLE_CALCULATOR: Address = address("a19e3b00cf4ac46b5e6dc0bbb0fb0c86d0d65603");
/// Admins and appointees of accounts (L1).
pub const PERMISSION_CONTROLLER: Address = address("44632dfbdcb6d3e21ef613b0ca8a6a0c618f5a37");
/// Deposits (L1).
pub const STRATEGY_MANAGER: Address = address("2e3d6c0744b10eb0a4e6f679f71554a39ec47a5d");
/// Releases of artefacts, where the public devnet context has them (L1).
pub const RELEASE_MANAGER: Address = address("d9cb89f1993292dec2f973934bc63b0f2a702776");
/// The same, with releases of its own, where the public binaries have them (L1).
pub const EARLIER_RELEASE_MANAGER: Address = address("59c8d715dca616e032b744a753c017c9f3e16bf4");
/// The registrar of the AVS under test (L1).
pub const TASK_AVS_REGISTRAR: Address = address("c0051d0ee31f3542405b737f113640b91d8883be");
/// The task hook of the AVS under test (both chains).
pub const AVS_TASK_HOOK: Address = address("2cba978422fe4fb5bc0919f6e5393534a1f6126f");
/// The token that fees are paid in (both chains).
pub const FEE_TOKEN: Address = address("1c560e5c50e43ffc40dfae2475fd33587ca80fe9");
/// The one strategy that operators allocate (L1).
pub const STAKE_STRATEGY: Address = address("5c81b1229b539c5dcb07da86fa54df574a193bca");

/// A contract of the test chains.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contract {
    /// Its name in Solidity, for example `TaskMailbox`.
    pub name: &'static str,
    /// Its name in scenarios, for example `task_mailbox`.
    pub key: &'static str,
    /// Its address, on each chain that has it.
    pub address: Address,
    /// Whether L2 has it as well as L1.
    pub is_on_l2: bool,
}

impl Contract {
    const fn on_both(name: &'static str, key: &'static str, address: Address) -> Self {
        Self { name, key, address, is_on_l2: true }
    }

    const fn on_l1(name: &'static str, key: &'static str, address: Address) -> Self {
        Self { name, key, address, is_on_l2: false }
    }
}

/// All contracts of the test chains.
pub const CONTRACTS: &[Contract] = &[
    Contract::on_both("TaskMailbox", "task_mailbox", TASK_MAILBOX),
    Contract::on_both("ECDSACertificateVerifier", "ecdsa_certificate_verifier", ECDSA_CERTIFICATE_VERIFIER),
    Contract::on_both("BN254CertificateVerifier", "bn254_certificate_verifier", BN254_CERTIFICATE_VERIFIER),
    Contract::on_both("OperatorTableUpdater", "operator_table_updater", OPERATOR_TABLE_UPDATER),
    Contract::on_both("AVSTaskHook", "avs_task_hook", AVS_TASK_HOOK),
    Contract::on_both("FeeToken", "fee_token", FEE_TOKEN),
    Contract::on_l1("AllocationManager", "allocation_manager", ALLOCATION_MANAGER),
    Contract::on_l1("DelegationManager", "delegation_manager", DELEGATION_MANAGER),
    Contract::on_l1("KeyRegistrar", "key_registrar", KEY_REGISTRAR),
    Contract::on_l1("CrossChainRegistry", "cross_chain_registry", CROSS_CHAIN_REGISTRY),
    Contract::on_l1("ECDSATableCalculator", "ecdsa_table_calculator", ECDSA_TABLE_CALCULATOR),
    Contract::on_l1("BN254TableCalculator", "bn254_table_calculator", BN254_TABLE_CALCULATOR),
    Contract::on_l1("TaskAVSRegistrar", "task_avs_registrar", TASK_AVS_REGISTRAR),
    Contract::on_l1("PermissionController", "permission_controller", PERMISSION_CONTROLLER),
    Contract::on_l1("StrategyManager", "strategy_manager", STRATEGY_MANAGER),
    Contract::on_l1("StakeStrategy", "stake_strategy", STAKE_STRATEGY),
    Contract::on_l1("ReleaseManager", "release_manager", RELEASE_MANAGER),
    Contract::on_l1("EarlierReleaseManager", "earlier_release_manager", EARLIER_RELEASE_MANAGER),
];

const fn address(digits: &str) -> Address {
    let digits = digits.as_bytes();
    assert!(digits.len() == 40, "an address has 40 digits");
    let mut bytes = [0; 20];
    let mut index = 0;
    while index < 20 {
        bytes[index] = digit(digits[2 * index]) * 16 + digit(digits[2 * index + 1]);
        index += 1;
    }
    ethers::types::H160(bytes)
}

#[expect(clippy::panic, reason = "evaluated by the compiler only: a wrong digit does not compile")]
const fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        b'a'..=b'f' => character - b'a' + 10,
        _ => panic!("not a lowercase hexadecimal digit"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contracts know each other by constants that were compiled in.
    #[test]
    fn addresses_are_those_of_the_artefacts() {
        let text = hourglass_contracts::ADDRESSES;
        for Contract { name, address, .. } in CONTRACTS {
            let line = format!("\"{name}\": \"{address:?}\"");
            assert!(text.to_lowercase().contains(&line.to_lowercase()), "addresses.json has no {line}");
        }
    }
}
