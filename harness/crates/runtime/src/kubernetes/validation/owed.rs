//! The objects that a trial must have: a pod of every component, and a Performer for every operator and AVS.
//!
//! The label of the harness on a Performer names its executor; if there is one executor, all belong to it. A user's
//! executor need not set the label: with several operators, its Performers of the AVS are counted.

use hourglass_component::keys::Address;
use hourglass_operator::api::Performer;
use hourglass_scenario::ComponentRef;
use kube::ResourceExt as _;

use super::{Excuse, OWED, RUNNING, Snapshot, violation};
use crate::{
    ExecutorSpec, InvariantViolation,
    kubernetes::names::{NamedExecutor, Names},
    performers::ConfiguredPerformer,
};

/// The executors of a trial, with the performers that they are configured with.
#[derive(Debug, Clone, Default)]
pub(in crate::kubernetes) struct Owed {
    pub(super) executors: Vec<NamedExecutor>,
    /// Whether the executors are the user's own.
    pub(super) replaced: bool,
}

impl Owed {
    /// The objects that these executors must have.
    pub(in crate::kubernetes) fn by(specs: &[ExecutorSpec]) -> Self {
        Self {
            executors: specs.iter().map(NamedExecutor::of).collect(),
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
        let executors = self.executors.iter().map(|executor| ComponentRef::Executor(executor.operator.clone()));
        let there: Vec<_> =
            snapshot.pods.iter().filter_map(|pod| names.component_among(pod, &snapshot.performers)).collect();
        for component in [ComponentRef::Aggregator].into_iter().chain(executors) {
            if !there.contains(&component) && excuse(&component) == Excuse::None {
                broken.push(violation(RUNNING, format!("a pod of {component}"), "there is none"));
            }
        }
        let unclaimed = snapshot.performers.iter().filter(|performer| self.is_unclaimed(performer, names));
        let mut unclaimed: Vec<_> = unclaimed.collect();
        for executor in &self.executors {
            let operator = &executor.operator;
            for ConfiguredPerformer { component, avs } in &executor.performers {
                let mut own = snapshot.performers.iter().filter(|performer| names.owner_of(performer) == *component);
                let mut has_one = own.any(|performer| is_of_the_avs(performer, *avs));
                if !has_one && let Some(index) = unclaimed.iter().position(|one| is_of_the_avs(one, *avs)) {
                    unclaimed.remove(index);
                    has_one = true;
                }
                if !has_one && excuse(component) == Excuse::None {
                    let expected = format!("a Performer of AVS {avs:?} for {operator}");
                    broken.push(violation(OWED, expected, self.seen(snapshot)));
                }
            }
        }
        broken
    }

    /// Whether nothing says which operator a Performer belongs to.
    fn is_unclaimed(&self, performer: &Performer, names: &Names) -> bool {
        let owner = names.owner_of(performer);
        let known = self.executors.iter().any(|executor| owner.operator() == Some(executor.operator.as_str()));
        self.replaced && !known && performer.metadata.deletion_timestamp.is_none()
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

fn is_of_the_avs(performer: &Performer, avs: Address) -> bool {
    performer.metadata.deletion_timestamp.is_none()
        && performer.spec.avs_address.eq_ignore_ascii_case(&format!("{avs:?}"))
}
