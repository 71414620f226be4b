//! The diagnostics that are collected from a cluster in which something is wrong.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use hourglass_harness::{
    cluster::{
        Cluster, ClusterMachine, ClusterSpec,
        diagnostics::{KEPT, Limits, SUMMARY_FILE, Sources, Summary, collect, on_failure},
    },
    engine::{Engine, EngineAddress},
    reaper::RunId,
};
use hourglass_test_support::{OwnCluster, block_on};
use k8s_openapi::api::core::v1::{Namespace, Pod, Secret};
use kube::{
    Api,
    api::{DeleteParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{proxy::Proxy, shared_cluster::shared};

/// The promised time limit, which a failing trial can afford.
const PROMISED: Duration = Duration::from_secs(10);
/// How long pods may take to reach their intended fault.
const WRONG_WITHIN: Duration = Duration::from_mins(1);
/// An image that every node has.
const IMAGE: &str = "localhost/node-helpers:v1.34.4";
/// The logs of the last container and of the previous one.
const LOGS: [&str; 2] = ["crashing/main.log", "crashing/main.previous.log"];
const SECRET: &str = "correct-horse-battery-staple";
/// [`SECRET`] in the encoding of Secrets.
const SECRET_BASE64: &str = "Y29ycmVjdC1ob3JzZS1iYXR0ZXJ5LXN0YXBsZQ==";

/// A namespace with many faults, removed when this is dropped.
struct Broken {
    cluster: Cluster,
    namespace: String,
}

impl Broken {
    fn in_cluster(cluster: Cluster) -> Self {
        let broken = Self { cluster, namespace: format!("diag-{}", RunId::generate()) };
        block_on(async { timeout(WRONG_WITHIN, broken.fill()).await }).unwrap();
        broken
    }

    async fn fill(&self) {
        let client = || self.cluster.client.clone();
        let namespace = object(&json!({ "metadata": { "name": self.namespace } }));
        Api::<Namespace>::all(client()).create(&PostParams::default(), &namespace).await.unwrap();
        let secrets = Api::<Secret>::namespaced(client(), &self.namespace);
        let applied = json!({ "data": { "password": SECRET_BASE64 } }).to_string();
        let secret = object(&json!({
            "metadata": {
                "name": "credentials",
                "annotations": { "kubectl.kubernetes.io/last-applied-configuration": applied },
            },
            "stringData": { "password": SECRET },
        }));
        secrets.create(&PostParams::default(), &secret).await.unwrap();

        let missing = json!({ "image": "localhost/not-there:v1" });
        self.pod("missing", missing, |pod| waits_for(pod) == Some("ErrImageNeverPull")).await;
        let huge = json!({
            "image": IMAGE,
            "resources": { "requests": { "memory": "1000Ti" } },
            "env": [{ "name": "OPERATOR_PRIVATE_KEY", "value": SECRET }],
        });
        self.pod("huge", huge, |pod| {
            let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
            conditions.into_iter().flatten().any(|it| it.type_ == "PodScheduled" && it.status == "False")
        })
        .await;
        let crashing = json!({ "image": IMAGE, "command": ["kube-scheduler", "--no-such-flag"] });
        self.pod("crashing", crashing, |pod| has_crashed(pod, 1)).await;
    }

    /// Collects while both containers exist, the last one and the previous one. Once a minute the kubelet removes all
    /// ended containers but the last, and a container that is being started has no log yet. If a log is missing for
    /// such a reason, the next crash is awaited.
    #[track_caller]
    fn collected_with_logs(&self) -> (TempDir, Summary) {
        let mut crashes = 1;
        loop {
            let (folder, summary) = collected(&self.cluster, &[], &Limits::default());
            let pods = folder.path().join(format!("namespaces/{}/pods", self.namespace));
            let missing: Vec<_> = LOGS.into_iter().filter(|log| !pods.join(log).is_file()).collect();
            if missing.is_empty() {
                return (folder, summary);
            }
            for log in &missing {
                assert!(
                    summary.gaps.iter().any(|gap| gap.contains(log)),
                    "nobody says that {log} is missing: {summary}"
                );
            }
            crashes += 1;
            assert!(crashes < 5, "{missing:?} are never there together with the rest: {summary}");
            let another = await_condition(self.pods(), "crashing", |pod: Option<&Pod>| {
                pod.is_some_and(|pod| has_crashed(pod, crashes))
            });
            block_on(async { timeout(WRONG_WITHIN, another).await }).unwrap().unwrap();
        }
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    async fn pod(&self, name: &str, container: Value, wrong: impl Fn(&Pod) -> bool) {
        let mut container = container;
        container["name"] = "main".into();
        container["imagePullPolicy"] = "Never".into();
        let pod = object(&json!({
            "metadata": { "name": name },
            "spec": { "containers": [container], "terminationGracePeriodSeconds": 0 },
        }));
        let pods = self.pods();
        let accounts =
            Api::<k8s_openapi::api::core::v1::ServiceAccount>::namespaced(self.cluster.client.clone(), &self.namespace);
        await_condition(accounts, "default", |account: Option<&_>| account.is_some()).await.unwrap();
        pods.create(&PostParams::default(), &pod).await.unwrap();
        await_condition(pods, name, |pod: Option<&Pod>| pod.is_some_and(&wrong)).await.unwrap();
    }
}

impl Drop for Broken {
    fn drop(&mut self) {
        let namespaces = Api::<Namespace>::all(self.cluster.client.clone());
        // The cluster may be gone too.
        let _ =
            block_on(async { timeout(PROMISED, namespaces.delete(&self.namespace, &DeleteParams::default())).await });
    }
}

fn object<K: serde::de::DeserializeOwned>(object: &Value) -> K {
    serde_json::from_value(object.clone()).unwrap()
}

fn restarts(pod: &Pod) -> i32 {
    let containers = pod.status.as_ref().and_then(|status| status.container_statuses.as_ref());
    containers.into_iter().flatten().map(|container| container.restart_count).sum()
}

/// Whether its container was restarted at least `restarted` times, and waits for its next start.
fn has_crashed(pod: &Pod, restarted: i32) -> bool {
    restarts(pod) >= restarted && waits_for(pod) == Some("CrashLoopBackOff")
}

fn waits_for(pod: &Pod) -> Option<&str> {
    let container = pod.status.as_ref()?.container_statuses.as_ref()?.first()?;
    container.state.as_ref()?.waiting.as_ref()?.reason.as_deref()
}

/// Collects within the promised time.
#[track_caller]
fn collected(from: impl Into<Sources>, namespaces: &[String], limits: &Limits) -> (TempDir, Summary) {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    let summary = block_on(collect(from, namespaces, folder.path(), limits)).unwrap();
    let took = began.elapsed();
    assert!(took <= PROMISED, "took {took:?}: {summary}");
    (folder, summary)
}

/// All files below a folder with their content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let text = fs::read(&path).unwrap();
            found.insert(path, text);
        }
    }
    found
}

