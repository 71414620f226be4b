//! Clusters for tests: leased ones, which tests and trials share, and ones that a test has for itself.

use std::{ops::Deref, path::Path};

use hourglass_cluster::{
    Cluster, ClusterFolders, ClusterName, ClusterSpec, Lease, LeaseRequest, Provider as _,
    kind::{Kind, delete},
};
use hourglass_engine::Engine;
use hourglass_image::{NodeImage, deliver_to_nodes};
use hourglass_reaper::RunId;
use tempfile::TempDir;

use crate::block_on;

/// A leased cluster: an existing one, else a new one, which stays for others when this is dropped. For tests that leave
/// it unchanged.
#[derive(Debug)]
pub struct TestCluster(Lease);

impl TestCluster {
    /// The cluster of trials: one node.
    pub fn lease() -> Self {
        Self::lease_of(ClusterSpec::default())
    }

    /// A cluster with this specification.
    pub fn lease_of(spec: ClusterSpec) -> Self {
        let request = LeaseRequest::new(spec).unwrap();
        let folders = ClusterFolders::locate().unwrap();
        Self(block_on(async {
            let engine = Engine::connect().await.unwrap();
            Lease::acquire(&engine, &folders, &request, &|_| {}).await.unwrap()
        }))
    }
}

impl Deref for TestCluster {
    type Target = Cluster;

    fn deref(&self) -> &Cluster {
        &self.0
    }
}

/// A cluster of a test's own, in folders of its own, so that no other process finds it. It is removed when this is
/// dropped.
#[derive(Debug)]
pub struct OwnCluster {
    /// Its name, which no other cluster has.
    pub name: ClusterName,
    /// The engine whose containers its nodes are.
    pub engine: Engine,
    /// The location of its files.
    pub folders: ClusterFolders,
    cluster: Option<Cluster>,
    _root: TempDir,
}

impl OwnCluster {
    /// A name and folders for a cluster that the test creates, or fails to create.
    pub fn none() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folders = ClusterFolders::below(root.path());
        let engine = block_on(Engine::connect()).unwrap();
        Self { name: ClusterName::of_run(&RunId::generate()), engine, folders, cluster: None, _root: root }
    }

    /// A usable cluster.
    pub fn create(spec: &ClusterSpec) -> Self {
        let mut own = Self::none();
        own.cluster = Some(block_on(own.kind().create(spec, &|_| {})).unwrap());
        own
    }

    /// Creates and removes a cluster of this name.
    pub fn kind(&self) -> Kind {
        Kind::new(self.engine.clone(), &self.folders, self.name.clone())
    }
}

impl Deref for OwnCluster {
    type Target = Cluster;

    /// The cluster that was created.
    fn deref(&self) -> &Cluster {
        self.cluster.as_ref().unwrap()
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        block_on(delete(&self.engine, &self.name, &self.folders.folder_of(&self.name))).unwrap();
    }
}

/// Delivers the image of the components to the nodes that lack it, and returns its reference. `executable` is the
/// harness in the image.
pub async fn deliver_components_to(cluster: &Cluster, executable: &Path) -> String {
    // Processors are few: each cluster gets the image once, from the first test.
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    let engine = &cluster.machine.as_ref().unwrap().engine;
    let nodes = cluster.nodes().await.unwrap();
    let delivered = deliver_to_nodes(engine, &nodes, &[NodeImage::components(executable)]).await.unwrap();
    delivered.into_iter().next().unwrap().reference
}
