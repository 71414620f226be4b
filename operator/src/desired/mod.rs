//! What a `Performer` needs in the cluster: one Deployment and one Service, as pure functions of the object.
//!
//! What may live here: the objects, complete, but only with the fields that the operator owns, so that they are applied
//! server-side as they are. Nothing here talks to a cluster or reads a clock.

mod container;
mod deployment;
mod files;
mod labels;
mod node;
mod pod;
mod references;
mod security;
mod service;
#[cfg(test)]
mod tests;

pub use deployment::deployment;
pub use references::{Reference, References, references};
pub use service::service;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::{Resource as _, ResourceExt as _};

use crate::api::Performer;

/// Name, labels and owner of everything that belongs to `performer`.
fn metadata(performer: &Performer) -> ObjectMeta {
    ObjectMeta {
        name: Some(performer.object_name()),
        namespace: performer.namespace(),
        labels: Some(labels::of(performer)),
        owner_references: performer.controller_owner_ref(&()).map(|owner| vec![owner]),
        ..ObjectMeta::default()
    }
}

/// `None` for an empty collection: an empty list or map would be a field that the operator owns.
fn unless_empty<T: Default + PartialEq>(collection: T) -> Option<T> {
    (collection != T::default()).then_some(collection)
}

/// `None` for an empty name, which stands for no name wherever users write one.
fn named(name: Option<&str>) -> Option<String> {
    name.filter(|name| !name.is_empty()).map(str::to_owned)
}
