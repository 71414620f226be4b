//! The duration of a task's stages, from the timeline.

use std::collections::HashMap;

use hourglass_component::{events::TaskEvent, keys::H256};
use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Event, Source};

/// The stages of a task, each in milliseconds since its creation was first seen on chain; absent where not reached.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskPhases {
    /// The harness or the aggregator, whichever was earlier, saw the task on chain: zero, the origin of the others.
    pub created: Option<f64>,
    /// The aggregator took notice of the task.
    pub observed: Option<f64>,
    /// The aggregator sent it to the executors.
    pub dispatched: Option<f64>,
    /// The first performer began.
    pub performer_started: Option<f64>,
    /// The last performer ended.
    pub performer_finished: Option<f64>,
    /// The aggregator had signatures of enough weight.
    pub signed: Option<f64>,
    /// The aggregator submitted the certificate.
    pub submitted: Option<f64>,
    /// The harness saw the task verified on chain.
    pub verified: Option<f64>,
}

/// The names of the stages, in the order in which a task passes them.
pub const PHASES: [&str; 8] =
    ["created", "observed", "dispatched", "performer started", "performer finished", "signed", "submitted", "verified"];

impl TaskPhases {
    /// The reached stages, by name and in the order in which a task passes them.
    pub fn reached(&self) -> Vec<(&'static str, f64)> {
        let stages = [
            self.created,
            self.observed,
            self.dispatched,
            self.performer_started,
            self.performer_finished,
            self.signed,
            self.submitted,
            self.verified,
        ];
        PHASES.into_iter().zip(stages).filter_map(|(name, at)| Some((name, at?))).collect()
    }
}

/// An aggregator that has seen a task so long before the harness has a wrong clock.
const WRONG_CLOCK: SignedDuration = SignedDuration::from_secs(10);

/// When a task reached each of [`PHASES`], in their order; `None` where it did not.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct TaskTimes([Option<Timestamp>; PHASES.len()]);

impl TaskTimes {
    /// The times in the entries about one task; if a stage has several entries, the first counts, except that the
    /// performers' end is the last before the quorum.
    fn of(about: &[&Event]) -> Self {
        let times = |word: TaskEvent| about.iter().filter(move |event| event.event == Some(word)).map(|event| event.at);
        let on_chain = |word: TaskEvent| {
            let seen =
                about.iter().filter(|event| event.event == Some(word) && matches!(event.source, Source::Chain(_)));
            seen.map(|event| event.at).min()
        };
        let quorum = times(TaskEvent::QuorumReached).min();
        let in_time = times(TaskEvent::PerformerFinished).filter(|at| quorum.is_none_or(|quorum| *at <= quorum)).max();
        let observed = times(TaskEvent::TaskObserved).min();
        // On a busy machine the harness may read both events of a task at once, long after the aggregator has read the first.
        let created = on_chain(TaskEvent::TaskCreated);
        let earlier = |created: &Timestamp, observed: &Timestamp| {
            observed < created && created.duration_since(*observed) < WRONG_CLOCK
        };
        Self([
            created.map(|created| observed.filter(|observed| earlier(&created, observed)).unwrap_or(created)),
            observed,
            times(TaskEvent::TaskDispatched).min(),
            times(TaskEvent::PerformerStarted).min(),
            in_time.or_else(|| times(TaskEvent::PerformerFinished).min()),
            quorum,
            times(TaskEvent::CertificateSubmitted).min(),
            on_chain(TaskEvent::TaskVerified),
        ])
    }

    /// The times of a task of which only its verification was seen.
    pub fn verified_at(at: Timestamp) -> Self {
        let mut times = Self::default();
        times.0[PHASES.len() - 1] = Some(at);
        times
    }

    /// When the harness or the aggregator first saw the task on its chain.
    pub const fn created(&self) -> Option<Timestamp> {
        self.0[0]
    }

    /// When the harness saw the task verified on its chain.
    pub const fn verified(&self) -> Option<Timestamp> {
        self.0[PHASES.len() - 1]
    }

    /// The reached stages, by name and in the order in which a task passes them.
    pub fn reached(&self) -> impl Iterator<Item = (&'static str, Timestamp)> + use<> {
        PHASES.into_iter().zip(self.0).filter_map(|(name, at)| Some((name, at?)))
    }

    /// The stages relative to the creation; none of a task whose creation was not seen.
    pub fn phases(&self) -> TaskPhases {
        let Some(created) = self.created() else { return TaskPhases::default() };
        // Several processes record the same moment in any order.
        let since = |at: Timestamp| (at.duration_since(created).as_secs_f64() * 1e3).max(0.0);
        let [_, observed, dispatched, performer_started, performer_finished, signed, submitted, verified] =
            self.0.map(|at| at.map(since));
        TaskPhases {
            created: Some(0.0),
            observed,
            dispatched,
            performer_started,
            performer_finished,
            signed,
            submitted,
            verified,
        }
    }
}

/// The entries with a task event, by their task and in their order.
pub fn by_task<'a>(events: impl IntoIterator<Item = &'a Event>) -> HashMap<H256, Vec<&'a Event>> {
    let mut by_task: HashMap<_, Vec<_>> = HashMap::new();
    for event in events.into_iter().filter(|event| event.event.is_some()) {
        if let Some(task) = event.task_hash {
            by_task.entry(task).or_default().push(event);
        }
    }
    by_task
}

/// The stages of a task in the entries about it; if a stage has several entries, the first counts, except that the
/// performers' end is the last before the quorum.
pub fn phases(about: &[&Event]) -> TaskPhases {
    TaskTimes::of(about).phases()
}

/// The times of all tasks in the entries, which are read once however many tasks there are.
pub fn times_by_task(events: &[Event]) -> HashMap<H256, TaskTimes> {
    by_task(events).into_iter().map(|(task, about)| (task, TaskTimes::of(&about))).collect()
}

#[cfg(test)]
mod tests {
    use hourglass_scenario::{Chain, ComponentRef};
    use rstest::rstest;

    use super::*;

    fn event(source: Source, word: TaskEvent, milliseconds: i64) -> Event {
        Event {
            at: Timestamp::from_millisecond(1_800_000_000_000 + milliseconds).unwrap(),
            source,
            event: Some(word),
            ..Event::of_harness("")
        }
    }

    /// The harness reads both events of the chain at the hundredth millisecond.
    #[rstest]
    #[case::the_aggregator_was_earlier(20, 80.0)]
    #[case::the_harness_was_earlier(105, 0.0)]
    #[case::the_clock_of_the_aggregator_is_slow(-60_000, 0.0)]
    fn a_task_is_created_when_somebody_has_seen_it(#[case] observed: i64, #[case] verified: f64) {
        let (chain, aggregator) = (Source::Chain(Chain::L2), Source::Component(ComponentRef::Aggregator));
        let events = [
            event(chain.clone(), TaskEvent::TaskCreated, 100),
            event(aggregator, TaskEvent::TaskObserved, observed),
            event(chain, TaskEvent::TaskVerified, 100),
        ];
        let phases = phases(&events.iter().collect::<Vec<_>>());
        assert_eq!((phases.created, phases.verified), (Some(0.0), Some(verified)));
    }
}
