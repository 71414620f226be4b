//! What can be wrong with a cluster.

use std::{
    error::Error,
    io,
    path::{Path, PathBuf},
    time::Duration,
};

use bytesize::ByteSize;
use hourglass_base::cache::{CacheError, remedy_of_cache};
use hourglass_engine::{EngineError, NodeError};

use super::{GuardError, IDLE_VARIABLE, PluginError, ToolError};

/// Why a cluster cannot be made, used or removed.
#[derive(Debug, thiserror::Error)]
pub enum ClusterError {
    /// The engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The cache's folder is not known.
    #[error(transparent)]
    Cache(#[from] CacheError),
    /// kind or Helm.
    #[error(transparent)]
    Tool(#[from] ToolError),
    /// An existing cluster must not be used.
    #[error(transparent)]
    Guard(#[from] GuardError),
    /// The plugin that provides a user's credentials.
    #[error(transparent)]
    Plugin(#[from] PluginError),
    /// A file.
    #[error("failed to {doing} {path}", path = path.display())]
    File {
        /// What the operation was.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The stored state of a cluster cannot be parsed.
    #[error("failed to understand the state of a cluster in {path}", path = path.display())]
    State {
        /// The file.
        path: PathBuf,
        /// Where it is wrong.
        source: serde_json::Error,
    },
    /// A kubeconfig gives no usable connection.
    #[error("failed to use kubeconfig {path}{}", context.as_deref().map(|context| format!(", context {context}")).unwrap_or_default(), path = path.display())]
    Kubeconfig {
        /// The file.
        path: PathBuf,
        /// The context, where one was named.
        context: Option<String>,
        /// Why not.
        source: Box<dyn Error + Send + Sync>,
    },
    /// An existing cluster does not answer.
    #[error("timed out after {} waiting for an answer of the API server of cluster {name}, to which {kubeconfig} leads", humantime::format_duration(*within), kubeconfig = kubeconfig.display())]
    Unreachable {
        /// The cluster.
        name: String,
        /// The kubeconfig.
        kubeconfig: PathBuf,
        /// How long it was awaited.
        within: Duration,
        /// Why not; `None` if no answer came.
        source: Option<Box<kube::Error>>,
    },
    /// A cluster that was in use does not answer any more.
    #[error("cluster {name} is lost: its API server has not answered for {}", humantime::format_duration(*silence))]
    Lost {
        /// The cluster.
        name: String,
        /// For how long.
        silence: Duration,
        /// The last error instead of an answer; `None` if nothing came.
        source: Option<Box<kube::Error>>,
    },
    /// The node image is not in the engine.
    #[error("failed to find node image {image}")]
    NoNodeImage {
        /// Its name.
        image: String,
    },
    /// The image is not a node image.
    #[error("failed to use {image} as a node image: {reason}")]
    NotANodeImage {
        /// Its name.
        image: String,
        /// What it lacks.
        reason: String,
    },
    /// The name belongs to a cluster that the harness did not make.
    #[error("failed to make cluster {name}: there is one that kind calls {kind_name} already, and it is not ours")]
    NameTaken {
        /// The name that was wanted.
        name: String,
        /// The name in kind.
        kind_name: String,
    },
    /// The engine's disk is too small for its nodes.
    #[error("failed to make cluster {name}: {} are free below {folder}, and its nodes need {}", ByteSize(*free), ByteSize(*needed), folder = folder.display())]
    NoRoom {
        /// The cluster.
        name: String,
        /// The engine's root.
        folder: PathBuf,
        /// Bytes that are free there.
        free: u64,
        /// Bytes that the nodes need.
        needed: u64,
    },
    /// kind failed.
    #[error("failed to make cluster {name}: kind ended with {status}; its last output:\n{output}{journal}")]
    Creation {
        /// The cluster.
        name: String,
        /// How kind ended.
        status: String,
        /// The last lines that it wrote, indented.
        output: String,
        /// The end of the node's journal, indented, with a heading of its own; empty if there is no node.
        journal: String,
    },
    /// The kubelet of a node keeps restarting.
    #[error("failed to make cluster {name}: the kubelet of node {node} ended {restarts} times{journal}")]
    Kubelet {
        /// The cluster.
        name: String,
        /// The node.
        node: String,
        /// How often.
        restarts: u32,
        /// The end of its journal.
        journal: String,
    },
    /// The cluster does not become usable.
    #[error("timed out after {} waiting for cluster {name} to become usable: {state}{journal}", humantime::format_duration(*within))]
    NotUsable {
        /// The cluster.
        name: String,
        /// How long it was awaited.
        within: Duration,
        /// The condition that was not met, and what was seen last.
        state: String,
        /// The end of the nodes' journals.
        journal: String,
    },
    /// The API server.
    #[error("failed to {doing} in cluster {name}")]
    Api {
        /// The cluster.
        name: String,
        /// What the request was, as `list nodes`.
        doing: String,
        /// What it answered.
        source: Box<kube::Error>,
    },
    /// The API server accepts connections and does not answer.
    #[error("timed out after {} waiting for an answer of the API server of cluster {name}", humantime::format_duration(*within))]
    Silent {
        /// The cluster.
        name: String,
        /// How long it was awaited.
        within: Duration,
    },
    /// A watch.
    #[error("failed to watch {what} in cluster {name}")]
    Watch {
        /// The cluster.
        name: String,
        /// The objects.
        what: String,
        /// What went wrong.
        source: Box<kube::runtime::watcher::Error>,
    },
    /// The name service does not answer.
    #[error("failed to get an answer of the name service at {address} on node {node}: {answer}")]
    NoNames {
        /// The node.
        node: String,
        /// The address of its Service.
        address: String,
        /// What came instead.
        answer: String,
    },
    /// A node.
    #[error(transparent)]
    Node(NodeError),
    /// A new namespace does not become usable.
    #[error("timed out after {} waiting for namespace {namespace} to become usable: {state}", humantime::format_duration(*within))]
    NamespaceNotUsable {
        /// The namespace.
        namespace: String,
        /// How long it was awaited.
        within: Duration,
        /// What was seen last.
        state: String,
    },
    /// A namespace is not removed.
    #[error("timed out after {} waiting for namespace {namespace} to be gone: {held_by}", humantime::format_duration(*within))]
    NamespaceStuck {
        /// The namespace.
        namespace: String,
        /// How long it was awaited.
        within: Duration,
        /// Its finalizers, and what its conditions say.
        held_by: String,
    },
    /// Another trial has the namespace.
    #[error("timed out after {} waiting for namespace {namespace}, which trial {trial} of run {run} has", humantime::format_duration(*within))]
    NamespaceBusy {
        /// The namespace.
        namespace: String,
        /// The trial that has it.
        trial: String,
        /// Its run.
        run: String,
        /// How long it was awaited.
        within: Duration,
    },
    /// The namespace has objects that a trial would disturb.
    #[error("failed to use namespace {namespace}: it has what others made: {}", found.join(", "))]
    NamespaceOccupied {
        /// The namespace.
        namespace: String,
        /// Kinds and names.
        found: Vec<String>,
    },
    /// What a run made in a namespace is not removed.
    #[error("timed out after {} waiting for what a run has made in namespace {namespace} to be gone: {}", humantime::format_duration(*within), left.join(", "))]
    NamespaceNotCleared {
        /// The namespace.
        namespace: String,
        /// How long it was awaited.
        within: Duration,
        /// Kinds and names.
        left: Vec<String>,
    },
    /// The harness has no cluster with this name.
    #[error("there is no cluster {name}")]
    Unknown {
        /// The name.
        name: String,
        /// The clusters that there are.
        known: Vec<String>,
    },
    /// How long unused clusters are kept cannot be read.
    #[error("failed to understand {IDLE_VARIABLE}={text:?}")]
    Idle {
        /// What the variable says.
        text: String,
        /// Why it is no duration.
        source: humantime::DurationError,
    },
    /// The cluster is unusable, and another process still uses it.
    #[error("failed to replace cluster {name} ({why}): it is {by}")]
    InUse {
        /// The cluster.
        name: String,
        /// What is wrong with it.
        why: String,
        /// Who uses it, as `in use by process 12`.
        by: String,
    },
    /// A cluster with this name does not match the specification.
    #[error("cluster {name} is not what is asked for, but {found}")]
    Unlike {
        /// The cluster.
        name: String,
        /// What it was made of.
        found: String,
    },
    /// The cluster is in another engine.
    #[error("failed to use cluster {name} with the Docker engine at {engine}: it is in the one at {other}")]
    OtherEngine {
        /// The cluster.
        name: String,
        /// The engine that answered.
        engine: String,
        /// The engine that has it.
        other: String,
    },
    /// Processes cannot be inspected.
    #[error("failed to end the processes that make the cluster in {path}", path = path.display())]
    Makers {
        /// The cluster's folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl ClusterError {
    /// What to do about it, if that is known.
    pub fn remedy(&self) -> Option<String> {
        let remedy = match self {
            Self::Engine(error) => return error.remedy().map(str::to_owned),
            Self::Tool(error) => return Some(error.remedy()),
            Self::Guard(error) => return Some(error.remedy()),
            Self::Plugin(error) => return Some(error.remedy()),
            Self::File { path, .. } => return remedy_of_cache(path).map(str::to_owned),
            Self::Cache(error) => error.remedy().to_owned(),
            Self::NoNodeImage { .. } => {
                "get it with `harness setup kubernetes`, which loads, pulls or builds it, or name another".to_owned()
            }
            Self::NotANodeImage { .. } => {
                "name an image that was made for kind, or none: then the harness's own is used".to_owned()
            }
            Self::NameTaken { kind_name, .. } => {
                format!("choose another name, or remove that cluster with `kind delete cluster --name {kind_name}`")
            }
            Self::State { .. } => {
                "run `harness gc`, which removes clusters of which nothing is known, or choose another name".to_owned()
            }
            Self::NoRoom { folder, .. } => format!(
                "free space below {} (`docker system df` says what uses it; `harness gc` removes what nobody needs), or make \
                 fewer nodes",
                folder.display()
            ),
            Self::Creation { output, journal, .. } if says_full(output) || says_full(journal) => {
                "free space where the engine keeps its data: `docker system df` says what uses it".to_owned()
            }
            Self::Creation { .. } | Self::Kubelet { .. } | Self::NotUsable { .. } => {
                "see what `harness doctor` says about the machine: limits of inotify, disk and memory are the usual causes"
                    .to_owned()
            }
            Self::Kubeconfig { .. } => {
                "name a kubeconfig and a context that `kubectl config get-contexts` lists".to_owned()
            }
            Self::Unreachable { kubeconfig, .. } => format!(
                "see that the cluster runs and that this machine reaches it, as `KUBECONFIG={} kubectl version` says",
                kubeconfig.display()
            ),
            Self::Lost { .. } => {
                "see that the cluster's control plane runs; then run again, and `harness gc` removes what is left there"
                    .to_owned()
            }
            Self::Api { source, .. } => return of_answer(source),
            Self::NamespaceNotUsable { .. } => {
                "see that kube-controller-manager runs, which makes the service account `default` in every namespace".to_owned()
            }
            Self::NamespaceStuck { namespace, .. } => format!(
                "let what set the finalizers finish or take them off (`kubectl get namespace {namespace} -o yaml` shows what \
                 remains); `harness gc` tries again"
            ),
            Self::NamespaceBusy { .. } => {
                "let that trial end, or use another namespace: one has one trial at a time".to_owned()
            }
            Self::NamespaceOccupied { .. } => "use a namespace that has no workloads and no Services".to_owned(),
            Self::NamespaceNotCleared { namespace, .. } => format!(
                "see that the Hourglass operator of the cluster runs, which ends Performers; then delete what is left, and the \
                 ConfigMap hourglass-harness in namespace {namespace}"
            ),
            Self::Unknown { known, .. } if known.is_empty() => {
                "make one with `harness up`, or name one of others with --kubeconfig and --context".to_owned()
            }
            Self::Unknown { known, .. } => format!("name one of those that there are: {}", known.join(", ")),
            Self::Idle { .. } => "give a duration, as 90m or 8h, or leave it out: then it is an hour".to_owned(),
            Self::InUse { name, .. } => {
                format!("end what uses it, or choose another name; `harness cluster list` says who uses {name}")
            }
            Self::Unlike { name, .. } => format!("choose another name, or remove it first with `harness down {name}`"),
            Self::OtherEngine { other, .. } => format!("name that engine with DOCKER_HOST={other}, or choose another name"),
            _ => return None,
        };
        Some(remedy)
    }

    /// For `map_err` on operations with files.
    pub(super) fn file(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { doing, path, source }
    }

    /// For `map_err` on calls of the API server.
    pub fn api(name: &str, doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let (name, doing) = (name.to_owned(), doing.into());
        move |source| Self::Api { name, doing, source: Box::new(source) }
    }
}

/// What to do about an answer of the API server that the user caused.
fn of_answer(error: &kube::Error) -> Option<String> {
    let kube::Error::Api(status) = error else { return None };
    match status.code {
        401 => Some("renew the credentials of the context".to_owned()),
        403 => Some("have a ClusterRole bound to the user of the context that allows it".to_owned()),
        _ => None,
    }
}

/// In the words of the system, whatever program passes them on.
fn says_full(text: &str) -> bool {
    text.contains("no space left on device") || text.contains("No space left on device")
}

impl From<NodeError> for ClusterError {
    fn from(error: NodeError) -> Self {
        match error {
            NodeError::Engine(error) => Self::Engine(error),
            error => Self::Node(error),
        }
    }
}
