//! The names of a trial's components in its namespace, and the pods of each component.

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use hourglass_operator::api::{PERFORMER_LABEL, Performer};
use hourglass_scenario::ComponentRef;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt;
use serde_json::{Value, json};

use super::{
    performers,
    trial_namespace::{EXECUTOR_LABEL, PART_LABEL, TrialNamespace},
};
use crate::{ExecutorSpec, RuntimeError, performers::ConfiguredPerformer};

/// The name of the executors' release and Service, and the prefix of its pods, whose ordinals follow.
pub(super) const EXECUTORS: &str = "executor";
/// The name of all objects of the aggregator.
pub(super) const AGGREGATOR: &str = "aggregator";
/// The port of executors.
pub(super) const EXECUTOR_PORT: u16 = 9090;
/// The port of the aggregator.
pub(super) const AGGREGATOR_PORT: u16 = 9010;
/// The label in which Kubernetes names the pods of a `StatefulSet`.
const POD_NAME_LABEL: &str = "statefulset.kubernetes.io/pod-name";

/// The executors in the order of their pods; clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct Names(Arc<OnceLock<Vec<NamedExecutor>>>);

/// An executor and the performers that it is configured with.
#[derive(Debug, Clone)]
pub(super) struct NamedExecutor {
    /// The name of its operator.
    pub operator: String,
    /// Its performers.
    pub performers: Vec<ConfiguredPerformer>,
}

impl NamedExecutor {
    /// The names of an executor.
    pub(super) fn of(spec: &ExecutorSpec) -> Self {
        Self { operator: spec.name.clone(), performers: ConfiguredPerformer::all(spec) }
    }
}

impl Names {
    /// Sets the names, once.
    pub(super) fn set(&self, names: Vec<NamedExecutor>) {
        // They are started once.
        let _ = self.0.set(names);
    }

    /// The pod of an operator's executor.
    pub(super) fn pod_of(&self, operator: &str) -> Option<String> {
        let ordinal = self.0.get()?.iter().position(|executor| executor.operator == operator)?;
        Some(pod_name(ordinal))
    }

    /// The executor of a pod, by the pod's name.
    fn executor_of(&self, pod: &str) -> Option<&NamedExecutor> {
        let ordinal: usize = pod.strip_prefix(EXECUTORS)?.strip_prefix('-')?.parse().ok()?;
        self.0.get()?.get(ordinal)
    }

    /// All executors.
    pub(super) fn executors(&self) -> Vec<ComponentRef> {
        let all = self.0.get().into_iter().flatten();
        all.map(|executor| ComponentRef::Executor(executor.operator.clone())).collect()
    }

    /// The performers that the executor of an operator is configured with.
    pub(super) fn configured(&self, executor: &ComponentRef) -> &[ConfiguredPerformer] {
        let ComponentRef::Executor(operator) = executor else { return &[] };
        let found = self.0.get().into_iter().flatten().find(|named| named.operator == *operator);
        found.map_or(&[], |named| &named.performers)
    }

    /// All performers that executors are configured with.
    pub(super) fn performers(&self) -> impl Iterator<Item = &ComponentRef> {
        self.0.get().into_iter().flatten().flat_map(|executor| &executor.performers).map(|one| &one.component)
    }

    /// The component of a pod; `None` if it is not one, such as a chain, or if that cannot be found out any more.
    pub(super) async fn component_of(&self, pod: &Pod, trial_namespace: &TrialNamespace) -> Option<ComponentRef> {
        let found = match pod.labels().get(PERFORMER_LABEL) {
            Some(performer) => trial_namespace.api::<Performer>().get_opt(performer).await.ok().flatten(),
            None => None,
        };
        self.component_among(pod, found.as_slice())
    }

    /// The component of a pod, with these Performers.
    pub(super) fn component_among(&self, pod: &Pod, performers: &[Performer]) -> Option<ComponentRef> {
        let labels = pod.labels();
        if labels.get(PART_LABEL).is_some_and(|part| part == AGGREGATOR) {
            return Some(ComponentRef::Aggregator);
        }
        if let Some(executor) = labels.get(POD_NAME_LABEL).and_then(|name| self.executor_of(name)) {
            return Some(ComponentRef::Executor(executor.operator.clone()));
        }
        let name = labels.get(PERFORMER_LABEL)?;
        let performer = performers.iter().find(|performer| performer.name_any() == *name);
        Some(performer.map_or_else(|| ComponentRef::performer(name.clone()), |performer| self.owner_of(performer)))
    }

