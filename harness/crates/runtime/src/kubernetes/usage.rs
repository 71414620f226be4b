//! What pods and nodes have used.
//!
//! On nodes of the harness the control groups are read, which count to the moment. In an existing cluster the kubelet is
//! asked, which looks every ten seconds or so, and only some accounts may ask it; what it does not tell is left out.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, OnceLock},
    time::Duration,
};

use futures::future::join_all;
use hourglass_cluster::ClusterMachine;
use hourglass_engine::Node;
use hourglass_scenario::ComponentRef;
use k8s_openapi::api::core::v1::Pod;
use kube::{ResourceExt as _, api::ListParams};
use serde::Deserialize;

use super::{KubernetesRuntime, chains::ChainHost, performers, pods::containers, trial_namespace::PART_LABEL};
use crate::{
    docker::{container_usage, note_containers},
    usage::{CONTROL_PLANE, Reading, Readings, reported_name, with_performers},
};

/// How long a node may take to show its control groups.
const SHOWN_WITHIN: Duration = Duration::from_millis(1400);

/// Writes the figures of the control groups of the containers whose ids are the arguments, with either version of
/// control groups, as `FILE:LINE`.
const SHOW: &str = r#"
ids=; for id; do ids="$ids${ids:+ -o }-path *$id*"; done
set -f
find /sys/fs/cgroup -type f \( -name cpuacct.usage -o -name cpu.stat -o -name memory.peak -o -name memory.current \
  -o -name memory.max_usage_in_bytes \) \( $ids \) -exec grep -H '' {} +
"#;

/// The processor time of each node when the trial began; nothing where it cannot be read.
#[derive(Debug, Clone, Default)]
pub(super) struct NodeBaseline(Arc<OnceLock<BTreeMap<String, Duration>>>);

/// A running container of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Container {
    component: String,
    /// Its id, without the name of the container runtime.
    id: String,
    node: String,
    pod: String,
}

impl KubernetesRuntime {
    /// Notes what all components have used so far, and what the nodes have used besides them.
    pub(super) async fn note_usage(&self) {
        Readings::within_limit(async {
            let machine = self.trial_namespace.cluster.machine.as_ref();
            let chains = async {
                if let ChainHost::Containers(containers) = &self.chains {
                    note_containers(&containers.context, &self.readings, |_| true).await;
                }
            };
            let nodes = async {
                match machine {
                    Some(machine) => used_by_nodes(machine).await,
                    None => BTreeMap::new(),
                }
            };
            let ((), pods, after) = tokio::join!(chains, Box::pin(self.note_pods(|_| true)), Box::pin(nodes));
            let (Some(before), Some(())) = (self.node_baseline.0.get(), pods) else { return };
            let since = after.iter().filter_map(|(node, cpu)| Some(cpu.saturating_sub(*before.get(node)?)));
            let all: Duration = since.sum();
            if !all.is_zero() {
                // Chains are containers beside the nodes.
                let cpu = all.saturating_sub(self.readings.cpu_of(|name| !matches!(name, "l1" | "l2" | CONTROL_PLANE)));
                self.readings.note(CONTROL_PLANE, "", Reading { cpu: Some(cpu), peak_memory: None });
            }
        })
        .await;
    }

    /// Notes what a component has used that a step is to end; that of an executor's performers as well.
    pub(super) async fn note_usage_of(&self, component: &ComponentRef) {
        let noting = Box::pin(self.note_pods(with_performers(component)));
        Readings::within_limit(async { noting.await.unwrap_or_default() }).await;
    }

