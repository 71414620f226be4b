//! Executables for images that no other test makes, and an engine from which these images are removed when a test ends.

use std::{
    env,
    fs::{self, File},
    io::Write as _,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
    thread,
    time::Duration,
};

use bollard::{
    models::{ContainerCreateBody, HostConfig, NetworkCreateRequest, PortBinding},
    query_parameters::{LogsOptionsBuilder, RemoveContainerOptionsBuilder, RemoveImageOptionsBuilder},
};
use futures::StreamExt as _;
use hourglass_harness::{chain::AnvilSearch, engine::Engine, image::DeliveredImage, reaper::RunId};
pub(crate) use hourglass_test_support::block_on;
use tempfile::TempDir;

/// How long a test waits for an event that takes a second.
pub(crate) const SOON: Duration = Duration::from_mins(1);

/// The command under test.
pub(crate) fn harness() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_harness"))
}

pub(crate) fn anvil() -> PathBuf {
    block_on(AnvilSearch::default().find_or_install(|_| ())).unwrap().path
}

/// A folder with executables and a cache of a test's own.
pub(crate) struct TestExecutables {
    folder: TempDir,
    /// Appended to executables, so that their images are unique to this test.
    mark: String,
}

impl TestExecutables {
    pub(crate) fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), mark: RunId::generate().to_string() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    pub(crate) fn mark(&self) -> &str {
        &self.mark
    }

    /// A copy of an executable with other bytes and the same behaviour: loaders ignore bytes after the sections.
    pub(crate) fn marked(&self, executable: &Path) -> PathBuf {
        let name = executable.file_name().unwrap();
        let copy = self.folder.path().join(name);
        fs::copy(executable, &copy).unwrap();
        append(&copy, &self.mark);
        copy
    }

    /// A small executable that loads the C library.
    pub(crate) fn small(&self) -> PathBuf {
        let path = env::var_os("PATH").unwrap();
        let found = env::split_paths(&path).map(|folder| folder.join("env"));
        let found = found.filter_map(|path| fs::canonicalize(path).ok()).find(|path| path.is_file());
        self.marked(&found.unwrap())
    }

    /// A small executable that loads nothing.
    pub(crate) fn fixed(&self) -> PathBuf {
        static FOLDER: OnceLock<TempDir> = OnceLock::new();
        let folder = FOLDER.get_or_init(|| {
            let folder = tempfile::tempdir().unwrap();
            let source = folder.path().join("fixed.rs");
            fs::write(&source, "fn main() {}").unwrap();
            let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
            rustc.args(["-C", "target-feature=+crt-static", "-C", "relocation-model=static", "-o"]);
            let compiled = rustc.arg(folder.path().join("fixed")).arg(&source).output().unwrap();
            assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
            folder
        });
        self.marked(&folder.path().join("fixed"))
    }

    /// The same for an architecture that this machine does not have.
    pub(crate) fn foreign(&self) -> (PathBuf, &'static str) {
        let path = self.fixed();
        let (machine, name) = if cfg!(target_arch = "aarch64") { (0x3e, "amd64") } else { (0xb7, "arm64") };
        let mut bytes = fs::read(&path).unwrap();
        bytes[18] = machine;
        fs::write(&path, bytes).unwrap();
        (path, name)
    }
}

/// Writes to the end of a file.
pub(crate) fn append(path: &Path, text: &str) {
    File::options().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// An engine, and the objects of a test in it, which are removed when this is dropped.
pub(crate) struct TestEngine {
    pub(crate) engine: Engine,
    images: Vec<String>,
    containers: Vec<String>,
    network: Option<String>,
}

impl TestEngine {
    pub(crate) async fn new() -> Self {
        Self { engine: Engine::connect().await.unwrap(), images: Vec::new(), containers: Vec::new(), network: None }
    }

    /// Adds an image to the objects to be removed.
    pub(crate) fn owns(&mut self, image: &str) {
        self.images.push(image.to_owned());
    }

    /// Adds an image that was delivered.
    pub(crate) fn took(&mut self, delivered: DeliveredImage) -> DeliveredImage {
        self.owns(&delivered.reference);
        delivered
    }

    /// Starts a container without any rights, and returns the address of its port on this machine.
    pub(crate) async fn start(&mut self, image: &str, arguments: &[&str], port: u16) -> String {
        let port = format!("{port}/tcp");
        let binding = PortBinding { host_ip: Some("127.0.0.1".to_owned()), host_port: None };
        let network = self.network().await;
        let host = HostConfig {
            network_mode: Some(network),
            port_bindings: Some([(port.clone(), Some(vec![binding]))].into()),
            cap_drop: Some(vec!["ALL".to_owned()]),
            security_opt: Some(vec!["no-new-privileges".to_owned()]),
            readonly_rootfs: Some(true),
            tmpfs: Some([("/tmp".to_owned(), "mode=1777".to_owned())].into()),
            ..Default::default()
        };
        let arguments: Vec<_> = arguments.iter().map(|argument| (*argument).to_owned()).collect();
        let body = ContainerCreateBody {
            image: Some(image.to_owned()),
            cmd: (!arguments.is_empty()).then_some(arguments),
            host_config: Some(host),
            ..Default::default()
        };
        let docker = self.engine.docker();
        let options = None::<bollard::query_parameters::CreateContainerOptions>;
        let id = docker.create_container(options, body).await.unwrap().id;
        self.containers.push(id.clone());
        docker.start_container(&id, None::<bollard::query_parameters::StartContainerOptions>).await.unwrap();
        let container = docker.inspect_container(&id, None::<bollard::query_parameters::InspectContainerOptions>);
        let ports = container.await.unwrap().network_settings.unwrap().ports.unwrap_or_default();
        let published = ports.get(&port).cloned().flatten().unwrap_or_default();
        match published.first().and_then(|binding| binding.host_port.clone()) {
            Some(port) => format!("127.0.0.1:{port}"),
            None => panic!("{image} ended at once:\n{}", self.output(&id).await),
        }
    }

    /// A network of this test's own.
    async fn network(&mut self) -> String {
        if let Some(network) = &self.network {
            return network.clone();
        }
        let request = NetworkCreateRequest { name: RunId::generate().to_string(), ..Default::default() };
        let network = self.engine.docker().create_network(request).await.unwrap().id;
        self.network.insert(network).clone()
    }

    /// The output of the last container.
    pub(crate) async fn last_output(&self) -> String {
        self.output(self.containers.last().unwrap()).await
    }

    async fn output(&self, container: &str) -> String {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).build();
        let lines = self.engine.docker().logs(container, Some(options));
        lines.map(|line| line.map_or_else(|error| error.to_string(), |line| line.to_string())).collect().await
    }

    async fn clear(engine: Engine, containers: Vec<String>, images: Vec<String>, network: Option<String>) {
        let docker = engine.docker();
        for container in containers {
            let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
            let _ = docker.remove_container(&container, Some(options)).await;
        }
        if let Some(network) = network {
            let _ = docker.remove_network(&network).await;
        }
        for image in images {
            let options = RemoveImageOptionsBuilder::default().force(true).build();
            let _ = docker.remove_image(&image, Some(options), None).await;
        }
    }
}

impl Drop for TestEngine {
    fn drop(&mut self) {
        let (containers, images) = (std::mem::take(&mut self.containers), std::mem::take(&mut self.images));
        let network = self.network.take();
        // The thread of the test's runtime is blocked by this drop; another runtime makes a new connection.
        let clearing = thread::spawn(move || {
            block_on(async { Self::clear(Engine::connect().await.unwrap(), containers, images, network).await });
        });
        let _ = clearing.join();
    }
}
