//! Who waits for the end of which task.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use hourglass_component::keys::H256;
use tokio::sync::oneshot;

/// The tasks that have ended so far, and who waits for the others.
#[derive(Debug, Default)]
pub struct Ends(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    ended: HashSet<H256>,
    waiting: HashMap<H256, oneshot::Sender<()>>,
}

impl Ends {
    /// Waits until the task has ended; one waits for each task.
    pub async fn of(&self, task: H256) {
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

    /// Wakes those whose tasks have ended.
    pub fn end(&self, tasks: impl Iterator<Item = H256>) {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks {
            // The task may not be awaited any more.
            state.waiting.remove(&task).map(|waiting| waiting.send(()));
            state.ended.insert(task);
        }
    }
}
