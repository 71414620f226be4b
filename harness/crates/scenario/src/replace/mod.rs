//! Contracts of the user's at the addresses of contracts of the harness.

mod check;
mod default_args;
mod file;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use hourglass_component::chain::Artifact;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::contracts::{ContractCall, deployer, read};

pub(super) use check::check;
pub use file::ContractFile;

/// A contract of yours that stands at the address of one of the harness, with that name. It has what its constructor puts into its code
/// (immutables), and none of what its constructor stores, as behind a proxy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Replacement {
    /// The compiled contract: an artefact of Foundry or Hardhat, relative to the folder of this file.
    #[schemars(with = "String", length(min = 1), extend("examples" = ["out/TaskMailbox.sol/TaskMailbox.json"]))]
    pub artifact: PathBuf,
    /// The arguments of its constructor, as those of `contracts`; they cannot name contracts of `contracts`, which come later.
    /// Default: those that the public contract of this name has in release 1.8.1, for a constructor with the same types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub args: Option<Vec<String>>,
    /// The account that the constructor sees as its caller. Default: `deployer`.
    #[serde(default = "deployer")]
    pub from: String,
    /// Transactions that configure it, before the harness uses it. The harness initialises it as its own contract, except by functions that
    /// it does not have or that are called here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub calls: Vec<ContractCall>,
}

/// A replacement whose artefact is read and whose arguments are known.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct CompiledReplacement {
    /// The name of the contract of the harness.
    pub name: String,
    /// What the scenario says of it, with the arguments of its constructor.
    #[serde(flatten)]
    pub replacement: Replacement,
    /// What the compiler made of it.
    #[serde(skip)]
    pub compiled: Artifact,
}

impl Replacement {
    /// A contract with nothing but an artefact.
    fn of(artifact: PathBuf) -> Self {
        Self { artifact, args: None, from: deployer(), calls: Vec::new() }
    }

    /// The arguments of its constructor; `None` if there are none for the types of that.
    fn args_for(&self, name: &str, compiled: &Artifact) -> Option<Vec<String>> {
        self.args.clone().or_else(|| default_args::of(name, compiled))
    }
}

/// The replacements of a checked document.
pub(super) fn resolve(replacements: BTreeMap<String, Replacement>, folder: &Path) -> Vec<CompiledReplacement> {
    let compiled = replacements.into_iter().filter_map(|(name, mut replacement)| {
        replacement.artifact = folder.join(&replacement.artifact);
        // The checks have read it, and found arguments.
        let compiled = read(&replacement.artifact).ok()?;
        replacement.args = replacement.args_for(&name, &compiled);
        Some(CompiledReplacement { name, replacement, compiled })
    });
    compiled.collect()
}
