//! The one container.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Container, ContainerPort, EnvVar, EnvVarSource, GRPCAction, Probe, ResourceRequirements, VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use super::{node, pod::SCRATCH, security, unless_empty};
use crate::api::{CONTAINER, PORT_NAME, Performer, PerformerConfig, PullPolicy};

/// The container of `performer`.
pub(super) fn of(performer: &Performer) -> Container {
    let config = performer.spec.config.clone().unwrap_or_default();
    let port = i32::from(performer.grpc_port());
    Container {
        env: unless_empty(environment(&config)),
        args: unless_empty(config.args),
        command: unless_empty(config.command),
        image: Some(performer.spec.image.clone()),
        image_pull_policy: Some(pull_policy(performer.spec.image_pull_policy).to_owned()),
        // Five minutes to load a model, say. Until then readiness alone sees that it hangs.
        liveness_probe: Some(Probe {
            initial_delay_seconds: Some(300),
            period_seconds: Some(10),
            timeout_seconds: Some(5),
            ..probe(port, 3)
        }),
        name: CONTAINER.to_owned(),
        ports: Some(vec![ContainerPort {
            container_port: port,
            name: Some(PORT_NAME.to_owned()),
            // Part of what tells ports apart when they are applied.
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        // The kubelet runs it at once when it learns that the container runs, and so its period only delays who is not
        // serving by then. A startup probe would be run by its period from the first, and readiness only after it.
        readiness_probe: Some(Probe { period_seconds: Some(1), timeout_seconds: Some(2), ..probe(port, 3) }),
        resources: resources(performer),
        security_context: Some(security::of_container(performer)),
        volume_mounts: Some(vec![VolumeMount {
            mount_path: "/tmp".to_owned(),
            name: SCRATCH.to_owned(),
            ..VolumeMount::default()
        }]),
        ..Container::default()
    }
}

/// Values from elsewhere come first, for `$(NAME)` in a value finds only what stands before it; then the others by name.
/// Of variables with the same name, which the API server refuses, one is left: that from elsewhere, the last of them.
fn environment(config: &PerformerConfig) -> Vec<EnvVar> {
    let mut referring: Vec<EnvVar> = Vec::new();
    for variable in &config.environment_from {
        referring.retain(|earlier| earlier.name != variable.name);
        let value_from = EnvVarSource {
            config_map_key_ref: variable.value_from.config_map_key_ref.clone(),
            secret_key_ref: variable.value_from.secret_key_ref.clone(),
            ..EnvVarSource::default()
        };
        referring.push(EnvVar { name: variable.name.clone(), value: None, value_from: Some(value_from) });
    }
    let plain = config.environment.iter().filter(|(name, _)| referring.iter().all(|variable| variable.name != **name));
    let plain = plain.map(|(name, value)| EnvVar { name: name.clone(), value: Some(value.clone()), value_from: None });
    let plain: Vec<EnvVar> = plain.collect();
    referring.extend(plain);
    referring
}

/// What the spec says, and GPUs as limit and as request: extended resources cannot be overcommitted.
fn resources(performer: &Performer) -> Option<ResourceRequirements> {
    let mut resources = performer.spec.resources.clone().unwrap_or_default();
    if let Some((name, count)) = node::gpus(performer) {
        let count = Quantity(count.to_string());
        for amounts in [&mut resources.limits, &mut resources.requests] {
            amounts.get_or_insert_with(BTreeMap::new).insert(name.clone(), count.clone());
        }
    }
    unless_empty(resources)
}

/// A call of `grpc.health.v1.Health/Check` for the whole server.
fn probe(port: i32, failures: i32) -> Probe {
    Probe { failure_threshold: Some(failures), grpc: Some(GRPCAction { port, service: None }), ..Probe::default() }
}

fn pull_policy(policy: PullPolicy) -> &'static str {
    match policy {
        PullPolicy::Always => "Always",
        PullPolicy::Never => "Never",
        PullPolicy::IfNotPresent => "IfNotPresent",
    }
}
