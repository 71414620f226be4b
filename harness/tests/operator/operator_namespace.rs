//! Shared parts of the operator's tests: a cluster with the definition of `Performer` established, and a namespace for
//! each test.

use std::{ops::Deref, time::Duration};

use hourglass_harness::cluster::{Cluster, ClusterSpec};
use hourglass_operator::{api::Performer, crd::crd};
pub(crate) use hourglass_test_support::block_on;
use hourglass_test_support::{OwnCluster, Shared, TestNamespace};
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
use tokio::time::timeout;

/// How long anything in the cluster may take.
pub(crate) const WITHIN: Duration = Duration::from_mins(1);

static SHARED: Shared<OwnCluster> = Shared::new();

/// The cluster of all tests in this process: one node, with the definition of `Performer`. It is not a warm cluster of
/// trials: those have a definition that came with a release, and an operator that watches every namespace.
pub(crate) fn shared() -> Cluster {
    let own = SHARED.lock(|| {
        let own = OwnCluster::create(&ClusterSpec::default());
        block_on(establish(&own));
        own
    });
    Cluster::clone(&own)
}

/// Removes what the tests shared.
pub(crate) fn tear_down() {
    SHARED.tear_down();
}

/// Applies the definition of `Performer` and waits until it is served.
async fn establish(cluster: &Cluster) {
    let definitions = Api::<CustomResourceDefinition>::all(cluster.client.clone());
    let crd = crd();
    let name = crd.name_any();
    definitions.patch(&name, &strict(), &Patch::Apply(&crd)).await.unwrap();
    timeout(WITHIN, await_condition(definitions, &name, is_crd_established())).await.unwrap().unwrap();
}

/// Applies as the operator does, and fails for fields that the API server does not know.
pub(crate) fn strict() -> PatchParams {
    PatchParams { field_validation: Some(ValidationDirective::Strict), ..PatchParams::apply("operator-tests").force() }
}

/// A namespace in the shared cluster, and methods to apply objects there.
pub(crate) struct OperatorNamespace(TestNamespace);

impl OperatorNamespace {
    pub(crate) fn new() -> Self {
        Self(TestNamespace::create(&shared(), "kubernetes::operator"))
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

    /// Applies a performer as a user wrote it, not as the API types write it.
    pub(crate) async fn apply_performer(&self, written: &Value) -> kube::Result<Performer> {
        let name = written["metadata"]["name"].as_str().unwrap();
        self.api::<Performer>().patch(name, &strict(), &Patch::Apply(written)).await
    }
}

impl Deref for OperatorNamespace {
    type Target = TestNamespace;

    fn deref(&self) -> &TestNamespace {
        &self.0
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
