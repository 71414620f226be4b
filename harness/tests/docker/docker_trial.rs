//! One test's part of the engine. A scenario with a unique name identifies everything that its trials make; images are
//! unique too. All of it is removed at the end, whatever the result is.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap},
    ffi::OsStr,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bollard::{
    body_full,
    models::{ContainerConfig, ContainerCreateBody},
    query_parameters::{
        CommitContainerOptionsBuilder, ImportImageOptionsBuilder, InspectContainerOptions,
        ListContainersOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder,
    },
};
use futures::TryStreamExt as _;
use hourglass_harness::{
    engine::Engine,
    image::deliver_components,
    reaper::{COMPONENT_LABEL, RunId, TRIAL_LABEL},
};
use hourglass_test_support::{Outcome, Running, Sandbox, block_on, eventually, labelled_objects, remove_objects, run};
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::HARNESS;

/// One task that is verified.
pub(crate) const SQUARE: &str =
    "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";
/// A task that does not end during the test.
pub(crate) const LONG: &str = "components: {performer: {environment: {TASK_DELAY_MS: 600000}}}\n\
    steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {within: 10m}\n";
/// An environment that never becomes ready.
pub(crate) const NEVER_READY: &str = "components: {performer: {environment: {PERFORMER_NOT_READY: 1}}}\n\
    steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {}\n";

/// How long the supervisor may still remove things after the end of a harness.
pub(crate) const SWEPT_WITHIN: Duration = Duration::from_secs(15);

/// See the module.
pub(crate) struct DockerTrial {
    pub(crate) sandbox: Sandbox,
    engine: Engine,
    mark: String,
    images: RefCell<Vec<String>>,
}

impl DockerTrial {
    pub(crate) fn new() -> Self {
        let engine = block_on(Engine::connect()).unwrap();
        let mark = RunId::generate().to_string().replace('-', "_");
        Self { sandbox: Sandbox::new(HARNESS), engine, mark, images: RefCell::default() }
    }

    /// The engine.
    pub(crate) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// The path of the engine's socket.
    pub(crate) fn socket(&self) -> &Path {
        self.engine.address().socket().unwrap()
    }

    /// The name of the only trial of this test.
    pub(crate) fn trial(&self) -> String {
        format!("docker::{}", self.mark)
    }

    /// Writes the scenario of this test.
    pub(crate) fn scenario(&self, rest: &str) -> PathBuf {
        let runtimes = "runtimes: [docker]\nruntimes_because: It is about the engine.\n";
        self.sandbox.scenario(&self.mark, &format!("{runtimes}{rest}"))
    }

    /// The command that runs it.
    pub(crate) fn harness(&self, scenario: &Path) -> Command {
        let run: [&OsStr; 4] = ["run".as_ref(), "--runtime".as_ref(), "docker".as_ref(), scenario.as_ref()];
        self.sandbox.harness(&run)
    }

    /// Runs a scenario to its end.
    #[track_caller]
    pub(crate) fn run(&self, rest: &str) -> Outcome {
        run(&mut self.harness(&self.scenario(rest)))
    }

    /// Starts a scenario, and waits until it is in the middle of its task.
    #[track_caller]
    pub(crate) fn start_task(&self, command: &mut Command) -> Running {
        let harness = Running::start(command);
        self.sandbox.wait_for_log("executor-operator.log", "performer_started");
        harness
    }

    /// The names of the engine's objects of this test's trials.
    pub(crate) fn objects(&self) -> BTreeSet<String> {
        block_on(labelled_objects(&self.engine, &format!("{TRIAL_LABEL}={}", self.trial())))
    }

    /// Kills the container of a component, as another user would.
    #[track_caller]
    pub(crate) fn kill(&self, component: &str) {
        let labels = vec![format!("{TRIAL_LABEL}={}", self.trial()), format!("{COMPONENT_LABEL}={component}")];
        let options = ListContainersOptionsBuilder::new().filters(&HashMap::from([("label", labels)])).build();
        let docker = self.engine.docker();
        let [container] = block_on(docker.list_containers(Some(options))).unwrap().try_into().unwrap();
        block_on(docker.kill_container(&container.id.unwrap(), None)).unwrap();
    }

    /// The components of this test's trials whose containers run, sorted.
    pub(crate) fn running(&self) -> Vec<String> {
        let label = format!("{TRIAL_LABEL}={}", self.trial());
        let options = ListContainersOptionsBuilder::new().filters(&HashMap::from([("label", vec![label])])).build();
        let containers = block_on(self.engine.docker().list_containers(Some(options))).unwrap();
        let component = |labels: HashMap<String, String>| labels.get(COMPONENT_LABEL).cloned();
        let mut names: Vec<_> =
            containers.into_iter().filter_map(|container| container.labels.and_then(component)).collect();
        names.sort();
        names
    }

