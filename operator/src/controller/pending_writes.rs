//! What the operator wrote to Performers and the watch has not shown yet.
//!
//! A reconcile that starts from a store without the operator's own last write would repeat that write.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, PoisonError},
};

use kube::{ResourceExt as _, runtime::reflector::ObjectRef};

use crate::api::Performer;

/// The answers to the last writes.
#[derive(Default)]
pub(super) struct Written(Mutex<HashMap<ObjectRef<Performer>, Answer>>);

struct Answer {
    performer: Arc<Performer>,
    /// Versions from before the write.
    superseded: HashSet<String>,
}

impl Written {
    /// Remembers that the API server answered a write to `before` with `performer`.
    pub(super) fn remember(&self, before: &Performer, performer: Performer) -> Arc<Performer> {
        let performer = Arc::new(performer);
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let answer = answers
            .entry(ObjectRef::from_obj(before))
            .or_insert_with(|| Answer { performer: performer.clone(), superseded: HashSet::new() });
        answer.performer = performer.clone();
        if before.resource_version() != performer.resource_version() {
            answer.superseded.extend(before.resource_version());
        }
        performer
    }

    /// `seen`, or the newer Performer that the operator has written since.
    pub(super) fn newest(&self, seen: Arc<Performer>) -> Arc<Performer> {
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let object = ObjectRef::from_obj(&*seen);
        let Some(answer) = answers.get_mut(&object) else { return seen };
        let version = seen.resource_version().unwrap_or_default();
        if answer.performer.uid() == seen.uid() && answer.superseded.contains(&version) {
            return answer.performer.clone();
        }
        answer.superseded.clear();
        if answer.performer.resource_version().as_deref() != Some(&version) {
            answers.remove(&object);
        }
        seen
    }

    /// Whether `seen` is the result of the operator's own write.
    pub(super) fn is_echo(&self, seen: &Performer) -> bool {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.get(&ObjectRef::from_obj(seen)).is_some_and(|answer| {
            let version = seen.resource_version();
            answer.performer.resource_version() == version
                || version.is_some_and(|version| answer.superseded.contains(&version))
        })
    }

    /// Forgets `performer`, which is gone.
    pub(super) fn forget(&self, performer: &ObjectRef<Performer>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(performer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(version: &str) -> Performer {
        let mut performer = Performer::default();
        performer.metadata.name = Some("p".to_owned());
        performer.metadata.uid = Some("u".to_owned());
        performer.metadata.resource_version = Some(version.to_owned());
        performer
    }

    #[test]
    fn own_write_counts_until_the_watch_shows_another() {
        let written = Written::default();
        let newest = |seen: &str| written.newest(Arc::new(version(seen))).resource_version().unwrap();
        assert_eq!(newest("1"), "1");
        written.remember(&version("1"), version("2"));
        written.remember(&version("2"), version("3"));
        assert_eq!((newest("1"), newest("2"), newest("3")), ("3".to_owned(), "3".to_owned(), "3".to_owned()));
        assert!(written.is_echo(&version("3")) && !written.is_echo(&version("4")));
        assert_eq!(newest("4"), "4", "somebody else wrote after us");
        assert!(!written.is_echo(&version("3")), "what is older than what was seen is no echo any more");
    }

    #[test]
    fn performer_with_a_reused_name_is_not_taken_for_the_previous_one() {
        let written = Written::default();
        written.remember(&version("1"), version("2"));
        let mut another = version("1");
        another.metadata.uid = Some("v".to_owned());
        assert_eq!(written.newest(Arc::new(another)).uid().unwrap(), "v");
    }
}
