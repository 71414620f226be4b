//! A cluster that one test at a time has exclusively, across processes, and that has no operator at its start.

use std::{
    fmt::Debug,
    fs::{self, File, OpenOptions},
    future::Future,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use hourglass_harness::{
    cluster::{
        Cluster, ClusterFolders, ClusterSpec, OperatorChoice, OwnNamespace, PodImage, namespaces_of_runs,
        operator::{OperatorRequest, remove_unused},
    },
    image::PullPolicy,
    reaper::{Labels, RunId},
};
pub(crate) use hourglass_test_support::block_on;
use hourglass_test_support::{TestCluster, deliver_components_to};
use k8s_openapi::{
    api::core::v1::Namespace, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams},
    runtime::wait::{await_condition, conditions::is_deleted},
};
use serde::de::DeserializeOwned;
use tokio::{runtime::Handle, time::timeout};
use tokio_util::task::AbortOnDropHandle;

pub(crate) const HARNESS: &str = env!("CARGO_BIN_EXE_harness");
pub(crate) const GONE_WITHIN: Duration = Duration::from_mins(1);
/// A file beside the clusters. No cluster can have this name.
const TURN: &str = "_turn-of-operator-tests";

/// Runs a future in the background, until the returned handle is dropped.
pub(crate) fn spawn(future: impl Future<Output = ()> + Send + 'static) -> AbortOnDropHandle<()> {
    AbortOnDropHandle::new(block_on(async { Handle::current() }).spawn(future))
}

/// See the module. When it is dropped, the remains of an operator are removed, whatever the result of the test was.
pub(crate) struct OperatorCluster {
    pub(crate) lease: TestCluster,
    pub(crate) image: PodImage,
    _turn: File,
    _here: MutexGuard<'static, ()>,
}

impl OperatorCluster {
    pub(crate) fn take() -> Self {
        static HERE: Mutex<()> = Mutex::new(());
        let here = HERE.lock().unwrap_or_else(PoisonError::into_inner);
        let folders = ClusterFolders::locate().unwrap();
        fs::create_dir_all(folders.root()).unwrap();
        let turn = OpenOptions::new().create(true).append(true).open(folders.root().join(TURN)).unwrap();
        turn.lock().unwrap();
        // Not the cluster of trials.
        let contents = [("lent-to".to_owned(), "tests of the operator".to_owned())].into();
        let lease = TestCluster::lease_of(ClusterSpec { contents, ..ClusterSpec::default() });
        let reference = block_on(deliver_components_to(&lease, HARNESS.as_ref()));
        block_on(clear(&lease));
        Self { lease, image: PodImage { reference, policy: PullPolicy::Never }, _turn: turn, _here: here }
    }

    /// The same cluster as an existing one: reached by its kubeconfig, without access to its nodes.
    pub(crate) fn as_of_others(&self) -> Cluster {
        block_on(Cluster::connect("of others", self.lease.kubeconfig.clone(), None, None)).unwrap()
    }

    pub(crate) fn request(&self) -> OperatorRequest {
        OperatorRequest { choice: OperatorChoice::Install, image: self.image.clone(), alone: false }
    }

    /// All objects of a cluster-scoped kind.
    pub(crate) fn all<K>(&self) -> Api<K>
    where
        K: kube::Resource,
        K::DynamicType: Default,
    {
        Api::all(self.lease.client.clone())
    }

    /// A namespace of the test's own, which the test must remove.
    pub(crate) fn namespace(&self) -> OwnNamespace {
        block_on(OwnNamespace::create(&self.lease, &Labels::new(RunId::generate(), "test"))).unwrap()
    }
}

/// Removes the remains of an earlier test that failed, or whose namespace or definition is still being deleted.
async fn clear(cluster: &Cluster) {
    clear_of_runs(cluster).await;
    remove_unused(cluster).await.unwrap();
    await_leaving::<Namespace>(cluster).await;
    await_leaving::<CustomResourceDefinition>(cluster).await;
}

async fn await_leaving<K>(cluster: &Cluster)
where
    K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    for object in Api::<K>::all(cluster.client.clone()).list(&ListParams::default()).await.unwrap() {
        if object.meta().deletion_timestamp.is_some() {
            await_end(cluster, &object).await;
        }
    }
}

/// Removes the namespaces of trials, also those that are being deleted: no other test uses this cluster.
pub(crate) async fn clear_of_runs(cluster: &Cluster) {
    let namespaces = Api::<Namespace>::all(cluster.client.clone());
    for found in namespaces_of_runs(cluster).await.unwrap() {
        let gone = namespaces.delete(&found.name, &DeleteParams::default()).await;
        if let Some(namespace) = gone.unwrap().left() {
            await_end(cluster, &namespace).await;
        }
    }
}

async fn await_end<K>(cluster: &Cluster, object: &K)
where
    K: kube::Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let (name, uid) = (object.name_any(), object.uid().unwrap());
    let gone = await_condition(Api::<K>::all(cluster.client.clone()), &name, is_deleted(&uid));
    timeout(GONE_WITHIN, gone).await.unwrap().unwrap();
}

impl Drop for OperatorCluster {
    fn drop(&mut self) {
        let removed = block_on(remove_unused(&self.lease));
        assert!(removed.is_ok() || std::thread::panicking(), "{removed:?}");
    }
}
