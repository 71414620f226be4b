//! Several AVSs in one environment: those beside the first, and who works for which.

use std::collections::BTreeSet;

use hourglass_component::document::{Duration, Pointer};
use hourglass_proto::limits::MAX_THRESHOLD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::{Component, Operator, Topology};
use super::texts::PerformerRef;
use super::values::Curve;

/// The name of the first AVS, whose members are `topology.operators`.
pub const FIRST_AVS: &str = "avs";

/// An AVS beside the first, on the same chains and with the same aggregator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Avs {
    /// The name by which steps mean this AVS. The first AVS is called `avs`.
    #[schemars(title = "AVS name", length(max = 40), regex(pattern = "^[a-z][a-z0-9-]*$"), extend("examples" = ["second"]))]
    pub name: String,
    /// The weight that must sign one result, in basis points of the total weight. Default: that of the topology.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = MAX_THRESHOLD))]
    pub threshold: Option<u16>,
    /// How long a task of this AVS may take, in chain time. Default: that of the topology.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_sla: Option<Duration>,
    /// The signature scheme of the operator set. Default: that of the topology.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub curve: Option<Curve>,
    /// Who signs. An operator of several AVSs has one executor, and a performer for each of them.
    #[schemars(length(min = 1))]
    pub operators: Vec<Operator>,
}

/// An operator as a member of one AVS, and where the document has it.
#[derive(Debug, Clone)]
pub(crate) struct Member<'a> {
    /// The place of the operator.
    pub at: Pointer,
    /// The AVS; `None` for the first.
    pub avs: Option<&'a str>,
    /// The operator, with its weight and its performer there.
    pub operator: &'a Operator,
}

impl Member<'_> {
    /// Its performer.
    pub(crate) fn performer(&self) -> PerformerRef {
        PerformerRef::of_avs(&self.operator.name, self.avs)
    }
}

impl Topology {
    /// The members of an AVS, of the first without a name; empty if there is no such AVS.
    pub fn members(&self, avs: Option<&str>) -> &[Operator] {
        match avs {
            None => &self.operators,
            Some(name) => self.further(name).map_or(&[], |avs| &avs.operators),
        }
    }

    /// The part of the total weight that must sign a result of an AVS, in basis points.
    pub fn threshold_of(&self, avs: Option<&str>) -> u16 {
        avs.and_then(|name| self.further(name)?.threshold).unwrap_or(self.threshold)
    }

    /// The chain time that a task of an AVS has.
    pub fn task_sla_of(&self, avs: Option<&str>) -> Duration {
        avs.and_then(|name| self.further(name)?.task_sla).unwrap_or(self.task_sla)
    }

    /// The sum of the weights of an AVS's members.
    pub fn total_weight(&self, avs: Option<&str>) -> u128 {
        self.members(avs).iter().map(|operator| u128::from(operator.weight)).sum()
    }

    /// All AVSs in their order, the first as `None`.
    pub fn avs_names(&self) -> impl Iterator<Item = Option<&str>> {
        std::iter::once(None).chain(self.avss.iter().map(|avs| Some(avs.name.as_str())))
    }

    /// The operators, each once: those of the first AVS, then those that only further AVSs have. Each has one executor.
    pub fn operator_names(&self) -> Vec<&str> {
        let mut known = BTreeSet::new();
        let all = self.performers().map(|(_, operator)| operator.name.as_str());
        all.filter(|name| known.insert(*name)).collect()
    }

    /// Every performer, with the operator as a member of its AVS.
    pub fn performers(&self) -> impl Iterator<Item = (PerformerRef, &Operator)> {
        self.avs_names().flat_map(|avs| {
            self.members(avs).iter().map(move |operator| (PerformerRef::of_avs(&operator.name, avs), operator))
        })
    }

    /// Every performer's definition.
    pub fn performers_mut(&mut self) -> impl Iterator<Item = &mut Component> {
        let further = self.avss.iter_mut().flat_map(|avs| &mut avs.operators);
        self.operators.iter_mut().chain(further).map(|operator| &mut operator.performer)
    }

    /// The operator whose performer this is.
    pub fn member(&self, performer: &PerformerRef) -> Option<&Operator> {
        self.members(performer.avs.as_deref()).iter().find(|operator| operator.name == performer.operator)
    }

    /// Every operator as a member of each of its AVSs, with its place in a document whose topology is at `at`.
    pub(crate) fn members_at(&self, at: &Pointer) -> Vec<Member<'_>> {
        let further = self.avss.iter().enumerate().flat_map(|(index, avs)| {
            let at = at.key("avss").item(index).key("operators");
            members(&at, Some(&avs.name), &avs.operators)
        });
        members(&at.key("operators"), None, &self.operators).into_iter().chain(further).collect()
    }

    fn further(&self, name: &str) -> Option<&Avs> {
        self.avss.iter().find(|avs| avs.name == name)
    }
}

fn members<'a>(at: &Pointer, avs: Option<&'a str>, operators: &'a [Operator]) -> Vec<Member<'a>> {
    operators.iter().enumerate().map(|(index, operator)| Member { at: at.item(index), avs, operator }).collect()
}
