//! A cluster that can be used.

use std::{fmt, path::PathBuf, str::FromStr};

use hourglass_engine::{Engine, EngineError, nodes_of};
use hourglass_image::PullPolicy;
use hourglass_reaper::RunId;
use kube::Client;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ClusterError, ClusterSpec, Node, access};

/// The prefix of all names that kind uses for a cluster, before the cluster's name.
const PREFIX: &str = "hourglass-";
/// kind appends `-control-plane` to its own name, which must be a host name: 63 letters in all.
const LONGEST: usize = 32;

/// The name of a cluster: at most 32 lowercase letters, digits and hyphens, the first a letter, the last no hyphen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "String", into = "String")]
pub struct ClusterName(String);

impl ClusterName {
    /// A new name, from the run that makes the cluster.
    pub fn of_run(run: &RunId) -> Self {
        Self(run.as_str().to_owned())
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The cluster's name in kind, and the name of its network in the engine.
    pub fn in_kind(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// The cluster that has this name in kind; `None` if the harness did not make it.
    pub fn from_kind(kind_name: &str) -> Option<Self> {
        kind_name.strip_prefix(PREFIX)?.parse().ok()
    }
}

impl fmt::Display for ClusterName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a text is not the name of a cluster.
#[derive(Debug, thiserror::Error)]
#[error(
    "a cluster's name has 1 to {LONGEST} lowercase letters, digits and hyphens, the first a letter, the last no hyphen: \
     {0:?}"
)]
pub struct InvalidClusterName(String);

impl FromStr for ClusterName {
    type Err = InvalidClusterName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let allowed = |letter: u8| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == b'-';
        let sound = text.len() <= LONGEST
            && text.bytes().all(allowed)
            && text.starts_with(|first: char| first.is_ascii_lowercase())
            && !text.ends_with('-');
        if sound { Ok(Self(text.to_owned())) } else { Err(InvalidClusterName(text.to_owned())) }
    }
}

impl TryFrom<String> for ClusterName {
    type Error = InvalidClusterName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<ClusterName> for String {
    fn from(name: ClusterName) -> Self {
        name.0
    }
}

/// A cluster, reached by its API; clones share the connection.
#[derive(Clone)]
pub struct Cluster {
    /// Its name for people: the name of a cluster that the harness made, the context of an existing one.
    pub name: String,
    /// Its kubeconfig, for programs such as Helm: a file, or files as `KUBECONFIG` lists them.
    pub kubeconfig: PathBuf,
    /// The context in that kubeconfig.
    pub context: String,
    /// Its API.
    pub client: Client,
    /// Where its nodes run; `None` for an existing cluster.
    pub machine: Option<ClusterMachine>,
}

/// The engine's side of a cluster that the harness made.
#[derive(Debug, Clone)]
pub struct ClusterMachine {
    /// The engine.
    pub engine: Engine,
    /// The cluster's name in kind.
    pub kind_name: String,
    /// The network of its nodes. Containers that pods must reach join it.
    pub network: String,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Cluster")
            .field("name", &self.name)
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl ClusterMachine {
    /// The nodes as the engine knows them.
    pub async fn nodes(&self) -> Result<Vec<Node>, EngineError> {
        nodes_of(&self.engine, &self.kind_name).await
    }
}

impl Cluster {
    /// Connects to the cluster of a kubeconfig's context, or of the current one if none is named. Sends no request.
    pub async fn connect(
        name: &str,
        kubeconfig: PathBuf,
        context: Option<&str>,
        machine: Option<ClusterMachine>,
    ) -> Result<Self, ClusterError> {
        let (context, client) = access::client(&kubeconfig, context).await?;
        Ok(Self { name: name.to_owned(), kubeconfig, context, client, machine })
    }

    /// The pull policy of all pods in it: nothing is pulled if the harness loads missing images into the nodes.
    pub fn pull_policy(&self) -> PullPolicy {
        PullPolicy::for_nodes(self.machine.is_some())
    }

    /// Its nodes as the engine knows them; none for an existing cluster.
    pub async fn nodes(&self) -> Result<Vec<Node>, ClusterError> {
        match &self.machine {
            Some(machine) => Ok(machine.nodes().await?),
            None => Ok(Vec::new()),
        }
    }
}

/// Receives messages about what is being done.
pub type Progress<'a> = dyn Fn(&str) + Sync + 'a;

/// Creates and deletes clusters.
#[async_trait::async_trait]
pub trait Provider: Send + Sync {
    /// Creates a usable cluster; `progress` receives messages about what is being done. On failure nothing of the
    /// cluster remains.
    async fn create(&self, spec: &ClusterSpec, progress: &Progress<'_>) -> Result<Cluster, ClusterError>;

    /// Stops the cluster and removes everything of it. A cluster that does not exist is no error.
    async fn delete(&self, cluster: &Cluster) -> Result<(), ClusterError>;
}
