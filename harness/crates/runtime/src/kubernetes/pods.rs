//! Waits for pods: until they are ready, until they are gone, or until they report why they will not be.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use hourglass_cluster::{ClusterError, diagnostics, ignore_not_found, is_conflict, watch};
use hourglass_component::timeout::timeout;
use hourglass_operator::status::{has_ended, is_pod_ready};
use k8s_openapi::api::core::v1::{ContainerState, ContainerStatus, Pod};
use kube::{
    ResourceExt,
    api::{DeleteParams, ListParams, Preconditions},
    runtime::watcher,
};

use super::trial_namespace::TrialNamespace;
use crate::RuntimeError;

/// Reasons of the kubelet for not starting a container that waiting does not cure.
const HOPELESS: [&str; 7] = [
    "ErrImageNeverPull",
    "ImagePullBackOff",
    "InvalidImageName",
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "CrashLoopBackOff",
];
/// The exit code of a process that SIGKILL ended.
const KILLED: i32 = 137;

/// The pods of a label selector, without those with these ids.
#[derive(Debug, Clone, Default)]
pub(super) struct Wanted {
    pub selector: String,
    pub except: BTreeSet<String>,
    pub count: usize,
}

/// Why pods are not ready.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unready {
    /// This one will not be.
    #[error("pod {pod}: {trouble}")]
    Unrecoverable { pod: String, trouble: String },
    /// They were not ready in time; the last observed state.
    #[error("{0}")]
    Late(String),
    /// They could not be watched.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
}

impl Wanted {
    /// This number of pods of a selector.
    pub(super) fn new(selector: impl Into<String>, count: usize) -> Self {
        Self { selector: selector.into(), except: BTreeSet::new(), count }
    }

    /// Except these.
    pub(super) fn but(self, pods: &[Pod]) -> Self {
        Self { except: pods.iter().filter_map(ResourceExt::uid).collect(), ..self }
    }

    /// The existing ones, without those that are being deleted.
    pub(super) async fn list(&self, trial_namespace: &TrialNamespace) -> Result<Vec<Pod>, RuntimeError> {
        Ok(self.list_all(trial_namespace).await?.into_iter().filter(|pod| self.means(pod)).collect())
    }

    /// The existing ones, in any state.
    pub(super) async fn list_all(&self, trial_namespace: &TrialNamespace) -> Result<Vec<Pod>, RuntimeError> {
        let listed = trial_namespace.api::<Pod>().list(&ListParams::default().labels(&self.selector)).await;
        Ok(listed.map_err(trial_namespace.fail(format!("list the pods of {}", trial_namespace.namespace)))?.items)
    }

    /// Waits until they are ready.
    pub(super) async fn ready(&self, trial_namespace: &TrialNamespace, within: Duration) -> Result<Vec<Pod>, Unready> {
        let mut last = "there is none yet".to_owned();
        let seen = watch(
            &trial_namespace.cluster,
            trial_namespace.api::<Pod>(),
            self.config(),
            "pods",
            |pods: &BTreeMap<String, Pod>| {
                let meant: Vec<_> = pods.values().filter(|pod| self.means(pod)).collect();
                if let Some(unrecoverable) = meant.iter().find_map(|pod| unrecoverable(pod)) {
                    return Some(Err(unrecoverable));
                }
                let ready: Vec<_> = meant.iter().filter(|pod| is_pod_ready(pod)).map(|pod| (*pod).clone()).collect();
                if ready.len() >= self.count {
                    return Some(Ok(ready));
                }
                let troubles: Vec<_> = meant.iter().filter_map(|pod| diagnostics::of_pod(pod)).collect();
                last = if troubles.is_empty() { "there is none yet".to_owned() } else { troubles.join("; ") };
                None
            },
        );
        let began = Instant::now();
        let Ok(seen) = timeout(within, seen).await else {
            tracing::info!(selector = self.selector, ?within, last, "pods are not ready in time");
            return Err(Unready::Late(last));
        };
        let (selector, is_ready) = (&self.selector, matches!(seen, Ok(Ok(_))));
        tracing::debug!(selector, is_ready, elapsed = ?began.elapsed(), "the wait for pods is over");
        seen?
    }

