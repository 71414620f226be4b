//! Input from which no cluster can be made: each error names it with its remedy, and leaves nothing.
#![expect(clippy::print_stderr, reason = "the test reads what its copy says")]

use std::{
    collections::HashMap,
    env, fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use bollard::{
    body_full,
    models::{ContainerConfig, ContainerCreateBody},
    query_parameters::{
        CommitContainerOptionsBuilder, ListContainersOptionsBuilder, ListNetworksOptionsBuilder,
        RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder, UploadToContainerOptionsBuilder,
    },
};
use hourglass_harness::{
    cluster::{ClusterError, ClusterFolders, ClusterName, ClusterSpec, NODE_IMAGE, Provider as _, kind::Kind},
    engine::{Engine, EngineAddress},
    image::deliver_components,
    reaper::RunId,
};
use hourglass_test_support::{OwnCluster, block_on};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::{own_engine::OwnEngine, proxy::Proxy};

const HARNESS: &str = env!("CARGO_BIN_EXE_harness");
/// With this variable this program makes a cluster below the folder that it names, and prints why it could not.
const CHILD: &str = "HARNESS_CLUSTER_TEST_CREATE_BELOW";

/// The names of a cluster's objects in the engine and in the folders.
#[track_caller]
fn left(own: &OwnCluster) -> Vec<String> {
    let kind_name = own.name.in_kind();
    let containers = HashMap::from([("label", vec![format!("io.x-k8s.kind.cluster={kind_name}")])]);
    let networks = HashMap::from([("name", vec![kind_name])]);
    let docker = own.engine.docker();
    block_on(async {
        let options = ListContainersOptionsBuilder::new().all(true).filters(&containers).build();
        let containers = docker.list_containers(Some(options)).await.unwrap();
        let options = ListNetworksOptionsBuilder::new().filters(&networks).build();
        let networks = docker.list_networks(Some(options)).await.unwrap();
        let folder = own.folders.folder_of(&own.name).path().to_owned();
        let containers = containers.into_iter().flat_map(|container| container.names.unwrap_or_default());
        let networks = networks.into_iter().filter_map(|network| network.name);
        let folders = Some(folder).filter(|folder| folder.exists()).map(|folder| folder.display().to_string());
        containers.chain(networks).chain(folders).collect()
    })
}

/// The error of a cluster that cannot be made, and how long that took. Asserts that nothing is left.
#[track_caller]
fn refused(own: &OwnCluster, spec: &ClusterSpec) -> (ClusterError, Duration) {
    let began = Instant::now();
    let error = block_on(own.kind().create(spec, &|_| {})).err().unwrap();
    let took = began.elapsed();
    assert_eq!(left(own), [""; 0], "something is left of a cluster that was not made: {error}");
    (error, took)
}

#[track_caller]
fn assert_remedy(error: &ClusterError, expected: &str) {
    let remedy = error.remedy().unwrap_or_default();
    assert!(remedy.contains(expected), "{error}: {remedy:?}");
}

fn of_image(node_image: &str) -> ClusterSpec {
    ClusterSpec { node_image: node_image.to_owned(), ..ClusterSpec::default() }
}

pub(crate) fn missing_node_image_is_an_error() {
    let own = OwnCluster::none();
    let (error, _) = refused(&own, &of_image("hourglass-harness-test/not-there:v1"));
    assert!(matches!(error, ClusterError::NoNodeImage { .. }), "{error:?}");
    assert_remedy(&error, "harness setup kubernetes");
}

pub(crate) fn image_that_is_no_node_image_is_an_error() {
    let own = OwnCluster::none();
    let image = block_on(deliver_components(&own.engine, Path::new(HARNESS))).unwrap().reference;
    let (error, _) = refused(&own, &of_image(&image));
    assert!(matches!(&error, ClusterError::NotANodeImage { image: named, .. } if *named == image), "{error:?}");
    assert_remedy(&error, "made for kind");
}

/// The other party's cluster must still exist afterwards.
pub(crate) fn name_of_an_existing_cluster_is_refused() {
    let own = OwnCluster::none();
    let kind_name = own.name.in_kind();
    let docker = own.engine.docker();
    let labels = [("io.x-k8s.kind.cluster", kind_name.as_str()), ("io.x-k8s.kind.role", "control-plane")];
    let body = ContainerCreateBody {
        image: Some(NODE_IMAGE.to_owned()),
        labels: Some(labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
        ..ContainerCreateBody::default()
    };
    let stranger = block_on(docker.create_container(None, body)).unwrap().id;
    let refused = block_on(own.kind().create(&ClusterSpec::default(), &|_| {}));
    let still_there = block_on(docker.inspect_container(&stranger, None)).is_ok();
    let forced = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let removed = block_on(docker.remove_container(&stranger, Some(forced)));
    assert!(still_there, "a cluster of others was removed");
    removed.unwrap();
    let error = refused.err().unwrap();
    assert!(matches!(error, ClusterError::NameTaken { .. }), "{error:?}");
    assert_remedy(&error, &format!("kind delete cluster --name {kind_name}"));
    assert_eq!(left(&own), [""; 0]);
}

pub(crate) fn unreadable_state_file_is_an_error() {
    let own = OwnCluster::none();
    let folder = own.folders.folder_of(&own.name);
    fs::create_dir_all(folder.path()).unwrap();
    fs::write(folder.state_file(), "{\"name\": \"").unwrap();
    let error = block_on(own.kind().create(&ClusterSpec::default(), &|_| {})).err().unwrap();
    assert!(matches!(&error, ClusterError::State { path, .. } if *path == folder.state_file()), "{error:?}");
    assert!(error.to_string().contains(&folder.state_file().display().to_string()), "{error}");
    assert_remedy(&error, "harness gc");
    assert_eq!(left(&own), [folder.path().display().to_string()], "the file is evidence, and the user's to remove");
}

/// kind itself would wait for four minutes.
pub(crate) fn kubelet_that_fails_is_an_error_with_its_journal() {
    let own = OwnCluster::none();
    let image = BrokenNodeImage::make(own.engine.clone());
    let (error, took) = refused(&own, &of_image(&image.reference));
    assert!(matches!(error, ClusterError::Kubelet { .. }), "{error:?}");
    assert!(took < Duration::from_mins(1), "noticed after {took:?}");
    let shown = error.to_string();
    assert!(shown.contains("the end of the journal of node"), "{shown}");
    assert!(shown.contains("kubelet.service: Main process exited"), "{shown}");
    let kept = own.folders.failed().join(own.name.as_str());
    assert!(shown.contains(&kept.display().to_string()), "{shown}");
    let node = kept.join("nodes").join(format!("{}-control-plane", own.name.in_kind()));
    assert!(fs::read_to_string(node.join("kubelet.log")).unwrap().contains("Main process exited"));
    assert_remedy(&error, "harness doctor");
}

pub(crate) fn engine_that_stops_during_creation_is_an_error() {
    let own = OwnCluster::none();
    let proxy = Proxy::to(own.engine.address().socket().unwrap());
    let engine = block_on(Engine::connect_to(EngineAddress::Socket(proxy.socket()))).unwrap();
    let kind = Kind::new(engine, &own.folders, own.name.clone());
    let began = Notify::new();
    // While the node's container is being made, kind logs its second action.
    let progress = |text: &str| {
        if text.contains("Preparing nodes") {
            began.notify_one();
        }
    };
    let (error, waited) = block_on(async {
        let cut = async {
            began.notified().await;
            proxy.stop();
            Instant::now()
        };
        let spec = ClusterSpec::default();
        let (made, cut) = tokio::join!(kind.create(&spec, &progress), cut);
        (made.err().unwrap(), cut.elapsed())
    });
    assert!(matches!(error, ClusterError::Engine(_)), "the engine's end is not named: {error:?}");
    assert_remedy(&error, "start the engine");
    assert!(waited < Duration::from_secs(30), "noticed {waited:?} after the engine's end");
    // Nothing can be removed while the engine does not answer: the cluster must be remembered for later.
    let state = own.folders.folder_of(&own.name).state().unwrap();
    assert!(state.is_some(), "what is left in the engine is not remembered");
    block_on(hourglass_harness::cluster::kind::delete(&own.engine, &own.name, &own.folders.folder_of(&own.name)))
        .unwrap();
    assert_eq!(left(&own), [""; 0]);
}

/// kind would find this out minutes later.
pub(crate) fn disk_that_is_too_small_is_an_error() {
    let own = OwnCluster::none();
    let disk = SmallDisk::mount();
    let engine = OwnEngine::start(disk.folder.path().to_owned(), &[]);
    let engine = block_on(engine.connect()).unwrap();
    let kind = Kind::new(engine, &own.folders, own.name.clone());
    let error = block_on(kind.create(&ClusterSpec::default(), &|_| {})).err().unwrap();
    let is_small = |free: u64, needed: u64| free <= SmallDisk::BYTES && needed > free;
    assert!(
        matches!(&error, ClusterError::NoRoom { folder, free, needed, .. }
            if folder.starts_with(disk.folder.path()) && is_small(*free, *needed)),
        "{error:?}"
    );
    assert_remedy(&error, "docker system df");
    assert_eq!(left(&own), [""; 0]);
}

/// A file system of its own, which is unmounted when this is dropped.
struct SmallDisk {
    folder: TempDir,
}

impl SmallDisk {
    const BYTES: u64 = 64 << 20;

    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let options = format!("size={}", Self::BYTES);
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &options, "tmpfs"]).arg(folder.path()).status();
        assert!(mounted.unwrap().success(), "a test with a full disk needs root");
        Self { folder }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // This unmounts what is mounted below it too, so that the folder can be removed.
        let unmounted = Command::new("umount").args(["--recursive", "--lazy"]).arg(self.folder.path()).status();
        assert!(unmounted.unwrap().success());
    }
}

