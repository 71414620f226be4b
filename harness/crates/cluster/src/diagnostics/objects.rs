//! Objects as YAML, without secrets.

use futures::future::join_all;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{
    Api, Client, ResourceExt as _,
    api::{ApiResource, DynamicObject, GroupVersionKind, ListParams},
};
use serde_json::Value;
use tokio::time::Instant;

use super::{evidence::Evidence, redact::redact};

/// How many objects of one kind are read.
const MOST: u32 = 500;
/// How many kinds of custom resources are read.
const MOST_CUSTOM: usize = 50;

/// Kinds of objects in namespaces that are not looked at: group, version, kind and plural.
const NAMESPACED: [(&str, &str, &str, &str); 12] = [
    ("", "v1", "ConfigMap", "configmaps"),
    ("", "v1", "Endpoints", "endpoints"),
    ("", "v1", "Secret", "secrets"),
    ("", "v1", "Service", "services"),
    ("", "v1", "ServiceAccount", "serviceaccounts"),
    ("apps", "v1", "DaemonSet", "daemonsets"),
    ("apps", "v1", "ReplicaSet", "replicasets"),
    ("apps", "v1", "StatefulSet", "statefulsets"),
    ("batch", "v1", "Job", "jobs"),
    ("coordination.k8s.io", "v1", "Lease", "leases"),
    ("discovery.k8s.io", "v1", "EndpointSlice", "endpointslices"),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets"),
];
const CLUSTER_WIDE: [(&str, &str, &str, &str); 3] = [
    ("", "v1", "Namespace", "namespaces"),
    ("", "v1", "PersistentVolume", "persistentvolumes"),
    ("storage.k8s.io", "v1", "StorageClass", "storageclasses"),
];

/// Reads objects of one cluster.
#[derive(Clone, Copy)]
pub(super) struct Objects<'a> {
    pub(super) client: &'a Client,
    /// All namespaces if this is empty.
    pub(super) namespaces: &'a [String],
    pub(super) evidence: &'a Evidence,
    pub(super) end: Instant,
}

impl Objects<'_> {
    /// Collects the objects of the kinds that need no further request.
    pub(super) async fn collect(&self) {
        let resource = |(group, version, kind, plural)| {
            ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk(group, version, kind), plural)
        };
        let namespaced = NAMESPACED.into_iter().map(resource);
        let cluster_wide = CLUSTER_WIDE.into_iter().map(resource);
        let namespaced = join_all(namespaced.map(|resource| async move { self.namespaced(&resource).await }));
        let cluster_wide = join_all(cluster_wide.map(|resource| async move { self.cluster_wide(&resource).await }));
        tokio::join!(namespaced, cluster_wide, self.custom());
    }

    /// Collects the objects of a kind in namespaces, and returns them.
    pub(super) async fn namespaced(&self, resource: &ApiResource) -> Vec<DynamicObject> {
        if self.namespaces.is_empty() {
            return self.cluster_wide(resource).await;
        }
        let lists = self.namespaces.iter().map(|namespace| async move {
            let api = Api::<DynamicObject>::namespaced_with(self.client.clone(), namespace, resource);
            self.list(api, resource, &format!("{} of namespace {namespace}", resource.plural)).await
        });
        join_all(lists).await.into_iter().flatten().collect()
    }

    /// Collects all objects of a kind, and returns them.
    pub(super) async fn cluster_wide(&self, resource: &ApiResource) -> Vec<DynamicObject> {
        let api = Api::<DynamicObject>::all_with(self.client.clone(), resource);
        self.list(api, resource, &resource.plural).await
    }

    async fn list(&self, api: Api<DynamicObject>, resource: &ApiResource, what: &str) -> Vec<DynamicObject> {
        let page = ListParams::default().limit(MOST);
        let Some(list) = self.evidence.part(what, self.end, api.list(&page)).await else { return Vec::new() };
        if list.metadata.continue_.is_some_and(|token| !token.is_empty()) {
            self.evidence.gap(format_args!("{what}: only the first {MOST} are read"));
        }
        for object in &list.items {
            self.keep(resource, object);
        }
        list.items
    }

    fn keep(&self, resource: &ApiResource, object: &DynamicObject) {
        // The entries of a list lack their kind and version. Objects came as JSON, so they can always be serialized.
        let mut value = serde_json::to_value(object).unwrap_or_default();
        if let Value::Object(fields) = &mut value {
            fields.shift_insert(0, "apiVersion".to_owned(), resource.api_version.clone().into());
            fields.shift_insert(1, "kind".to_owned(), resource.kind.clone().into());
        }
        redact(&mut value);
        let text = serde_yaml::to_string(&value).unwrap_or_default();
        let kind = match resource.group.as_str() {
            group if group.contains('.') && !group.ends_with(".k8s.io") => format!("{}.{group}", resource.plural),
            _ => resource.plural.clone(),
        };
        let name = object.name_any();
        let path = match object.namespace() {
            Some(namespace) => format!("namespaces/{namespace}/{kind}/{name}.yaml"),
            None => format!("cluster/{kind}/{name}.yaml"),
        };
        self.evidence.keep_object(path, &text);
    }

    /// Custom resources of all kinds.
    async fn custom(&self) {
        let definitions = Api::<CustomResourceDefinition>::all(self.client.clone());
        let page = ListParams::default().limit(MOST);
        let what = "definitions of custom resources";
        let Some(list) = self.evidence.part(what, self.end, definitions.list(&page)).await else { return };
        if list.items.len() > MOST_CUSTOM {
            self.evidence
                .gap(format_args!("custom resources: only {MOST_CUSTOM} of {} kinds are read", list.items.len()));
        }
        join_all(list.items.into_iter().take(MOST_CUSTOM).map(|definition| async move {
            let spec = definition.spec;
            let Some(version) = spec.versions.iter().find(|version| version.storage) else { return };
            let kind = GroupVersionKind::gvk(&spec.group, &version.name, &spec.names.kind);
            let resource = ApiResource::from_gvk_with_plural(&kind, &spec.names.plural);
            if spec.scope == "Namespaced" {
                self.namespaced(&resource).await;
            } else {
                self.cluster_wide(&resource).await;
            }
        }))
        .await;
    }
}
