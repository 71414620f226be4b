//! One test's part of a cluster: a scenario with a unique name identifies everything that its trials make, in the
//! cluster and in the engine beside it.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bollard::query_parameters::ListContainersOptionsBuilder;
use hourglass_harness::{
    cache::cache_folder,
    cluster::namespaces_of_runs,
    reaper::{COMPONENT_LABEL, RunId, TRIAL_LABEL},
};
pub(crate) use hourglass_test_support::block_on;
use hourglass_test_support::{Outcome, Running, Sandbox, TestCluster, eventually, run};
use k8s_openapi::{
    api::{
        batch::v1::Job,
        core::v1::{Namespace, Pod, Secret},
    },
    apimachinery::pkg::api::resource::Quantity,
};
use kube::{
    Api, ResourceExt,
    api::{DeleteParams, ListParams},
};

use crate::HARNESS;

/// One task that is verified.
pub(crate) const SQUARE: &str =
    "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";
/// A task that does not end during the test.
pub(crate) const LONG: &str = "components: {performer: {environment: {TASK_DELAY_MS: 600000}}}\n\
    steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {within: 10m}\n";

/// How long the supervisor may still remove things after the end of a harness.
const SWEPT_WITHIN: Duration = Duration::from_secs(40);

/// See the module. The cluster is that of all trials, and stays for others.
pub(crate) struct ClusterTrial {
    pub(crate) sandbox: Sandbox,
    lease: TestCluster,
    mark: String,
}

impl ClusterTrial {
    pub(crate) fn new() -> Self {
        let mark = RunId::generate().to_string().replace('-', "_");
        Self { sandbox: Sandbox::new(HARNESS), lease: TestCluster::lease(), mark }
    }

    fn trial(&self) -> String {
        format!("kubernetes::{}", self.mark)
    }

    /// Writes the scenario of this test.
    pub(crate) fn scenario(&self, rest: &str) -> PathBuf {
        let runtimes = "runtimes: [kubernetes]\nruntimes_because: It is about the cluster.\n";
        self.sandbox.scenario(&self.mark, &format!("{runtimes}{rest}"))
    }

    /// The command that runs it.
    pub(crate) fn harness(&self, scenario: &Path) -> Command {
        let run: [&OsStr; 4] = ["run".as_ref(), "--runtime".as_ref(), "kubernetes".as_ref(), scenario.as_ref()];
        self.command(&run)
    }

    /// The harness with these arguments, with the clusters of this machine instead of a test's own.
    pub(crate) fn command<S: AsRef<OsStr>>(&self, arguments: &[S]) -> Command {
        let mut command = self.sandbox.harness(arguments);
        command.env("HARNESS_CACHE", cache_folder().unwrap());
        command
    }

    /// Runs a scenario to its end.
    #[track_caller]
    pub(crate) fn run(&self, rest: &str) -> Outcome {
        run(&mut self.harness(&self.scenario(rest)))
    }

    /// Starts a scenario, and waits until one of its logs contains a text.
    #[track_caller]
    pub(crate) fn start(&self, rest: &str, log: &str, text: &str) -> Running {
        let harness = Running::start(&mut self.harness(&self.scenario(rest)));
        eventually(Duration::from_mins(3), || {
            let with_text = |folder: &PathBuf| {
                std::fs::read_to_string(folder.join(log)).is_ok_and(|content| content.contains(text))
            };
            self.sandbox.run_folders().iter().any(with_text).then_some(()).ok_or_else(|| format!("no {log} has {text}"))
        })
        .unwrap();
        harness
    }