pub(crate) fn missing_kind_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let said = child(folder.path(), &[]);
    assert!(said.contains("failed to find kind"), "{said}");
    assert!(said.contains("remedy: `harness setup kubernetes`"), "{said}");
}

pub(crate) fn old_kind_is_an_error() {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("programs");
    fs::create_dir(&programs).unwrap();
    let kind = programs.join("kind");
    fs::write(&kind, "#!/bin/sh\necho 'kind v0.20.0 go1.20.4 linux/amd64'\n").unwrap();
    fs::set_permissions(&kind, fs::Permissions::from_mode(0o755)).unwrap();
    let said = child(folder.path(), &[programs]);
    assert!(said.contains("it is version 0.20.0, and at least 0.27 is needed"), "{said}");
    assert!(said.contains("remedy: `harness setup kubernetes` installs kind"), "{said}");
}

/// The output of making a cluster, with only these folders of programs and an empty cache.
#[track_caller]
fn child(folder: &Path, programs: &[PathBuf]) -> String {
    let clusters = folder.join("clusters");
    let mut command = Command::new(env::current_exe().unwrap());
    command.env(CHILD, &clusters).env("PATH", env::join_paths(programs).unwrap());
    let output = command.env("HARNESS_CACHE", folder.join("cache")).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    let clusters: Vec<_> = fs::read_dir(clusters).into_iter().flatten().collect();
    assert!(clusters.is_empty(), "{clusters:?} are left");
    said
}

