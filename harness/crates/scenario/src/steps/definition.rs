//! The definition of each kind of step.

use hourglass_base::{Capabilities, ComponentHost};
use hourglass_component::document::{Duration, Pointer};
use schemars::{JsonSchema, SchemaGenerator};

use super::check::StepCheck;
use crate::texts::ComponentRef;

/// A kind of step: the properties of all steps of the kind, and the data of one step. All items but the first two have
/// defaults for steps that do not need them.
pub(crate) trait StepDefinition: JsonSchema {
    /// The properties of all steps of the kind.
    const PROPERTIES: StepProperties;

    /// The time limit of the step.
    fn within(&self) -> Duration;

    /// Fills in defaults that depend on other fields of the step, so that a plan shows them.
    fn fill_defaults(&mut self) {}

    /// Keys of the step that fewer runtimes support than the step, if they are given.
    fn key_runtimes(&self) -> Vec<(&'static str, StepRuntimes)> {
        Vec::new()
    }

    /// The tasks that the step creates; their name is under the key `as`.
    fn creates(&self) -> Option<CreatedTasks<'_>> {
        None
    }

    /// The name of the step's task, which is under the key `task`.
    fn task(&self) -> Option<&str> {
        None
    }

    /// The tasks whose hashes values of the step, which is at `at`, stand for, each with its place.
    fn tasks_in_values(&self, _at: &Pointer) -> Vec<(&str, Pointer)> {
        Vec::new()
    }

    /// The performer that the step deploys, if it has a name.
    fn deploys(&self) -> Option<NewPerformer<'_>> {
        None
    }

    /// The performers of earlier steps that the step, which is at `at`, names.
    fn performers(&self, _at: &Pointer) -> Vec<NamedPerformer<'_>> {
        Vec::new()
    }

    /// The components that the step names, each with its key.
    fn components(&self) -> Vec<(&'static str, &ComponentRef)> {
        Vec::new()
    }

    /// Adds the problems of the step at `at` that neither the schema nor the names above reveal.
    fn check(&self, _at: &Pointer, _check: &mut StepCheck<'_>) {}
}

/// The tasks that a step creates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreatedTasks<'a> {
    /// The name by which later steps refer to them.
    pub alias: &'a str,
    /// How many.
    pub count: u32,
    /// The AVS that they are for; `None` for the first.
    pub avs: Option<&'a str>,
}

/// A performer that a step deploys; its name is under the key `as`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewPerformer<'a> {
    /// The name by which later steps refer to it.
    pub alias: &'a str,
    /// The operator whose executor has it.
    pub operator: &'a str,
}

/// A performer of an earlier step that a step names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NamedPerformer<'a> {
    /// The name.
    pub(crate) name: &'a str,
    /// The operator whose executor is to have it.
    pub(crate) operator: &'a str,
    /// Where the name is, as a value or as a key.
    pub(crate) at: Pointer,
    /// Whether it is a key.
    pub(crate) is_key: bool,
}

/// The properties of all steps of a kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StepProperties {
    /// The purpose of the steps.
    pub purpose: StepPurpose,
    /// The runtimes that support them.
    pub runtimes: StepRuntimes,
    /// What they access in a cluster.
    pub cluster: ClusterAccess,
    /// Whether the step itself reports what it has seen when its limit is reached.
    pub reports_timeout: bool,
    /// The text in the schema besides the docs of the step's struct.
    pub note: &'static str,
}

impl StepProperties {
    /// A step that does something to which the system under test must react in its usual way.
    pub const ACTION: Self = Self {
        purpose: StepPurpose::Action,
        runtimes: StepRuntimes::All,
        cluster: ClusterAccess::Namespace,
        reports_timeout: false,
        note: "",
    };
    /// A step that injects a fault into a component or the cluster.
    pub const FAULT: Self = Self { purpose: StepPurpose::Fault, ..Self::ACTION };
    /// A step that waits for something that the system under test must do.
    pub const EXPECTATION: Self = Self { purpose: StepPurpose::Expectation, reports_timeout: true, ..Self::ACTION };
}

/// The purpose of steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StepPurpose {
    /// They act on a chain.
    Action,
    /// They inject a fault into a component or the cluster. During one, reports of the aggregator are not final.
    Fault,
    /// They can fail because of the system under test. A scenario has at least one.
    Expectation,
}

/// The runtimes that support a step.
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
    /// Whether a runtime with these capabilities supports the step.
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

/// What a step accesses in a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClusterAccess {
    /// The trial's own namespace.
    Namespace,
    /// All of the trial's namespace, whoever made what is in it.
    WholeNamespace {
        /// Why that is too much for a namespace that is not the trial's own, as a predicate.
        because: &'static str,
    },
    /// The nodes.
    Nodes {
        /// Why it needs the nodes, as a predicate.
        because: &'static str,
    },
    /// Resources that other trials in the same cluster use as well.
    Shared,
}

impl ClusterAccess {
    /// Network policies affect new connections only, and components keep theirs.
    pub(super) const ENDS_CONNECTIONS: Self = Self::Nodes { because: "ends open connections, which takes the nodes" };

    /// What the step does that an existing cluster does not support, as a predicate.
    pub const fn needs_own_cluster(self) -> Option<&'static str> {
        match self {
            Self::Namespace | Self::WholeNamespace { .. } => None,
            Self::Nodes { because } => Some(because),
            Self::Shared => Some("touches what is not the trial's own"),
        }
    }

    /// What the step does that a namespace does not support which is not the trial's own, as a predicate.
    pub const fn needs_own_namespace(self) -> Option<&'static str> {
        match self {
            Self::WholeNamespace { because } => Some(because),
            _ => self.needs_own_cluster(),
        }
    }

    /// Whether the step affects other trials in the same cluster.
    pub const fn is_felt_by_others(self) -> bool {
        matches!(self, Self::Shared)
    }
}

/// The description of a kind of step in the schema: the docs of its struct, its note, and the runtimes that support it.
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