    /// The pods of this test's trials, and its namespaces whose removal was not requested.
    pub(crate) fn in_cluster(&self) -> Vec<String> {
        block_on(async {
            let namespaces = Api::<Namespace>::all(self.lease.client.clone());
            let mut found = Vec::new();
            for own in namespaces_of_runs(&self.lease).await.unwrap() {
                if own.labels.trial != self.trial() {
                    continue;
                }
                let namespace = namespaces.get_opt(&own.name).await.unwrap();
                let stays = namespace.is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_none());
                found.extend(stays.then(|| own.name.clone()));
                let pods = Api::<Pod>::namespaced(self.lease.client.clone(), &own.name);
                found.extend(pods.list(&ListParams::default()).await.unwrap().iter().map(ResourceExt::name_any));
            }
            found
        })
    }

    /// Deletes the pod of this test's trial whose name has this prefix, as another user would.
    #[track_caller]
    pub(crate) fn delete_pod(&self, prefix: &str) {
        block_on(async {
            let namespace = self.namespace().await;
            let pods = Api::<Pod>::namespaced(self.lease.client.clone(), &namespace);
            let all = pods.list(&ListParams::default()).await.unwrap();
            let pod = all.iter().map(ResourceExt::name_any).find(|name| name.starts_with(prefix)).unwrap();
            pods.delete(&pod, &DeleteParams::default()).await.unwrap();
        });
    }

    /// Kills the process of the pod of this test's trial whose name has this prefix, as the kernel would.
    #[track_caller]
    pub(crate) fn kill_process_of_pod(&self, prefix: &str) {
        const KILL: &str = "kill -9 $(grep -ls \"$1\" /proc/[0-9]*/cgroup | sed 's|/proc/\\([0-9]*\\)/cgroup|\\1|')";
        block_on(async {
            let namespace = self.namespace().await;
            let pods = Api::<Pod>::namespaced(self.lease.client.clone(), &namespace);
            let all = pods.list(&ListParams::default()).await.unwrap();
            let pod = all.iter().find(|pod| pod.name_any().starts_with(prefix)).unwrap();
            let node = pod.spec.as_ref().unwrap().node_name.clone().unwrap();
            let nodes = self.lease.nodes().await.unwrap();
            let node = nodes.iter().find(|found| found.name == node).unwrap();
            let engine = &self.lease.machine.as_ref().unwrap().engine;
            let container = pod.status.as_ref().unwrap().container_statuses.as_ref().unwrap()[0].container_id.clone();
            let container = container.unwrap();
            let command = ["sh", "-c", KILL, "sh", container.strip_prefix("containerd://").unwrap()];
            node.command(engine, &command, Duration::from_secs(30)).await.unwrap();
        });
    }

    /// The Jobs of this test's trial, and the Secrets of loads.
    pub(crate) fn objects_of_loads(&self) -> Vec<String> {
        block_on(async {
            let namespace = self.namespace().await;
            let jobs = Api::<Job>::namespaced(self.lease.client.clone(), &namespace);
            let secrets = Api::<Secret>::namespaced(self.lease.client.clone(), &namespace);
            let jobs = jobs.list(&ListParams::default()).await.unwrap().items.into_iter().map(|job| job.name_any());
            let secrets = secrets.list(&ListParams::default()).await.unwrap().items.into_iter();
            jobs.chain(secrets.map(|secret| secret.name_any()).filter(|name| name.starts_with("load-"))).collect()
        })
    }

    /// The namespace of this test's only trial.
    async fn namespace(&self) -> String {
        let own = namespaces_of_runs(&self.lease).await.unwrap();
        own.into_iter().find(|own| own.labels.trial == self.trial()).unwrap().name
    }

    /// Limits of memory and processors, then requests of processors and memory, of the pods of this test's trial in the
    /// order of their names.
    pub(crate) fn limits(&self) -> Vec<(String, String, String, String)> {
        block_on(async {
            let namespace = self.namespace().await;
            let pods = Api::<Pod>::namespaced(self.lease.client.clone(), &namespace);
            let mut all = pods.list(&ListParams::default()).await.unwrap().items;
            all.sort_by_key(ResourceExt::name_any);
            let of = |pod: Pod| {
                let resources = pod.spec.unwrap().containers[0].resources.clone().unwrap();
                let (limits, requests) = (resources.limits.unwrap(), resources.requests.unwrap());
                let amount = |amounts: &BTreeMap<String, Quantity>, name: &str| {
                    let text = amounts[name].0.clone();
                    text.parse::<u64>()
                        .ok()
                        .filter(|bytes| *bytes >= 1 << 20)
                        .map_or(text, |bytes| format!("{}Mi", bytes >> 20))
                };
                (
                    amount(&limits, "memory"),
                    amount(&limits, "cpu"),
                    amount(&requests, "cpu"),
                    amount(&requests, "memory"),
                )
            };
            all.into_iter().map(of).collect()
        })
    }

    /// Kills the container of this test's trial that is labelled as a component, as another user would.
    #[track_caller]
    pub(crate) fn kill_container(&self, component: &str) {
        let labels = vec![format!("{TRIAL_LABEL}={}", self.trial()), format!("{COMPONENT_LABEL}={component}")];
        let options = ListContainersOptionsBuilder::new().filters(&HashMap::from([("label", labels)])).build();
        let docker = self.lease.machine.as_ref().unwrap().engine.docker();
        let [container] = block_on(docker.list_containers(Some(options))).unwrap().try_into().unwrap();
        block_on(docker.kill_container(&container.id.unwrap(), None)).unwrap();
    }

    /// The containers of this test's trials beside the nodes.
    fn in_engine(&self) -> Vec<String> {
        let filters = HashMap::from([("label".to_owned(), vec![format!("{TRIAL_LABEL}={}", self.trial())])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let engine = &self.lease.machine.as_ref().unwrap().engine;
        let containers = block_on(engine.docker().list_containers(Some(options))).unwrap();
        containers.into_iter().flat_map(|container| container.names.unwrap_or_default()).collect()
    }

    /// Asserts, without waiting, that nothing runs: an orderly end waits for all of it.
    #[track_caller]
    pub(crate) fn assert_nothing_runs(&self) {
        self.sandbox.assert_no_process();
        let left = (self.in_cluster(), self.in_engine());
        assert_eq!(left, (Vec::new(), Vec::new()), "the harness has ended and left this behind");
    }

    /// Asserts that the supervisor is done soon, and that it has left nothing.
    #[track_caller]
    pub(crate) fn assert_swept(&self) {
        let left = eventually(SWEPT_WITHIN, || {
            let left = (self.in_cluster(), self.in_engine(), self.sandbox.processes());
            if left == (Vec::new(), Vec::new(), Vec::new()) { Ok(()) } else { Err(left) }
        });
        assert_eq!(left, Ok(()), "left {SWEPT_WITHIN:?} after the end of the harness");
    }
}
