//! The pull policy of pods.

use std::fmt;

/// Whether the kubelet may ask a registry for an image (`imagePullPolicy`). Pods must always set it: the default is
/// `Always` if the tag is `latest` or missing, and then a pod starts only if a registry answers, whatever the node has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    /// No registry is asked. An image that is not on the node is an error at once (`ErrImageNeverPull`), instead of
    /// another image of the same name from elsewhere.
    Never,
    /// A registry is asked for images that the node does not have.
    IfNotPresent,
}

impl PullPolicy {
    /// The policy of all pods in a cluster: nothing is pulled if images can be delivered to the nodes; the nodes of an
    /// existing cluster are out of reach, and must get their images from a registry.
    pub fn for_nodes(can_deliver: bool) -> Self {
        if can_deliver { Self::Never } else { Self::IfNotPresent }
    }

    /// As Kubernetes spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Never => "Never",
            Self::IfNotPresent => "IfNotPresent",
        }
    }
}

impl fmt::Display for PullPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}
