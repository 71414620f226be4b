//! Kubernetes clusters: made with kind or found by a kubeconfig, watched until they are usable, and leased to trials.
//!
//! What may live here: clusters, their nodes, and requests to them that do not depend on what runs in them. `image`
//! brings images to nodes; what a trial puts into a cluster belongs to `runtime`.

mod access;
mod answers;
mod choice;
pub mod diagnostics;
mod error;
mod existing;
mod folder;
mod given;
mod guard;
mod handle;
mod heal;
mod health;
pub mod helm;
mod hold;
pub mod kind;
mod lease;
mod namespace;
pub mod operator;
mod pod_exec;
mod pod_image;
pub mod probe;
pub mod reach;
mod spec;
mod sweep;
mod tools;
mod unresponsive;
mod usable;

pub use access::PluginError;
pub(crate) use access::files as kubeconfig_files;
pub use answers::{ignore_not_found, is_conflict, is_forbidden};
pub use choice::{ChosenCluster, ClusterChoice, ExistingChoice, OperatorChoice, OwnImages};
pub use error::ClusterError;
pub use existing::Existing;
pub use folder::{ClusterFolder, ClusterFolders, ClusterState, Stage};
pub use given::SECRETS_OF_PERFORMERS;
pub use guard::{GuardError, permitted_jobs};
pub use handle::{Cluster, ClusterMachine, ClusterName, InvalidClusterName, Progress, Provider};
pub use hold::{add_hold_finalizer, remove_hold_finalizer, remove_hold_finalizers};
pub use hourglass_engine::{CommandOutput, Node, NodeRole};
pub use lease::{
    Cleaned, Condition, FoundCluster, Holder, IDLE_VARIABLE, Lease, LeaseRequest, LeaseSource, Removal, UP_IDLE, clean,
    look, remove,
};
pub use namespace::{
    FoundNamespace, OwnNamespace, RemovedNamespace, metadata_of, namespaces_of_runs, sweep_namespaces,
};
pub use pod_exec::run_in_pod;
pub use pod_image::PodImage;
pub use spec::{ClusterSpec, Fingerprint, KUBERNETES_VERSION, NODE_IMAGE, PortMapping};
pub use sweep::Namespaces;
pub use tools::{FoundTool, Tool, ToolError};
pub use usable::watch;
