//! The definition of components in a cluster: the values of the executors' release, and the aggregator's objects.

use std::{collections::BTreeMap, time::Duration};

use hourglass_cluster::metadata_of;
use hourglass_reaper::{COMPONENT_LABEL, Labels};
use hourglass_scenario::{Component, ComponentLimits, ComponentRef};
use serde_json::{Value, json};

use super::{
    EXECUTOR_GRACE, STOP_GRACE,
    images::KubernetesImages,
    names::{AGGREGATOR, AGGREGATOR_PORT, EXECUTOR_PORT, EXECUTORS, pod_name},
    performer_files,
    trial_namespace::{EXECUTOR_LABEL, PART_LABEL},
};
use crate::{
    AggregatorSpec, ExecutorSpec, PerformerSpec,
    configuration::{self, AGGREGATOR_PORT_KEY, ChainUrls, PerformerKeys, repository_and_tag},
    performer_files::ROOT,
};

/// A pod has an address of its own, so its ports cannot conflict.
const EVERYWHERE: &str = "0.0.0.0";
/// The path of each executor's configuration in the chart.
const EXECUTOR_CONFIG: &str = "/etc/hourglass/executor-$(POD_INDEX).yaml";
/// The path of the aggregator's configuration.
const AGGREGATOR_CONFIG: &str = "/etc/hourglass/config.yaml";
/// The user of the image of the components.
pub(super) const USER: i64 = 65532;
/// The memory that a component requests, in bytes.
const ASKED: u64 = 32 << 20;
/// How long a performer may take until it is healthy: its executor gives up then, and reports what it saw.
const PERFORMER_READY_WITHIN: &str = "1m";
/// How long a reference component may take to be ready: an executor gives its performer a minute, and then reports
/// itself what it saw.
const REFERENCE_READY_WITHIN: Duration = Duration::from_secs(75);
/// The same for a user's image, which checks its performer for the first time after 15 seconds.
const REPLACED_READY_WITHIN: Duration = Duration::from_secs(90);

/// How long a component may take until it is ready.
pub(super) fn ready_within(component: &Component) -> Duration {
    if component.image.is_some() { REPLACED_READY_WITHIN } else { REFERENCE_READY_WITHIN }
}

/// The labels and annotations of a trial's objects.
pub(super) fn metadata(labels: &Labels, component: Option<&ComponentRef>) -> (Value, Value) {
    let mut map = labels.to_map();
    map.extend(component.map(|component| (COMPONENT_LABEL.to_owned(), component.to_string())));
    let (labels, annotations) = metadata_of(map);
    (json!(labels), json!(annotations))
}

/// The values of the release of all executors, one pod each in their order. All use one image: a scenario replaces all
/// executors or none.
pub(super) fn executors(
    specs: &[ExecutorSpec],
    chains: &ChainUrls,
    images: &KubernetesImages,
    operator_namespace: &str,
    labels: &Labels,
) -> Value {
    let replaced = specs.first().map(|spec| spec.executor.clone()).unwrap_or_default();
    let own = specs.iter().enumerate().map(|(ordinal, spec)| executor(ordinal, spec, chains, images, labels));
    let (image, arguments) = images.of("executor", &replaced);
    let (repository, tag) = repository_and_tag(&image);
    let (pod_labels, pod_annotations) = metadata(labels, None);
    let mut values = json!({
        "fullnameOverride": EXECUTORS,
        "replicas": specs.len(),
        "image": { "repository": repository, "tag": tag, "pullPolicy": images.policy().as_str() },
        "args": with_config(arguments, EXECUTOR_CONFIG),
        "executors": own.collect::<Vec<_>>(),
        "service": { "port": EXECUTOR_PORT },
        "performers": { "rbac": true, "operatorNamespace": operator_namespace },
        // A restarted pod finds its performers by their labels.
        "persistence": { "enabled": false },
        "probes": { "type": if replaced.image.is_some() { "tcp" } else { "grpc" } },
        "terminationGracePeriodSeconds": EXECUTOR_GRACE.as_secs(),
        "commonLabels": pod_labels,
        "podAnnotations": pod_annotations,
        "extraEnv": environment(&replaced.environment),
        "resources": resources(replaced.limits(ComponentLimits::EXECUTOR)),
    });
    if replaced.image.is_some() {
        // A user's image may write to its file system.
        values["securityContext"] = json!({ "readOnlyRootFilesystem": false });
    }
    values
}

