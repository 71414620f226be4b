//! Disconnects components with network policies, and checks that they are: a policy does not tell whether the network
//! enforces it.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use hourglass_cluster::{
    ClusterError, ClusterMachine, ignore_not_found,
    probe::{DialOutcome, DialResult},
    run_in_pod,
};
use hourglass_component::timeout::timeout;
use hourglass_image::ImageRole;
use hourglass_operator::status::is_pod_ready;
use hourglass_scenario::ComponentRef;
use k8s_openapi::api::{core::v1::Pod, networking::v1::NetworkPolicy};
use kube::{ResourceExt as _, api::DeleteParams};
use serde_json::{Value, json};

use super::{
    KubernetesRuntime,
    faults::failed,
    names::{AGGREGATOR_PORT, EXECUTOR_PORT},
};
use crate::RuntimeError;

/// How long the cluster's network may take to enforce a policy, or to lift one.
const ENFORCED_WITHIN: Duration = Duration::from_secs(10);
/// How long a command in a pod may take beyond its own limit.
const MARGIN: Duration = Duration::from_secs(8);
/// How long a node may take to delete tracked connections.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(10);
/// Pauses between checks, each of which starts a process in a pod.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(500);
/// Deletes all tracked connections of the addresses in its arguments, including those to a Service's address: rules
/// apply to new connections, and after the deletion a node treats an open connection as new.
const FORGET: &str =
    r#"for address; do for end in -s -d -r -q; do conntrack -D $end "$address"; done; done 2>/dev/null; true"#;

/// A check of the network that did not give the expected result.
#[derive(Debug)]
enum Unseen {
    /// A connection had another result.
    Not(DialResult),
    /// The probe did not run.
    Undecided(String),
}

impl KubernetesRuntime {
    /// Disconnects a component from the network: no connection passes, in either direction, new or open.
    pub(super) async fn disconnect_from_network(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let pods = self.running(component, "disconnect").await?;
        self.note_fault(component);
        let selector = self.names.selector(component, &self.trial_namespace).await?.to_json(false);
        self.policy(&policy_name(component), &json!({ "podSelector": selector, "policyTypes": ["Ingress", "Egress"] }))
            .await?;
        self.enforced(&self.observers(component), component, &pods, "disconnect").await
    }

    /// Connects it again.
    pub(super) async fn reconnect_to_network(
        &self,
        component: &ComponentRef,
        within: Duration,
    ) -> Result<(), RuntimeError> {
        let pods = self.running(component, "reconnect").await?;
        self.forget_policy(&policy_name(component)).await?;
        self.reached(&self.observers(component), component, &pods, "reconnect", within).await
    }

    /// Keeps one component from connecting to another.
    pub(super) async fn block(&self, from: &ComponentRef, to: &ComponentRef) -> Result<(), RuntimeError> {
        let pods = self.running(to, "cut off").await?;
        self.note_fault(from);
        self.note_fault(to);
        let others = self.names.selector(from, &self.trial_namespace).await?.to_json(true);
        let selector = self.names.selector(to, &self.trial_namespace).await?.to_json(false);
        let everybody_else = json!({ "namespaceSelector": {}, "podSelector": others });
        let spec = json!({
            "podSelector": selector,
            "policyTypes": ["Ingress"],
            "ingress": [{ "from": [everybody_else] }],
        });
        self.policy(&partition_name(from, to), &spec).await?;
        self.enforced(std::slice::from_ref(from), to, &pods, "cut off").await
    }

    /// Lets it connect again.
    pub(super) async fn unblock(&self, from: &ComponentRef, to: &ComponentRef) -> Result<(), RuntimeError> {
        let pods = self.running(to, "restore the connection to").await?;
        self.forget_policy(&partition_name(from, to)).await?;
        self.reached(std::slice::from_ref(from), to, &pods, "restore the connection to", ENFORCED_WITHIN).await
    }

    /// Removes all policies of the trial.
    pub(super) async fn forget_policies(&self) -> Result<(), RuntimeError> {
        // In a namespace of others there are none of the trial's own.
        if self.namespace.is_given() {
            return Ok(());
        }
        let deleted = self
            .trial_namespace
            .api::<NetworkPolicy>()
            .delete_collection(&DeleteParams::background(), &kube::api::ListParams::default())
            .await;
        ignore_not_found(deleted).map(drop).map_err(
            self.trial_namespace.fail(format!("delete the NetworkPolicies of {}", self.trial_namespace.namespace)),
        )
    }

    async fn policy(&self, name: &str, spec: &Value) -> Result<(), RuntimeError> {
        self.trial_namespace.apply::<NetworkPolicy>(&json!({ "metadata": { "name": name }, "spec": spec })).await
    }

    async fn forget_policy(&self, name: &str) -> Result<(), RuntimeError> {
        let deleted = self.trial_namespace.api::<NetworkPolicy>().delete(name, &DeleteParams::background()).await;
        ignore_not_found(deleted).map(drop).map_err(
            self.trial_namespace.fail(format!("delete NetworkPolicy {}/{name}", self.trial_namespace.namespace)),
        )
    }

    /// Waits until none of these pods can be reached any more, and ends their open connections.
    async fn enforced(
        &self,
        observers: &[ComponentRef],
        component: &ComponentRef,
        pods: &[Pod],
        fault: &'static str,
    ) -> Result<(), RuntimeError> {
        let targets = targets(component, pods);
        self.seen(observers, component, fault, ENFORCED_WITHIN, &targets, |came| {
            matches!(came, DialOutcome::NotConnected(_))
        })
        .await
        .map_err(|error| match error {
            // This is not a failure of the trial: none of its expectations can come true here.
            RuntimeError::Timeout { .. } => RuntimeError::Inapplicable {
                reason: format!(
                    "{component} is still reached {} after a NetworkPolicy that cuts it off: the network of cluster {} \
                         does not enforce policies",
                    humantime::format_duration(ENFORCED_WITHIN),
                    self.trial_namespace.cluster.name
                ),
            },
            other => other,
        })?;
        self.forget_connections(pods).await
    }