    /// Deletes them, and waits until they are gone; returns the names of those that had to be killed. `grace` is how
    /// long they may take to end in order.
    pub(super) async fn delete(
        &self,
        trial_namespace: &TrialNamespace,
        grace: Duration,
        within: Duration,
    ) -> Result<Vec<String>, RuntimeError> {
        let seconds = u32::try_from(grace.as_secs()).unwrap_or(u32::MAX);
        let parameters = DeleteParams::default().grace_period(seconds);
        let api = trial_namespace.api::<Pod>();
        for pod in self.list(trial_namespace).await? {
            let doing = format!("delete pod {}/{}", trial_namespace.namespace, pod.name_any());
            ignore_not_found(api.delete(&pod.name_any(), &parameters).await).map_err(trial_namespace.fail(doing))?;
        }
        self.gone(trial_namespace, within).await
    }

    /// Waits until there are none, including those that are being deleted; returns the names of those that were killed.
    pub(super) async fn gone(
        &self,
        trial_namespace: &TrialNamespace,
        within: Duration,
    ) -> Result<Vec<String>, RuntimeError> {
        let (mut left, mut killed) = (Vec::new(), BTreeSet::new());
        let gone = async {
            loop {
                let there = |pods: &BTreeMap<String, Pod>| {
                    let there: Vec<_> = pods.values().filter(|pod| !self.is_excepted(pod)).collect();
                    killed.extend(there.iter().filter(|pod| was_killed(pod)).map(|pod| pod.name_any()));
                    left = there.iter().map(|pod| pod.name_any()).collect();
                    let ended: Vec<_> = there.iter().copied().filter(|pod| has_ended(pod)).cloned().collect();
                    (there.is_empty() || !ended.is_empty()).then_some(ended)
                };
                let ended =
                    watch(&trial_namespace.cluster, trial_namespace.api::<Pod>(), self.config(), "pods", there).await?;
                if ended.is_empty() {
                    return Ok::<_, RuntimeError>(());
                }
                // Otherwise their kubelet would release them at its next check, up to a second later.
                try_join_all(ended.iter().map(|pod| release(trial_namespace, pod))).await?;
            }
        };
        let Ok(gone) = timeout(within, gone).await else {
            let what = format!("the pods {} to be gone", left.join(", "));
            return Err(RuntimeError::Timeout { what, within, state: "they are there".to_owned() });
        };
        gone?;
        Ok(killed.into_iter().collect())
    }

    fn config(&self) -> watcher::Config {
        watcher::Config::default().labels(&self.selector)
    }

    fn means(&self, pod: &Pod) -> bool {
        pod.metadata.deletion_timestamp.is_none() && !self.is_excepted(pod)
    }

    fn is_excepted(&self, pod: &Pod) -> bool {
        pod.uid().is_some_and(|uid| self.except.contains(&uid))
    }
}

/// Waits until none of these pods is in a state; returns the names of those that still are when the time is up.
pub(super) async fn none_left(
    trial_namespace: &TrialNamespace,
    pods: &[Pod],
    within: Duration,
    is: fn(&Pod) -> bool,
) -> Result<Vec<String>, RuntimeError> {
    let meant: BTreeSet<_> = pods.iter().filter_map(ResourceExt::uid).collect();
    // All, until something else was observed.
    let mut left: Vec<_> = pods.iter().map(ResourceExt::name_any).collect();
    let config = watcher::Config::default();
    let none = watch(
        &trial_namespace.cluster,
        trial_namespace.api::<Pod>(),
        config,
        "pods",
        |pods: &BTreeMap<String, Pod>| {
            let there = pods.values().filter(|pod| pod.uid().is_some_and(|uid| meant.contains(&uid)));
            left = there.filter(|pod| is(pod)).map(ResourceExt::name_any).collect();
            left.is_empty().then_some(())
        },
    );
    if let Ok(none) = timeout(within, none).await {
        none?;
    }
    Ok(left)
}