#[track_caller]
fn read(folder: &TempDir, path: &str) -> String {
    let path = folder.path().join(path);
    let there: Vec<_> = files(folder.path()).into_keys().collect();
    assert!(there.contains(&path), "{} is not among {there:#?}", path.display());
    fs::read_to_string(&path).unwrap()
}

pub(crate) fn broken_objects_are_named_and_their_evidence_is_kept() {
    let broken = Broken::in_cluster(shared());
    let namespace = &broken.namespace;
    let (folder, summary) = broken.collected_with_logs();

    // Containers of other tests crash too, and the kubelet removes some of them.
    let gaps: Vec<_> = summary.gaps.iter().filter(|gap| !gap.contains("/pods/crashing/")).collect();
    assert_eq!(gaps, [""; 0], "something was not collected: {summary}");
    let said = read(&folder, SUMMARY_FILE);
    for expected in [
        format!("pod {namespace}/crashing: not ready"),
        "ended with exit code 1 (Error)".to_owned(),
        format!("pod {namespace}/missing: not ready"),
        "ErrImageNeverPull".to_owned(),
        format!("pod {namespace}/huge: not ready"),
        "Insufficient memory".to_owned(),
    ] {
        assert!(said.contains(&expected), "{expected:?} is not in the summary: {said}");
    }

    let subfolder = format!("namespaces/{namespace}");
    for log in LOGS {
        let text = read(&folder, &format!("{subfolder}/pods/{log}"));
        assert!(text.contains("unknown flag: --no-such-flag"), "{log}: {text}");
    }
    for pod in ["crashing", "missing", "huge"] {
        assert!(read(&folder, &format!("{subfolder}/pods/{pod}.yaml")).contains("kind: Pod\n"), "{pod}");
    }
    let secret = read(&folder, &format!("{subfolder}/secrets/credentials.yaml"));
    assert!(secret.contains(&format!("password: '[redacted: {} bytes]'", SECRET.len())), "{secret}");
    let events = read(&folder, "events.txt");
    assert!(events.contains("FailedScheduling") && events.contains("BackOff"), "{events}");

    let node = &block_on(broken.cluster.nodes()).unwrap()[0].name;
    for log in ["journal", "containerd", "kubelet", "console"] {
        assert!(!read(&folder, &format!("nodes/{node}/{log}.log")).is_empty(), "{log} of {node} says nothing");
    }
    assert!(read(&folder, &format!("nodes/{node}/kubelet.log")).contains("kubelet"), "another unit's journal");
    for component in ["kube-apiserver", "kube-controller-manager", "kube-scheduler", "etcd"] {
        read(&folder, &format!("namespaces/kube-system/pods/{component}-{node}/{component}.log"));
    }
    read(&folder, &format!("cluster/nodes/{node}.yaml"));
    read(&folder, "namespaces/kube-system/deployments/coredns.yaml");

    for (path, text) in files(folder.path()) {
        let text = String::from_utf8_lossy(&text);
        for secret in [SECRET, SECRET_BASE64] {
            assert!(!text.contains(secret), "{} gives the secret away", path.display());
        }
    }
}

