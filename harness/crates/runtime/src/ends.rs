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
    ExecutorSpec, RuntimeError,
    output::{CHAIN_PREFIX, component},
    replacements::Replacements,
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

/// An end of a component that has not been judged.
#[derive(Debug, Clone)]
pub(super) struct End {
    pub(super) component: ComponentRef,
    pub(super) at: Timestamp,
    pub(super) how: String,
    pub(super) output: String,
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
    /// The performers of each executor, once they are known.
    performers: BTreeMap<ComponentRef, Vec<ComponentRef>>,
    /// The components that must run until a step or the end of the trial ends them, and since when.
    watched: BTreeMap<ComponentRef, Timestamp>,
    unexpected: Vec<UnexpectedEnd>,
    /// The performers that deployments and removals have replaced.
    replacements: Replacements,
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

impl State {
    /// Judges an end that no deployment has caused; returns whether it is an unexpected one.
    fn count(&mut self, component: &ComponentRef, at: Timestamp, end: impl FnOnce() -> End) -> bool {
        if let Some(seen) = self.declared.get_mut(component) {
            *seen = true;
            return false;
        }
        // Only its first end is reported: those after it are consequences.
        let counts = self.watched.get(component).is_some_and(|since| at >= *since);
        if counts {
            self.watched.remove(component);
            let End { component, how, output, .. } = end();
            self.unexpected.push(UnexpectedEnd { component, how, output });
        }
        counts
    }
}

impl Ends {
    /// No ends yet; the scenario declares the ends of these components.
    pub fn new(declared: &[ComponentRef], timeline: &Timeline) -> Self {
        let declared = declared.iter().map(|component| (component.clone(), false)).collect();
        let state = State { declared, ..State::default() };
        Self { state: Arc::new(watch::Sender::new(state)), timeline: timeline.clone() }
    }

    /// These are the executors, with their performers.
    pub(super) fn know(&self, executors: &[ExecutorSpec]) {
        let performers = executors.iter().map(|spec| {
            let of = spec.performers.iter().map(|performer| ComponentRef::Performer(performer.name.clone()));
            (ComponentRef::Executor(spec.name.clone()), of.collect())
        });
        self.state.send_if_modified(|state| {
            state.performers = performers.collect();
            false
        });
    }

    /// From now on an end of the component is unexpected. For an executor this includes its performers, because an
    /// executor is ready when its performers are.
    pub(super) fn watch(&self, component: &ComponentRef) {
        self.state.send_if_modified(|state| {
            let since = Timestamp::now();
            for component in state.performers_of(component).into_iter().chain([component.clone()]) {
                state.replacements.forget(&component);
                state.watched.insert(component, since);
            }
            false
        });
    }

    /// From now on an end of the component is caused by a step. For an executor this includes its performers.
    pub(super) fn excuse(&self, component: &ComponentRef) {
        self.state.send_if_modified(|state| {
            state.watched.retain(|watched, _| watched != component && !watched.is_performer_of(component));
            false
        });
    }

    /// From now on an end of the component's performers is caused by a step, but not an end of the component itself
    /// unless it is a performer: an executor that was disconnected or paused may restart its performer.
    pub(super) fn excuse_performer(&self, component: &ComponentRef) {
        self.state.send_if_modified(|state| {
            state.watched.retain(|watched, _| {
                let is_itself = watched == component && matches!(component, ComponentRef::Performer(_));
                !(is_itself || watched.is_performer_of(component))
            });
            false
        });
    }

    /// A component has ended at a time of this machine's clock; `output` returns its last lines, indented. Reports of
    /// an end may be late: an end from before the last start of the component does not count. `instance` is the id of the
    /// performer, container or Performer object that has ended, if it is known.
    pub(super) fn note(
        &self,
        component: &ComponentRef,
        instance: Option<&str>,
        at: Timestamp,
        how: &str,
        output: impl FnOnce() -> String,
    ) {
        tracing::info!(%component, instance, "component ended with {how}");
        let mut told = false;
        self.state.send_if_modified(|state| {
            told = !state.closed;
            if !told || state.replacements.has_caused(component, instance) {
                return false;
            }
            let end = || End { component: component.clone(), at, how: how.to_owned(), output: output() };
            if state.replacements.is_under_way(component) {
                state.replacements.postpone(instance, end());
                return false;
            }
            state.count(component, at, end)
        });
        if told {
            self.tell(component, how);
        }
    }

    /// A step begins to deploy or remove performers, when those with the ids `current` are there: until it is settled, it is open
    /// which of them may end.
    pub(super) fn begin_replacement(&self, performer: &ComponentRef, current: &[Vec<String>]) {
        self.state.send_if_modified(|state| {
            state.replacements.begin(performer, current);
            false
        });
    }

    /// That step is over. The performers with the ids `staying` must run from now on; the end of every other is caused by the
    /// step. `None` if the executor does not tell which performers it has: then no end counts any more.
    pub(super) fn settle_replacement(&self, performer: &ComponentRef, staying: Option<&[Vec<String>]>, started: bool) {
        self.state.send_if_modified(|state| {
            let ends = state.replacements.settle(performer, staying);
            let mut counts = false;
            for end in ends {
                counts |= state.count(performer, end.at, || end.clone());
            }
            match staying {
                Some([_, ..]) if started => drop(state.watched.insert(performer.clone(), Timestamp::now())),
                Some([_, ..]) => {}
                _ => drop(state.watched.remove(performer)),
            }
            counts
        });
    }

    /// Whether a step has removed all performers of this name, and none has been deployed since.
    pub(super) fn is_removed(&self, performer: &ComponentRef) -> bool {
        self.state.borrow().replacements.has_none(performer)
    }

    /// Whether a step has replaced or removed the performer with this id.
    pub(super) fn is_replaced(&self, performer: &ComponentRef, instance: &str) -> bool {
        self.state.borrow().replacements.has_caused(performer, Some(instance))
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
    pub(super) fn note_named(
        &self,
        name: &str,
        instance: Option<&str>,
        at: Timestamp,
        how: &str,
        output: impl FnOnce() -> String,
    ) -> bool {
        if let Some(component) = component(name) {
            self.note(&component, instance, at, how, output);
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

impl State {
    /// The performers of an executor: by default one, with its name.
    fn performers_of(&self, component: &ComponentRef) -> Vec<ComponentRef> {
        match (self.performers.get(component), component) {
            (Some(performers), _) => performers.clone(),
            (None, ComponentRef::Executor(name)) => vec![ComponentRef::performer(name)],
            (None, _) => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests;
