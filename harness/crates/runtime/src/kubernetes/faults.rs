//! Faults of components: kill, restart, pause and resume.
//!
//! A killed executor stays down until it is restarted, as on other runtimes, although a `StatefulSet` controls it: its
//! pod is held (`cluster::hold`). The kubelet restarts a killed performer, which is the behaviour under test.

use std::{collections::BTreeMap, sync::PoisonError, time::Duration};

use futures::future::try_join_all;
use hourglass_cluster::{add_hold_finalizer, ignore_not_found, remove_hold_finalizer, watch};
use hourglass_component::timeout::timeout;
use hourglass_scenario::ComponentRef;
use k8s_openapi::api::core::v1::{Event as ClusterEvent, Pod};
use kube::{ResourceExt as _, api::DeleteParams, runtime::watcher};

use super::{
    EXECUTOR_GRACE, KubernetesRuntime,
    aggregator::{self, GONE_AFTER},
    pods::{Wanted, none_left, runs},
    processes::{Signal, SignalError, signal},
};
use crate::RuntimeError;

/// When a kubelet has killed the processes of a deleted pod itself: it gives them two seconds, whatever grace period is
/// requested.
const ENDED_WITHIN: Duration = Duration::from_secs(4);
/// How long a kubelet may take to end containers that have [`SHORTEST_GRACE`], and to report it.
const ENDED_BY_KUBELET_WITHIN: Duration = Duration::from_secs(20);
/// In seconds, for a pod whose object must remain until it has ended.
const SHORTEST_GRACE: u32 = 1;
/// The beginning of a kubelet's message about each container of a pod that it ends.
const STOPPING: &str = "Stopping container";

impl KubernetesRuntime {
    /// The pods of a component that are not being deleted.
    pub(super) async fn pods_of(&self, component: &ComponentRef) -> Result<Vec<Pod>, RuntimeError> {
        self.wanted(component).await?.list(&self.trial_namespace).await
    }

    pub(super) async fn wanted(&self, component: &ComponentRef) -> Result<Wanted, RuntimeError> {
        Ok(Wanted::new(self.names.selector(component, &self.trial_namespace).await?.to_string(), 1))
    }

    /// The running ones, at least one.
    pub(super) async fn running(
        &self,
        component: &ComponentRef,
        fault: &'static str,
    ) -> Result<Vec<Pod>, RuntimeError> {
        let pods: Vec<_> = self.pods_of(component).await?.into_iter().filter(runs).collect();
        if pods.is_empty() { Err(failed(fault, component, "it is not running")) } else { Ok(pods) }
    }

    /// Records that a component had a fault, so that it may violate the invariants of the runtime.
    pub(super) fn note_fault(&self, component: &ComponentRef) {
        self.faulted.lock().unwrap_or_else(PoisonError::into_inner).insert(component.clone());
        self.ends.excuse(component);
    }

    pub(super) async fn kill_component(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let not_running =
            || RuntimeError::Kill { component: component.clone(), reason: "it is not running".to_owned() };
        let pods: Vec<_> = self.pods_of(component).await?.into_iter().filter(runs).collect();
        if pods.is_empty() {
            return Err(not_running());
        }
        self.note_usage_of(component).await;
        self.note_fault(component);
        let owned = self.trial_namespace.cluster.machine.is_some();
        match component {
            ComponentRef::Performer(_) if owned => self.signal_all(&pods, Signal::Kill, component, "kill").await,
            ComponentRef::Performer(_) => self.end(&pods, component).await,
            ComponentRef::Executor(_) => {
                try_join_all(pods.iter().map(|pod| add_hold_finalizer(&self.trial_namespace.cluster, pod))).await?;
                self.end(&pods, component).await
            }
            ComponentRef::Aggregator => {
                if owned {
                    self.signal_all(&pods, Signal::Stop, component, "kill").await?;
                }
                aggregator::scale(&self.trial_namespace, 0).await?;
                self.end(&pods, component).await
            }
        }
    }

    /// Ends pods for good, at once: their processes are frozen before they get a signal, and are killed. If the nodes
    /// are out of reach, the processes get the signal, and this waits for their end.
    pub(super) async fn end(&self, pods: &[Pod], component: &ComponentRef) -> Result<(), RuntimeError> {
        if self.trial_namespace.cluster.machine.is_none() {
            self.delete(pods, SHORTEST_GRACE).await?;
            let left = none_left(&self.trial_namespace, pods, ENDED_BY_KUBELET_WITHIN, runs).await?;
            if left.is_empty() {
                return Ok(());
            }
            let (what, state) = (format!("the pods {} to end", left.join(", ")), "they run".to_owned());
            return Err(RuntimeError::Timeout { what, within: ENDED_BY_KUBELET_WITHIN, state });
        }
        self.signal_all(pods, Signal::Stop, component, "kill").await?;
        self.delete(pods, 0).await?;
        for pod in pods {
            self.wait_until_kubelet_ends_pod(pod).await?;
            match signal(Signal::Kill, pod, &self.trial_namespace.cluster).await {
                // The kubelet was faster.
                Ok(()) | Err(SignalError::NotRunning) => {}
                Err(error) => return Err(failed("kill", component, &error.to_string())),
            }
        }
        Ok(())
    }

