//! The runtimes by name.

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
}

impl fmt::Display for RuntimeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
