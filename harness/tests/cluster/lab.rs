//! What tests with clusters share: a scheduler that outlives each test, one cluster for all tests that do no harm to it,
//! and clusters of a test's own, each removed at the end.

use std::sync::{Mutex, PoisonError};

use hourglass_harness::{
    cluster::{
        Cluster, ClusterFolders, ClusterName, ClusterSpec, Lease, LeaseRequest, Provider as _,
        kind::{Kind, delete},
    },
    engine::Engine,
    reaper::RunId,
};
pub(crate) use hourglass_test_support::block_on;
use tempfile::TempDir;

/// A cluster that is removed when this is dropped.
pub(crate) struct OwnCluster {
    pub(crate) name: ClusterName,
    pub(crate) engine: Engine,
    pub(crate) folders: ClusterFolders,
    pub(crate) cluster: Option<Cluster>,
    _root: TempDir,
}

impl OwnCluster {
    /// A name and folders for a cluster that is not there yet.
    pub(crate) fn none() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folders = ClusterFolders::below(root.path());
        let engine = block_on(Engine::connect()).unwrap();
        Self { name: ClusterName::of_run(&RunId::generate()), engine, folders, cluster: None, _root: root }
    }

    /// A usable one.
    pub(crate) fn create(spec: &ClusterSpec) -> Self {
        let mut own = Self::none();
        own.cluster = Some(block_on(own.kind().create(spec, &|_| {})).unwrap());
        own
    }

    pub(crate) fn kind(&self) -> Kind {
        Kind::new(self.engine.clone(), &self.folders, self.name.clone())
    }
}

impl Drop for OwnCluster {
    fn drop(&mut self) {
        block_on(delete(&self.engine, &self.name, &self.folders.folder_of(&self.name))).unwrap();
    }
}

static SHARED: Mutex<Option<Lease>> = Mutex::new(None);

/// The cluster of all tests that leave it as it was: one node, leased, so that tests in processes of their own share it
/// as well. It stays warm for a while.
pub(crate) fn shared() -> Cluster {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    let lease = shared.get_or_insert_with(|| {
        block_on(async {
            let engine = Engine::connect().await.unwrap();
            let folders = ClusterFolders::locate().unwrap();
            let request = LeaseRequest::new(ClusterSpec::default()).unwrap();
            Lease::acquire(&engine, &folders, &request, &|_| {}).await.unwrap()
        })
    });
    Cluster::clone(lease)
}

/// Gives back what the tests shared; statics are not dropped.
pub(crate) fn tear_down() {
    drop(SHARED.lock().unwrap_or_else(PoisonError::into_inner).take());
}
