//! Contracts of the user's, which are deployed on the chains beside those of the harness.

mod check;
mod names;
mod order;
mod proxy;
mod roles;
mod task_hashes;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
};

use hourglass_component::chain::Artifact;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub(super) use check::{check, not_deployable};
pub(super) use names::{Names, no_signature};
pub(super) use task_hashes::{any_hash, tasks_in, with_task_hashes};

use super::bounded_file;
use super::values::Chain;

/// The largest artefact that is read, in bytes; compilers may write the syntax tree into it.
const LARGEST: u64 = 64 << 20;
/// The accounts besides those of operators and of further AVSs, which are called `operator/NAME` and `avs/NAME`.
const ACCOUNTS: [&str; 4] = ["deployer", "avs", "app", "aggregator"];

/// A contract that is deployed before the first task. Its address is the variable `NAME` in capitals in the environment of
/// performers, and steps mean it by its name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Contract {
    /// The compiled contract: an artefact of Foundry (`out/NAME.sol/NAME.json`) or Hardhat, relative to the folder of this file.
    #[schemars(with = "String", length(min = 1), extend("examples" = ["out/Counter.sol/Counter.json"]))]
    pub artifact: PathBuf,
    /// The chain on which it is deployed.
    #[serde(default)]
    pub chain: Chain,
    /// The arguments of its constructor as text: numbers in decimal or as `0x…`, bytes and addresses as `0x…`, arrays and
    /// tuples as JSON arrays of texts. An address may be the name of a contract of this scenario or of the harness
    /// (`task_mailbox`), or of an account: `deployer`, `avs`, `app`, `aggregator`, `operator/NAME`, `avs/NAME`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The account that deploys it. Default: `deployer`.
    #[serde(default = "deployer")]
    pub from: String,
    /// The proxy in front of it. The proxy has the contract's name and role, and `calls` and steps reach the contract through it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["transparent"]))]
    pub proxy: Option<ProxyKind>,
    /// The account that owns the admin of the proxy, and may therefore upgrade it. The admin is a contract called
    /// `NAME_proxy_admin`, with the functions of `ProxyAdmin` of `OpenZeppelin` 4. Default: `deployer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("examples" = ["avs"]))]
    pub proxy_admin: Option<String>,
    /// The function that initialises the proxy's storage. `from` calls it when the proxy is created, in the same transaction.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub initialize: Option<Initializer>,
    /// What it is to the flow of tasks, in place of a contract of the harness.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<ContractRole>,
    /// Transactions that configure it, after all contracts are deployed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ContractCall>,
}

/// A transaction that configures a contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ContractCall {
    /// The function's signature, such as `initialize(address,uint96)`.
    #[schemars(extend("examples" = ["initialize(address)"]))]
    pub function: String,
    /// The arguments, as those of a constructor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
    /// The account that calls it. Default: `deployer`.
    #[serde(default = "deployer")]
    pub from: String,
}

/// A proxy in front of a contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ProxyKind {
    /// A transparent proxy with the slots of ERC-1967, and with events, functions and reverts as those of `OpenZeppelin` 4.
    Transparent,
}

/// The function that initialises the storage of a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Initializer {
    /// The function's signature, such as `initialize(address,uint96)`.
    #[schemars(extend("examples" = ["initialize(address)"]))]
    pub function: String,
    /// The arguments, as those of a constructor.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,
}

/// What a contract is to the flow of tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ContractRole {
    /// The hook that the mailbox of its chain asks about the tasks of the first AVS.
    TaskHook,
    /// The registrar of the first AVS, on L1. It is deployed and called before the operators join, and so is every contract that it
    /// names. What it has of `addOperatorToAllowlist((address,uint32),address)` and `updateSocket(address,string)` is called for
    /// each operator. Its `getAvsConfig()` names the aggregator's set; executors are in set 1.
    AvsRegistrar,
}

impl fmt::Display for ContractRole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::TaskHook => "task hook",
            Self::AvsRegistrar => "AVS registrar",
        })
    }
}

/// A contract whose artefact is read.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CompiledContract {
    /// Its name.
    pub name: String,
    /// What the scenario says of it.
    #[serde(flatten)]
    pub contract: Contract,
    /// What the compiler made of it.
    #[serde(skip)]
    pub compiled: Artifact,
}

pub(super) fn deployer() -> String {
    "deployer".to_owned()
}

/// The contracts of a checked document, each after those that its constructor's arguments name.
pub(super) fn resolve(contracts: &BTreeMap<String, Contract>, folder: &Path) -> Vec<CompiledContract> {
    // The checks have read all of them and found an order.
    let mut artifacts: BTreeMap<_, _> =
        read_all(contracts, folder).into_iter().filter_map(|(name, artifact)| Some((name, artifact.ok()?))).collect();
    let order = order::order(contracts, &artifacts).unwrap_or_default();
    let compiled = order.into_iter().filter_map(|name| {
        let mut contract = contracts.get(name)?.clone();
        contract.artifact = folder.join(&contract.artifact);
        Some(CompiledContract { name: name.to_owned(), contract, compiled: artifacts.remove(name)? })
    });
    compiled.collect()
}

/// The artefact of each contract; or why it cannot be deployed.
fn read_all<'a>(
    contracts: &'a BTreeMap<String, Contract>,
    folder: &Path,
) -> BTreeMap<&'a str, Result<Artifact, String>> {
    contracts.iter().map(|(name, contract)| (name.as_str(), read(&folder.join(&contract.artifact)))).collect()
}

/// The artefact at `path`; or why it cannot be deployed.
pub(super) fn read(path: &Path) -> Result<Artifact, String> {
    let bytes =
        bounded_file::read(path, LARGEST).map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    Artifact::parse(&bytes).map_err(|error| format!("failed to deploy {}: {error}", path.display()))
}
