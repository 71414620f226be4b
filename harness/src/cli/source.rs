//! Where scenarios come from, and with which values: the options that `lint`, `load` and `compare` have like `run`.

use std::path::PathBuf;

use hourglass_scenario::{Assignment, ContractFile, Selection};

/// Where scenarios come from.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SourceArgs {
    /// The folder with the scenarios [default: that of the project file, else `scenarios` in the current folder]
    #[arg(long = "scenarios", value_name = "DIR", env = "HARNESS_SCENARIOS")]
    pub directory: Option<PathBuf>,
    /// The project file [default: `harness.yaml` in the current folder or in the nearest folder above it, else above the
    /// files and the folder that are named]
    #[arg(long, value_name = "FILE", env = "HARNESS_PROJECT")]
    pub project: Option<PathBuf>,
    /// The scenarios that the executable embeds, in place of a folder
    #[arg(long)]
    pub builtin: bool,
    /// Give a variable of the scenarios this value, as it is written; `HARNESS_VAR_NAME` does the same
    #[arg(long, value_name = "NAME=VALUE")]
    pub set: Vec<Assignment>,
    /// Put the contract of this artefact in place of the harness's own of this name, such as `task_mailbox=out/TaskMailbox.sol/TaskMailbox.json`
    #[arg(long = "contract", value_name = "NAME=FILE")]
    pub contracts: Vec<ContractFile>,
}

impl SourceArgs {
    /// The scenarios from there that the patterns mean; without any, all.
    pub fn selection(&self, patterns: Vec<String>) -> Selection {
        Selection {
            patterns,
            directory: self.directory.clone(),
            project: self.project.clone(),
            builtin: self.builtin,
            set: self.set.clone(),
            contracts: self.contracts.clone(),
            ..Selection::default()
        }
    }
}
