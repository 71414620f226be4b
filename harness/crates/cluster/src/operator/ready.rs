//! Watches whether the operator runs: what keeps it from running is reported when it happens, not when the time is up.

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use futures::future::{Either, select};
use hourglass_image::PullPolicy;
use k8s_openapi::api::{apps::v1::Deployment, core::v1::Pod};
use kube::{Api, ResourceExt as _, api::LogParams, runtime::watcher};
use tokio::time::timeout;

use super::{NAME, NAME_LABEL, NAMESPACE, OperatorError};
use crate::{Cluster, PodImage, diagnostics::of_pod, usable::watch};

/// How long the operator may take with its image on the nodes, and where it is pulled.
const AVAILABLE_WITHIN: Duration = Duration::from_mins(1);
const PULLED_WITHIN: Duration = Duration::from_mins(5);
/// How often its container may end: something that it needs may appear a moment after it.
const RESTARTS: i32 = 2;
/// How many lines of its log are shown.
const LINES: i64 = 12;

/// What was seen last.
#[derive(Debug)]
pub(super) struct Seen(Mutex<String>);

impl Seen {
    pub(super) fn new(nothing: &str) -> Self {
        Self(Mutex::new(nothing.to_owned()))
    }

    pub(super) fn set(&self, state: String) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = state;
    }

    pub(super) fn last(&self) -> String {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Why waiting is of no use.
#[derive(Debug, PartialEq, Eq)]
enum Broken {
    /// The image cannot be pulled.
    Image { said: String },
    /// The container keeps restarting.
    Container { pod: String, state: String, previous: bool },
}

/// Waits until the operator of this image runs, and no other besides it.
pub(super) async fn available(cluster: &Cluster, image: &PodImage) -> Result<(), OperatorError> {
    let within = if image.policy == PullPolicy::Never { AVAILABLE_WITHIN } else { PULLED_WITHIN };
    let (deployment, pods) = (Seen::new("there is no Deployment"), Seen::new(""));
    let runs = pin!(deployed(cluster, &deployment));
    let breaks = pin!(broken(cluster, image, &pods));
    let state = || [deployment.last(), pods.last()].into_iter().filter(|text| !text.is_empty()).collect::<Vec<_>>();
    match timeout(within, select(runs, breaks)).await {
        Ok(Either::Left((runs, _))) => runs,
        Ok(Either::Right((broken, _))) => Err(explained(cluster, image, broken?).await),
        Err(_) => Err(OperatorError::NotAvailable {
            cluster: cluster.name.clone(),
            within: Some(within),
            state: state().join("; "),
            log: log(cluster, None, false).await,
        }),
    }
}

async fn deployed(cluster: &Cluster, seen: &Seen) -> Result<(), OperatorError> {
    let by_name = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
    let api = Api::<Deployment>::namespaced(cluster.client.clone(), NAMESPACE);
    let available = watch(cluster, api, by_name, "deployments", |deployments| {
        let deployment = deployments.values().next()?;
        seen.set(progress_of(deployment));
        is_available(deployment).then_some(())
    });
    Ok(available.await?)
}

/// Returns only when waiting is of no use.
async fn broken(cluster: &Cluster, image: &PodImage, seen: &Seen) -> Result<Broken, OperatorError> {
    let of_operator = watcher::Config::default().labels(&format!("{NAME_LABEL}={NAME}"));
    let broken = watch(cluster, pods(cluster), of_operator, "pods", |pods| {
        // Pods of an earlier image are being removed.
        let ours: Vec<_> = pods.values().filter(|pod| is_of(pod, image)).collect();
        seen.set(ours.iter().filter_map(|pod| of_pod(pod)).collect::<Vec<_>>().join("\n"));
        ours.into_iter().find_map(breakage)
    });
    Ok(broken.await?)
}

async fn explained(cluster: &Cluster, image: &PodImage, broken: Broken) -> OperatorError {
    let name = cluster.name.clone();
    match broken {
        Broken::Image { said } => {
            let pulled = image.policy != PullPolicy::Never;
            OperatorError::Image { cluster: name, image: image.reference.clone(), said, pulled }
        }
        Broken::Container { pod, state, previous } => {
            let log = log(cluster, Some(pod), previous).await;
            OperatorError::NotAvailable { cluster: name, within: None, state, log }
        }
    }
}

/// The end of the log of the operator's pod, or of the newest pod if none is named.
async fn log(cluster: &Cluster, pod: Option<String>, previous: bool) -> String {
    let Some(pod) = (if pod.is_some() { pod } else { newest(cluster).await }) else { return String::new() };
    let options = LogParams { tail_lines: Some(LINES), previous, ..LogParams::default() };
    // The error that led here is the one to report.
    let text = pods(cluster).logs(&pod, &options).await.unwrap_or_default();
    let lines: Vec<_> = text.lines().map(|line| format!("    {line}")).collect();
    if lines.is_empty() {
        return String::new();
    }
    format!("\n  the end of the log of pod {pod}:\n{}", lines.join("\n"))
}

async fn newest(cluster: &Cluster) -> Option<String> {
    let of_operator = kube::api::ListParams::default().labels(&format!("{NAME_LABEL}={NAME}"));
    let listed = pods(cluster).list(&of_operator).await.ok()?;
    let newest = listed.items.into_iter().max_by_key(|pod| pod.creation_timestamp().map(|time| time.0));
    newest.map(|pod| pod.name_any())
}

fn pods(cluster: &Cluster) -> Api<Pod> {
    Api::namespaced(cluster.client.clone(), NAMESPACE)
}

fn is_of(pod: &Pod, image: &PodImage) -> bool {
    let mut containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    containers.any(|container| container.image.as_ref() == Some(&image.reference))
}

fn breakage(pod: &Pod) -> Option<Broken> {
    let mut statuses = pod.status.iter().filter_map(|status| status.container_statuses.as_ref()).flatten();
    statuses.find_map(|status| {
        let waiting = status.state.as_ref().and_then(|state| state.waiting.as_ref());
        let reason = waiting.and_then(|waiting| waiting.reason.as_deref()).unwrap_or_default();
        let said = || waiting.and_then(|waiting| waiting.message.clone()).unwrap_or_else(|| reason.to_owned());
        let container =
            |previous| Broken::Container { pod: pod.name_any(), state: of_pod(pod).unwrap_or_else(said), previous };
        match reason {
            // A failed pull may succeed the next time, except for reasons that are not retried.
            "ErrImageNeverPull" | "InvalidImageName" | "ImagePullBackOff" => Some(Broken::Image { said: said() }),
            "CreateContainerConfigError" => Some(container(false)),
            _ if status.restart_count >= RESTARTS && !status.ready => Some(container(true)),
            _ => None,
        }
    })
}

/// Whether all pods that a Deployment requests exist, belong to its current template, and are available.
pub(super) fn is_available(deployment: &Deployment) -> bool {
    let Some(status) = &deployment.status else { return false };
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let is_seen = status.observed_generation >= deployment.metadata.generation;
    let all = [status.replicas, status.updated_replicas, status.available_replicas];
    wanted > 0 && is_seen && all.into_iter().all(|count| count.unwrap_or_default() == wanted)
}

fn progress_of(deployment: &Deployment) -> String {
    let status = deployment.status.clone().unwrap_or_default();
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let available = status.available_replicas.unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    let failing = conditions.iter().find(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True");
    match failing.and_then(|condition| condition.message.as_ref()) {
        Some(message) => format!("{available} of {wanted} pods are available: {message}"),
        None => format!("{available} of {wanted} pods are available"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(state: &Value, restarts: i32) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "p" },
            "spec": { "containers": [{ "name": "operator", "image": "components:1" }] },
            "status": { "phase": "Pending", "containerStatuses": [{
                "name": "operator", "image": "components:1", "imageID": "", "ready": false,
                "restartCount": restarts, "state": state,
            }] },
        }))
        .unwrap()
    }

    fn waiting(reason: &str) -> Value {
        json!({ "waiting": { "reason": reason, "message": "it says why" } })
    }

    /// A state that cannot improve is not worth a wait of a minute.
    #[test]
    fn unrecoverable_states_end_the_wait() {
        let image = Some(Broken::Image { said: "it says why".to_owned() });
        assert_eq!(breakage(&pod(&waiting("ErrImageNeverPull"), 0)), image);
        assert_eq!(breakage(&pod(&waiting("ImagePullBackOff"), 0)), image);
        let crashed = breakage(&pod(&waiting("CrashLoopBackOff"), 2));
        assert!(matches!(crashed, Some(Broken::Container { previous: true, .. })), "{crashed:?}");
        for may_come in [pod(&waiting("ErrImagePull"), 0), pod(&waiting("ContainerCreating"), 0)] {
            assert_eq!(breakage(&may_come), None);
        }
        assert_eq!(breakage(&pod(&waiting("CrashLoopBackOff"), 1)), None, "what it needs may have come late");
    }

    #[rstest::rstest]
    #[case::runs(1, 1, 1, 1, true)]
    #[case::not_seen_yet(2, 1, 1, 1, false)]
    #[case::not_available(1, 1, 1, 0, false)]
    #[case::old_one_beside(1, 2, 1, 1, false)]
    fn an_operator_is_available_only_after_its_rollout(
        #[case] generation: i64,
        #[case] replicas: i32,
        #[case] updated: i32,
        #[case] available: i32,
        #[case] expected: bool,
    ) {
        let deployment: Deployment = serde_json::from_value(json!({
            "metadata": { "generation": generation },
            "spec": { "replicas": 1, "selector": {}, "template": {} },
            "status": {
                "observedGeneration": 1, "replicas": replicas, "updatedReplicas": updated,
                "availableReplicas": available,
            },
        }))
        .unwrap();
        assert_eq!(is_available(&deployment), expected);
    }

    /// An operator that a fault scaled down is not available.
    #[test]
    fn an_operator_scaled_to_zero_is_not_available() {
        let status = json!({ "observedGeneration": 1 });
        let spec = json!({ "replicas": 0, "selector": {}, "template": {} });
        let deployment = json!({ "metadata": { "generation": 1 }, "spec": spec, "status": status });
        assert!(!is_available(&serde_json::from_value(deployment).unwrap()));
    }
}
