//! The objects that the probes create in their namespace.

use k8s_openapi::api::{
    core::v1::{PersistentVolumeClaim, Pod, Service},
    networking::v1::NetworkPolicy,
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use hourglass_image::{ImageRole, PullPolicy};

/// The port that every pod of a probe serves on.
pub(super) const PORT: u16 = 8080;
/// The Service of the pods that try connections: each is the target of the others.
pub(super) const SERVICE: &str = "probe";
/// The pod that the policy isolates.
pub(super) const WALLED: &str = "walled";
/// The pod with a volume, and its claim.
pub(super) const CLAIM: &str = "volume";

const ROLE: &str = "hourglass-harness/probe";
/// The user of the image of the components.
const USER: i64 = 65532;

/// Makes the objects for one image.
#[derive(Debug, Clone)]
pub(super) struct Objects {
    pub(super) image: String,
    pub(super) policy: PullPolicy,
}

impl Objects {
    /// The pod that tries connections from a node.
    pub(super) fn on_node(&self, name: &str, node: &str) -> Result<Pod, serde_json::Error> {
        let here = json!({ "key": "metadata.name", "operator": "In", "values": [node] });
        let terms = json!([{ "matchFields": [here] }]);
        // The scheduler decides; a node's name in the pod would bypass it.
        let affinity = json!({ "nodeAffinity": { "requiredDuringSchedulingIgnoredDuringExecution": { "nodeSelectorTerms": terms } } });
        self.pod(name, SERVICE, json!({ "affinity": affinity }))
    }

    /// The pod that a policy isolates.
    pub(super) fn walled(&self) -> Result<Pod, serde_json::Error> {
        self.pod(WALLED, WALLED, json!({}))
    }

    /// The pod that lets its claim be bound, if binding waits for a pod.
    pub(super) fn claimer(&self) -> Result<Pod, serde_json::Error> {
        let volumes = json!([{ "name": "data", "persistentVolumeClaim": { "claimName": CLAIM } }]);
        self.pod(CLAIM, CLAIM, json!({ "volumes": volumes }))
    }

    fn pod(&self, name: &str, role: &str, more: Value) -> Result<Pod, serde_json::Error> {
        let mounts =
            if more.get("volumes").is_some() { json!([{ "name": "data", "mountPath": "/data" }]) } else { json!([]) };
        let mut spec = json!({
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            // Nothing is lost, and the namespace is gone sooner.
            "terminationGracePeriodSeconds": 0,
            "securityContext": { "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER },
            "containers": [{
                "name": "probe",
                "image": self.image,
                "imagePullPolicy": self.policy.as_str(),
                "command": [ImageRole::Components.program(), "probe", "serve", "--port", PORT.to_string(), "--name", name],
                "readinessProbe": { "tcpSocket": { "port": PORT }, "periodSeconds": 1 },
                "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
                "volumeMounts": mounts,
            }],
        });
        if let (Some(spec), Value::Object(more)) = (spec.as_object_mut(), more) {
            spec.extend(more);
        }
        object(json!({ "metadata": { "name": name, "labels": { ROLE: role } }, "spec": spec }))
    }

    /// The Service of the pods that try connections, with a port on the nodes.
    pub(super) fn service() -> Result<Service, serde_json::Error> {
        object(json!({
            "metadata": { "name": SERVICE },
            "spec": {
                "type": "NodePort",
                "selector": { ROLE: SERVICE },
                "ports": [{ "name": "probe", "port": PORT, "targetPort": PORT }],
            },
        }))
    }

    /// Denies all traffic to the isolated pod.
    pub(super) fn wall() -> Result<NetworkPolicy, serde_json::Error> {
        object(json!({
            "metadata": { "name": WALLED },
            "spec": { "podSelector": { "matchLabels": { ROLE: WALLED } }, "policyTypes": ["Ingress"] },
        }))
    }

    /// A small claim on the default storage class.
    pub(super) fn claim() -> Result<PersistentVolumeClaim, serde_json::Error> {
        object(json!({
            "metadata": { "name": CLAIM },
            "spec": { "accessModes": ["ReadWriteOnce"], "resources": { "requests": { "storage": "1Mi" } } },
        }))
    }
}

fn object<K: DeserializeOwned>(value: Value) -> Result<K, serde_json::Error> {
    serde_json::from_value(value)
}
