//! The container of a performer's pod.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{
        Container, ContainerPort, EnvVar, EnvVarSource, GRPCAction, Probe, ResourceRequirements, VolumeMount,
    },
    apimachinery::pkg::api::resource::Quantity,
};

use super::{files, node, pod::SCRATCH, security, unless_empty};
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
        // Enough for a process that loads a model for five minutes, for example. Until then only readiness detects that
        // it hangs.
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
            // Server-side apply identifies ports by number and protocol.
            protocol: Some("TCP".to_owned()),
            ..ContainerPort::default()
        }]),
        // The kubelet runs the readiness probe at once when it learns that the container runs, so that the period
        // delays only containers that do not serve yet. A startup probe would follow its period from the first call,
        // and readiness would be probed only after it.
        readiness_probe: Some(Probe { period_seconds: Some(1), timeout_seconds: Some(2), ..probe(port, 3) }),
        resources: resources(performer),
        security_context: Some(security::of_container(performer)),
        volume_mounts: Some([vec![scratch()], files::mounts(performer)].concat()),
        ..Container::default()
    }
}

fn scratch() -> VolumeMount {
    VolumeMount { mount_path: "/tmp".to_owned(), name: SCRATCH.to_owned(), ..VolumeMount::default() }
}

/// Values from elsewhere come first, because `$(NAME)` in a value finds only variables before it; then the others by
/// name. Of variables with the same name, which the API server refuses, one remains: the last of those from elsewhere.
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

/// The resources of the spec, and GPUs as limit and as request: extended resources cannot be overcommitted.
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