/// Deletes a pod at once of which nothing runs any more.
async fn release(trial_namespace: &TrialNamespace, pod: &Pod) -> Result<(), RuntimeError> {
    let preconditions = Some(Preconditions { uid: pod.uid(), ..Preconditions::default() });
    let params = DeleteParams { preconditions, ..DeleteParams::default().grace_period(0) };
    let name = pod.name_any();
    match ignore_not_found(trial_namespace.api::<Pod>().delete(&name, &params).await) {
        // A new pod has its name by now.
        Err(error) if is_conflict(&error) => Ok(()),
        deleted => {
            deleted.map(drop).map_err(trial_namespace.fail(format!("delete pod {}/{name}", trial_namespace.namespace)))
        }
    }
}

/// What a pod says of its containers.
pub(super) fn containers(pod: &Pod) -> impl Iterator<Item = &ContainerStatus> {
    pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten())
}

/// Whether a container of it runs.
pub(super) fn runs(pod: &Pod) -> bool {
    let running = |status: &ContainerStatus| status.state.as_ref().is_some_and(|state| state.running.is_some());
    containers(pod).any(running)
}

/// Whether the kubelet does not start a container of the pod, and will not.
pub(super) fn cannot_start(pod: &Pod) -> bool {
    containers(pod).any(|status| status.state.as_ref().is_some_and(is_given_up))
}

fn is_given_up(state: &ContainerState) -> bool {
    let reason = state.waiting.as_ref().and_then(|waiting| waiting.reason.as_deref());
    reason.is_some_and(|reason| HOPELESS.contains(&reason))
}

/// Why a pod will never be ready.
fn unrecoverable(pod: &Pod) -> Option<Unready> {
    // A component that ended before it was ready has written why.
    let ended = |status: &ContainerStatus| {
        let state = status.state.as_ref();
        state.is_some_and(|state| state.terminated.is_some()) || status.restart_count > 0
    };
    if is_pod_ready(pod) || !(cannot_start(pod) || containers(pod).any(ended)) {
        return None;
    }
    Some(Unready::Unrecoverable { pod: pod.name_any(), trouble: diagnostics::of_pod(pod).unwrap_or_default() })
}

fn was_killed(pod: &Pod) -> bool {
    let ended = |status: &ContainerStatus| {
        status.state.as_ref().and_then(|state| state.terminated.as_ref()).map(|end| end.exit_code)
    };
    containers(pod).filter_map(ended).any(|code| code == KILLED)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn pod(ready: bool, container: &Value) -> Pod {
        let mut status = json!({ "name": "main", "image": "i", "imageID": "", "ready": ready, "restartCount": 0 });
        status.as_object_mut().unwrap().extend(container.as_object().unwrap().clone());
        let ready = if ready { "True" } else { "False" };
        serde_json::from_value(json!({
            "metadata": { "name": "p", "namespace": "n" },
            "status": { "conditions": [{ "type": "Ready", "status": ready }], "containerStatuses": [status] },
        }))
        .unwrap()
    }

    /// Waiting for an impossible state would hide its cause behind a time limit; giving up on a pod that is starting
    /// would make good trials fail.
    #[rstest::rstest]
    #[case::starting(json!({ "state": { "waiting": { "reason": "ContainerCreating" } } }), false, true)]
    #[case::pulling(json!({ "state": { "waiting": { "reason": "ErrImagePull" } } }), false, true)]
    #[case::not_ready_yet(json!({ "state": { "running": {} } }), false, true)]
    #[case::image_missing(json!({ "state": { "waiting": { "reason": "ErrImageNeverPull" } } }), false, false)]
    #[case::ended(json!({ "state": { "terminated": { "exitCode": 1 } } }), false, false)]
    #[case::started_again(json!({ "state": { "running": {} }, "restartCount": 1 }), false, false)]
    #[case::ready_again(json!({ "state": { "running": {} }, "restartCount": 1 }), true, true)]
    fn only_pods_that_can_become_ready_are_awaited(
        #[case] container: Value,
        #[case] ready: bool,
        #[case] waited: bool,
    ) {
        let pod = pod(ready, &container);
        assert_eq!((unrecoverable(&pod).is_none(), is_pod_ready(&pod)), (waited, ready));
    }
}
