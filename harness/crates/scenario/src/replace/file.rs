//! `--contract NAME=FILE`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    path::PathBuf,
    str::FromStr,
};

use hourglass_proto::contracts::addresses::CONTRACTS;

use super::Replacement;
use crate::error::ScenarioError;

/// `NAME=FILE`: the artefact of a contract in place of one of the harness, in every scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContractFile {
    /// The name of the contract of the harness.
    pub name: String,
    /// The artefact, relative to the current folder.
    pub file: PathBuf,
}

impl FromStr for ContractFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, file) = text.split_once('=').filter(|(_, file)| !file.is_empty()).ok_or(
            "a name, `=` and a file are expected, such as `task_mailbox=out/TaskMailbox.sol/TaskMailbox.json`",
        )?;
        let name = name.trim();
        if !CONTRACTS.iter().any(|contract| contract.key == name) {
            let known = CONTRACTS.iter().map(|contract| contract.key).collect::<Vec<_>>().join(", ");
            return Err(format!("no contract of the harness is called `{name}`; there are {known}"));
        }
        Ok(Self { name: name.to_owned(), file: file.into() })
    }
}

impl fmt::Display for ContractFile {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}={}", self.name, self.file.display())
    }
}

impl ContractFile {
    /// Refuses two files for one contract.
    pub fn check_once(files: &[Self]) -> Result<(), ScenarioError> {
        let mut known = BTreeSet::new();
        match files.iter().find(|given| !known.insert(&given.name)) {
            Some(twice) => Err(ScenarioError::ContractTwice(twice.name.clone())),
            None => Ok(()),
        }
    }

    /// Takes the place of the artefact of that name; arguments and calls of the file stay.
    pub(crate) fn put_over(&self, replacements: &mut BTreeMap<String, Replacement>) {
        let artifact = std::path::absolute(&self.file).unwrap_or_else(|_| self.file.clone());
        let entry = replacements.entry(self.name.clone()).or_insert_with(|| Replacement::of(artifact.clone()));
        entry.artifact = artifact;
    }
}
