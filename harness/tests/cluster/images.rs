//! Images are delivered to nodes by their content, and pods run them without any registry.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use bollard::query_parameters::{RemoveImageOptionsBuilder, TagImageOptionsBuilder};
use futures::TryStreamExt as _;
use hourglass_harness::{
    cluster::{Cluster, ClusterSpec, Node},
    engine::Engine,
    image::{
        DeliveredToNode, Image, ImageError, ImageRole, NodeImage, PullPolicy, deliver_in, deliver_to_nodes_in, load,
    },
    reaper::RunId,
};
use hourglass_test_support::{OwnCluster, block_on};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, PostParams},
    runtime::{WatchStreamExt as _, watcher},
};
use serde_json::json;
use tempfile::TempDir;

use crate::shared_cluster::shared;

/// How long a command in a node may take.
const SOON: Duration = Duration::from_mins(1);

/// Executables and a cache of a test's own, and images in the engine that are removed when this is dropped.
struct TestImages {
    folder: TempDir,
    mark: String,
    engine: Engine,
    images: Vec<String>,
}

impl TestImages {
    fn new() -> Self {
        let engine = block_on(Engine::connect()).unwrap();
        let mark = RunId::generate().to_string();
        Self { folder: tempfile::tempdir().unwrap(), mark, engine, images: Vec::new() }
    }

    fn cache(&self) -> PathBuf {
        self.folder.path().join("cache")
    }

    /// A small executable that ends at once with this code; only this test has images of it.
    fn program(&self, code: u8) -> PathBuf {
        let source = self.folder.path().join(format!("ends-{code}.rs"));
        let program = source.with_extension("");
        fs::write(
            &source,
            format!("fn main() {{ std::process::exit(if {:?}.is_empty() {{ 99 }} else {{ {code} }}) }}", self.mark),
        )
        .unwrap();
        let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        rustc.args(["-C", "target-feature=+crt-static", "-C", "relocation-model=static", "-o"]);
        let compiled = rustc.arg(&program).arg(&source).output().unwrap();
        assert!(compiled.status.success(), "{}", String::from_utf8_lossy(&compiled.stderr));
        program
    }

    /// Gives the engine an image of this program with a user's name.
    fn provide(&mut self, name: &str, program: &Path) {
        block_on(async {
            let delivered = deliver_in(&self.cache(), &self.engine, ImageRole::Components, program).await.unwrap();
            let (repository, tag) = name.rsplit_once(':').unwrap();
            let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
            self.engine.docker().tag_image(&delivered.reference, Some(options)).await.unwrap();
            self.images.extend([delivered.reference, name.to_owned()]);
        });
    }

    fn deliver(&self, nodes: &[Node], images: &[NodeImage]) -> Result<Vec<DeliveredToNode>, ImageError> {
        block_on(deliver_to_nodes_in(&self.cache(), &self.engine, nodes, images))
    }

    /// Delivers one image; returns how often it was sent, and its name.
    fn sent(&self, nodes: &[Node], image: &NodeImage) -> (usize, String) {
        let delivered = self.deliver(nodes, std::slice::from_ref(image)).unwrap();
        assert_eq!(delivered.len(), nodes.len());
        (delivered.iter().filter(|delivered| delivered.sent).count(), delivered[0].reference.clone())
    }
}

impl Drop for TestImages {
    fn drop(&mut self) {
        for image in &self.images {
            let options = RemoveImageOptionsBuilder::default().force(true).build();
            let _ = block_on(self.engine.docker().remove_image(image, Some(options), None));
        }
    }
}

fn nodes(cluster: &Cluster) -> Vec<Node> {
    block_on(cluster.nodes()).unwrap()
}

