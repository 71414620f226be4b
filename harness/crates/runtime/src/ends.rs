//! The ends of a trial's components: those that a step caused, those that the scenario declares, and the unexpected
//! ones.
//!
//! Every runtime notes each end that it sees, and reports which components a step has ended. The decision is made here,
//! so that it is the same on all runtimes (docs/decisions/0026).

use std::{collections::BTreeMap, fmt, sync::Arc};

use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, Timeline};
use jiff::Timestamp;
use tokio::sync::watch;

use super::{
    RuntimeError,
    output::{CHAIN_PREFIX, component},
};

/// The field of a timeline entry with the name of the component that has ended.
const ENDED: &str = "ended";

/// An end of a component that no step caused and the scenario does not declare.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnexpectedEnd {
    /// The component.
    pub component: ComponentRef,
    /// How it ended, as `exit status: 1`.
    pub how: String,
    /// The last lines of its output, indented.
    pub output: String,
}

/// The ends of one trial's components; clones share them.
#[derive(Clone)]
pub struct Ends {
    state: Arc<watch::Sender<State>>,
    timeline: Timeline,
}

#[derive(Debug, Default)]
struct State {
    /// The components that the scenario expects to end, and whether they have.
    declared: BTreeMap<ComponentRef, bool>,
    /// The components that must run until a step or the end of the trial ends them, and since when.
    watched: BTreeMap<ComponentRef, Timestamp>,
    unexpected: Vec<UnexpectedEnd>,
    /// How a chain ended.
    chain: Option<ChainEnd>,
    /// The trial is being taken down: everything ends.
    closed: bool,
}

#[derive(Debug, Clone)]
struct ChainEnd {
    chain_id: u64,
    how: String,
    output: String,
}

impl Ends {
    /// No ends yet; the scenario declares the ends of these components.
    pub fn new(declared: &[ComponentRef], timeline: &Timeline) -> Self {
        let declared = declared.iter().map(|component| (component.clone(), false)).collect();
        let state = State { declared, ..State::default() };
        Self { state: Arc::new(watch::Sender::new(state)), timeline: timeline.clone() }
    }

    /// From now on an end of the component is unexpected. For an executor this includes its performer, because an
    /// executor is ready when its performer is.
    pub(super) fn watch(&self, component: &ComponentRef) {
        self.state.send_if_modified(|state| {
            let since = Timestamp::now();
            state.watched.extend(with_performer(component).map(|component| (component, since)));
            false
        });
    }

    /// From now on an end of the component is caused by a step. For an executor this includes its performer.
    pub(super) fn excuse(&self, component: &ComponentRef) {
        self.state.send_if_modified(|state| {
            state.watched.retain(|watched, _| with_performer(component).all(|excused| excused != *watched));
            false
        });
    }

    /// From now on an end of the component's performers is caused by a step, but not an end of the component itself
    /// unless it is a performer: an executor that was disconnected or paused may restart its performer.
    pub(super) fn excuse_performer(&self, component: &ComponentRef) {
        if let Some(operator) = component.operator() {
            self.excuse(&ComponentRef::Performer(operator.to_owned()));
        }
    }

    /// A component has ended at a time of this machine's clock; `output` returns its last lines, indented. Reports of
    /// an end may be late: an end from before the last start of the component does not count.
    pub(super) fn note(&self, component: &ComponentRef, at: Timestamp, how: &str, output: impl FnOnce() -> String) {
        tracing::info!(%component, "component ended with {how}");
        let mut told = false;
        self.state.send_if_modified(|state| {
            told = !state.closed;
            if let Some(seen) = state.declared.get_mut(component) {
                *seen |= told;
                return false;
            }
            // Only its first end is reported: those after it are consequences.
            let counts = told && state.watched.get(component).is_some_and(|since| at >= *since);
            if counts {
                state.watched.remove(component);
                let (component, how) = (component.clone(), how.to_owned());
                state.unexpected.push(UnexpectedEnd { component, how, output: output() });
            }
            counts
        });
        if told {
            self.tell(component, how);
        }
    }

    /// A chain has ended.
    pub(super) fn note_chain(&self, chain_id: u64, how: &str, output: impl FnOnce() -> String) {
        let told = self.state.send_if_modified(|state| {
            let counts = !state.closed && state.chain.is_none();
            if counts {
                state.chain = Some(ChainEnd { chain_id, how: how.to_owned(), output: output() });
            }
            counts
        });
        if told {
            tracing::warn!(chain_id, "chain ended with {how}");
            self.tell(&format_args!("chain {chain_id}"), how);
        }
    }