pub(crate) fn the_command_says_what_is_broken_and_leaves_out_other_namespaces() {
    let broken = Broken::in_cluster(shared());
    // The command looks for clusters in the cache's folder, and this one is elsewhere.
    let cache = tempfile::tempdir().unwrap();
    let clusters = broken.cluster.kubeconfig.parent().and_then(Path::parent).unwrap();
    symlink(clusters, cache.path().join("clusters")).unwrap();
    let into = cache.path().join("evidence");
    let logs = |cluster: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
        command.args(["logs", cluster, "--namespace", &broken.namespace, "--output"]).arg(&into);
        command.env("HARNESS_CACHE", cache.path()).output().unwrap()
    };

    let output = logs(&broken.cluster.name);
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{output:?}", output = String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("pod {}/missing: not ready", broken.namespace)), "{said}");
    assert!(said.trim_end().ends_with(&into.display().to_string()), "{said}");
    let mut namespaces: Vec<_> =
        fs::read_dir(into.join("namespaces")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    namespaces.sort();
    assert_eq!(namespaces, [broken.namespace.as_str(), "kube-system"]);

    for (cluster, complaint) in
        [(broken.cluster.name.as_str(), "is not empty; name another one"), ("nobody", &broken.cluster.name)]
    {
        let refused = logs(cluster);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains(complaint), "{said}");
    }
}

pub(crate) fn size_is_bounded_and_the_end_of_logs_is_kept() {
    let limits = Limits { file: 4 << 10, total: 120 << 10, ..Limits::default() };
    let cluster = shared();
    let (folder, summary) = collected(&cluster, &[], &limits);
    let files = files(folder.path());
    assert!(files.values().map(Vec::len).sum::<usize>() <= limits.total, "{summary}");
    for (path, text) in &files {
        assert!(text.len() <= limits.file, "{} has {} bytes", path.display(), text.len());
    }
    let cut = files.iter().filter(|(path, text)| path.ends_with("journal.log") && text.starts_with(b"[cut: "));
    assert_eq!(cut.count(), 1, "a journal of 4 KiB must have been cut: {summary}");
    assert!(
        summary.gaps.iter().any(|gap| gap.contains("objects a quarter of it")),
        "what was left out is not said: {summary}"
    );
}

pub(crate) fn without_the_engine_the_api_objects_are_collected() {
    let cluster = shared();
    let machine = cluster.machine.clone().unwrap();
    let proxy = Proxy::to(machine.engine.address().socket().unwrap());
    let engine = block_on(Engine::connect_to(EngineAddress::Socket(proxy.socket()))).unwrap();
    proxy.stop();
    let sources = Sources { machine: Some(ClusterMachine { engine, ..machine }), ..Sources::from(&cluster) };
    let (folder, summary) = collected(sources, &[], &Limits::default());
    assert!(summary.gaps.iter().any(|gap| gap.starts_with("nodes of the engine: ")), "{summary}");
    read(&folder, "namespaces/kube-system/deployments/coredns.yaml");
}

pub(crate) fn paused_cluster_leaves_the_engine_evidence() {
    let own = OwnCluster::create(&ClusterSpec::default());
    let cluster = Cluster::clone(&own);
    let node = block_on(cluster.nodes()).unwrap().remove(0);
    let docker = own.engine.docker();
    block_on(docker.pause_container(&node.container)).unwrap();
    let (folder, summary) = collected(&cluster, &[], &Limits::default());

    let said = summary.broken.join("\n");
    assert!(said.contains(&format!("node {}: its container is paused", node.name)), "{summary}");
    assert!(said.contains("API server: it does not answer"), "{summary}");
    read(&folder, &format!("nodes/{}/console.log", node.name));
    let (component, pods) = ("kube-apiserver", "namespaces/kube-system/pods");
    read(&folder, &format!("{pods}/{component}-{}/{component}.log", node.name));

    // Diagnostics of failures must not grow without limit.
    let failures = tempfile::tempdir().unwrap();
    for number in 0..=KEPT {
        let sources = Sources { cluster: format!("c{number}"), client: None, ..Sources::from(&cluster) };
        assert!(block_on(on_failure(sources, failures.path())).unwrap().join(SUMMARY_FILE).exists());
    }
    assert_eq!(fs::read_dir(failures.path()).unwrap().count(), KEPT);
    assert!(!failures.path().join("c0").exists(), "the oldest must go first");
}
