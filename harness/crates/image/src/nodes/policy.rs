//! What pods say about pulling.

use std::fmt;

/// Whether the kubelet may ask a registry for an image (`imagePullPolicy`). Pods must always say it: one that says nothing
/// gets `Always` where the tag is `latest` or missing, and then starts only if a registry answers, whatever the node holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullPolicy {
    /// No registry is asked. An image that is not on the node is an error at once (`ErrImageNeverPull`), instead of
    /// another image of the same name from elsewhere.
    Never,
    /// A registry is asked for what the node does not hold.
    IfNotPresent,
}

impl PullPolicy {
    /// That of all pods in a cluster: nothing is pulled where images can be delivered to the nodes; nodes that others
    /// made are out of reach, and have to get their images from a registry.
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