/// Runs an image as a pod of its own on a node, with the policy of delivered images; returns its exit code.
fn exit_code(cluster: &Cluster, node: &str, image: &str, arguments: &[&str]) -> i32 {
    let policy = cluster.pull_policy();
    assert_eq!(policy, PullPolicy::Never, "nothing may be pulled");
    let name = RunId::generate().to_string();
    let container = json!({ "name": "main", "image": image, "imagePullPolicy": policy.as_str(), "args": arguments });
    let pod = json!({
        "metadata": { "name": name },
        "spec": {
            "nodeName": node, "restartPolicy": "Never", "automountServiceAccountToken": false, "containers": [container],
        },
    });
    let pods = Api::<Pod>::namespaced(cluster.client.clone(), "default");
    block_on(async {
        pods.create(&PostParams::default(), &serde_json::from_value(pod).unwrap()).await.unwrap();
        let only = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let mut changes = std::pin::pin!(watcher(pods.clone(), only).applied_objects());
        let code = loop {
            let pod = changes.try_next().await.unwrap().unwrap();
            let mut statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
            let Some(state) = statuses.find_map(|status| status.state.as_ref()) else { continue };
            if let Some(waiting) = &state.waiting {
                let reason = waiting.reason.as_deref().unwrap_or_default();
                assert!(!reason.starts_with("Err"), "{}: {waiting:?}", pod.name_any());
            }
            if let Some(ended) = &state.terminated {
                break ended.exit_code;
            }
        };
        pods.delete(&name, &DeleteParams::default().grace_period(0)).await.unwrap();
        code
    })
}

/// Components of this build run on every node, and a second delivery only sends a query.
pub(crate) fn delivered_components_run_on_every_node() {
    let test = TestImages::new();
    let own = OwnCluster::create(&ClusterSpec { workers: 1, ..ClusterSpec::default() });
    let cluster = Cluster::clone(&own);
    let nodes = nodes(&cluster);
    let image = NodeImage::components(env!("CARGO_BIN_EXE_harness"));
    let (sent, reference) = test.sent(&nodes, &image);
    assert_eq!(sent, 2);
    for node in &nodes {
        assert_eq!(exit_code(&cluster, &node.name, &reference, &["--help"]), 0, "on {}", node.name);
    }
    assert_eq!(test.sent(&nodes, &image), (0, reference.clone()), "both have it");
    // Only the node that lacks the image gets it.
    let (_, tag) = reference.split_once(':').unwrap();
    // The node has it under the name that the kubelet uses too.
    let remove = format!("ctr -n k8s.io images ls -q | grep {tag} | xargs ctr -n k8s.io images rm --sync");
    block_on(nodes[1].command(&own.engine, &["sh", "-c", &remove], SOON)).unwrap();
    let delivered = test.deliver(&nodes, &[image]).unwrap();
    assert_eq!(delivered.iter().map(|delivered| delivered.sent).collect::<Vec<_>>(), [false, true], "{delivered:?}");
}

/// A user rebuilds an image and keeps its name: the old content must not run again.
pub(crate) fn rebuilt_image_with_the_same_name_is_sent_again() {
    let mut test = TestImages::new();
    let cluster = shared();
    let nodes = nodes(&cluster);
    let name = format!("hourglass-image-test/{}:latest", test.mark);
    let image = NodeImage::of_engine(&name, "a test");
    for code in [7, 8] {
        let program = test.program(code);
        test.provide(&name, &program);
        assert_eq!(test.sent(&nodes, &image), (1, name.clone()), "it is another");
        assert_eq!(test.sent(&nodes, &image), (0, name.clone()), "it is the same");
        assert_eq!(exit_code(&cluster, &nodes[0].name, &name, &[]), i32::from(code));
    }
    // And back: the node has the content, and only the name refers to the other one.
    let program = test.program(7);
    test.provide(&name, &program);
    assert_eq!(test.sent(&nodes, &image).0, 0);
    assert_eq!(exit_code(&cluster, &nodes[0].name, &name, &[]), 7);
}

/// Content that a node has under another name is not sent; names of one image do not displace each other.
pub(crate) fn one_image_under_two_names_is_sent_once() {
    let mut test = TestImages::new();
    let cluster = shared();
    let nodes = nodes(&cluster);
    let name = format!("hourglass-image-test/{}:v1", test.mark);
    let program = test.program(2);
    test.provide(&name, &program);
    let images = [NodeImage::components(&program), NodeImage::of_engine(&name, "a test")];
    let (first, reference) = test.sent(&nodes, &images[0]);
    assert_eq!((first, test.sent(&nodes, &images[1]).0), (1, 0));
    for name in [&reference, &name] {
        assert_eq!(exit_code(&cluster, &nodes[0].name, name, &[]), 2);
    }
    assert!(test.deliver(&nodes, &images).unwrap().iter().all(|delivered| !delivered.sent));
}

