//! The duration of a task's stages, from the timeline.

use std::collections::HashMap;

use hourglass_component::{events::TaskEvent, keys::H256};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Event, Source};

/// The stages of a task, each in milliseconds since its creation was seen on chain; absent where not reached.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TaskPhases {
    /// The harness saw the task on chain: zero, the origin of the others.
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

impl TaskPhases {
    /// The reached stages, by name and in the order in which a task passes them.
    pub fn reached(&self) -> Vec<(&'static str, f64)> {
        let stages = [
            ("created", self.created),
            ("observed", self.observed),
            ("dispatched", self.dispatched),
            ("performer started", self.performer_started),
            ("performer finished", self.performer_finished),
            ("signed", self.signed),
            ("submitted", self.submitted),
            ("verified", self.verified),
        ];
        stages.into_iter().filter_map(|(name, at)| Some((name, at?))).collect()
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
    let times = |word: TaskEvent| about.iter().filter(move |event| event.event == Some(word)).map(|event| event.at);
    let on_chain = |word: TaskEvent| {
        let seen = about.iter().filter(|event| event.event == Some(word) && matches!(event.source, Source::Chain(_)));
        seen.map(|event| event.at).min()
    };
    let Some(created) = on_chain(TaskEvent::TaskCreated) else { return TaskPhases::default() };
    // Several processes record the same moment in any order.
    let since = |at: Timestamp| (at.duration_since(created).as_secs_f64() * 1e3).max(0.0);
    let quorum = times(TaskEvent::QuorumReached).min();
    let in_time = times(TaskEvent::PerformerFinished).filter(|at| quorum.is_none_or(|quorum| *at <= quorum)).max();
    TaskPhases {
        created: Some(0.0),
        observed: times(TaskEvent::TaskObserved).min().map(since),
        dispatched: times(TaskEvent::TaskDispatched).min().map(since),
        performer_started: times(TaskEvent::PerformerStarted).min().map(since),
        performer_finished: in_time.or_else(|| times(TaskEvent::PerformerFinished).min()).map(since),
        signed: quorum.map(since),
        submitted: times(TaskEvent::CertificateSubmitted).min().map(since),
        verified: on_chain(TaskEvent::TaskVerified).map(since),
    }
}
