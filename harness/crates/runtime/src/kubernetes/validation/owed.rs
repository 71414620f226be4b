//! The objects that a trial must have: a pod of every component, and a Performer for every operator and AVS.
//!
//! The label of the harness on a Performer names its executor; if there is one executor, all belong to it. A user's
//! executor need not set the label: with several operators, its Performers of the AVS are counted.

use hourglass_operator::api::Performer;
use hourglass_scenario::ComponentRef;
use kube::ResourceExt as _;

use super::{Excuse, OWED, RUNNING, Snapshot, violation};
use crate::{ExecutorSpec, InvariantViolation, kubernetes::names::Names};

/// The operators of a trial, and their AVS.
#[derive(Debug, Clone, Default)]
pub(in crate::kubernetes) struct Owed {
    pub(super) operators: Vec<String>,
    /// The address of the AVS, in lowercase.
    pub(super) avs: String,
    /// Whether the executors are the user's own.
    pub(super) replaced: bool,
}

impl Owed {
    /// The objects that these executors must have.
    pub(in crate::kubernetes) fn by(specs: &[ExecutorSpec]) -> Self {
        Self {
            operators: specs.iter().map(|spec| spec.name.clone()).collect(),
            // All executors of a trial work for one AVS.
            avs: specs.first().map(|spec| format!("{:?}", spec.avs)).unwrap_or_default(),
            replaced: specs.first().is_some_and(|spec| spec.executor.image.is_some()),
        }
    }

    /// The components without a pod, and the operators without a Performer.
    pub(super) fn missing(
        &self,
        names: &Names,
        snapshot: &Snapshot,
        excuse: impl Fn(&ComponentRef) -> Excuse,
    ) -> Vec<InvariantViolation> {
        let mut broken = Vec::new();
        let executors = self.operators.iter().map(|operator| ComponentRef::Executor(operator.clone()));
        let there: Vec<_> =
            snapshot.pods.iter().filter_map(|pod| names.component_among(pod, &snapshot.performers)).collect();
        for component in [ComponentRef::Aggregator].into_iter().chain(executors) {
            if !there.contains(&component) && excuse(&component) == Excuse::None {
                broken.push(violation(RUNNING, format!("a pod of {component}"), "there is none"));
            }
        }
        let mut unclaimed = snapshot.performers.iter().filter(|performer| self.is_unclaimed(performer, names));
        for operator in &self.operators {
            let component = ComponentRef::Performer(operator.clone());
            let mut own = snapshot.performers.iter().filter(|performer| names.owner_of(performer) == component);
            let has_one = own.any(|performer| self.is_of_the_avs(performer)) || unclaimed.next().is_some();
            if !has_one && excuse(&component) == Excuse::None {
                broken.push(violation(
                    OWED,
                    format!("a Performer of AVS {} for {operator}", self.avs),
                    self.seen(snapshot),
                ));
            }
        }
        broken
    }

    fn is_of_the_avs(&self, performer: &Performer) -> bool {
        performer.metadata.deletion_timestamp.is_none() && performer.spec.avs_address.eq_ignore_ascii_case(&self.avs)
    }

    /// Whether nothing says which operator a Performer of the AVS belongs to.
    fn is_unclaimed(&self, performer: &Performer, names: &Names) -> bool {
        let owner = names.owner_of(performer);
        let known = owner.operator().is_some_and(|owner| self.operators.iter().any(|operator| operator == owner));
        self.replaced && !known && self.is_of_the_avs(performer)
    }

    fn seen(&self, snapshot: &Snapshot) -> String {
        let leaving = |performer: &Performer| {
            if performer.metadata.deletion_timestamp.is_some() { ", being deleted" } else { "" }
        };
        let all = snapshot.performers.iter();
        let all: Vec<_> = all
            .map(|performer| {
                format!("{} of AVS {}{}", performer.name_any(), performer.spec.avs_address, leaving(performer))
            })
            .collect();
        let seen = if all.is_empty() { "there is none".to_owned() } else { format!("there are {}", all.join(", ")) };
        if self.replaced {
            format!(
                "{seen}; the executor is the scenario's own, and a performer that is no Performer cannot be checked"
            )
        } else {
            seen
        }
    }
}
