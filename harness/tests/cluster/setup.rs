//! `harness setup kubernetes` and `harness doctor` with invalid archives, and without kind.

use std::{
    fs,
    io::Write as _,
    net::TcpListener,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use bollard::query_parameters::RemoveImageOptionsBuilder;
use hourglass_harness::{
    cluster::{ClusterError, Tool},
    engine::Engine,
    machine::{
        NodeImage,
        setup::{ArchiveError, KubernetesSetup, KubernetesSetupError, State, Step, kubernetes, load_archive},
    },
    reaper::RunId,
};
use hourglass_test_support::block_on;
use tempfile::TempDir;

const HARNESS: &str = env!("CARGO_BIN_EXE_harness");
/// The beginning of the entry point of kind's node images.
const ENTRY_POINT: &str = "/usr/local/bin/entrypoint";
/// The name that the command uses for the node image of kind.
const NODE_IMAGE: &str = "kindest/node:v1.34.4";

/// An image of a test's own, which is removed from the engine when this is dropped.
struct SetupTest {
    folder: TempDir,
    engine: Engine,
    image: String,
}

impl SetupTest {
    fn new() -> Self {
        let engine = block_on(Engine::connect()).unwrap();
        let image = format!("hourglass-setup-test/{}:v1", RunId::generate());
        Self { folder: tempfile::tempdir().unwrap(), engine, image }
    }

    /// An archive of an image with this entry point, packed like the project's own.
    fn archive(&self, image: &str, entry_point: &str) -> PathBuf {
        let mut layer = tar::Builder::new(Vec::new());
        append(&mut layer, "name", image.as_bytes());
        let layer = layer.into_inner().unwrap();
        let config = serde_json::json!({
            "os": "linux",
            "architecture": self.engine.architecture(),
            "config": { "Entrypoint": [entry_point] },
            "rootfs": { "type": "layers", "diff_ids": [format!("sha256:{}", sha256(&layer))] },
        });
        let manifest = serde_json::json!([{ "Config": "config.json", "RepoTags": [image], "Layers": ["layer.tar"] }]);
        let mut archive = tar::Builder::new(Vec::new());
        append(&mut archive, "manifest.json", manifest.to_string().as_bytes());
        append(&mut archive, "config.json", config.to_string().as_bytes());
        append(&mut archive, "layer.tar", &layer);
        let path = self.folder.path().join("node.tar.zst");
        let packed = zstd::encode_all(archive.into_inner().unwrap().as_slice(), 3).unwrap();
        fs::write(&path, packed).unwrap();
        path
    }

    /// The error when an archive is loaded.
    fn refused(&self, archive: &Path) -> KubernetesSetupError {
        block_on(load_archive(&self.engine, archive, &self.image)).unwrap_err()
    }

    fn has(&self, image: &str) -> bool {
        block_on(self.engine.docker().inspect_image(image)).is_ok()
    }

    /// A setup of this image on this machine, with programs of the test's own.
    fn setup(&self, archive: PathBuf) -> KubernetesSetup {
        let setup = KubernetesSetup::this(Some(archive), None).unwrap();
        let (bin, cache) = (self.folder.path().join("bin"), self.folder.path().join("cache"));
        says(&bin.join("kind"), "kind v0.33.0 go1.26.8 linux/amd64");
        says(&bin.join("helm"), "v3.22.0+g1234567");
        KubernetesSetup { path: vec![bin], cache, image: self.image.clone(), ..setup }
    }
}

impl Drop for SetupTest {
    fn drop(&mut self) {
        let options = RemoveImageOptionsBuilder::default().force(true).build();
        // Most tests use a missing archive.
        let _ = block_on(self.engine.docker().remove_image(&self.image, Some(options), None));
    }
}

/// A copy that stopped half-way must not lead to a cluster that cannot start.
pub(crate) fn a_truncated_archive_leaves_nothing() {
    let setup_test = SetupTest::new();
    let path = setup_test.archive(&setup_test.image, ENTRY_POINT);
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    let error = setup_test.refused(&path);
    assert!(matches!(error, KubernetesSetupError::Archive(ArchiveError::Truncated { .. })), "{error}");
    assert!(error.remedy().unwrap().contains("copy or download it anew"));
    assert!(!setup_test.has(&setup_test.image));
}

pub(crate) fn an_archive_of_another_image_leaves_nothing() {
    let setup_test = SetupTest::new();
    let other = setup_test.image.replace(":v1", ":v2");
    let error = setup_test.refused(&setup_test.archive(&other, ENTRY_POINT));
    assert!(matches!(error, KubernetesSetupError::Archive(ArchiveError::OtherImage { .. })), "{error}");
    assert!(!setup_test.has(&setup_test.image) && !setup_test.has(&other));
}

/// It has the right name, but no node could start from it.
pub(crate) fn image_that_is_no_node_image_leaves_nothing() {
    let setup_test = SetupTest::new();
    let error = setup_test.refused(&setup_test.archive(&setup_test.image, "/bin/sh"));
    assert!(matches!(error, KubernetesSetupError::Cluster(ClusterError::NotANodeImage { .. })), "{error}");
    assert!(!setup_test.has(&setup_test.image));
}

/// The first time it is loaded; the second time the archive is not even opened.
pub(crate) fn existing_image_is_not_loaded_again() {
    let setup_test = SetupTest::new();
    let archive = setup_test.archive(&setup_test.image, ENTRY_POINT);
    let run = |setup: &KubernetesSetup, rehearsal: bool| {
        let mut told: Vec<Step> = Vec::new();
        block_on(kubernetes(setup, rehearsal, &mut |step| told.push(step.clone()))).unwrap();
        told.into_iter().map(|step| step.state).collect::<Vec<_>>()
    };
    let setup = setup_test.setup(archive);
    // Engine, kind, Helm; the loading; its result.
    assert_eq!(run(&setup, true), [State::Done, State::Done, State::Done, State::Would]);
    assert!(!setup_test.has(&setup_test.image), "a rehearsal loaded it");
    assert_eq!(run(&setup, false), [State::Done, State::Done, State::Done, State::Doing, State::Done]);
    let first = block_on(NodeImage::look(&setup_test.engine, &setup_test.image)).unwrap().unwrap();
    let without = KubernetesSetup { archive: Some("/nowhere.tar".into()), ..setup };
    assert_eq!(run(&without, false), [State::Done; 4]);
    assert_eq!(block_on(NodeImage::look(&setup_test.engine, &setup_test.image)).unwrap(), Some(first));
}

/// A registry that refuses is given up at once, and one that never answers soon: otherwise minutes would pass before
/// the build begins. The build is tried next and, here, has no sources.
pub(crate) fn useless_registry_is_given_up() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (registry, says) in [(silent.local_addr().unwrap(), "no registry answers within 10s"), (closed, "refused")] {
        let setup_test = SetupTest::new();
        let image = format!("{registry}/{}", setup_test.image);
        let setup = setup_test.setup("/nowhere.tar".into());
        let setup = KubernetesSetup { image, archive: None, source: Some("/nowhere".into()), ..setup };
        let mut told: Vec<Step> = Vec::new();
        let error = block_on(kubernetes(&setup, false, &mut |step| told.push(step.clone()))).unwrap_err();
        assert!(matches!(error, KubernetesSetupError::NoSource { .. }), "{error}");
        let left: Vec<_> = told.iter().filter(|step| step.state == State::Left).collect();
        assert!(left.len() == 1 && left[0].why.contains(says), "{told:?}");
    }
}

