//! The specification of a cluster, and the fingerprint that trials find a matching one by.

use std::{collections::BTreeMap, fmt};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// The version of Kubernetes that the harness's own node image has.
pub const KUBERNETES_VERSION: &str = "v1.34.4";
/// The default node image.
pub const NODE_IMAGE: &str = "kindest/node:v1.34.4";

/// What a cluster is to be like.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ClusterSpec {
    /// The node image's name.
    pub node_image: String,
    /// Nodes beside the control plane; with none, pods run on the control plane.
    pub workers: u8,
    /// Kubernetes feature gates and whether each is on.
    pub feature_gates: BTreeMap<String, bool>,
    /// Ports of the control plane's node that are published on this machine's loopback address, each at a port that the
    /// engine assigns.
    pub ports: Vec<PortMapping>,
    /// Anything else by which clusters differ: a name, for instance of a chart, and the digest of what was put in.
    pub contents: BTreeMap<String, String>,
}

/// A port of a node that is published on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PortMapping {
    /// The port on the node, for instance a `NodePort`.
    pub node_port: u16,
}

impl Default for ClusterSpec {
    fn default() -> Self {
        Self {
            node_image: NODE_IMAGE.to_owned(),
            workers: 0,
            feature_gates: BTreeMap::new(),
            ports: Vec::new(),
            contents: BTreeMap::new(),
        }
    }
}

impl ClusterSpec {
    /// The fingerprint of clusters with this specification and this very node image (the engine's id of it).
    pub fn fingerprint(&self, node_image_id: &str) -> Fingerprint {
        // The version of what the harness itself does to a cluster; raise it when that changes.
        let text = serde_json::json!({ "made": 1, "image": node_image_id, "spec": self }).to_string();
        Fingerprint::of_digest(&Sha256::digest(text))
    }
}

/// Sixteen hexadecimal digits that are the same for clusters that are alike, or for operators.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The beginning of a digest.
    pub(super) fn of_digest(digest: &[u8]) -> Self {
        Self(hex::encode(&digest[..8]))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A trial that leases a cluster that does not match its request would test something else.
    #[test]
    fn any_difference_changes_the_fingerprint() {
        let plain = ClusterSpec::default();
        let all = [
            plain.clone(),
            ClusterSpec { workers: 1, ..plain.clone() },
            ClusterSpec { feature_gates: [("A".to_owned(), true)].into(), ..plain.clone() },
            ClusterSpec { feature_gates: [("A".to_owned(), false)].into(), ..plain.clone() },
            ClusterSpec { ports: vec![PortMapping { node_port: 30000 }], ..plain.clone() },
            ClusterSpec { contents: [("chart".to_owned(), "1".to_owned())].into(), ..plain.clone() },
        ];
        let mut seen: Vec<_> = all.iter().map(|spec| spec.fingerprint("sha256:1")).collect();
        seen.push(plain.fingerprint("sha256:2"));
        assert_eq!(seen[0], plain.fingerprint("sha256:1"));
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), all.len() + 1);
    }
}
