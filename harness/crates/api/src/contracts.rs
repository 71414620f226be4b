//! The chains of an environment, for a test's own client.

use hourglass_component::keys::Address;
use hourglass_proto::contracts::addresses as at;
use hourglass_runner::StandingChain;

/// A contract of a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contract {
    /// Its name, as `TaskMailbox`.
    pub name: &'static str,
    /// Where it stands.
    pub address: Address,
}

/// A chain of an environment: where it answers, and what stands on it.
#[derive(Debug, Clone)]
pub struct ChainHandle {
    rpc_url: String,
    chain_id: u64,
    contracts: Vec<Contract>,
}

impl ChainHandle {
    pub(crate) fn l1(chain: &StandingChain) -> Self {
        Self::with(chain, &[BOTH, L1_ONLY].concat())
    }

    pub(crate) fn l2(chain: &StandingChain) -> Self {
        Self::with(chain, BOTH)
    }

    fn with(chain: &StandingChain, contracts: &[(&'static str, Address)]) -> Self {
        let contracts = contracts.iter().map(|(name, address)| Contract { name, address: *address }).collect();
        Self { rpc_url: chain.url.clone(), chain_id: chain.chain_id, contracts }
    }

    /// Where it answers JSON-RPC over HTTP, from this machine, as `http://127.0.0.1:8545`.
    pub fn rpc_url(&self) -> &str {
        &self.rpc_url
    }

    /// Where it answers JSON-RPC over WebSocket: the same place.
    pub fn ws_url(&self) -> String {
        self.rpc_url.replacen("http", "ws", 1)
    }

    /// Its id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// What is used of the contracts on this chain.
    pub fn contracts(&self) -> &[Contract] {
        &self.contracts
    }

    /// The address of the contract with this name, as `TaskMailbox`.
    pub fn contract(&self, name: &str) -> Option<Address> {
        self.contracts.iter().find(|contract| contract.name == name).map(|contract| contract.address)
    }
}

const BOTH: &[(&str, Address)] = &[
    ("TaskMailbox", at::TASK_MAILBOX),
    ("ECDSACertificateVerifier", at::ECDSA_CERTIFICATE_VERIFIER),
    ("BN254CertificateVerifier", at::BN254_CERTIFICATE_VERIFIER),
    ("OperatorTableUpdater", at::OPERATOR_TABLE_UPDATER),
    ("AVSTaskHook", at::AVS_TASK_HOOK),
    ("FeeToken", at::FEE_TOKEN),
];

const L1_ONLY: &[(&str, Address)] = &[
    ("AllocationManager", at::ALLOCATION_MANAGER),
    ("DelegationManager", at::DELEGATION_MANAGER),
    ("KeyRegistrar", at::KEY_REGISTRAR),
    ("CrossChainRegistry", at::CROSS_CHAIN_REGISTRY),
    ("ECDSATableCalculator", at::ECDSA_TABLE_CALCULATOR),
    ("BN254TableCalculator", at::BN254_TABLE_CALCULATOR),
    ("TaskAVSRegistrar", at::TASK_AVS_REGISTRAR),
    // What operators allocate: a name for stake, without code.
    ("StakeStrategy", at::STAKE_STRATEGY),
];

#[cfg(test)]
mod tests {
    use super::*;

    /// A contract that is added must be found here as well.
    #[test]
    fn every_contract_of_the_artefacts_is_there() {
        let text = include_str!("../../../../fixtures/contracts/artifacts/addresses.json");
        let deployed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        for (name, address) in [BOTH, L1_ONLY].concat() {
            let written = deployed.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            assert_eq!(written.to_lowercase(), format!("{address:?}"), "{name}");
        }
        assert_eq!(deployed.len(), BOTH.len() + L1_ONLY.len(), "{deployed:?}");
    }
}
