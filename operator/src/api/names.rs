//! Names that are part of the API.

use kube::ResourceExt as _;

use super::{DEFAULT_GRPC_PORT, FALLBACK_GRPC_PORT, Performer};

/// API group.
pub const GROUP: &str = "hourglass.eigenlayer.io";
/// API version.
pub const VERSION: &str = "v1alpha1";
/// Kind of the resource that stands for one performer.
pub const KIND: &str = "Performer";
/// Name of the resource in URLs.
pub const PLURAL: &str = "performers";
/// Keeps a Performer until it has drained. The public operator uses the same finalizer.
pub const FINALIZER: &str = "hourglass.eigenlayer.io/performer-finalizer";
/// The label of pods, Services and Deployments that holds the performer's name.
pub const PERFORMER_LABEL: &str = "hourglass.eigenlayer.io/performer";
/// The label that holds the AVS address, in lowercase.
pub const AVS_LABEL: &str = "hourglass.eigenlayer.io/avs";
/// The label of nodes with a trusted execution environment, `true` there.
pub const TEE_LABEL: &str = "hourglass.eigenlayer.io/tee";
/// The label of nodes that holds the kind of their trusted execution environment.
pub const TEE_TYPE_LABEL: &str = "hourglass.eigenlayer.io/tee-type";
/// The annotation of a performer that says how much its pod may do: `restricted`, as without it, or [`BASELINE`].
pub const POD_SECURITY_ANNOTATION: &str = "hourglass.eigenlayer.io/pod-security";
/// The value of [`POD_SECURITY_ANNOTATION`] for images that run as root or write to their own file system.
pub const BASELINE: &str = "baseline";
/// The annotation of pods that holds the digest of the template that they were made of.
pub const TEMPLATE_ANNOTATION: &str = "hourglass.eigenlayer.io/template";
/// The annotation of pods that stands for the versions of the secrets and config maps that they took values from.
pub const REFERENCES_ANNOTATION: &str = "hourglass.eigenlayer.io/references";
/// The container of a performer's pod.
pub const CONTAINER: &str = "performer";
/// What the port is called, in the container and in the Service.
pub const PORT_NAME: &str = "grpc";
/// Characters of a performer's name: its Service is called `performer-NAME`, which must be a DNS label.
pub const LONGEST_NAME: usize = 53;

impl Performer {
    /// What its Deployment and its Service are called.
    pub fn object_name(&self) -> String {
        format!("performer-{}", self.name_any())
    }

    /// The port it serves gRPC on.
    ///
    /// An object without `config` means 8080 to the public operator, one whose `config` names no port 9090; objects that
    /// were written for it mean the same here.
    pub fn grpc_port(&self) -> u16 {
        self.spec.config.as_ref().map_or(FALLBACK_GRPC_PORT, |config| config.grpc_port.unwrap_or(DEFAULT_GRPC_PORT))
    }

    /// Where it is reached from inside the cluster, as `host:port`; nothing of an object that is in no namespace.
    pub fn grpc_endpoint(&self) -> Option<String> {
        let namespace = self.namespace()?;
        Some(format!("{}.{namespace}.svc.cluster.local:{}", self.object_name(), self.grpc_port()))
    }
}