    /// Waits until the kubelet reports that it ends a deleted pod: before that, it restarts killed containers. If it
    /// reports nothing in time, it has ended the pod itself by then.
    async fn wait_until_kubelet_ends_pod(&self, pod: &Pod) -> Result<(), RuntimeError> {
        let about = pod.uid().unwrap_or_default();
        let config = watcher::Config::default().fields(&format!("involvedObject.uid={about},reason=Killing"));
        // Containers that fail their probes are killed too, and restarted.
        let for_good = |event: &ClusterEvent| event.message.as_deref().is_some_and(|it| it.starts_with(STOPPING));
        let events = self.trial_namespace.api::<ClusterEvent>();
        let said =
            watch(&self.trial_namespace.cluster, events, config, "events", |said: &BTreeMap<String, ClusterEvent>| {
                said.values().any(for_good).then_some(())
            });
        match timeout(ENDED_WITHIN, said).await {
            Ok(said) => Ok(said?),
            Err(_) => Ok(()),
        }
    }

    /// Deletes pods with this grace period in seconds; with zero, their objects are removed while they still run.
    async fn delete(&self, pods: &[Pod], grace: u32) -> Result<(), RuntimeError> {
        let api = self.trial_namespace.api::<Pod>();
        for pod in pods {
            let doing = format!("delete pod {}/{}", self.trial_namespace.namespace, pod.name_any());
            let deleted = api.delete(&pod.name_any(), &DeleteParams::default().grace_period(grace)).await;
            ignore_not_found(deleted).map_err(self.trial_namespace.fail(doing))?;
        }
        Ok(())
    }

    pub(super) async fn restart_component(
        &self,
        component: &ComponentRef,
        within: Duration,
    ) -> Result<(), RuntimeError> {
        self.note_usage_of(component).await;
        self.note_fault(component);
        let before = self.pods_of(component).await?;
        self.resume_paused(&before, component).await;
        let ready = match component {
            ComponentRef::Aggregator => aggregator::restart(&self.trial_namespace, within).await?,
            ComponentRef::Executor(_) => {
                let wanted = self.wanted(component).await?;
                let held = self.held(&wanted).await?;
                for pod in &held {
                    remove_hold_finalizer(&self.trial_namespace.cluster, pod).await?;
                }
                if held.is_empty() {
                    wanted.delete(&self.trial_namespace, EXECUTOR_GRACE, EXECUTOR_GRACE + GONE_AFTER).await?;
                }
                wanted.but(&[before, held].concat()).ready(&self.trial_namespace, within).await.map(drop)
            }
            ComponentRef::Performer(_) => {
                let wanted = self.wanted(component).await?;
                self.delete(&before, 0).await?;
                wanted.but(&before).ready(&self.trial_namespace, within).await.map(drop)
            }
        };
        match ready {
            Ok(()) => {
                self.ends.watch(component);
                Ok(())
            }
            Err(error) => Err(self.not_ready(component, within, error).await),
        }
    }

    /// The killed pods that are held.
    async fn held(&self, wanted: &Wanted) -> Result<Vec<Pod>, RuntimeError> {
        let pods = wanted.list_all(&self.trial_namespace).await?;
        Ok(pods.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_some()).collect())
    }

    pub(super) async fn signal_component(
        &self,
        component: &ComponentRef,
        which: Signal,
        fault: &'static str,
    ) -> Result<(), RuntimeError> {
        let pods = self.running(component, fault).await?;
        self.note_fault(component);
        self.signal_all(&pods, which, component, fault).await
    }

    async fn signal_all(
        &self,
        pods: &[Pod],
        which: Signal,
        component: &ComponentRef,
        fault: &'static str,
    ) -> Result<(), RuntimeError> {
        let sent = try_join_all(pods.iter().map(|pod| signal(which, pod, &self.trial_namespace.cluster))).await;
        sent.map(drop).map_err(|error| failed(fault, component, &error.to_string()))
    }

    /// A paused process does not react to the signal to end.
    async fn resume_paused(&self, pods: &[Pod], component: &ComponentRef) {
        let paused = self.paused.lock().unwrap_or_else(PoisonError::into_inner).remove(component);
        if paused {
            // An ended process needs no signal.
            let _ = self.signal_all(pods, Signal::Continue, component, "resume").await;
        }
    }

    /// Resumes everything that was paused.
    pub(super) async fn resume_all_paused(&self) {
        let paused: Vec<_> = self.paused.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        for component in paused {
            if let Ok(pods) = self.pods_of(&component).await {
                self.resume_paused(&pods, &component).await;
            }
        }
    }
}

/// A fault that could not be injected or ended.
pub(super) fn failed(fault: &'static str, component: &ComponentRef, reason: &str) -> RuntimeError {
    RuntimeError::Fault { fault, component: component.clone(), reason: reason.to_owned() }
}
