//! Server-side apply of what a Performer needs, unless the cluster has it already.

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Mutex, PoisonError},
};

use k8s_openapi::NamespaceResourceScope;
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{Patch, PatchParams},
    runtime::reflector::ObjectRef,
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    MANAGER,
    covers::covers,
    error::{ReconcileError, ask},
};
use crate::api::Performer;

/// Annotation that holds a digest of what was applied: a field that is no longer wanted leaves no other trace.
const APPLIED: &str = "hourglass.eigenlayer.io/applied";

/// The result of applying an object.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Application<K> {
    /// The object was as it should be.
    Unchanged(K),
    /// The object was created.
    Created(K),
    /// The object was changed.
    Changed(K),
    /// An object with the same name belongs to a Performer that is being removed; the caller waits for its end.
    Predecessor,
}

impl<K> Application<K> {
    /// The object as the API server has it.
    pub(super) fn object(&self) -> Option<&K> {
        match self {
            Self::Unchanged(object) | Self::Created(object) | Self::Changed(object) => Some(object),
            Self::Predecessor => None,
        }
    }
}

/// What the API server answered when objects were last applied.
#[derive(Default)]
pub(super) struct Applications(Mutex<HashMap<(&'static str, ObjectRef<Performer>), Answer>>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Answer {
    version: Version,
    /// Whether the object has looked like what was applied. It never does if the API server writes a value differently,
    /// for example `1000m` as `1`.
    alike: bool,
}

/// Changes when somebody changes the object's content, but not when only its status changes.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Version {
    uid: Option<String>,
    number: Option<String>,
}

impl Applications {
    /// Forgets `performer`, which is gone.
    pub(super) fn forget(&self, performer: &ObjectRef<Performer>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).retain(|(_, applied), _| applied != performer);
    }

    /// Applies `desired` unless `current`, the object in the store, already matches it.
    pub(super) async fn apply<K>(
        &self,
        client: &Client,
        performer: &Performer,
        kind: &'static str,
        current: Option<&K>,
        mut desired: K,
    ) -> Result<Application<K>, ReconcileError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope> + Clone + Serialize + DeserializeOwned + Debug,
    {
        if current.is_some_and(|current| belongs_to_another(current, performer)) {
            return Ok(Application::Predecessor);
        }
        let digest = digest(&desired);
        desired.annotations_mut().insert(APPLIED.to_owned(), digest.clone());
        let wanted = json(&desired);
        let key = (kind, ObjectRef::from_obj(performer));
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&key).cloned();
        if let Some(current) = current {
            let applied = current.annotations().get(APPLIED) == Some(&digest);
            let as_alike_as_can_be = known.as_ref() == Some(&Answer { version: version(current), alike: false });
            if applied && (as_alike_as_can_be || covers(&json(current), &wanted)) {
                return Ok(Application::Unchanged(current.clone()));
            }
        }
        let name = performer.object_name();
        let api = Api::<K>::namespaced(client.clone(), &performer.namespace().unwrap_or_default());
        let params = PatchParams::apply(MANAGER).force();
        let patch = Patch::Apply(&desired);
        let applying = api.patch(&name, &params, &patch);
        let answer = ask(performer, format!("apply {kind} {name}"), applying).await?;
        let now = Answer { version: version(&answer), alike: covers(&json(&answer), &wanted) };
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(key, now.clone());
        // The store may not yet have an object that was created or changed a moment ago.
        let (known, current) = (known.map(|known| known.version), current.map(version));
        Ok(if known.as_ref() == Some(&now.version) || current.as_ref() == Some(&now.version) {
            Application::Unchanged(answer)
        } else if [known, current].iter().flatten().any(|earlier| earlier.uid == now.version.uid) {
            Application::Changed(answer)
        } else {
            Application::Created(answer)
        })
    }
}

fn belongs_to_another<K: Resource>(object: &K, performer: &Performer) -> bool {
    let owners = object.owner_references().iter().filter(|owner| owner.controller == Some(true));
    owners.into_iter().any(|owner| owner.kind == crate::api::KIND && Some(&owner.uid) != performer.uid().as_ref())
}

fn version<K: Resource>(object: &K) -> Version {
    let metadata = object.meta();
    let generation = metadata.generation.map(|generation| generation.to_string());
    Version { uid: metadata.uid.clone(), number: generation.or_else(|| metadata.resource_version.clone()) }
}

/// A value that cannot be written as JSON matches nothing, and is applied.
fn json<K: Serialize>(object: &K) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

fn digest<K: Serialize>(object: &K) -> String {
    let digest = format!("{:x}", Sha256::digest(json(object).to_string()));
    digest.chars().take(16).collect()
}