fn executor(
    ordinal: usize,
    spec: &ExecutorSpec,
    chains: &ChainUrls,
    images: &KubernetesImages,
    labels: &Labels,
) -> Value {
    let performers = spec.performers.iter().enumerate().map(|(index, keeps)| {
        let PerformerSpec { performer, .. } = keeps;
        let (repository, tag) = repository_and_tag(images.of_performer(performer));
        let keys = json!({
            "deploymentMode": "kubernetes",
            "image": { "repository": repository, "tag": tag },
            "files": performer_files::references(ordinal, index, keeps),
            "kubernetes": {
                "imagePullPolicy": images.policy_of_performer(performer),
                "resources": resources(performer.limits(ComponentLimits::PERFORMER)),
            },
        });
        PerformerKeys { files: ROOT.into(), keys }
    });
    let mut config = configuration::executor(spec, chains, EVERYWHERE, performers.collect());
    let (mut own, _) = metadata_of(labels.to_map());
    own.insert(EXECUTOR_LABEL.to_owned(), pod_name(ordinal));
    configuration::merge(
        &mut config,
        json!({
            "deployTimeout": PERFORMER_READY_WITHIN,
            "kubernetes": {
                // The chart sets the rest.
                "labels": own,
            },
        }),
    );
    config
}

/// The aggregator's objects: its configuration, which holds a key, its Deployment and its Service.
pub(super) struct AggregatorObjects {
    pub secret: Value,
    pub deployment: Value,
    pub service: Value,
}

/// The aggregator.
pub(super) fn aggregator(
    spec: &AggregatorSpec,
    l1_url: &str,
    l2_url: &str,
    images: &KubernetesImages,
    labels: &Labels,
) -> AggregatorObjects {
    let mut config = configuration::aggregator(spec, l1_url, l2_url, EVERYWHERE);
    configuration::merge(&mut config, json!({ AGGREGATOR_PORT_KEY: AGGREGATOR_PORT }));
    let (mut labels, annotations) = metadata(labels, Some(&ComponentRef::Aggregator));
    labels[PART_LABEL] = AGGREGATOR.into();
    let metadata = json!({ "name": AGGREGATOR, "labels": labels, "annotations": annotations });
    let selector = json!({ PART_LABEL: AGGREGATOR });
    let replaced = &spec.aggregator;
    let (image, arguments) = images.of("aggregator", replaced);
    // A user's image need not have a health service.
    let probe = if replaced.image.is_some() { "tcpSocket" } else { "grpc" };
    let container = json!({
        "name": AGGREGATOR,
        "image": image,
        "imagePullPolicy": images.policy().as_str(),
        "args": with_config(arguments, AGGREGATOR_CONFIG),
        "env": environment(&replaced.environment),
        "ports": [{ "name": "grpc", "containerPort": AGGREGATOR_PORT }],
        "readinessProbe": { probe: { "port": AGGREGATOR_PORT }, "periodSeconds": 1 },
        "resources": resources(replaced.limits(ComponentLimits::AGGREGATOR)),
        "securityContext": {
            "allowPrivilegeEscalation": false,
            "readOnlyRootFilesystem": replaced.image.is_none(),
            "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": [
            { "name": "config", "mountPath": "/etc/hourglass", "readOnly": true },
            { "name": "temporary", "mountPath": "/tmp" },
        ],
    });
    let pod = json!({
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": STOP_GRACE.as_secs(),
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        "containers": [container],
        "volumes": [
            { "name": "config", "secret": { "secretName": AGGREGATOR } },
            { "name": "temporary", "emptyDir": {} },
        ],
    });
    AggregatorObjects {
        secret: json!({ "metadata": metadata, "stringData": { "config.yaml": configuration::document(&config) } }),
        deployment: json!({
            "metadata": metadata,
            "spec": {
                "replicas": 1,
                "strategy": { "type": "Recreate" },
                "selector": { "matchLabels": selector },
                "template": { "metadata": { "labels": labels, "annotations": annotations }, "spec": pod },
            },
        }),
        service: json!({
            "metadata": metadata,
            "spec": {
                "selector": selector,
                "ports": [{ "name": "grpc", "port": AGGREGATOR_PORT, "targetPort": "grpc" }],
            },
        }),
    }
}

fn with_config(arguments: Vec<String>, file: &str) -> Vec<String> {
    arguments.into_iter().chain(["--config".to_owned(), file.to_owned()]).collect()
}

/// The limits of a container. Its requests are small, so that a machine with two processors can run all components of
/// several trials; a request never exceeds the limit.
pub(super) fn resources(limits: ComponentLimits) -> Value {
    let ComponentLimits { memory, cpus } = limits;
    json!({
        "requests": { "cpu": "10m", "memory": memory.bytes.min(ASKED).to_string() },
        "limits": { "cpu": format!("{}m", cpus.thousandths), "memory": memory.bytes.to_string() },
    })
}

fn environment(variables: &BTreeMap<String, String>) -> Value {
    variables.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
}

impl KubernetesImages {
    /// The image of a component, and the arguments that come before its configuration.
    fn of(&self, role: &str, replaced: &Component) -> (String, Vec<String>) {
        match &replaced.image {
            // A user's image has its own command.
            Some(image) => (image.clone(), self.arguments_of(image)),
            None => (self.components.reference.clone(), vec![role.to_owned()]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Kubernetes refuses values that are not strings.
    #[test]
    fn environment_variables_are_strings_in_order() {
        let variables = [("B", "2"), ("A", "true")].map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let expected = json!([{ "name": "A", "value": "true" }, { "name": "B", "value": "2" }]);
        assert_eq!(environment(&variables), expected);
    }
}
