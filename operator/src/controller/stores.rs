//! The objects of the cluster that concern Performers. Watches keep them current, so that reading costs no request.

use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::Deployment,
        core::v1::{ConfigMap, Pod, Secret, Service},
    },
};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    core::PartialObjectMeta,
    runtime::reflector::{ObjectRef, Store, store::WriterDropped},
};
use std::sync::Arc;

use crate::{
    api::{PERFORMER_LABEL, Performer},
    desired::Reference,
};

/// The namespaces that a controller watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Scope {
    /// All of them.
    All,
    /// This one.
    Namespace(String),
}

impl Scope {
    /// Objects of a kind in this scope.
    pub(super) fn api<K>(&self, client: &Client) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>,
    {
        match self {
            Self::All => Api::all(client.clone()),
            Self::Namespace(namespace) => Api::namespaced(client.clone(), namespace),
        }
    }

    /// The display name of the watch of `plural`.
    pub(super) fn watch(&self, plural: &str) -> String {
        match self {
            Self::All => plural.to_owned(),
            Self::Namespace(namespace) => format!("{plural} in {namespace}"),
        }
    }
}

/// One store for each kind. The stores of secrets and config maps hold only metadata.
pub(super) struct Stores {
    pub(super) performers: Store<Performer>,
    pub(super) deployments: Store<Deployment>,
    pub(super) services: Store<Service>,
    pub(super) pods: Store<Pod>,
    pub(super) secrets: Store<PartialObjectMeta<Secret>>,
    pub(super) config_maps: Store<PartialObjectMeta<ConfigMap>>,
}

impl Stores {
    /// Waits until all stores are full for the first time.
    pub(super) async fn synced(&self) -> Result<(), WriterDropped> {
        self.performers.wait_until_ready().await?;
        self.deployments.wait_until_ready().await?;
        self.services.wait_until_ready().await?;
        self.pods.wait_until_ready().await?;
        self.secrets.wait_until_ready().await?;
        self.config_maps.wait_until_ready().await
    }

    /// The Deployment with the name that `performer` gives it.
    pub(super) fn deployment(&self, performer: &Performer) -> Option<Arc<Deployment>> {
        self.deployments.get(&named(performer))
    }

    /// The Service with the name that `performer` gives it.
    pub(super) fn service(&self, performer: &Performer) -> Option<Arc<Service>> {
        self.services.get(&named(performer))
    }

    /// All pods of `performer`, including those that are being deleted.
    pub(super) fn pods(&self, performer: &Performer) -> Vec<Arc<Pod>> {
        let (name, namespace) = (performer.name_any(), performer.namespace());
        self.pods.state_filter(|pod| pod.namespace() == namespace && pod.labels().get(PERFORMER_LABEL) == Some(&name))
    }

    /// The resource version of a secret or config map in `namespace`.
    pub(super) fn version(&self, reference: &Reference, namespace: &str) -> Option<String> {
        match reference {
            Reference::Secret(name) => self.secrets.get(&ObjectRef::new(name).within(namespace))?.resource_version(),
            Reference::ConfigMap(name) => {
                self.config_maps.get(&ObjectRef::new(name).within(namespace))?.resource_version()
            }
        }
    }
}

fn named<K: Resource<DynamicType = ()>>(performer: &Performer) -> ObjectRef<K> {
    ObjectRef::new(&performer.object_name()).within(&performer.namespace().unwrap_or_default())
}