    /// The component or chain with this name has ended; `false` if the name is of neither.
    pub(super) fn note_named(&self, name: &str, at: Timestamp, how: &str, output: impl FnOnce() -> String) -> bool {
        if let Some(component) = component(name) {
            self.note(&component, at, how, output);
            return true;
        }
        let chain_id = name.strip_prefix(CHAIN_PREFIX).and_then(|id| id.parse().ok());
        if let Some(chain_id) = chain_id {
            self.note_chain(chain_id, how, output);
        }
        chain_id.is_some()
    }

    /// From now on everything ends because the trial does.
    pub(super) fn close(&self) {
        self.state.send_if_modified(|state| {
            state.closed = true;
            false
        });
    }

    /// Waits for the first unexpected end.
    pub async fn unexpected(&self) -> UnexpectedEnd {
        let mut state = self.state.subscribe();
        let found = state.wait_for(|state| !state.unexpected.is_empty()).await;
        let first = found.ok().and_then(|state| state.unexpected.first().cloned());
        match first {
            Some(first) => first,
            // The sender lives as long as this does.
            None => std::future::pending().await,
        }
    }

    /// Waits for the next unexpected end, which [`Self::unexpected`] then does not return any more. The component is
    /// watched again: its executor may start a performer anew.
    pub async fn next_unexpected(&self) -> UnexpectedEnd {
        let mut state = self.state.subscribe();
        loop {
            let mut next = None;
            self.state.send_if_modified(|state| {
                if !state.unexpected.is_empty() {
                    let end = state.unexpected.remove(0);
                    state.watched.insert(end.component.clone(), Timestamp::now());
                    next = Some(end);
                }
                false
            });
            if let Some(next) = next {
                return next;
            }
            // The sender lives as long as this does.
            let _ = state.wait_for(|state| !state.unexpected.is_empty()).await;
        }
    }

    /// Waits for the end of a chain.
    pub(super) async fn chain(&self) -> RuntimeError {
        let mut state = self.state.subscribe();
        let found = state.wait_for(|state| state.chain.is_some()).await;
        let ended = found.ok().and_then(|state| state.chain.clone());
        match ended {
            Some(ChainEnd { chain_id, how, output }) => RuntimeError::ChainEnded { chain_id, how, output },
            None => std::future::pending().await,
        }
    }

    /// The components that the scenario expects to end and that have not ended.
    pub fn missing(&self) -> Vec<ComponentRef> {
        let state = self.state.borrow();
        state.declared.iter().filter(|(_, seen)| !**seen).map(|(component, _)| component.clone()).collect()
    }

    fn tell(&self, who: &dyn fmt::Display, how: &str) {
        let mut event = Event::of_harness(format!("{who} ended with {how}"));
        event.fields.insert(ENDED.to_owned(), who.to_string().into());
        self.timeline.record(event);
    }
}

impl fmt::Debug for Ends {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.borrow().fmt(formatter)
    }
}

