//! The content of a project file. The doc comments are the descriptions in its JSON Schema; editors show them.

use std::collections::BTreeMap;
use std::path::PathBuf;

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::contracts::Contract;
use super::super::deploy_scripts::DeployScript;
use super::super::model::{Components, Invariants, ScenarioDocument, Topology, texts};
use super::super::replace::Replacement;
use super::super::texts::Scalar;
use super::super::values::RuntimeKind;

/// What the scenarios of a project have in common. Paths are relative to the folder of this file. The commands of
/// components start in that folder.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
#[schemars(title = "Hourglass project")]
pub struct ProjectDocument {
    /// The folder with the scenarios. Default: `scenarios`.
    #[schemars(with = "Option<String>", length(min = 1))]
    pub scenarios: Option<PathBuf>,
    /// The runtimes that a scenario is meant for if it has no `runtimes`. Default: all. Without `--runtime`, `harness
    /// run` uses the process runtime if it is one of them, else the first.
    #[schemars(length(min = 1))]
    pub runtimes: Option<Vec<RuntimeKind>>,
    /// Why scenarios cannot run on the runtimes that `runtimes` leaves out, in a sentence.
    #[schemars(length(min = 1))]
    pub runtimes_because: Option<String>,
    /// The namespace of a cluster that others made (`--kubeconfig`, `--context`) that trials use, one after the other, in place
    /// of making their own; `--namespace` overrides it. Other runtimes and clusters do not need it.
    #[schemars(title = "namespace", length(max = 63), regex(pattern = "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"), extend("examples" = ["team-a"]))]
    pub namespace: Option<String>,
    /// Commands that run one after the other before the trials, such as the build of the performer.
    pub prepare: Vec<PrepareCommand>,
    /// What replaces the reference components in every scenario; keys of a scenario override these.
    pub components: Components,
    /// Chains and operators of every scenario; keys of a scenario's `topology` override these.
    pub topology: Topology,
    /// Contracts that every scenario deploys, by name; one of a scenario replaces that of the same name.
    pub contracts: BTreeMap<String, Contract>,
    /// Contracts in place of those of the harness in every scenario, by the names of these; one of a scenario replaces that of the
    /// same name.
    pub replace: BTreeMap<String, Replacement>,
    /// Programs that deploy contracts for every scenario before the first task, one after the other.
    pub deploy_scripts: Option<Vec<DeployScript>>,
}

/// A command that runs before the trials, in the folder of the project.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PrepareCommand {
    /// Program and arguments. There is no shell, unless the program is one.
    #[schemars(length(min = 1), extend("examples" = [["go", "build", "-o", "bin/performer", "."]]))]
    pub run: Vec<String>,
    /// Environment variables, added to those of the harness.
    #[serde(default, deserialize_with = "texts")]
    #[schemars(with = "BTreeMap<String, Scalar>")]
    pub environment: BTreeMap<String, String>,
    /// A file or folder that the command makes. The command does not run if this exists and is newer than all `inputs`.
    #[serde(default)]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub creates: Option<PathBuf>,
    /// Files that `creates` is made from.
    #[serde(default)]
    #[schemars(with = "Vec<String>")]
    pub inputs: Vec<PathBuf>,
    /// How long the command may take. Default: ten minutes.
    #[serde(default)]
    pub within: Option<Duration>,
}

impl ProjectDocument {
    /// A scenario with these values and without steps, for the checks that both have in common.
    pub(super) fn as_scenario(&self) -> ScenarioDocument {
        ScenarioDocument {
            name: String::new(),
            description: String::new(),
            tags: Vec::new(),
            runtimes: self.runtimes.clone(),
            runtimes_because: self.runtimes_because.clone(),
            variables: BTreeMap::new(),
            matrix: BTreeMap::new(),
            timeout: None,
            components: self.components.clone(),
            topology: self.topology.clone(),
            contracts: self.contracts.clone(),
            replace: self.replace.clone(),
            deploy_scripts: self.deploy_scripts.clone(),
            steps: Vec::new(),
            invariants: Invariants::default(),
            without_fault: None,
        }
    }
}
