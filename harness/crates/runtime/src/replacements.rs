//! The performers that deployments and removals replace: which of a trial's ends they have caused.
//!
//! Performers of one operator have one name, so that an end is told apart by the id of what has ended. While a deployment is under
//! way, ends are postponed: only its result says whether the performer was to go. Afterwards the performers that
//! the executor lists must run.

use std::collections::{BTreeMap, BTreeSet};

use hourglass_scenario::ComponentRef;

use crate::ends::End;

/// The replacements of one trial.
#[derive(Debug, Default)]
pub(super) struct Replacements {
    under_way: BTreeMap<ComponentRef, UnderWay>,
    /// The ids of the performers that were to run when the last replacement was over.
    staying: BTreeMap<ComponentRef, BTreeSet<String>>,
    /// The ids of performers that were replaced.
    replaced: BTreeSet<String>,
}

/// The replacements of an operator's performers that are not settled.
#[derive(Debug, Default)]
struct UnderWay {
    count: usize,
    postponed: Vec<(Option<String>, End)>,
}

impl Replacements {
    /// A replacement begins, when the performers with these ids are there.
    pub(super) fn begin(&mut self, performer: &ComponentRef, current: &[Vec<String>]) {
        let under_way = self.under_way.entry(performer.clone()).or_default();
        under_way.count += 1;
        if under_way.count == 1 {
            self.staying.insert(performer.clone(), current.iter().flatten().cloned().collect());
        }
    }

    pub(super) fn is_under_way(&self, performer: &ComponentRef) -> bool {
        self.under_way.contains_key(performer)
    }

    /// Keeps an end until the replacement is settled.
    pub(super) fn postpone(&mut self, instance: Option<&str>, end: End) {
        if let Some(under_way) = self.under_way.get_mut(&end.component) {
            under_way.postponed.push((instance.map(str::to_owned), end));
        }
    }

    /// A replacement is over; `staying` has the ids of each performer that stays. Returns the postponed ends that no replacement has
    /// caused, when none is under way any more.
    pub(super) fn settle(&mut self, performer: &ComponentRef, staying: Option<&[Vec<String>]>) -> Vec<End> {
        let now: BTreeSet<String> = staying.into_iter().flatten().flatten().cloned().collect();
        let now: BTreeSet<String> = now.difference(&self.replaced).cloned().collect();
        let before = self.staying.insert(performer.clone(), now.clone()).unwrap_or_default();
        self.replaced.extend(before.difference(&now).cloned());
        let Some(under_way) = self.under_way.get_mut(performer) else { return Vec::new() };
        under_way.count -= 1;
        if under_way.count > 0 {
            return Vec::new();
        }
        let postponed = self.under_way.remove(performer).map(|under_way| under_way.postponed).unwrap_or_default();
        let counts = |(instance, _): &(Option<String>, End)| !self.has_caused(performer, instance.as_deref());
        postponed.into_iter().filter(counts).map(|(_, end)| end).collect()
    }

    /// Whether the end of a performer is caused by a replacement. Of one without an id it is, if all were removed.
    pub(super) fn has_caused(&self, performer: &ComponentRef, instance: Option<&str>) -> bool {
        match instance {
            Some(id) if self.replaced.contains(id) => true,
            // A candidate may fail, and which one it was is not known before the result.
            _ if self.is_under_way(performer) => false,
            Some(id) => self.staying.get(performer).is_some_and(|staying| !staying.contains(id)),
            None => self.has_none(performer),
        }
    }

    /// Whether all performers were removed.
    pub(super) fn has_none(&self, performer: &ComponentRef) -> bool {
        self.staying.get(performer).is_some_and(BTreeSet::is_empty)
    }

    /// A step has started the performer anew, and its executor may do so again: its ids are not known any more.
    pub(super) fn forget(&mut self, performer: &ComponentRef) {
        self.staying.remove(performer);
    }
}
