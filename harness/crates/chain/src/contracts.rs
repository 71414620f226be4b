//! Contracts of the user's, which are deployed beside those of the harness when a state is prepared.

use std::path::PathBuf;

use ethers::types::Address;
use hourglass_component::{chain::Artifact, keys::EcdsaKey};
use hourglass_proto::contracts::addresses::CONTRACTS;
use serde::{Deserialize, Serialize, Serializer};

use super::{Accounts, UserProxy};

/// A contract of the user's. Accounts are named as in scenarios: `deployer`, `avs`, `app`, `aggregator`, `operator/NAME`,
/// `avs/NAME`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserContract {
    /// Its name.
    pub name: String,
    /// The chain on which it is created.
    pub chain_id: u64,
    /// The name of the account that creates it.
    pub from: String,
    /// What the compiler made.
    #[serde(serialize_with = "code_of")]
    pub artifact: Artifact,
    /// The constructor's arguments. An address may be the name of a contract or an account.
    pub args: Vec<String>,
    /// The proxy in front of it, which has its name and its roles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<UserProxy>,
    /// Calls after all contracts are created.
    pub calls: Vec<UserCall>,
    /// The contract of the harness that it replaces on its chain.
    pub role: Option<ContractRole>,
}

/// A transaction that configures a contract.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct UserCall {
    /// The function's signature.
    pub function: String,
    /// Its arguments, as those of a constructor.
    pub args: Vec<String>,
    /// The name of the account that calls it.
    pub from: String,
}

/// What a contract of the user's is to the flow of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractRole {
    /// The hook that the mailbox asks about tasks of the AVS.
    TaskHook,
    /// The registrar of the first AVS, on L1.
    AvsRegistrar,
}

/// Where a contract of the user's stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeployedContract {
    /// Its name.
    pub name: String,
    /// Its chain.
    pub chain_id: u64,
    /// Its address.
    pub address: Address,
    /// What it is to the flow of tasks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ContractRole>,
    /// Its artefact, where a deploy script has told one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact: Option<PathBuf>,
}

pub(super) fn code_of<S: Serializer>(artifact: &Artifact, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&hex::encode(artifact.code()))
}

/// The contract with this role on a chain.
pub(super) fn with_role(role: ContractRole, chain_id: u64, deployed: &[DeployedContract]) -> Option<Address> {
    let found = deployed.iter().find(|contract| contract.role == Some(role) && contract.chain_id == chain_id);
    found.map(|contract| contract.address)
}

/// The address that a name or an address in hexadecimal digits means on a chain; none for a contract of the user's on the other
/// chain.
pub(super) fn address_on(
    chain_id: u64,
    name: &str,
    accounts: &Accounts,
    deployed: &[DeployedContract],
) -> Option<Address> {
    match deployed.iter().find(|contract| contract.name == name) {
        Some(contract) => (contract.chain_id == chain_id).then_some(contract.address),
        None => address_of(name, accounts, deployed).or_else(|| name.parse().ok()),
    }
}

/// The address that a name means: that of a contract or of an account.
pub fn address_of(name: &str, accounts: &Accounts, deployed: &[DeployedContract]) -> Option<Address> {
    let own = deployed.iter().find(|contract| contract.name == name).map(|contract| contract.address);
    let ours = || CONTRACTS.iter().find(|contract| contract.key == name).map(|contract| contract.address);
    own.or_else(ours).or_else(|| accounts.named(name).map(EcdsaKey::address))
}