/// Test runners start one process for each trial.
pub(crate) fn concurrent_deliveries_send_once() {
    let test = TestImages::new();
    let nodes = nodes(&shared());
    let image = [NodeImage::components(test.program(3))];
    let cache = test.cache();
    let deliver = || deliver_to_nodes_in(&cache, &test.engine, &nodes, &image);
    let delivered = block_on(async { tokio::join!(deliver(), deliver(), deliver()) });
    let delivered: [Result<Vec<DeliveredToNode>, _>; 3] = delivered.into();
    let sent = delivered.into_iter().flat_map(Result::unwrap).filter(|delivered| delivered.sent).count();
    assert_eq!(sent, 1);
}

/// The error is that of a trial in Docker: which image, who needs it, how to provide it.
pub(crate) fn an_image_that_the_engine_lacks_is_named() {
    let test = TestImages::new();
    let nodes = nodes(&shared());
    // A name unlike those of parallel tests, one of which would be suggested otherwise.
    let name = format!("nobody/has/an/image/of/this/name/{}:v1", test.mark);
    let error = test.deliver(&nodes, &[NodeImage::of_engine(&name, "the performer")]).unwrap_err();
    assert_eq!(error.to_string(), format!("failed to find image {name}, which the performer needs"));
    assert!(error.remedy().unwrap().contains(&format!("docker pull {name}")));
}

/// An id runs in Docker; pods need a name.
pub(crate) fn an_image_without_a_name_is_refused() {
    let mut test = TestImages::new();
    let nodes = nodes(&shared());
    let image = Image::make(ImageRole::Components, &test.program(4)).unwrap();
    let loaded = block_on(load(&test.engine, image)).unwrap();
    test.images.push(loaded.reference);
    let error = test.deliver(&nodes, &[NodeImage::of_engine(&loaded.id, "a test")]).unwrap_err();
    assert!(matches!(&error, ImageError::NoName { reference } if *reference == loaded.id), "{error}");
    assert!(error.remedy().unwrap().contains("docker tag"));
}

/// An interrupted delivery leaves nothing that could be taken for an image.
pub(crate) fn interrupted_delivery_leaves_no_image() {
    let test = TestImages::new();
    let cluster = shared();
    let nodes = nodes(&cluster);
    let mut program = fs::read(test.program(6)).unwrap();
    // Loaders ignore bytes after the sections.
    program.resize(100 << 20, 0);
    let large = test.folder.path().join("large");
    fs::copy(test.program(6), &large).unwrap();
    fs::write(&large, program).unwrap();
    let image = [NodeImage::components(&large)];
    // Created before, so that the sending is what breaks off.
    Image::make(ImageRole::Components, &large).unwrap();
    let cache = test.cache();
    for moment in [60, 120, 240, 480].map(Duration::from_millis) {
        let delivery = deliver_to_nodes_in(&cache, &test.engine, &nodes, &image);
        let _ = block_on(async { tokio::time::timeout(moment, delivery).await });
    }
    let (_, reference) = test.sent(&nodes, &image[0]);
    assert_eq!(exit_code(&cluster, &nodes[0].name, &reference, &[]), 6);
}

/// The error quotes the node, and the delivery works again after the fault is repaired.
pub(crate) fn a_node_that_cannot_take_an_image_is_named() {
    let test = TestImages::new();
    let own = OwnCluster::create(&ClusterSpec::default());
    let nodes = nodes(&own);
    let run = |command: &[&str]| block_on(nodes[0].command(&own.engine, command, SOON)).unwrap();
    let image = [NodeImage::components(test.program(5))];
    // The folder to which containerd writes received content.
    let store = "/var/lib/containerd/io.containerd.content.v1.content";
    run(&[
        "sh",
        "-c",
        &format!("mount -t tmpfs -o size=64k none {store} && mkdir -p {store}/ingest {store}/blobs/sha256"),
    ]);
    let error = test.deliver(&nodes, &image).unwrap_err();
    assert!(matches!(&error, ImageError::NodeFull { node, .. } if *node == nodes[0].name), "{error}");
    assert!(error.remedy().unwrap().contains("make room"));
    run(&["umount", store]);
    assert!(test.deliver(&nodes, &image).unwrap()[0].sent);
    run(&["systemctl", "stop", "containerd"]);
    let error = test.deliver(&nodes, &image).unwrap_err();
    assert!(matches!(&error, ImageError::NodeSilent { node, .. } if *node == nodes[0].name), "{error}");
    assert!(error.to_string().contains("containerd.sock"), "{error}");
}
