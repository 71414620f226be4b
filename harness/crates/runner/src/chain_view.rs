//! What a chain tells about the tasks of a trial: requested once for each head, and for each task that is asked about.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use futures::{Stream, StreamExt as _, TryStreamExt as _, stream};
use hourglass_component::{
    chain::{ChainClient, ChainError, Head, TaskStatus, VerifiedTask},
    keys::H256,
};
use hourglass_scenario::Chain;

use super::{
    failure::StepFailure,
    world::{TrackedTask, World},
};

/// How many statuses are requested at a time.
const AT_ONCE: usize = 32;

/// What a chain told at a head.
#[derive(Debug)]
pub(super) struct ChainView {
    client: ChainClient,
    head: Head,
    /// Each result since the steps began, in order.
    verified: HashMap<H256, Vec<VerifiedTask>>,
    statuses: Mutex<HashMap<H256, TaskStatus>>,
}

/// The last views of both chains.
#[derive(Debug, Default)]
pub(super) struct Views(Mutex<HashMap<Chain, Arc<ChainView>>>);

impl World {
    /// What a chain tells now.
    pub(super) async fn view(&self, chain: Chain) -> Result<Arc<ChainView>, StepFailure> {
        let client = self.environment.chain(chain).client();
        let head = client.head().await?;
        let known = self.views.0.lock().unwrap_or_else(PoisonError::into_inner).get(&chain).cloned();
        if let Some(known) = known.filter(|known| known.head == head) {
            return Ok(known);
        }
        // A chain that was reverted may have its head before the start.
        let from = self.environment.start_of(chain).min(head.number);
        let mut verified: HashMap<_, Vec<_>> = HashMap::new();
        for result in client.tasks_verified(from, head.number).await? {
            verified.entry(result.task).or_default().push(result);
        }
        let view = Arc::new(ChainView { client: client.clone(), head, verified, statuses: Mutex::default() });
        self.views.0.lock().unwrap_or_else(PoisonError::into_inner).insert(chain, Arc::clone(&view));
        Ok(view)
    }
}

impl ChainView {
    /// Every result of a task that the chain has verified since the steps began.
    pub(super) fn verified(&self, task: &TrackedTask) -> &[VerifiedTask] {
        self.verified.get(&task.record.task).map_or(&[], Vec::as_slice)
    }

    /// The blocks with results.
    pub(super) fn blocks_of_results(&self) -> impl Iterator<Item = u64> {
        self.verified.values().flatten().map(|result| result.block_number)
    }

    /// The mailbox's status of a task: that of the head, or a later one.
    pub(super) async fn status(&self, task: &TrackedTask) -> Result<TaskStatus, ChainError> {
        self.status_of(task.record.task).await
    }

    /// The same of several tasks, in their order.
    pub(super) async fn statuses(&self, tasks: &[TrackedTask]) -> Result<Vec<TaskStatus>, ChainError> {
        self.answers(tasks).try_collect().await
    }

    /// The same; without a status where the chain does not tell it.
    pub(super) async fn known_statuses(&self, tasks: &[TrackedTask]) -> Vec<Option<TaskStatus>> {
        self.answers(tasks).map(Result::ok).collect().await
    }

    fn answers(&self, tasks: &[TrackedTask]) -> impl Stream<Item = Result<TaskStatus, ChainError>> {
        let hashes: Vec<_> = tasks.iter().map(|task| task.record.task).collect();
        stream::iter(hashes).map(|hash| self.status_of(hash)).buffered(AT_ONCE)
    }

    async fn status_of(&self, hash: H256) -> Result<TaskStatus, ChainError> {
        let known = self.known().get(&hash).copied();
        if let Some(status) = known {
            return Ok(status);
        }
        let status = self.client.task_status(hash).await?;
        self.known().insert(hash, status);
        Ok(status)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<H256, TaskStatus>> {
        self.statuses.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