    /// Notes what the containers of pods have used; `None` if that cannot be read.
    async fn note_pods(&self, is_meant: impl Fn(&str) -> bool) -> Option<()> {
        let api = self.trial_namespace.api::<Pod>();
        let parameters = ListParams::default();
        let (pods, performers) = tokio::join!(api.list(&parameters), performers::list(&self.trial_namespace));
        let (pods, performers) = (pods.ok()?.items, performers.unwrap_or_default());
        let mut running = Vec::new();
        for pod in &pods {
            let chain = pod.labels().get(PART_LABEL).filter(|part| part.starts_with("chain-"));
            let name = match chain {
                Some(chain) => reported_name(chain),
                None => self.names.component_among(pod, &performers).map(|component| component.to_string()),
            };
            if let Some(name) = name.filter(|name| is_meant(name)) {
                running.extend(containers_of(pod, &name));
            }
        }
        let nodes: BTreeSet<_> = running.iter().map(|container| container.node.clone()).collect();
        let known = match &self.trial_namespace.cluster.machine {
            Some(machine) => machine.nodes().await.ok()?,
            None => Vec::new(),
        };
        let read = join_all(nodes.iter().map(|name| async {
            let on_node: Vec<_> = running.iter().filter(|container| container.node == *name).collect();
            match &self.trial_namespace.cluster.machine {
                Some(machine) => {
                    of_control_groups(known.iter().find(|node| node.name == *name)?, machine, &on_node).await
                }
                None => self.of_kubelet(name, &on_node).await,
            }
        }));
        for (container, reading) in read.await.into_iter().collect::<Option<Vec<_>>>()?.into_iter().flatten() {
            self.readings.note(container.component, container.id, reading);
        }
        Some(())
    }

    /// What a kubelet knows of containers.
    async fn of_kubelet(&self, node: &str, wanted: &[&Container]) -> Option<Vec<(Container, Reading)>> {
        let path = format!("/api/v1/nodes/{node}/proxy/stats/summary?only_cpu_and_memory=true");
        let request = http::Request::get(path).body(Vec::new()).ok()?;
        let summary: Summary = self.trial_namespace.cluster.client.request(request).await.ok()?;
        Some(wanted.iter().filter_map(|container| Some(((*container).clone(), summary.of(&container.pod)?))).collect())
    }
}

impl NodeBaseline {
    /// Reads it without waiting for it.
    pub(super) fn read(machine: Option<&ClusterMachine>) -> Self {
        let baseline = Self::default();
        if let Some(machine) = machine.cloned() {
            let read = Arc::clone(&baseline.0);
            tokio::spawn(async move {
                let used = used_by_nodes(&machine).await;
                read.get_or_init(|| used);
            });
        }
        baseline
    }
}

/// The processor time of the nodes since they were started.
async fn used_by_nodes(machine: &ClusterMachine) -> BTreeMap<String, Duration> {
    let nodes = machine.nodes().await.unwrap_or_default();
    let read = nodes.into_iter().map(|node| async move {
        let cpu = container_usage(&machine.engine, &node.container).await?.1.cpu?;
        Some((node.name, cpu))
    });
    join_all(read).await.into_iter().flatten().collect()
}

async fn of_control_groups(
    node: &Node,
    machine: &ClusterMachine,
    wanted: &[&Container],
) -> Option<Vec<(Container, Reading)>> {
    let ids = wanted.iter().map(|container| container.id.as_str());
    let command: Vec<_> = ["sh", "-c", SHOW, "sh"].into_iter().chain(ids).collect();
    let shown = node.execute(&machine.engine, &command, SHOWN_WITHIN).await.ok()?.text();
    Some(wanted.iter().map(|container| ((*container).clone(), of_group(&shown, &container.id))).collect())
}

/// The figures of a container's control group among the lines that [`SHOW`] writes.
fn of_group(shown: &str, id: &str) -> Reading {
    let (mut reading, mut now) = (Reading::default(), None);
    for (path, content) in shown.lines().filter_map(|line| line.split_once(':')) {
        let Some((folder, file)) = path.rsplit_once('/') else { continue };
        // A container may have groups of its own below.
        if !folder.rsplit('/').next().is_some_and(|name| name.contains(id)) {
            continue;
        }
        let number = || content.trim().parse::<u64>().ok();
        match file {
            "cpuacct.usage" => reading.cpu = number().map(Duration::from_nanos),
            "cpu.stat" => {
                let microseconds = content.strip_prefix("usage_usec ").and_then(|number| number.parse().ok());
                reading.cpu = microseconds.map(Duration::from_micros).or(reading.cpu);
            }
            "memory.peak" | "memory.max_usage_in_bytes" => reading.peak_memory = number(),
            "memory.current" => now = number(),
            _ => {}
        }
    }
    reading.peak_memory = reading.peak_memory.or(now);
    reading
}