    /// The component of a Performer. A Performer of a user's executor has no label of the harness and is called by its
    /// own name, unless there is only one executor.
    pub(super) fn owner_of(&self, performer: &Performer) -> ComponentRef {
        let executor = match (performer.labels().get(EXECUTOR_LABEL), self.0.get().map(Vec::as_slice)) {
            (Some(pod), _) => self.executor_of(pod),
            (None, Some([only])) => Some(only),
            (None, _) => None,
        };
        let avs = Some(performer.spec.avs_address.as_str());
        let configured = executor.and_then(|executor| ConfiguredPerformer::of_avs(&executor.performers, avs));
        configured.map_or_else(|| ComponentRef::performer(performer.name_any()), |one| one.component.clone())
    }

    /// The Performers of a name.
    pub(super) async fn performers_of(
        &self,
        component: &ComponentRef,
        trial_namespace: &TrialNamespace,
    ) -> Result<Vec<Performer>, RuntimeError> {
        let all = performers::list(trial_namespace).await?.into_iter();
        Ok(all.filter(|performer| self.owner_of(performer) == *component).collect())
    }

    /// The labels of a component's pods.
    pub(super) async fn selector(
        &self,
        component: &ComponentRef,
        trial_namespace: &TrialNamespace,
    ) -> Result<Selector, RuntimeError> {
        Ok(match component {
            ComponentRef::Aggregator => Selector::of_part(AGGREGATOR),
            ComponentRef::Executor(operator) => {
                Selector { key: POD_NAME_LABEL, values: self.pod_of(operator).into_iter().collect() }
            }
            ComponentRef::Performer(_) => {
                let performers = self.performers_of(component, trial_namespace).await?;
                Selector { key: PERFORMER_LABEL, values: performers.iter().map(ResourceExt::name_any).collect() }
            }
        })
    }
}

/// Selects the pods whose label has one of these values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Selector {
    key: &'static str,
    values: Vec<String>,
}

impl Selector {
    /// The pods of a part of the harness.
    pub(super) fn of_part(part: &str) -> Self {
        Self { key: PART_LABEL, values: vec![part.to_owned()] }
    }

    /// As an object's `podSelector`; with `others`, it selects all others.
    pub(super) fn to_json(&self, others: bool) -> Value {
        let operator = if others { "NotIn" } else { "In" };
        json!({ "matchExpressions": [{ "key": self.key, "operator": operator, "values": self.values }] })
    }
}

impl fmt::Display for Selector {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { key, values } = self;
        // An empty list is no selector; this one matches nothing.
        if values.is_empty() {
            write!(formatter, "{key}, !{key}")
        } else {
            write!(formatter, "{key} in ({})", values.join(", "))
        }
    }
}

/// The pod of an executor.
pub(super) fn pod_name(ordinal: usize) -> String {
    format!("{EXECUTORS}-{ordinal}")
}

/// The label selector of all executors.
pub(super) fn of_executors() -> String {
    POD_NAME_LABEL.to_owned()
}

/// The address of an executor for others in the cluster, which is registered on chain.
pub(super) fn socket(ordinal: usize, namespace: &str) -> String {
    format!("{}.{EXECUTORS}.{namespace}.svc.cluster.local:{EXECUTOR_PORT}", pod_name(ordinal))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A fault must reach the component that the name stands for.
    #[test]
    fn operators_and_pods_are_found_by_each_other() {
        let names = Names::default();
        let executor = |name: &str| NamedExecutor { operator: name.to_owned(), performers: Vec::new() };
        names.set(["alice", "bob"].map(executor).to_vec());
        assert_eq!(names.pod_of("bob").as_deref(), Some("executor-1"));
        let operator_of = |pod: &str| names.executor_of(pod).map(|executor| executor.operator.as_str());
        assert_eq!(operator_of("executor-1"), Some("bob"));
        assert_eq!((operator_of("executor-2"), operator_of("executor")), (None, None));
        assert_eq!(socket(1, "n"), "executor-1.executor.n.svc.cluster.local:9090");
        assert_eq!(Selector::of_part("aggregator").to_string(), "hourglass-harness/part in (aggregator)");
        assert_eq!(Selector { key: "k", values: Vec::new() }.to_string(), "k, !k");
    }
}
