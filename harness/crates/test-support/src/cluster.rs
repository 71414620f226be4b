//! Clusters of tests: leased ones, which tests and trials share, and ones that a test has for itself.

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

/// A leased cluster: one that is there, else a new one, which stays for others when this is dropped. For tests that leave it
/// as it was.
#[derive(Debug)]
pub struct TestCluster(Lease);

impl TestCluster {
    /// The cluster of trials: one node.
    pub fn lease() -> Self {
        Self::lease_of(ClusterSpec::default())
    }

    /// A cluster like this.
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

/// A cluster of a test's own, in folders of its own: no other process finds it. It is removed when this is dropped.
#[derive(Debug)]
pub struct OwnCluster {
    /// Its name, which no other cluster has.
    pub name: ClusterName,
    /// The engine whose containers its nodes are.
    pub engine: Engine,
    /// Where its files are.
    pub folders: ClusterFolders,
    cluster: Option<Cluster>,
    _root: TempDir,
}

impl OwnCluster {
    /// A name and folders for a cluster that the test makes, or fails to make.
    pub fn none() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folders = ClusterFolders::below(root.path());
        let engine = block_on(Engine::connect()).unwrap();
        Self { name: ClusterName::of_run(&RunId::generate()), engine, folders, cluster: None, _root: root }
    }

    /// A cluster that can be used.
    pub fn create(spec: &ClusterSpec) -> Self {
        let mut own = Self::none();
        own.cluster = Some(block_on(own.kind().create(spec, &|_| {})).unwrap());
        own
    }

    /// What makes and removes a cluster of this name.
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

/// Brings the image of the components to the nodes that lack it, and gives its reference. `executable` is the harness that
/// the image holds.
pub async fn deliver_components_to(cluster: &Cluster, executable: &Path) -> String {
    // Processors are few: each cluster gets it once, whichever test is first.
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _turn = ONE_AT_A_TIME.lock().await;
    let engine = &cluster.machine.as_ref().unwrap().engine;
    let nodes = cluster.nodes().await.unwrap();
    let delivered = deliver_to_nodes(engine, &nodes, &[NodeImage::components(executable)]).await.unwrap();
    delivered.into_iter().next().unwrap().reference
}