/// The command reports the same as the library, with the exit code of an environment failure. It loads a node image
/// only if the engine does not have one.
pub(crate) fn broken_archive_exits_with_3() {
    let setup_test = SetupTest::new();
    let archive = setup_test.folder.path().join("text.tar");
    fs::write(&archive, "no archive".repeat(1000)).unwrap();
    let output = harness(&setup_test, &["setup", "kubernetes", "--dry-run", "--node-image-archive"])
        .arg(&archive)
        .env("PATH", setup_test.setup(archive.clone()).path[0].as_os_str())
        .output()
        .unwrap();
    if setup_test.has(NODE_IMAGE) {
        assert_eq!(output.status.code(), Some(0), "{output:?}");
        assert!(text(&output).contains("done   node image kindest/node:v1.34.4"), "{output:?}");
    } else {
        assert_eq!(output.status.code(), Some(3), "{output:?}");
        let text = text(&output);
        assert!(text.contains("it is no archive of an image") && text.contains("remedy: name an archive"), "{text}");
    }
}

pub(crate) fn doctor_names_the_remedy_for_missing_kind() {
    let setup_test = SetupTest::new();
    let bin = setup_test.folder.path().join("bin");
    fs::create_dir(&bin).unwrap();
    assert_doctor(&setup_test, &bin, &["missing  kind", "not found", "put kind v0.33.0 or later on PATH"]);
}

pub(crate) fn doctor_names_the_remedy_for_old_kind() {
    let setup_test = SetupTest::new();
    let bin = setup_test.folder.path().join("bin");
    says(&bin.join("kind"), "kind v0.11.1 go1.16.4 linux/amd64");
    assert_doctor(
        &setup_test,
        &bin,
        &["it is version 0.11.1, and at least 0.27 is needed", "harness setup kubernetes"],
    );
    // The newer kind in the cache is used, and the old one stays on PATH.
    says(&Tool::KIND.installed_in(&setup_test.folder.path().join("cache")), "kind v0.33.0 go1.26.8 linux/amd64");
    let output = harness(&setup_test, &["doctor"]).env("PATH", &bin).output().unwrap();
    assert!(text(&output).contains("0.33.0 at"), "{output:?}");
}

/// No cluster can be made with these programs: the exit code says so, and the text names the remedy.
fn assert_doctor(setup_test: &SetupTest, bin: &Path, says: &[&str]) {
    let output = harness(setup_test, &["doctor", "--runtime", "kubernetes"]).env("PATH", bin).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let text = text(&output);
    for part in says {
        assert!(text.contains(part), "{part:?} is not in:\n{text}");
    }
    let verdict = text.lines().find(|line| line.starts_with("Not usable kubernetes (missing: ")).unwrap();
    assert!(verdict.contains("kind, helm"), "{verdict}");
}

fn harness(setup_test: &SetupTest, arguments: &[&str]) -> Command {
    let mut command = Command::new(HARNESS);
    command.args(arguments).env("HARNESS_CACHE", setup_test.folder.path().join("cache"));
    command.env("HARNESS_RUNS", setup_test.folder.path().join("runs")).env_remove("HARNESS_NODE_IMAGE_ARCHIVE");
    command
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A program that prints this, whatever its arguments are.
fn says(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = fs::File::create(path).unwrap();
    writeln!(file, "#!/bin/sh\necho '{text}'").unwrap();
    file.set_permissions(fs::Permissions::from_mode(0o755)).unwrap();
}

fn append(archive: &mut tar::Builder<Vec<u8>>, name: &str, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    archive.append_data(&mut header, name, content).unwrap();
}

fn sha256(content: &[u8]) -> String {
    use sha2::Digest as _;
    hex::encode(sha2::Sha256::digest(content))
}
