//! Creates and configures contracts of the user's.

use std::{cell::RefCell, collections::BTreeSet};

use ethers::types::Address;
use hourglass_component::chain::{Account, ChainClient, Function};

use super::{
    Accounts, ChainControl, ContractRole, DeployedContract, SetupError, UserCall, UserContract, address_of,
    proxy::{self, ADMIN_SUFFIX},
};

/// Deploys contracts of the user's on both chains, and knows those that are deployed.
pub(super) struct Deployment<'a> {
    chains: [&'a ChainControl; 2],
    accounts: &'a Accounts,
    deployed: Vec<DeployedContract>,
}

impl<'a> Deployment<'a> {
    pub(super) fn new(chains: [&'a ChainControl; 2], accounts: &'a Accounts) -> Self {
        Self { chains, accounts, deployed: Vec::new() }
    }

    /// All that are deployed, with the admins of their proxies.
    pub(super) fn deployed(&self) -> &[DeployedContract] {
        &self.deployed
    }

    /// The same, at the end.
    pub(super) fn into_deployed(self) -> Vec<DeployedContract> {
        self.deployed
    }

    /// Creates the contracts in their order, then calls them in the same order.
    pub(super) async fn deploy(&mut self, contracts: &[&UserContract]) -> Result<(), SetupError> {
        for contract in contracts {
            self.create(contract).await?;
        }
        for contract in contracts {
            for call in &contract.calls {
                self.call(contract, call).await?;
            }
        }
        Ok(())
    }

    async fn create(&mut self, contract: &UserContract) -> Result<(), SetupError> {
        let UserContract { name, chain_id, role, .. } = contract;
        let (chain, account) = self.sender(contract, &contract.from)?;
        let data = contract.artifact.creation(&contract.args, &|name| self.address_of(name));
        let data = data.map_err(|error| failed(contract, error.to_string()))?;
        let what = format!("create the contract `{name}` on chain {chain_id}");
        let mut address = account.create(chain, &what, data.into()).await?;
        if let Some(of) = &contract.proxy {
            let (_, owner) = self.sender(contract, &of.admin)?;
            let data = self.data(contract, &of.function, &of.args)?;
            let created = proxy::create(chain, name, address, &owner, &account, data).await?;
            let implementation = address;
            tracing::debug!(name, ?implementation, proxy = ?created.address, "a proxy is in front of the contract");
            address = created.address;
            self.deployed.push(DeployedContract {
                name: format!("{name}{ADMIN_SUFFIX}"),
                chain_id: *chain_id,
                address: created.admin,
                role: None,
                artifact: None,
            });
        }
        tracing::info!(name, chain_id, ?address, "a contract of the user's is created");
        self.deployed.push(DeployedContract {
            name: name.clone(),
            chain_id: *chain_id,
            address,
            role: *role,
            artifact: None,
        });
        Ok(())
    }

    async fn call(&self, contract: &UserContract, call: &UserCall) -> Result<(), SetupError> {
        let UserCall { function, args, from } = call;
        let (chain, account) = self.sender(contract, from)?;
        let data = self.data(contract, function, args)?;
        let what = format!("call `{function}` of the contract `{}` on chain {}", contract.name, contract.chain_id);
        let to = self.address_of(&contract.name).unwrap_or_default();
        account.send(chain, &what, to, data.into()).await?;
        Ok(())
    }

    /// The data of a call for a contract.
    fn data(&self, contract: &UserContract, function: &str, args: &[String]) -> Result<Vec<u8>, SetupError> {
        let failed = |reason: String| failed(contract, format!("`{function}`: {reason}"));
        let parsed = Function::parse(function).map_err(|error| failed(error.to_string()))?;
        parsed.call(args, &|name| self.address_of(name)).map_err(|error| failed(error.to_string()))
    }

    /// The chain of a contract, and the account `from` on it.
    fn sender(&self, contract: &UserContract, from: &str) -> Result<(&'a ChainClient, Account), SetupError> {
        let chain = self.chains.into_iter().find(|chain| chain.chain_id() == contract.chain_id);
        let chain = chain.ok_or_else(|| failed(contract, format!("there is no chain {}", contract.chain_id)))?;
        let key = self.accounts.named(from);
        let key = key.ok_or_else(|| failed(contract, format!("no account is called `{from}`")))?;
        Ok((chain.client(), chain.client().account(key)))
    }

    fn address_of(&self, name: &str) -> Option<Address> {
        address_of(name, self.accounts, &self.deployed)
    }
}

fn failed(contract: &UserContract, reason: String) -> SetupError {
    SetupError::Contract { name: contract.name.clone(), reason }
}

/// The contracts that must be there before operators join, and the others, both in their order. A registrar must be there, and so must
/// every contract whose address it gets.
pub(super) fn by_time(contracts: &[UserContract]) -> (Vec<&UserContract>, Vec<&UserContract>) {
    let registrars = contracts.iter().filter(|contract| contract.role == Some(ContractRole::AvsRegistrar));
    let mut waiting: Vec<_> = registrars.collect();
    let mut before = BTreeSet::new();
    while let Some(contract) = waiting.pop() {
        if before.insert(contract.name.as_str()) {
            let named = names_in(contract);
            waiting.extend(contracts.iter().filter(|other| named.contains(other.name.as_str())));
        }
    }
    contracts.iter().partition(|contract| before.contains(contract.name.as_str()))
}

/// The names of contracts and accounts in the arguments of a contract's constructor, initialiser and calls.
fn names_in(contract: &UserContract) -> BTreeSet<String> {
    let names = RefCell::new(BTreeSet::new());
    let note = |name: &str| {
        let contract = name.strip_suffix(ADMIN_SUFFIX).unwrap_or(name);
        names.borrow_mut().extend([name.to_owned(), contract.to_owned()]);
        Some(Address::zero())
    };
    // What does not fit is an error when the contract is deployed.
    let _ = contract.artifact.creation(&contract.args, &note);
    let initialize = contract.proxy.iter().map(|proxy| (&proxy.function, &proxy.args));
    for (function, args) in initialize.chain(contract.calls.iter().map(|call| (&call.function, &call.args))) {
        if let Ok(function) = Function::parse(function) {
            let _ = function.call(args, &note);
        }
    }
    names.into_inner()
}
