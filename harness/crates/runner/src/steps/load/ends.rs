//! The ends of tasks as the timeline tells them: verified, or given up by the aggregator.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hourglass_component::{events::TaskEvent, keys::H256};
use hourglass_timeline::{Event, Source};
use tokio::sync::oneshot;

use crate::{no_quorum, world::World};

/// The timeline is followed until the step is over.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// The tasks that have ended so far, and who waits for the others.
#[derive(Debug, Default)]
pub(super) struct Ends(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ended: HashSet<H256>,
    waiting: HashMap<H256, oneshot::Sender<()>>,
}

impl Ends {
    /// Waits until the task has ended; one waits for each task.
    pub(super) async fn of(&self, task: H256) {
        let ended = {
            let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // The chain may have told it before the answer to the creation came.
            if state.ended.contains(&task) {
                return;
            }
            let (sender, ended) = oneshot::channel();
            state.waiting.insert(task, sender);
            ended
        };
        let _ = ended.await;
    }

    /// Follows the timeline from its entry `from` on, and wakes those whose tasks have ended. Each entry is read once.
    pub(super) async fn follow(&self, world: &World, from: usize) -> Infallible {
        let mut seen = from;
        loop {
            let read = |events: &[Event]| {
                let new = &events[seen..];
                let on_chain = |event: &&Event| matches!(event.source, Source::Chain(_));
                let verified = new.iter().filter(on_chain).filter(|event| event.event == Some(TaskEvent::TaskVerified));
                seen = events.len();
                self.end(verified.filter_map(|event| event.task_hash).chain(no_quorum::given_up(new, seen, world)));
                None::<Infallible>
            };
            world.environment.timeline.wait_until(FOREVER, read).await;
        }
    }

    fn end(&self, tasks: impl Iterator<Item = H256>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks {
            // The task may not be awaited any more.
            state.waiting.remove(&task).map(|waiting| waiting.send(()));
            state.ended.insert(task);
        }
    }
}