    /// Memory in MiB and processors that the containers of this test's trials may use, by component.
    pub(crate) fn limits(&self) -> Vec<(String, i64, f64)> {
        let label = format!("{TRIAL_LABEL}={}", self.trial());
        let options = ListContainersOptionsBuilder::new().filters(&HashMap::from([("label", vec![label])])).build();
        let docker = self.engine.docker();
        block_on(async {
            let mut limits = Vec::new();
            for container in docker.list_containers(Some(options)).await.unwrap() {
                let component = container.labels.unwrap()[COMPONENT_LABEL].clone();
                let inspected = docker.inspect_container(&container.id.unwrap(), None::<InspectContainerOptions>).await;
                let host = inspected.unwrap().host_config.unwrap();
                assert_eq!(host.memory, host.memory_swap, "{component} has swap");
                let set =
                    |value: Option<i64>| value.filter(|value| *value != 0).map(|value| i32::try_from(value).unwrap());
                let nano =
                    host.nano_cpus.filter(|value| *value != 0).map(|value| i32::try_from(value / 1_000_000).unwrap());
                let cpus = match nano {
                    Some(thousandths) => f64::from(thousandths) / 1000.0,
                    None => f64::from(set(host.cpu_quota).unwrap()) / f64::from(set(host.cpu_period).unwrap()),
                };
                limits.push((component, host.memory.unwrap() >> 20, cpus));
            }
            limits.sort_by(|a, b| a.0.cmp(&b.0));
            limits
        })
    }

    /// Asserts, without waiting, that no process and no object of the engine is left: an orderly end waits for all of
    /// it.
    #[track_caller]
    pub(crate) fn assert_nothing_runs(&self) {
        self.sandbox.assert_no_process();
        let left = self.objects();
        assert!(left.is_empty(), "the harness has ended and left behind: {left:#?}");
    }

    /// Asserts that the supervisor is done soon, and that it has left nothing.
    #[track_caller]
    pub(crate) fn assert_swept(&self) {
        let left = eventually(SWEPT_WITHIN, || {
            let left = (self.objects(), self.sandbox.processes());
            if left.0.is_empty() && left.1.is_empty() { Ok(()) } else { Err(left) }
        });
        assert_eq!(left, Ok(()), "left {SWEPT_WITHIN:?} after the end of the harness");
    }

    /// Asserts that nothing was started: there is no folder of a trial, which is created first.
    #[track_caller]
    pub(crate) fn assert_nothing_begun(&self) {
        self.assert_nothing_runs();
        assert_eq!(self.sandbox.run_folders(), [""; 0].map(PathBuf::from), "a trial was begun");
    }

    /// An image of the reference components with another entry point.
    pub(crate) fn image(&self, name: &str, entrypoint: &[&str]) -> String {
        let (repository, docker) = (self.repository(name), self.engine.docker());
        let texts = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect());
        block_on(async {
            let components = deliver_components(&self.engine, Path::new(HARNESS)).await.unwrap();
            let body = ContainerCreateBody { image: Some(components.reference), ..ContainerCreateBody::default() };
            let container = docker.create_container(None, body).await.unwrap().id;
            let options =
                CommitContainerOptionsBuilder::new().container(&container).repo(&repository).tag("v1").build();
            let config = ContainerConfig { entrypoint: texts(entrypoint), cmd: Some(vec![]), ..Default::default() };
            let committed = docker.commit_container(options, config).await;
            let forced = RemoveContainerOptionsBuilder::new().force(true).build();
            docker.remove_container(&container, Some(forced)).await.unwrap();
            committed.unwrap();
        });
        self.owns(&repository)
    }

    /// An empty image for machines of another architecture.
    pub(crate) fn foreign_image(&self, name: &str, architecture: &str) -> String {
        let reference = self.owns(&self.repository(name));
        let options = ImportImageOptionsBuilder::new().quiet(true).build();
        let archive = body_full(archive_of_nothing(&reference, architecture).into());
        let loading = self.engine.docker().import_image(options, archive, None);
        block_on(loading.try_collect::<Vec<_>>()).unwrap();
        reference
    }

    /// The name of an image of this test.
    pub(crate) fn repository(&self, name: &str) -> String {
        format!("hourglass-harness-test/{}/{name}", self.mark)
    }

    fn owns(&self, repository: &str) -> String {
        let reference = format!("{repository}:v1");
        self.images.borrow_mut().push(reference.clone());
        reference
    }
}

/// The output of `docker save` for an image whose only layer is empty.
fn archive_of_nothing(reference: &str, architecture: &str) -> Vec<u8> {
    let layer = tar::Builder::new(Vec::new()).into_inner().unwrap();
    let config = json!({
        "architecture": architecture,
        "os": "linux",
        "config": { "Cmd": ["/nothing"] },
        "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", hex::encode(Sha256::digest(&layer)))] },
    });
    let manifest = json!([{ "Config": "config.json", "RepoTags": [reference], "Layers": ["layer.tar"] }]);
    let mut archive = tar::Builder::new(Vec::new());
    let files = [
        ("layer.tar", layer),
        ("config.json", config.to_string().into_bytes()),
        ("manifest.json", manifest.to_string().into_bytes()),
    ];
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        header.set_size(content.len().try_into().unwrap());
        archive.append_data(&mut header, name, content.as_slice()).unwrap();
    }
    archive.into_inner().unwrap()
}

impl Drop for DockerTrial {
    fn drop(&mut self) {
        let docker = self.engine.docker();
        let image = RemoveImageOptionsBuilder::new().force(true).build();
        // An executor that still runs restarts its performer.
        for _ in 0..5 {
            let objects = self.objects();
            block_on(remove_objects(&self.engine, &objects));
            if objects.is_empty() {
                break;
            }
        }
        let images = self.images.take();
        block_on(async {
            for name in &images {
                let _ = docker.remove_image(name, Some(image.clone()), None).await;
            }
        });
    }
}
