//! The invariants of a trial in a cluster, checked while the trial still runs: the definition of Performer, the
//! operator, and for every operator and AVS of the scenario its Performer, pod, Service, endpoints, and name that
//! answers from inside.
//!
//! [`snapshot`] lists the objects, [`owed`] says which must exist, [`performer`], [`pod`] and [`service`] judge one
//! object each as pure functions, and [`answers`] asks performers from a pod. A component that had a fault of the
//! scenario is exempt. A check that cannot be made is a violated invariant, with the reason.

mod answers;
mod observer;
mod operator;
mod owed;
mod performer;
mod pod;
mod service;
mod snapshot;
#[cfg(test)]
mod tests;

use std::sync::{PoisonError, atomic::Ordering};

use hourglass_operator::api::Performer;
use hourglass_scenario::ComponentRef;
use kube::ResourceExt as _;
pub(super) use owed::Owed;
use snapshot::Snapshot;

use super::{KubernetesRuntime, names::Names};
use crate::{Invariant, InvariantViolation, RuntimeError};

const ESTABLISHED: Invariant = Invariant {
    name: "the definition of Performer is established",
    meaning: "The cluster has the definition of Performer, and its condition Established is True; not checked for users who may not look at it.",
};
const OPERATOR: Invariant = Invariant {
    name: "the operator is available",
    meaning: "The operator's Deployment is there, and its condition Available is True, unless a step has touched the operator; not checked for users who may not look at it.",
};
const OWED: Invariant = Invariant {
    name: "every operator has a Performer",
    meaning: "Each operator of the scenario has a Performer object for its AVS.",
};
const RUNNING: Invariant =
    Invariant { name: "every component has a pod", meaning: "The aggregator and every executor have a pod." };
const PERFORMER: Invariant = Invariant {
    name: "Performers are ready",
    meaning: "The status of every Performer is about its present spec and says: phase Running, ready, Available, not Degraded, and the endpoint of its own Service.",
};
const ONE_POD: Invariant = Invariant {
    name: "every Performer has one pod",
    meaning: "Each Performer has exactly one pod that is not ending.",
};
const LABELS: Invariant = Invariant {
    name: "pods of Performers have their labels",
    meaning: "The labels by which Services and policies find pods are on each pod.",
};
const POD: Invariant = Invariant {
    name: "pods are ready and were not restarted",
    meaning: "Every pod of the trial is ready, and none of its containers was restarted.",
};
const SERVICE: Invariant = Invariant {
    name: "Services lead to the pods of their Performers",
    meaning: "Each Performer has a Service with its port, its pod as selector, and a ready endpoint.",
};
const ANSWER: Invariant = Invariant {
    name: "performers answer under their names from inside the cluster",
    meaning: "A pod of the trial resolves the name of each Performer's Service and gets SERVING from its health service.",
};

/// All of them. Objects that a fault of the scenario has touched are exempt from those that are about objects.
pub(super) static INVARIANTS: [Invariant; 10] =
    [ESTABLISHED, OPERATOR, OWED, RUNNING, PERFORMER, ONE_POD, LABELS, POD, SERVICE, ANSWER];

impl KubernetesRuntime {
    /// All invariants that are violated.
    pub(super) async fn validate(&self) -> Result<Vec<InvariantViolation>, RuntimeError> {
        let mut snapshot = self.look().await?;
        snapshot.leave_out(|performer| self.ends.is_replaced(&self.names.owner_of(performer), &performer.name_any()));
        let mut broken = Vec::new();
        if !snapshot.operator_is_hidden {
            broken.extend(operator::definition(snapshot.definition.as_ref()));
        }
        if !snapshot.operator_is_hidden && !self.cluster_fault_injected.load(Ordering::Relaxed) {
            broken.extend(operator::deployment(snapshot.operator.as_ref()));
        }
        // A trial whose executors were never started has failed before this check.
        let none = Owed::default();
        let owed = self.owed.get().unwrap_or(&none);
        let Judged { broken: found, sound } = judge(owed, &self.names, &snapshot, |component| self.excuse(component));
        broken.extend(found);
        broken.extend(self.answers(&sound, &snapshot).await?);
        Ok(broken)
    }

    /// On the nodes of an existing cluster, a killed executor gets a signal first, and removes its performers.
    fn excuse(&self, component: &ComponentRef) -> Excuse {
        let executor = component.operator().map(|operator| ComponentRef::Executor(operator.to_owned()));
        let of_executor = executor.is_some_and(|executor| self.is_faulted(&executor));
        if self.is_faulted(component) || (of_executor && self.trial_namespace.cluster.machine.is_none()) {
            Excuse::All
        } else if of_executor || self.ends.is_removed(component) {
            Excuse::Absence
        } else {
            Excuse::None
        }
    }

    fn is_faulted(&self, component: &ComponentRef) -> bool {
        self.faulted.lock().unwrap_or_else(PoisonError::into_inner).contains(component)
    }
}

/// What a component is exempt from, because of the faults that the scenario injected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Excuse {
    /// Its invariants must hold.
    None,
    /// It may be missing: its executor was told to end, and creates it again, or a step has removed it.
    Absence,
    /// It may be in any state.
    All,
}

/// The objects of a trial.
#[derive(Debug)]
struct Judged<'a> {
    broken: Vec<InvariantViolation>,
    /// The Performers without violations, which must answer.
    sound: Vec<&'a Performer>,
}

/// Judges objects. A violation that only follows from another is left out: a Service whose pod is not ready has no
/// ready endpoint, and a name without a Service does not answer.
fn judge<'a>(
    owed: &Owed,
    names: &Names,
    snapshot: &'a Snapshot,
    excuse: impl Fn(&ComponentRef) -> Excuse,
) -> Judged<'a> {
    let mut broken = owed.missing(names, snapshot, &excuse);
    let mut sound = Vec::new();
    for performer in &snapshot.performers {
        if excuse(&names.owner_of(performer)) == Excuse::All {
            continue;
        }
        let own = pod::of_performer(performer, &snapshot.pods);
        let mut found: Vec<_> = performer::status(performer).into_iter().collect();
        found.extend(pod::violations(performer, &own, &snapshot.pods));
        // The readiness of its pods is judged below, with that of all others.
        found.extend(service::violations(performer, &own, snapshot));
        if found.is_empty() && own.iter().all(|pod| pod::state(pod).is_none()) {
            sound.push(performer);
        }
        broken.extend(found);
    }
    for pod in &snapshot.pods {
        let component = names.component_among(pod, &snapshot.performers);
        if component.is_none_or(|component| excuse(&component) != Excuse::All) {
            broken.extend(pod::state(pod));
        }
    }
    Judged { broken, sound }
}

fn violation(invariant: Invariant, expected: impl Into<String>, seen: impl Into<String>) -> InvariantViolation {
    InvariantViolation { invariant, expected: expected.into(), seen: seen.into() }
}
