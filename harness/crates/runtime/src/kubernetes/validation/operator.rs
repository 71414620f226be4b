//! The operator and its definition of Performer.

use k8s_openapi::{
    api::apps::v1::Deployment, apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};

use super::{ESTABLISHED, OPERATOR, violation};
use crate::{Invariant, InvariantViolation};

pub(super) fn definition(found: Option<&CustomResourceDefinition>) -> Option<InvariantViolation> {
    let Some(found) = found else { return Some(violation(ESTABLISHED, "it is there", "it is not")) };
    let conditions = found.status.iter().flat_map(|status| status.conditions.iter().flatten());
    has(ESTABLISHED, "Established", conditions.map(|condition| (&*condition.type_, &*condition.status)))
}

pub(super) fn deployment(found: Option<&Deployment>) -> Option<InvariantViolation> {
    let Some(found) = found else { return Some(violation(OPERATOR, "its Deployment is there", "it is not")) };
    let conditions = found.status.iter().flat_map(|status| status.conditions.iter().flatten());
    has(OPERATOR, "Available", conditions.map(|condition| (&*condition.type_, &*condition.status)))
}

/// A violation, unless a condition of this type, among these pairs of type and status, is `True`.
fn has<'a>(
    invariant: Invariant,
    wanted: &str,
    mut conditions: impl Iterator<Item = (&'a str, &'a str)>,
) -> Option<InvariantViolation> {
    let status = conditions.find(|(kind, _)| *kind == wanted).map_or("Unknown", |(_, status)| status);
    (status != "True").then(|| violation(invariant, format!("{wanted} True"), format!("{wanted} {status}")))
}
