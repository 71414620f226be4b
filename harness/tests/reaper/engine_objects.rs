//! One test's objects in the engine: an image of one program, and containers, networks and volumes with a label of the
//! test's own. All of them are removed at its end.

use std::{
    collections::{BTreeSet, HashMap},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
};

use bollard::{
    body_full,
    models::{ContainerCreateBody, HostConfig, NetworkConnectRequest, NetworkCreateRequest, VolumeCreateRequest},
    query_parameters::{CreateContainerOptionsBuilder, CreateImageOptionsBuilder, RemoveImageOptions},
};
use futures::TryStreamExt as _;
use hourglass_harness::{engine::Engine, reaper::RunId};
use hourglass_test_support::{block_on, labelled_objects, remove_objects};
use lddtree::DependencyAnalyzer;

/// The label of every object of a test, beside the labels under test.
const TEST_LABEL: &str = "hourglass-harness-test";
/// The program of the image.
const PROGRAM: &str = "sleep";

pub(crate) type Labels = HashMap<String, String>;

/// See the module.
pub(crate) struct EngineObjects {
    engine: Engine,
    mark: String,
}

/// A container to be created.
#[derive(Default)]
pub(crate) struct Container<'a> {
    pub(crate) labels: Labels,
    pub(crate) network: Option<&'a str>,
    pub(crate) volume: Option<&'a str>,
}

impl EngineObjects {
    /// The objects of a test, with the image loaded.
    pub(crate) fn new() -> Self {
        let engine = block_on(Engine::connect()).unwrap();
        let engine_objects = Self { engine, mark: format!("test-{}", RunId::generate()) };
        engine_objects.load_image();
        engine_objects
    }

    /// The engine's address, in the form that the harness gets.
    pub(crate) fn address(&self) -> String {
        self.engine.address().to_string()
    }

    /// Creates a network, and returns its name.
    pub(crate) fn network(&self, name: &str, labels: &Labels) -> String {
        let name = self.name(name);
        let labels = Some(self.marked(labels));
        let request = NetworkCreateRequest { name: name.clone(), labels, ..NetworkCreateRequest::default() };
        block_on(self.engine.docker().create_network(request)).unwrap();
        name
    }

    /// Creates a volume, and returns its name.
    pub(crate) fn volume(&self, name: &str, labels: &Labels) -> String {
        let name = self.name(name);
        let labels = Some(self.marked(labels));
        let request = VolumeCreateRequest { name: Some(name.clone()), labels, ..VolumeCreateRequest::default() };
        block_on(self.engine.docker().create_volume(request)).unwrap();
        name
    }

    /// Creates a container without starting it, and returns its name.
    pub(crate) fn create(&self, name: &str, container: &Container<'_>) -> String {
        let name = self.name(name);
        let body = ContainerCreateBody {
            image: Some(self.mark.clone()),
            cmd: Some(vec![format!("/{PROGRAM}"), "1000".to_owned()]),
            labels: Some(self.marked(&container.labels)),
            host_config: Some(HostConfig {
                network_mode: container.network.map(str::to_owned),
                binds: container.volume.map(|volume| vec![format!("{volume}:/data")]),
                ..HostConfig::default()
            }),
            ..ContainerCreateBody::default()
        };
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        block_on(self.engine.docker().create_container(Some(options), body)).unwrap();
        name
    }

    /// Creates a container and starts it.
    pub(crate) fn start(&self, name: &str, container: &Container<'_>) -> String {
        let name = self.create(name, container);
        block_on(self.engine.docker().start_container(&name, None)).unwrap();
        name
    }

    /// Freezes a container.
    pub(crate) fn pause(&self, container: &str) {
        block_on(self.engine.docker().pause_container(container)).unwrap();
    }

    /// Ends a container, and keeps it.
    pub(crate) fn kill(&self, container: &str) {
        block_on(self.engine.docker().kill_container(container, None)).unwrap();
    }

    /// Attaches a container to one more network.
    pub(crate) fn connect(&self, container: &str, network: &str) {
        let request = NetworkConnectRequest { container: container.to_owned(), endpoint_config: None };
        block_on(self.engine.docker().connect_network(network, request)).unwrap();
    }

    /// Whether a container runs.
    pub(crate) fn runs(&self, container: &str) -> bool {
        let seen = block_on(self.engine.docker().inspect_container(container, None)).unwrap();
        seen.state.and_then(|state| state.running).unwrap()
    }

    /// The names of the test's objects that still exist.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        self.labelled(&format!("{TEST_LABEL}={}", self.mark))
    }

    /// The names of the objects with a label.
    pub(crate) fn labelled(&self, label: &str) -> BTreeSet<String> {
        block_on(labelled_objects(&self.engine, label))
    }

    fn name(&self, name: &str) -> String {
        format!("{}-{name}", self.mark)
    }

    fn marked(&self, labels: &Labels) -> Labels {
        let mut labels = labels.clone();
        labels.insert(TEST_LABEL.to_owned(), self.mark.clone());
        labels
    }

    fn load_image(&self) {
        let options = CreateImageOptionsBuilder::new().from_src("-").repo(&self.mark).tag("latest").build();
        let body = body_full(program_and_libraries().into());
        let loading = self.engine.docker().create_image(Some(options), Some(body), None);
        block_on(loading.try_collect::<Vec<_>>()).unwrap();
    }
}

impl Drop for EngineObjects {
    fn drop(&mut self) {
        let names = self.names();
        block_on(async {
            remove_objects(&self.engine, &names).await;
            let _ = self.engine.docker().remove_image(&self.mark, None::<RemoveImageOptions>, None).await;
        });
    }
}

/// A root file system as tar: a program that waits, and its libraries.
fn program_and_libraries() -> Vec<u8> {
    let path =
        ["/bin", "/usr/bin"].into_iter().map(|folder| Path::new(folder).join(PROGRAM)).find(|path| path.exists());
    let path = path.unwrap();
    let tree = DependencyAnalyzer::default().analyze(&path).unwrap();
    let loader = tree.interpreter.map(PathBuf::from);
    let libraries = tree.libraries.into_values().map(|library| library.path);
    let files: BTreeSet<PathBuf> = loader.into_iter().chain(libraries).collect();

    let mut archive = tar::Builder::new(Vec::new());
    append(&mut archive, Path::new(PROGRAM), &path);
    for file in files {
        append(&mut archive, file.strip_prefix("/").unwrap(), &file);
    }
    let mut bytes = archive.into_inner().unwrap();
    bytes.flush().unwrap();
    bytes
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &Path, file: &Path) {
    let content = fs::read(file).unwrap();
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(content.len().try_into().unwrap());
    archive.append_data(&mut header, name, content.as_slice()).unwrap();
}
