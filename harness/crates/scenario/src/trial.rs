//! A trial: one scenario, for one combination of its matrix, on one runtime.

use std::path::Path;
use std::sync::Arc;

use super::model::Scenario;
use super::project::Project;
use super::proofs::WITHOUT_FAULT;
use super::values::RuntimeKind;

/// The tag of scenarios that take long, which run only if they are asked for.
pub const LARGE: &str = "large";

/// One scenario, for one combination of its matrix, on one runtime.
#[derive(Debug, Clone)]
pub struct Trial {
    /// `process::square`, or `process::square::chain_l1` for a combination of a matrix.
    pub name: String,
    /// The scenario, variables filled in.
    pub scenario: Arc<Scenario>,
    /// Where the components run.
    pub runtime: RuntimeKind,
    /// The file that the scenario comes from.
    pub path: Arc<Path>,
    /// The project that the scenario belongs to.
    pub project: Option<Arc<Project>>,
    /// Whether no other trial may use the operator and the nodes of its cluster meanwhile, because it has steps that others would
    /// feel.
    pub exclusive_cluster: bool,
    /// Whether its fault is taken out: it proves something when an expectation of its scenario fails.
    pub proof: bool,
    pub(super) fault_free: Option<Arc<Scenario>>,
    /// The options that the command line had for it, as words of a command that runs it again.
    pub options: Arc<[String]>,
}

impl Trial {
    /// The folder in which the commands of its components start, and at which relative paths start: that of its project.
    /// `None` stands for the current folder.
    pub fn working_directory(&self) -> Option<&Path> {
        self.project.as_deref().map(|project| project.folder.as_path())
    }

    /// Whether its scenario takes long ([`LARGE`]).
    pub fn is_large(&self) -> bool {
        self.scenario.tags.iter().any(|tag| tag == LARGE)
    }

    /// The same trial with the fault taken out, for a scenario that defines how (`without_fault`). It must fail: that
    /// proves that the scenario's expectations can.
    #[must_use]
    pub fn without_fault(&self) -> Option<Self> {
        self.fault_free.as_ref().map(|scenario| Self {
            name: format!("{}{WITHOUT_FAULT}", self.name),
            scenario: Arc::clone(scenario),
            proof: true,
            fault_free: None,
            ..self.clone()
        })
    }
}
