//! The runtimes by name, with their properties and capabilities.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where components run.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema, clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum RuntimeKind {
    /// Child processes of the harness.
    Process,
    /// Containers of a Docker engine.
    Docker,
    /// Pods of a Kubernetes cluster.
    Kubernetes,
}

/// The properties and capabilities of a runtime. Code that depends on them asks for the capability and not for the name
/// of a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// The host of the components.
    pub host: ComponentHost,
    /// How a user's program is given.
    pub programs: ProgramSource,
    /// Whether each component has a network, and limits of memory and processors, of its own. Processes of one user share
    /// all of that.
    pub isolates_components: bool,
    /// Whether `harness doctor` checks the requirements of the runtime if no runtime is named.
    pub checked_by_default: bool,
}

/// The host of a runtime's components.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ComponentHost {
    /// The harness itself: components count towards the limits of its user, such as processes and open files.
    Harness,
    /// A container engine.
    Engine,
    /// A Kubernetes cluster, whose objects and nodes a step can act on.
    Cluster,
}

/// How a user's program is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProgramSource {
    /// A command on the harness's machine.
    Command,
    /// A container image.
    Image,
}

impl RuntimeKind {
    /// Every runtime that a scenario can name.
    pub const ALL: [Self; 3] = [Self::Process, Self::Docker, Self::Kubernetes];

    /// The word as it stands in scenarios, trial names and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Docker => "docker",
            Self::Kubernetes => "kubernetes",
        }
    }

    /// The properties and capabilities of the runtime.
    pub const fn capabilities(self) -> Capabilities {
        match self {
            Self::Process => Capabilities {
                host: ComponentHost::Harness,
                programs: ProgramSource::Command,
                isolates_components: false,
                checked_by_default: true,
            },
            Self::Docker => Capabilities {
                host: ComponentHost::Engine,
                programs: ProgramSource::Image,
                isolates_components: true,
                checked_by_default: true,
            },
            // Most machines do not meet the requirements of a cluster.
            Self::Kubernetes => Capabilities {
                host: ComponentHost::Cluster,
                programs: ProgramSource::Image,
                isolates_components: true,
                checked_by_default: false,
            },
        }
    }

    /// The runtimes whose capabilities a predicate accepts, in the order of [`Self::ALL`].
    pub fn with(accepts: impl Fn(Capabilities) -> bool) -> Vec<Self> {
        Self::ALL.into_iter().filter(|kind| accepts(kind.capabilities())).collect()
    }
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
