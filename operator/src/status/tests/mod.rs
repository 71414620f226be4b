//! Statuses of observed states of real clusters.

mod causes;
mod life;

use std::collections::BTreeMap;

use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod},
    apimachinery::pkg::apis::meta::v1::{Condition, Time},
};
use serde_json::{Value, json};

use super::{Observed, of};
use crate::{
    api::{Performer, PerformerSpec, PerformerStatus, TEMPLATE_ANNOTATION},
    desired::{self, References},
};

const NOW: &str = "2026-03-01T12:00:00Z";

/// A performer, and its objects in the cluster.
struct TestCluster {
    performer: Performer,
    deployment: Option<Deployment>,
    pods: Vec<Pod>,
    endpoint_ready: bool,
    refused: Option<String>,
    now: Time,
}

impl TestCluster {
    /// A performer whose Deployment was applied a moment ago.
    fn new() -> Self {
        let spec = PerformerSpec {
            avs_address: "0x70997970C51812dc3A010C7d01b50e0d17dc79C8".to_owned(),
            image: "registry.example/adder:1.0.0".to_owned(),
            ..PerformerSpec::default()
        };
        let mut performer = Performer::new("adder", spec);
        performer.metadata.namespace = Some("trial".to_owned());
        performer.metadata.generation = Some(1);
        let mut cluster =
            Self { performer, deployment: None, pods: Vec::new(), endpoint_ready: true, refused: None, now: time(NOW) };
        cluster.apply();
        cluster
    }

    /// Applies the performer's present spec.
    fn apply(&mut self) {
        let generation = self.deployment.as_ref().map_or(0, |deployment| deployment.metadata.generation.unwrap_or(0));
        let mut deployment = desired::deployment(&self.performer, &References::default());
        deployment.metadata.generation = Some(generation + 1);
        deployment.status = self.deployment.take().and_then(|deployment| deployment.status);
        self.deployment = Some(deployment);
    }

    /// Applies another image.
    fn upgrade(&mut self, image: &str) {
        self.performer.spec.image = image.to_owned();
        self.performer.metadata.generation = self.performer.metadata.generation.map(|generation| generation + 1);
        self.apply();
    }

    /// Sets the conditions that the Deployment's controller reports for its present generation.
    #[expect(clippy::needless_pass_by_value, reason = "it reads better where it is called with what json! makes")]
    fn deployment_says(&mut self, conditions: Value) {
        let deployment = self.deployment.as_mut().unwrap();
        let generation = deployment.metadata.generation;
        let status = json!({"observedGeneration": generation, "conditions": conditions});
        deployment.status = Some(serde_json::from_value(status).unwrap());
    }

    /// Adds a pod of the present template.
    #[expect(clippy::needless_pass_by_value, reason = "it reads better where it is called with what json! makes")]
    fn pod(&mut self, name: &str, status: Value) {
        let template = self.deployment.as_ref().unwrap().spec.as_ref().unwrap().template.metadata.clone().unwrap();
        let digest = template.annotations.unwrap()[TEMPLATE_ANNOTATION].clone();
        let created = format!("2026-03-01T11:{:02}:00Z", self.pods.len());
        let metadata = json!({
            "name": name,
            "creationTimestamp": created,
            "annotations": BTreeMap::from([(TEMPLATE_ANNOTATION, digest)]),
        });
        let pod = json!({"metadata": metadata, "spec": {"nodeName": "node-1", "containers": []}, "status": status});
        self.pods.push(serde_json::from_value(pod).unwrap());
    }

    fn observed(&self) -> Observed<'_> {
        Observed {
            performer: &self.performer,
            deployment: self.deployment.as_ref(),
            pods: self.pods.iter().collect(),
            endpoint_ready: self.endpoint_ready,
            refused: self.refused.clone(),
            now: self.now.clone(),
        }
    }

    /// Computes the present status and writes it to the performer. A second computation must give the same, or the
    /// operator would write for ever.
    fn write(&mut self) -> PerformerStatus {
        let status = of(&self.observed());
        self.performer.status = Some(status.clone());
        assert_eq!(of(&self.observed()), status, "computed once more");
        status
    }
}

fn time(text: &str) -> Time {
    Time(text.parse().unwrap())
}

/// The status of a pod whose container serves.
fn serving() -> Value {
    json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-03-01T11:59:02Z"}],
        "containerStatuses": [container(&json!({
            "ready": true, "started": true, "state": {"running": {"startedAt": "2026-03-01T11:59:01Z"}},
        }))],
    })
}

/// The status of a pod whose container does not serve, for the reason in `more`.
fn unready(more: &Value) -> Value {
    json!({
        "phase": "Pending",
        "conditions": [
            {"type": "PodScheduled", "status": "True", "lastTransitionTime": "2026-03-01T11:59:00Z"},
            {"type": "Ready", "status": "False", "reason": "ContainersNotReady", "lastTransitionTime": "2026-03-01T11:59:00Z"},
        ],
        "containerStatuses": [container(more)],
    })
}

fn container(more: &Value) -> Value {
    let mut status = json!({
        "name": "performer", "image": "registry.example/adder:1.0.0", "imageID": "", "ready": false, "restartCount": 0,
    });
    status.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    status
}

fn condition<'a>(status: &'a PerformerStatus, type_: &str) -> &'a Condition {
    status.conditions.iter().find(|condition| condition.type_ == type_).unwrap()
}