/// The component, and its performer if it is an executor.
fn with_performer(component: &ComponentRef) -> impl Iterator<Item = ComponentRef> {
    let performer = match component {
        ComponentRef::Executor(name) => Some(ComponentRef::Performer(name.clone())),
        _ => None,
    };
    std::iter::once(component.clone()).chain(performer)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ComponentRef::Aggregator;
    use rstest::rstest;
    use tokio::time::timeout;

    use super::*;

    fn executor() -> ComponentRef {
        ComponentRef::Executor("alice".to_owned())
    }

    fn performer() -> ComponentRef {
        ComponentRef::Performer("alice".to_owned())
    }

    fn ends(declared: &[ComponentRef]) -> Ends {
        Ends::new(declared, &Timeline::default())
    }

    fn note(ends: &Ends, component: &ComponentRef) {
        ends.note(component, Timestamp::now(), "exit status: 1", || "  last words".to_owned());
    }

    fn found(ends: &Ends) -> Option<ComponentRef> {
        ends.state.borrow().unexpected.first().map(|end| end.component.clone())
    }

    /// What a test does before a component ends.
    #[derive(Debug, Clone, Copy)]
    enum Before {
        Nothing,
        Watched,
        Excused,
        Again,
        PerformerExcused,
        Closed,
    }

    #[rstest]
    #[case::before_it_was_ready(Before::Nothing, &[], false)]
    #[case::while_it_is_to_run(Before::Watched, &[], true)]
    #[case::killed_by_a_step(Before::Excused, &[], false)]
    #[case::after_a_step_has_started_it_again(Before::Again, &[], true)]
    #[case::while_the_trial_is_taken_down(Before::Closed, &[], false)]
    #[case::declared(Before::Watched, &[executor(), performer()], false)]
    #[tokio::test]
    async fn an_end_counts_when_no_step_caused_it(
        #[case] before: Before,
        #[case] declared: &[ComponentRef],
        #[case] counts: bool,
        #[values(executor(), performer())] component: ComponentRef,
    ) {
        let ends = ends(declared);
        prepare(&ends, before);
        note(&ends, &component);
        assert_eq!(found(&ends), counts.then(|| component.clone()));
        let told = timeout(Duration::from_millis(20), ends.unexpected()).await;
        assert_eq!(told.map(|end| end.component).ok(), counts.then_some(component));
    }

    fn prepare(ends: &Ends, before: Before) {
        if !matches!(before, Before::Nothing) {
            ends.watch(&executor());
        }
        match before {
            Before::Excused => ends.excuse(&executor()),
            Before::Again => {
                ends.excuse(&executor());
                ends.watch(&executor());
            }
            Before::PerformerExcused => ends.excuse_performer(&executor()),
            Before::Closed => ends.close(),
            Before::Nothing | Before::Watched => {}
        }
    }

    /// An executor may start its performer again, and that may end as well.
    #[tokio::test]
    async fn every_end_is_given_once_and_the_component_is_watched_again() {
        let ends = ends(&[]);
        ends.watch(&executor());
        for _ in 0..2 {
            note(&ends, &performer());
            let next = timeout(Duration::from_secs(5), ends.next_unexpected()).await.unwrap();
            assert_eq!((next.component, found(&ends)), (performer(), None));
        }
        assert!(timeout(Duration::from_millis(20), ends.next_unexpected()).await.is_err(), "an end is given twice");
    }

    #[test]
    fn a_paused_executor_must_run_and_may_restart_its_performer() {
        let ends = ends(&[]);
        prepare(&ends, Before::PerformerExcused);
        note(&ends, &performer());
        assert_eq!(found(&ends), None);
        note(&ends, &executor());
        assert_eq!(found(&ends), Some(executor()));
    }

    #[test]
    fn an_end_from_before_a_restart_does_not_count() {
        let ends = ends(&[]);
        let killed = Timestamp::now();
        prepare(&ends, Before::Again);
        ends.note(&executor(), killed, "signal: 9 (SIGKILL)", String::new);
        assert_eq!(found(&ends), None);
        note(&ends, &executor());
        assert_eq!(found(&ends), Some(executor()));
    }

    #[test]
    fn a_declared_end_that_does_not_come_is_missing() {
        let ends = ends(&[performer(), Aggregator]);
        assert_eq!(ends.missing(), [Aggregator, performer()]);
        note(&ends, &performer());
        assert_eq!(ends.missing(), [Aggregator]);
        ends.close();
        note(&ends, &Aggregator);
        assert_eq!(ends.missing(), [Aggregator], "the end of the trial is no end of its own");
    }

    #[tokio::test]
    async fn the_end_of_a_chain_is_reported_with_its_output() {
        let ends = ends(&[]);
        ends.note_chain(31338, "signal: 9 (SIGKILL)", || "  block 7".to_owned());
        let told = ends.chain().await.to_string();
        assert!(told.contains("31338") && told.contains("signal: 9") && told.contains("block 7"), "{told}");
    }

    #[test]
    fn every_end_is_in_the_timeline_until_the_trial_is_taken_down() {
        let timeline = Timeline::default();
        let ends = Ends::new(&[performer()], &timeline);
        note(&ends, &performer());
        ends.close();
        note(&ends, &Aggregator);
        let messages: Vec<_> = timeline.sorted().into_iter().map(|event| event.message).collect();
        assert_eq!(messages, ["performer/alice ended with exit status: 1"]);
    }
}
