//! Ends a trial in a cluster: in order if the cluster answers, by the supervisor if it does not.

use std::{
    sync::PoisonError,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use hourglass_cluster::{ClusterError, ignore_not_found, remove_hold_finalizers, watch};
use hourglass_component::timeout::timeout;
use hourglass_operator::api::{PERFORMER_LABEL, Performer};
use hourglass_scenario::ComponentRef;
use k8s_openapi::api::apps::v1::{Deployment, StatefulSet};
use kube::{
    ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams},
    runtime::watcher,
};
use serde_json::json;

use super::{
    EXECUTOR_GRACE, KubernetesRuntime, STOP_GRACE,
    aggregator::{self, GONE_AFTER},
    names::{self, AGGREGATOR, EXECUTORS},
    performers,
    pods::Wanted,
};
use crate::{Leak, RuntimeError, Teardown, blocking};

/// How long Performers may take to drain and to be gone.
const PERFORMERS_WITHIN: Duration = Duration::from_secs(30);
/// How long a cluster that does not answer is given; the supervisor goes on after that.
const WITHIN: Duration = Duration::from_mins(2);

impl KubernetesRuntime {
    /// Ends everything in order; the result lists what had to be forced.
    pub(super) async fn end_trial(self) -> Result<Teardown, RuntimeError> {
        let ended = match timeout(WITHIN, Box::pin(self.end_parts())).await {
            Ok(ended) => ended,
            Err(_) => Err(RuntimeError::from(ClusterError::Silent {
                name: self.trial_namespace.cluster.name.clone(),
                within: WITHIN,
            })),
        };
        let Self { namespace, supervisor, chains, .. } = self;
        let ended = match ended {
            // The namespace is empty; nobody waits until the control plane has removed it.
            Ok(forced) => namespace.leave().await.map(|()| forced).map_err(RuntimeError::from),
            Err(error) => {
                // They need no cluster to end.
                let _ = chains.stop().await;
                Err(error)
            }
        };
        // The supervisor removes what remains, whatever the result was.
        let swept = blocking(move || supervisor.sweep()).await;
        let forced = ended?;
        let (report, folder_guard) = swept?;
        let left = report.leftovers.into_iter().map(|leftover| Leak { what: leftover.to_string() });
        Ok(Teardown { leaks: forced.into_iter().chain(left).collect(), folder_guard: Some(folder_guard) })
    }

    async fn end_parts(&self) -> Result<Vec<Leak>, RuntimeError> {
        let began = Instant::now();
        self.preparation.give_up();
        self.undo_cluster_faults().await?;
        self.resume_all_paused().await;
        // Before everything that their tasks need.
        self.end_jobs().await?;
        self.forget_policies().await?;
        let aggregator = async {
            self.scale_down::<Deployment>(AGGREGATOR).await?;
            let killed = aggregator::pod().gone(&self.trial_namespace, STOP_GRACE + GONE_AFTER).await?;
            self.tell_duration("the aggregator is gone", began);
            // Not before: it would only log errors about chains that are gone.
            self.chains.stop().await?;
            Ok::<_, RuntimeError>(killed)
        };
        let executors = async {
            self.scale_down::<StatefulSet>(EXECUTORS).await?;
            remove_hold_finalizers(&self.trial_namespace.cluster, &self.trial_namespace.namespace).await?;
            // They end their performers.
            let killed =
                Wanted::new(names::of_executors(), 0).gone(&self.trial_namespace, EXECUTOR_GRACE + GONE_AFTER).await?;
            self.tell_duration("the executors are gone", began);
            Ok::<_, RuntimeError>(killed)
        };
        // Concurrently, because each takes the kubelet a second; their errors about each other do not count.
        let (aggregator, ended) = tokio::try_join!(aggregator, executors)?;
        let mut killed: Vec<_> = aggregator.into_iter().map(|pod| (pod, STOP_GRACE)).collect();
        let faulted = self.faulted.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for pod in ended {
            let component = self
                .names
                .executors()
                .into_iter()
                .find(|it| it.operator().and_then(|name| self.names.pod_of(name)).is_some_and(|name| name == pod));
            // A killed component could not end in order.
            if component.is_none_or(|component| !faulted.contains(&component)) {
                killed.push((pod, EXECUTOR_GRACE));
            }
        }
        let left = self.end_performers().await?;
        self.tell_duration("the performers are gone", began);
        self.logs.finish().await;
        self.operator_log.lock().unwrap_or_else(PoisonError::into_inner).take();
        let forced = killed.into_iter().map(|(pod, grace)| {
            format!("pod {pod} did not end within {} of SIGTERM", humantime::format_duration(grace))
        });
        Ok(forced.chain(left).map(|what| Leak { what }).collect())
    }

    /// Ends all pods in order.
    async fn scale_down<K>(&self, name: &str) -> Result<(), RuntimeError>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + serde::de::DeserializeOwned,
    {
        let patch = Patch::Merge(json!({ "spec": { "replicas": 0 } }));
        let scaled = self.trial_namespace.api::<K>().patch_scale(name, &PatchParams::default(), &patch).await;
        let doing = format!("scale {} {}/{name}", K::kind(&()), self.trial_namespace.namespace);
        ignore_not_found(scaled).map(drop).map_err(self.trial_namespace.fail(doing))
    }

    /// Removes the Performers that executors left: a killed executor cannot remove them. Returns those that other
    /// executors left, and waits until they and their pods are gone.
    async fn end_performers(&self) -> Result<Vec<String>, RuntimeError> {
        let left = performers::list(&self.trial_namespace).await?;
        if left.is_empty() {
            return Ok(Vec::new());
        }
        let api = self.trial_namespace.api::<Performer>();
        let deletions = left.iter().map(|performer| async {
            let name = performer.name_any();
            let deleted = api.delete(&name, &DeleteParams::background()).await;
            ignore_not_found(deleted).map(drop).map_err(
                self.trial_namespace.fail(format!("delete Performer {}/{name}", self.trial_namespace.namespace)),
            )
        });
        try_join_all(deletions).await?;
        let orphans: Vec<_> = left
            .iter()
            .filter(|performer| performer.metadata.deletion_timestamp.is_none())
            .filter(|performer| !self.was_left_by_a_fault(performer))
            .map(|performer| format!("Performer {} was left by its executor", performer.name_any()))
            .collect();
        let mut last = Vec::new();
        let config = watcher::Config::default();
        let all_gone = watch(&self.trial_namespace.cluster, api.clone(), config, "Performers", |there| {
            last = there.keys().cloned().collect();
            there.is_empty().then_some(())
        });
        let Ok(all_gone) = timeout(PERFORMERS_WITHIN, all_gone).await else {
            let what = format!("the Performers {} to be gone", last.join(", "));
            let state = "they are there".to_owned();
            return Err(RuntimeError::Timeout { what, within: PERFORMERS_WITHIN, state });
        };
        all_gone?;
        Wanted::new(PERFORMER_LABEL, 0).gone(&self.trial_namespace, PERFORMERS_WITHIN).await?;
        Ok(orphans)
    }

    /// Whether its executor could not remove it.
    fn was_left_by_a_fault(&self, performer: &Performer) -> bool {
        let owner = self.names.owner_of(performer);
        let executor = owner.operator().map(|name| ComponentRef::Executor(name.to_owned()));
        let faulted = self.faulted.lock().unwrap_or_else(PoisonError::into_inner);
        executor.is_some_and(|executor| faulted.contains(&executor))
    }
}