    async fn reached(
        &self,
        observers: &[ComponentRef],
        component: &ComponentRef,
        pods: &[Pod],
        fault: &'static str,
        within: Duration,
    ) -> Result<(), RuntimeError> {
        let targets = targets(component, pods);
        self.seen(observers, component, fault, within, &targets, |came| !matches!(came, DialOutcome::NotConnected(_)))
            .await
    }

    /// Tries connections from the pod of an observer until all have the expected result. No event tells when rules are
    /// in force.
    async fn seen(
        &self,
        observers: &[ComponentRef],
        component: &ComponentRef,
        fault: &'static str,
        within: Duration,
        targets: &[String],
        wanted: impl Fn(&DialOutcome) -> bool,
    ) -> Result<(), RuntimeError> {
        let observer = self.observer(observers).await?;
        let observer = observer.ok_or_else(|| failed(fault, component, "there is no pod of ours to see it from"))?;
        let began = Instant::now();
        let look = || async {
            let dialled = self.dial(&observer, targets).await.map_err(Unseen::Undecided)?;
            match dialled.into_iter().find(|dialled| !wanted(&dialled.came)) {
                Some(other) => Err(Unseen::Not(other)),
                None => Ok(()),
            }
        };
        let again = |unseen: &Unseen| matches!(unseen, Unseen::Not(_)) && began.elapsed() < within;
        look.retry(pauses()).when(again).await.map_err(|unseen| match unseen {
            Unseen::Not(other) => {
                let state = other.failure().unwrap_or_else(|| format!("{} is reached", other.target));
                RuntimeError::Timeout { what: format!("the network to {fault} {component}"), within, state }
            }
            Unseen::Undecided(why) => failed(fault, component, &why),
        })
    }

    /// Tries each once.
    async fn dial(&self, observer: &str, targets: &[String]) -> Result<Vec<DialResult>, String> {
        let words = [ImageRole::Components.program(), "probe", "connect", "--within", "0s"];
        let command = words.into_iter().chain(targets.iter().map(String::as_str));
        let said =
            run_in_pod(&self.trial_namespace.cluster, (self.trial_namespace.namespace.as_str(), observer), command);
        let said = timeout(MARGIN, said).await.map_err(|_| "a probe does not end".to_owned())??;
        let dialled = said.lines().map(serde_json::from_str).collect::<Result<Vec<_>, _>>();
        dialled.map_err(|_| format!("a probe says {:?}", said.trim()))
    }

    /// The components that can test whether a component can be reached.
    fn observers(&self, component: &ComponentRef) -> Vec<ComponentRef> {
        let others = [ComponentRef::Aggregator].into_iter().chain(self.names.executors());
        others.filter(|other| other != component).collect()
    }

    /// A ready pod of one of these that has the harness's own image, which contains the probe.
    pub(super) async fn observer(&self, among: &[ComponentRef]) -> Result<Option<String>, RuntimeError> {
        let ours = self.preparation.so_far().map(|prepared| prepared.images.components.reference.clone());
        let is_ours = |pod: &Pod| {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            containers.into_iter().any(|container| container.image == ours)
        };
        for component in among {
            let pods = self.pods_of(component).await?;
            if let Some(pod) = pods.iter().find(|pod| is_pod_ready(pod) && is_ours(pod)) {
                return Ok(Some(pod.name_any()));
            }
        }
        Ok(None)
    }

    /// Policies do not affect open connections until their nodes have deleted them.
    async fn forget_connections(&self, pods: &[Pod]) -> Result<(), RuntimeError> {
        let Some(ClusterMachine { engine, .. }) = &self.trial_namespace.cluster.machine else { return Ok(()) };
        let addresses: Vec<_> = pods.iter().filter_map(address).collect();
        let command: Vec<_> = ["sh", "-c", FORGET, "sh"].into_iter().chain(addresses).collect();
        for node in self.trial_namespace.cluster.nodes().await?.iter().filter(|node| node.is_kubernetes()) {
            node.execute(engine, &command, FORGOTTEN_WITHIN).await.map_err(ClusterError::from)?;
        }
        Ok(())
    }
}

fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE).without_max_times()
}

fn targets(component: &ComponentRef, pods: &[Pod]) -> Vec<String> {
    let port = |pod: &Pod| match component {
        ComponentRef::Aggregator => AGGREGATOR_PORT,
        ComponentRef::Executor(_) => EXECUTOR_PORT,
        ComponentRef::Performer(_) => {
            let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
            let mut ports = containers.flat_map(|container| container.ports.iter().flatten());
            ports.find_map(|port| u16::try_from(port.container_port).ok()).unwrap_or(8080)
        }
    };
    pods.iter().filter_map(|pod| Some(format!("{}:{}", address(pod)?, port(pod)))).collect()
}

fn address(pod: &Pod) -> Option<&str> {
    pod.status.as_ref()?.pod_ip.as_deref()
}

fn policy_name(component: &ComponentRef) -> String {
    format!("off-{}", component.file_name())
}

fn partition_name(from: &ComponentRef, to: &ComponentRef) -> String {
    format!("partition-{from}-{to}").replace('/', "-")
}
