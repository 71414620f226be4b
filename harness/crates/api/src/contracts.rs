//! The chains of an environment, for a test's own client.

use hourglass_chain::DeployedContract;
use hourglass_component::keys::Address;
use hourglass_proto::contracts::addresses as at;
use hourglass_runner::StandingChain;

/// A contract of a chain.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// for contract in env.l1().contracts() {
///     println!("{} stands at {:?}", contract.name, contract.address);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Contract {
    /// Its name, as `TaskMailbox`; of a contract of yours, that in scenarios.
    pub name: String,
    /// Its name in scenarios, as `task_mailbox`.
    pub key: String,
    /// Its address.
    pub address: Address,
}

impl Contract {
    fn of(known: &at::Contract) -> Self {
        Self { name: known.name.to_owned(), key: known.key.to_owned(), address: known.address }
    }

    fn of_user(deployed: &DeployedContract) -> Self {
        Self { name: deployed.name.clone(), key: deployed.name.clone(), address: deployed.address }
    }
}

/// A chain of an environment: its endpoints and its contracts.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// let l2 = env.l2();
/// println!("chain {} answers at {} and {}", l2.chain_id(), l2.rpc_url(), l2.ws_url());
/// let mailbox = l2.contract("TaskMailbox").expect("it stands on both chains");
/// # let _ = mailbox;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct ChainHandle {
    rpc_url: String,
    chain_id: u64,
    contracts: Vec<Contract>,
}

impl ChainHandle {
    /// L1 of an environment that the runner has started.
    pub fn l1(chain: &StandingChain) -> Self {
        Self::with(chain, at::CONTRACTS.iter().map(Contract::of))
    }

    /// L2 of such an environment.
    pub fn l2(chain: &StandingChain) -> Self {
        let contracts = at::CONTRACTS.iter().filter(|contract| contract.is_on_l2);
        Self::with(chain, contracts.map(Contract::of))
    }

    fn with(chain: &StandingChain, contracts: impl Iterator<Item = Contract>) -> Self {
        let contracts = contracts.chain(chain.contracts.iter().map(Contract::of_user)).collect();
        Self { rpc_url: chain.url.clone(), chain_id: chain.chain_id, contracts }
    }

    /// Its URL for JSON-RPC over HTTP, from this machine, as `http://127.0.0.1:8545`.
    pub fn rpc_url(&self) -> &str {
        &self.rpc_url
    }

    /// Its URL for JSON-RPC over WebSocket: the same address.
    pub fn ws_url(&self) -> String {
        self.rpc_url.replacen("http", "ws", 1)
    }

    /// Its id.
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The contracts on this chain that are in use.
    pub fn contracts(&self) -> &[Contract] {
        &self.contracts
    }

    /// The address of the contract with this name, as `TaskMailbox` or that of a contract of yours.
    pub fn contract(&self, name: &str) -> Option<Address> {
        self.contracts.iter().find(|contract| contract.name == name).map(|contract| contract.address)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A contract that is added must be found here as well.
    #[test]
    fn every_contract_of_the_artefacts_is_listed() {
        let text = hourglass_contracts::ADDRESSES;
        let deployed: serde_json::Map<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        let chain = ChainHandle::l1(&StandingChain { url: String::new(), chain_id: 1, contracts: Vec::new() });
        for Contract { name, address, .. } in chain.contracts() {
            let written = deployed.get(name).and_then(|value| value.as_str()).unwrap_or_default();
            assert_eq!(written.to_lowercase(), format!("{address:?}"), "{name}");
        }
        assert_eq!(deployed.len(), chain.contracts().len(), "{deployed:?}");
    }
}
