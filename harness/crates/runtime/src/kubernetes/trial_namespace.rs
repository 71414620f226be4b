//! The location of a trial: a cluster, and a namespace of the trial's own.

use std::fmt::Debug;

use hourglass_cluster::{Cluster, ClusterError};
use kube::{
    Api, Resource,
    api::{Patch, PatchParams},
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::RuntimeError;

/// The owner of the fields that the harness sets.
const FIELD_MANAGER: &str = "hourglass-harness";
/// The label of the harness's own objects in a trial's namespace; its value says which, as `aggregator`.
pub(super) const PART_LABEL: &str = "hourglass-harness/part";
/// The label of Performers: the pod of their executor.
pub(super) const EXECUTOR_LABEL: &str = "hourglass-harness/executor";

/// See the module.
#[derive(Debug, Clone)]
pub(super) struct TrialNamespace {
    /// The cluster.
    pub cluster: Cluster,
    /// The trial's namespace.
    pub namespace: String,
}

impl TrialNamespace {
    /// The API for objects of one kind in the trial's namespace.
    pub(super) fn api<K>(&self) -> Api<K>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.client.clone(), &self.namespace)
    }

    /// For `map_err` on calls of the API server.
    pub(super) fn fail(&self, doing: impl Into<String>) -> impl FnOnce(kube::Error) -> RuntimeError {
        let fail = ClusterError::api(&self.cluster.name, doing);
        move |error| fail(error).into()
    }

    /// Applies an object in the trial's namespace.
    pub(super) async fn apply<K>(&self, object: &Value) -> Result<(), RuntimeError>
    where
        K: Resource<Scope = k8s_openapi::NamespaceResourceScope> + Clone + Debug + DeserializeOwned,
        K::DynamicType: Default,
    {
        let kind = K::kind(&K::DynamicType::default()).into_owned();
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let parameters = PatchParams::apply(FIELD_MANAGER).force();
        let mut object = object.clone();
        // Server-side apply needs both in the object as well.
        object["apiVersion"] = K::api_version(&K::DynamicType::default()).into_owned().into();
        object["kind"] = kind.clone().into();
        let applied = self.api::<K>().patch(name, &parameters, &Patch::Apply(&object)).await;
        applied.map_err(self.fail(format!("apply {kind} {}/{name}", self.namespace)))?;
        tracing::debug!(kind, namespace = self.namespace, name, "object applied");
        Ok(())
    }
}
