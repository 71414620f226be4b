//! `kill_cluster_operator` and `scale_cluster_operator`.

use hourglass_component::document::Duration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::defaults::default_within;
use super::definition::{ClusterAccess, StepDefinition, StepProperties, StepRuntimes};

/// Kills the cluster's Hourglass operator at once; its Deployment starts it again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KillClusterOperator {
    /// How long it may take until another is there in its place.
    #[serde(default = "default_operator_within")]
    pub within: Duration,
}

/// Scales the cluster's Hourglass operator and waits until as many of it run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScaleClusterOperator {
    /// How many of it are to run; 0 stops it.
    #[schemars(range(min = 0, max = 3))]
    pub replicas: u8,
    /// How long that may take.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl StepDefinition for KillClusterOperator {
    const PROPERTIES: StepProperties =
        StepProperties { runtimes: StepRuntimes::Cluster, cluster: ClusterAccess::Shared, ..StepProperties::FAULT };

    fn within(&self) -> Duration {
        self.within
    }
}

impl StepDefinition for ScaleClusterOperator {
    const PROPERTIES: StepProperties = StepProperties {
        runtimes: StepRuntimes::Cluster,
        cluster: ClusterAccess::Shared,
        reports_timeout: true,
        ..StepProperties::FAULT
    };

    fn within(&self) -> Duration {
        self.within
    }
}

/// Kubernetes delays the restart of a container that was killed repeatedly by up to a minute.
const fn default_operator_within() -> Duration {
    Duration::from_secs(90)
}