fn containers_of(pod: &Pod, component: &str) -> Vec<Container> {
    let node = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
    let running = containers(pod).filter(|it| it.state.as_ref().is_some_and(|state| state.running.is_some()));
    let ids = running.filter_map(|status| Some(status.container_id.as_deref()?.rsplit_once("://")?.1.to_owned()));
    let container =
        |id| Container { component: component.to_owned(), id, node: node.clone(), pod: pod.uid().unwrap_or_default() };
    ids.map(container).collect()
}

/// What a kubelet says about its pods, of which the harness reads this.
#[derive(Debug, Deserialize)]
struct Summary {
    #[serde(default)]
    pods: Vec<PodStats>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PodStats {
    pod_ref: PodRef,
    #[serde(default)]
    containers: Vec<Stats>,
}

#[derive(Debug, Deserialize)]
struct PodRef {
    uid: String,
}

#[derive(Debug, Default, Deserialize)]
struct Stats {
    #[serde(default)]
    cpu: Cpu,
    #[serde(default)]
    memory: Memory,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Cpu {
    usage_core_nano_seconds: Option<u64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Memory {
    usage_bytes: Option<u64>,
    working_set_bytes: Option<u64>,
}

impl Summary {
    /// A pod of the harness has one container.
    fn of(&self, pod: &str) -> Option<Reading> {
        let Stats { cpu, memory } = self.pods.iter().find(|found| found.pod_ref.uid == pod)?.containers.first()?;
        Some(Reading {
            cpu: cpu.usage_core_nano_seconds.map(Duration::from_nanos),
            peak_memory: memory.usage_bytes.or(memory.working_set_bytes),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Clusters of either version of control groups give figures, and groups within a container are not the container.
    #[rstest::rstest]
    #[case::first(
        "/sys/fs/cgroup/cpu,cpuacct/kubepods/pod1/abc/cpuacct.usage:1500000\n\
         /sys/fs/cgroup/memory/kubepods/pod1/abc/memory.max_usage_in_bytes:7\n\
         /sys/fs/cgroup/memory/kubepods/pod1/abc/within/memory.max_usage_in_bytes:5\n\
         /sys/fs/cgroup/cpu,cpuacct/kubepods/pod1/def/cpuacct.usage:9\n",
        Some(7)
    )]
    #[case::second(
        "/sys/fs/cgroup/kubepods.slice/cri-containerd-abc.scope/cpu.stat:usage_usec 1500\n\
         /sys/fs/cgroup/kubepods.slice/cri-containerd-abc.scope/cpu.stat:user_usec 900\n\
         /sys/fs/cgroup/kubepods.slice/cri-containerd-abc.scope/memory.peak:7\n\
         /sys/fs/cgroup/kubepods.slice/cri-containerd-abc.scope/memory.current:3\n",
        Some(7)
    )]
    #[case::without_peak(
        "/sys/fs/cgroup/a/cri-containerd-abc.scope/cpu.stat:usage_usec 1500\n\
         /sys/fs/cgroup/a/cri-containerd-abc.scope/memory.current:3\n",
        Some(3)
    )]
    fn figures_of_a_control_group(#[case] shown: &str, #[case] peak_memory: Option<u64>) {
        let expected = Reading { cpu: Some(Duration::from_micros(1500)), peak_memory };
        assert_eq!(of_group(shown, "abc"), expected);
    }

    /// A kubelet leaves out what it does not know yet.
    #[test]
    fn figures_of_a_kubelet() {
        let text = r#"{"node": {}, "pods": [
            {"podRef": {"name": "a", "namespace": "n", "uid": "1"},
             "containers": [{"name": "c", "cpu": {"usageCoreNanoSeconds": 5000}, "memory": {"workingSetBytes": 8}}]},
            {"podRef": {"uid": "2"}, "containers": [{"name": "c"}]}, {"podRef": {"uid": "3"}}]}"#;
        let summary: Summary = serde_json::from_str(text).unwrap();
        let known = Reading { cpu: Some(Duration::from_micros(5)), peak_memory: Some(8) };
        assert_eq!(["1", "2", "3"].map(|pod| summary.of(pod)), [Some(known), Some(Reading::default()), None]);
    }
}
