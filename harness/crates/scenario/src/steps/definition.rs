//! What each kind of step says of itself.

use hourglass_base::{Capabilities, ComponentHost};
use hourglass_component::document::{Duration, Pointer};
use schemars::{JsonSchema, SchemaGenerator};

use super::check::StepCheck;
use crate::texts::ComponentRef;

/// A kind of step: what is true of all steps of the kind, and what one step of it says. All but the first two have an
/// answer for steps that need nothing of the sort.
pub(crate) trait StepDefinition: JsonSchema {
    /// What is true of all steps of the kind.
    const PROPERTIES: StepProperties;

    /// How long the step may take.
    fn within(&self) -> Duration;

    /// Fills in defaults that depend on other fields of the step, so that a plan shows them.
    fn fill_defaults(&mut self) {}

    /// The tasks that the step creates; their name stands under the key `as`.
    fn creates(&self) -> Option<CreatedTasks<'_>> {
        None
    }

    /// The name of the task that the step is about, which stands under the key `task`.
    fn task(&self) -> Option<&str> {
        None
    }

    /// The components that the step names, each with the key under which it stands.
    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        Vec::new()
    }

    /// Adds what is wrong with the step at `at` and what neither the schema nor the names above tell.
    fn check(&self, _at: &Pointer, _check: &mut StepCheck<'_>) {}
}

/// The tasks that a step creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreatedTasks<'a> {
    /// The name by which later steps mean them.
    pub alias: &'a str,
    /// How many.
    pub count: u32,
}

/// What is true of all steps of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepProperties {
    /// What the steps are for.
    pub purpose: StepPurpose,
    /// Which runtimes can do them.
    pub runtimes: StepRuntimes,
    /// What they reach in a cluster.
    pub cluster: ClusterAccess,
    /// Whether the step itself reports at its limit what it has seen by then.
    pub reports_timeout: bool,
    /// What the schema says of the step beyond the docs of its struct.
    pub note: &'static str,
}

impl StepProperties {
    /// A step that does something to which the system under test has to react in its usual way.
    pub const ACTION: Self = Self {
        purpose: StepPurpose::Action,
        runtimes: StepRuntimes::All,
        cluster: ClusterAccess::Namespace,
        reports_timeout: false,
        note: "",
    };
    /// A step that does something to a component or to the cluster.
    pub const FAULT: Self = Self { purpose: StepPurpose::Fault, ..Self::ACTION };
    /// A step that waits for what the system under test must do.
    pub const EXPECTATION: Self = Self { purpose: StepPurpose::Expectation, reports_timeout: true, ..Self::ACTION };
}

/// What steps are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPurpose {
    /// They act on a chain.
    Action,
    /// They do something to a component or to the cluster. While one does, reports of the aggregator are not final.
    Fault,
    /// They can fail because of the system under test. A scenario has at least one.
    Expectation,
}

/// Which runtimes can do a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepRuntimes {
    /// All of them.
    All,
    /// Those that isolate components.
    Containers,
    /// Those whose components run in a cluster.
    Cluster,
}

impl StepRuntimes {
    /// Whether a runtime with these capabilities can do the step.
    pub fn accept(self, capabilities: Capabilities) -> bool {
        match self {
            Self::All => true,
            Self::Containers => capabilities.isolates_components,
            Self::Cluster => capabilities.host == ComponentHost::Cluster,
        }
    }

    /// What the other runtimes lack.
    pub(crate) const fn needs(self) -> &'static str {
        match self {
            Self::All => "nothing",
            Self::Containers => "containers",
            Self::Cluster => "a cluster",
        }
    }
}

/// What a step reaches in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterAccess {
    /// The trial's own namespace.
    Namespace,
    /// The nodes.
    Nodes {
        /// What takes the nodes, as a predicate.
        because: &'static str,
    },
    /// What other trials in the same cluster use as well.
    Shared,
}

impl ClusterAccess {
    /// Policies of the network are for new connections, and components keep theirs.
    pub(super) const ENDS_CONNECTIONS: Self = Self::Nodes { because: "ends open connections, which takes the nodes" };

    /// What the step does that cannot be done in a cluster that others made, as a predicate.
    pub const fn needs_own_cluster(self) -> Option<&'static str> {
        match self {
            Self::Namespace => None,
            Self::Nodes { because } => Some(because),
            Self::Shared => Some("touches what is not the trial's own"),
        }
    }

    /// Whether other trials in the same cluster feel it.
    pub const fn is_felt_by_others(self) -> bool {
        matches!(self, Self::Shared)
    }
}

/// What the schema says of a kind of step: the docs of its struct, its note, and which runtimes have it.
pub(super) fn description<K: StepDefinition>() -> String {
    let schema = K::json_schema(&mut SchemaGenerator::default());
    let docs = schema.get("description").and_then(|text| text.as_str()).unwrap_or_default();
    let runtimes = match K::PROPERTIES.runtimes {
        StepRuntimes::All => "",
        StepRuntimes::Containers => "Not for the process runtime.",
        StepRuntimes::Cluster => "Only for the Kubernetes runtime.",
    };
    let sentences = [docs, K::PROPERTIES.note, runtimes];
    sentences.into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>().join(" ")
}
