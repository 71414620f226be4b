//! The status of a Performer, as its operator must report it.

use hourglass_operator::api::{AVAILABLE, DEGRADED, Performer, PerformerPhase};
use kube::ResourceExt as _;

use super::{PERFORMER, violation};
use crate::InvariantViolation;

pub(super) fn status(performer: &Performer) -> Option<InvariantViolation> {
    let name = performer.name_any();
    let expected = "phase Running, ready, Available and not Degraded, all about the present spec";
    let Some(status) = &performer.status else {
        return Some(violation(PERFORMER, expected, format!("{name} has no status")));
    };
    let condition = |kind: &str| status.conditions.iter().find(|condition| condition.type_ == kind);
    let is = |kind: &str, value: &str| condition(kind).is_some_and(|condition| condition.status == value);
    let mut wrong = Vec::new();
    if status.phase != PerformerPhase::Running || !status.ready {
        wrong.push(format!("phase {:?}, ready {}", status.phase, status.ready));
    }
    if !is(AVAILABLE, "True") || !is(DEGRADED, "False") {
        let said = status.conditions.iter().map(|it| format!("{} {} ({})", it.type_, it.status, it.reason));
        wrong.push(format!("conditions {}", said.collect::<Vec<_>>().join(", ")));
    }
    if status.observed_generation != performer.metadata.generation {
        let (seen, is) = (status.observed_generation, performer.metadata.generation);
        wrong.push(format!("its status is about generation {seen:?} of {is:?}"));
    }
    if !status.grpc_endpoint.as_deref().is_some_and(|endpoint| is_its_own(endpoint, performer)) {
        wrong.push(format!("grpcEndpoint {:?}", status.grpc_endpoint));
    }
    (!wrong.is_empty()).then(|| violation(PERFORMER, expected, format!("{name}: {}", wrong.join("; "))))
}

/// Whether this is the name of its Service, in any domain of a cluster, and its port.
fn is_its_own(endpoint: &str, performer: &Performer) -> bool {
    let service = format!("{}.{}.svc", performer.object_name(), performer.namespace().unwrap_or_default());
    endpoint.rsplit_once(':').is_some_and(|(host, port)| {
        let domain = host.strip_prefix(&service);
        domain.is_some_and(|domain| domain.is_empty() || domain.starts_with('.'))
            && port.parse() == Ok(performer.grpc_port())
    })
}
