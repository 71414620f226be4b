//! The operator and its definition of Performer.

use k8s_openapi::{
    api::apps::v1::Deployment, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};

use super::{ESTABLISHED, OPERATOR, promise};
use crate::runtime::BrokenPromise;

pub(super) fn definition(found: Option<&CustomResourceDefinition>) -> Option<BrokenPromise> {
    let Some(found) = found else { return Some(promise(ESTABLISHED, "it is there", "it is not")) };
    let conditions = found.status.as_ref().and_then(|status| status.conditions.as_ref());
    let established = conditions.into_iter().flatten().find(|condition| condition.type_ == "Established");
    let status = established.map_or("Unknown", |condition| condition.status.as_str());
    (status != "True").then(|| promise(ESTABLISHED, "Established True", format!("Established {status}")))
}

pub(super) fn deployment(found: Option<&Deployment>) -> Option<BrokenPromise> {
    let Some(found) = found else { return Some(promise(OPERATOR, "its Deployment is there", "it is not")) };
    let conditions = found.status.as_ref().and_then(|status| status.conditions.as_ref());
    let available = conditions.into_iter().flatten().find(|condition| condition.type_ == "Available");
    let status = available.map_or("Unknown", |condition| condition.status.as_str());
    (status != "True").then(|| promise(OPERATOR, "Available True", format!("Available {status}")))
}
