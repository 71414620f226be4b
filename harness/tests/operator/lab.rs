//! What the operator's tests share: a scheduler, a cluster with the definition of `Performer` established, and a
//! namespace of each test's own.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hourglass_harness::{
    cluster::{
        Cluster, ClusterFolders, ClusterName, ClusterSpec, OwnNamespace, Provider as _,
        kind::{Kind, delete},
    },
    engine::Engine,
    reaper::{Labels, RunId},
};
use hourglass_operator::{api::Performer, crd::crd};
pub(crate) use hourglass_test_support::block_on;
use k8s_openapi::{
    NamespaceResourceScope, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{Patch, PatchParams, ValidationDirective},
    runtime::wait::{await_condition, conditions::is_crd_established},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tempfile::TempDir;
use tokio::time::timeout;

/// How long anything in the cluster may take.
pub(crate) const WITHIN: Duration = Duration::from_mins(1);

static SHARED: Mutex<Option<Lab>> = Mutex::new(None);

/// A cluster of one node that is removed with this. It is none that others find warm: those have a definition that came
/// with a release, and an operator that looks into every namespace.
struct Lab {
    cluster: Cluster,
    engine: Engine,
    folders: ClusterFolders,
    name: ClusterName,
    _root: TempDir,
}

impl Lab {
    async fn create() -> Self {
        let root = tempfile::tempdir().unwrap();
        let folders = ClusterFolders::below(root.path());
        let engine = Engine::connect().await.unwrap();
        let name = ClusterName::of_run(&RunId::generate());
        let kind = Kind::new(engine.clone(), &folders, name.clone());
        let cluster = kind.create(&ClusterSpec::default(), &|_| {}).await.unwrap();
        establish(&cluster).await;
        Self { cluster, engine, folders, name, _root: root }
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        block_on(delete(&self.engine, &self.name, &self.folders.folder_of(&self.name))).unwrap();
    }
}

/// The cluster of all tests in this process.
pub(crate) fn shared() -> Cluster {
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.get_or_insert_with(|| block_on(Lab::create())).cluster.clone()
}

/// Gives back what the tests shared; statics are not dropped.
pub(crate) fn tear_down() {
    drop(SHARED.lock().unwrap_or_else(PoisonError::into_inner).take());
}

/// Applies the definition of `Performer` and awaits that it is served.
async fn establish(cluster: &Cluster) {
    let definitions = Api::<CustomResourceDefinition>::all(cluster.client.clone());
    let crd = crd();
    let name = crd.name_any();
    definitions.patch(&name, &strict(), &Patch::Apply(&crd)).await.unwrap();
    timeout(WITHIN, await_condition(definitions, &name, is_crd_established())).await.unwrap().unwrap();
}

/// Applies as the operator does, and fails at fields that the API server does not know.
pub(crate) fn strict() -> PatchParams {
    PatchParams { field_validation: Some(ValidationDirective::Strict), ..PatchParams::apply("operator-tests").force() }
}

/// A namespace in the shared cluster that goes with this.
pub(crate) struct Place {
    pub(crate) cluster: Cluster,
    namespace: Option<OwnNamespace>,
}

impl Place {
    pub(crate) fn new() -> Self {
        let cluster = shared();
        let labels = Labels::new(RunId::generate(), "kubernetes::operator");
        let namespace = Some(block_on(OwnNamespace::create(&cluster, &labels)).unwrap());
        Self { cluster, namespace }
    }

    pub(crate) fn name(&self) -> &str {
        self.namespace.as_ref().unwrap().name()
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        self.namespace.as_ref().unwrap().api()
    }

    /// Applies an object, whatever its own namespace.
    pub(crate) async fn apply<K>(&self, object: &K) -> kube::Result<K>
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + Serialize + DeserializeOwned + std::fmt::Debug,
        K::DynamicType: Default,
    {
        let mut object = object.clone();
        object.meta_mut().namespace = Some(self.name().to_owned());
        self.api::<K>().patch(&object.name_any(), &strict(), &Patch::Apply(&object)).await
    }

    /// Applies a performer as a user wrote it, not as our types have it.
    pub(crate) async fn apply_performer(&self, written: &Value) -> kube::Result<Performer> {
        let name = written["metadata"]["name"].as_str().unwrap();
        self.api::<Performer>().patch(name, &strict(), &Patch::Apply(written)).await
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        block_on(self.namespace.take().unwrap().remove(WITHIN)).unwrap();
    }
}

/// A file of `operator/examples`.
pub(crate) fn example(name: &str) -> Value {
    let text = match name {
        "small" => include_str!("../../../operator/examples/small.yaml"),
        "full" => include_str!("../../../operator/examples/full.yaml"),
        _ => panic!("no example {name}"),
    };
    serde_yaml::from_str(text).unwrap()
}