/// The entry point of a program started by [`child`]: tools are found by environment variables, which belong to the
/// process.
pub(crate) fn child_main() -> Option<ExitCode> {
    let folders = ClusterFolders::below(env::var_os(CHILD)?);
    let engine = block_on(Engine::connect()).unwrap();
    let kind = Kind::new(engine, &folders, ClusterName::of_run(&RunId::generate()));
    let error = block_on(kind.create(&ClusterSpec::default(), &|_| {})).err()?;
    eprintln!("{error}\nremedy: {}", error.remedy().unwrap_or_default());
    Some(ExitCode::from(3))
}

/// A node image whose kubelet ends at once, removed when this is dropped.
struct BrokenNodeImage {
    engine: Engine,
    reference: String,
}

impl BrokenNodeImage {
    fn make(engine: Engine) -> Self {
        let repository = format!("hourglass-harness-test/{}", RunId::generate());
        let docker = engine.docker();
        block_on(async {
            let body = ContainerCreateBody { image: Some(NODE_IMAGE.to_owned()), ..ContainerCreateBody::default() };
            let container = docker.create_container(None, body).await.unwrap().id;
            let to = UploadToContainerOptionsBuilder::new().path("/usr/bin").build();
            let replaced = docker.upload_to_container(&container, Some(to), body_full(kubelet().into())).await;
            let options =
                CommitContainerOptionsBuilder::new().container(&container).repo(&repository).tag("v1").build();
            let committed = docker.commit_container(options, ContainerConfig::default()).await;
            let forced = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
            docker.remove_container(&container, Some(forced)).await.unwrap();
            replaced.and(committed.map(drop)).unwrap();
        });
        Self { engine, reference: format!("{repository}:v1") }
    }
}

impl Drop for BrokenNodeImage {
    fn drop(&mut self) {
        let forced = RemoveImageOptionsBuilder::new().force(true).build();
        block_on(self.engine.docker().remove_image(&self.reference, Some(forced), None)).unwrap();
    }
}

/// An archive with a kubelet that prints a reason and ends.
fn kubelet() -> Vec<u8> {
    let script = b"#!/bin/sh\necho 'this kubelet was broken by a test' >&2\nexit 1\n";
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_mode(0o755);
    header.set_size(script.len().try_into().unwrap());
    archive.append_data(&mut header, "kubelet", script.as_slice()).unwrap();
    archive.into_inner().unwrap()
}
