//! What the steps of one trial share: the environment and the tasks that they created.

use std::{
    collections::{BTreeMap, HashSet},
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use hourglass_chain::TaskRecord;
use hourglass_component::{chain::TaskStatus, keys::H256};
use hourglass_runtime::{ExecutorManagement, Refusal};
use hourglass_scenario::{Chain, Location, Scenario};
use hourglass_timeline::Event;
use jiff::Timestamp;
use tokio_util::task::AbortOnDropHandle;

use super::{
    chain_view::Views,
    environment::Environment,
    failure::{EnvironmentError, StepFailure},
    no_quorum::Faults,
    verdict::Violation,
};

/// How many entries of the timeline a failure shows.
pub(super) const LAST_ENTRIES: usize = 12;

/// How long reading what was written already may take, after a wait has run out of time.
const SETTLED_WITHIN: Duration = Duration::from_millis(500);

/// Waits longer than this are logged.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// A task that a step created.
#[derive(Debug, Clone)]
pub(super) struct TrackedTask {
    pub alias: String,
    pub chain: Chain,
    /// The AVS that it is for; `None` for the first.
    pub avs: Option<String>,
    pub record: TaskRecord,
}

/// What the steps of one trial share.
pub(super) struct World {
    pub environment: Environment,
    pub scenario: std::sync::Arc<Scenario>,
    pub started: Timestamp,
    tasks: Mutex<BTreeMap<String, Vec<TrackedTask>>>,
    order: Mutex<Vec<TrackedTask>>,
    pub faults: Faults,
    pub views: Views,
    /// The performers that steps deployed: their executors' ids by their names.
    performers: Mutex<BTreeMap<String, String>>,
    /// The deployments that steps have left under way; they are given up with the trial.
    deployments: Mutex<Vec<AbortOnDropHandle<Result<(), Refusal>>>>,
}

impl World {
    pub(super) fn new(environment: Environment, scenario: std::sync::Arc<Scenario>, started: Timestamp) -> Self {
        Self {
            environment,
            scenario,
            started,
            tasks: Mutex::default(),
            order: Mutex::default(),
            faults: Faults::default(),
            views: Views::default(),
            performers: Mutex::default(),
            deployments: Mutex::default(),
        }
    }

    /// Stores tasks under a name; reuse of a name replaces the older ones.
    pub(super) fn track(&self, alias: &str, tasks: Vec<TrackedTask>) {
        self.order.lock().unwrap_or_else(PoisonError::into_inner).extend(tasks.iter().cloned());
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).insert(alias.to_owned(), tasks);
    }

    /// Adds a task to those with its name.
    pub(super) fn track_further(&self, task: TrackedTask) {
        self.order.lock().unwrap_or_else(PoisonError::into_inner).push(task.clone());
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.entry(task.alias.clone()).or_default().push(task);
    }

    /// Puts the tasks of a group, which were added one by one, into this order; older tasks with its name lose it.
    pub(super) fn put_in_order(&self, alias: &str, tasks: Vec<TrackedTask>) {
        let hashes: HashSet<H256> = tasks.iter().map(|task| task.record.task).collect();
        let mut order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.retain(|task| !hashes.contains(&task.record.task));
        order.extend(tasks.iter().cloned());
        drop(order);
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).insert(alias.to_owned(), tasks);
    }

    /// The tasks with a name.
    pub(super) fn tasks(&self, alias: &str) -> Vec<TrackedTask> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner).get(alias).cloned().unwrap_or_default()
    }

    /// The hash of the task with a name, in hexadecimal digits; none of a group, which has several.
    pub(super) fn hash_of(&self, alias: &str) -> Option<String> {
        match self.tasks(alias).as_slice() {
            [task] => Some(format!("{:?}", task.record.task)),
            _ => None,
        }
    }

    /// Stores the executor's id of a performer under its name.
    pub(super) fn name_performer(&self, alias: &str, id: &str) {
        self.performers.lock().unwrap_or_else(PoisonError::into_inner).insert(alias.to_owned(), id.to_owned());
    }

    /// The executor's id of the performer with a name.
    pub(super) fn performer(&self, alias: &str) -> Option<String> {
        self.performers.lock().unwrap_or_else(PoisonError::into_inner).get(alias).cloned()
    }

    /// Lets a deployment go on when its step is over.
    pub(super) fn keep_deployment(&self, deployment: AbortOnDropHandle<Result<(), Refusal>>) {
        self.deployments.lock().unwrap_or_else(PoisonError::into_inner).push(deployment);
    }

    /// The management service of an operator's executor.
    pub(super) async fn management(&self, operator: &str) -> Result<ExecutorManagement, StepFailure> {
        let Environment { accounts, runtime, .. } = &self.environment;
        let account = accounts.operators.iter().find(|account| account.name == operator);
        let account = account.ok_or_else(|| EnvironmentError::unknown(operator))?;
        let address = runtime.reach_executor(operator).await?;
        let (key, avs, ends) = (account.key.clone(), accounts.avs.address(), runtime.ends().clone());
        Ok(ExecutorManagement::new(address, operator, key, avs, ends)?)
    }

    /// A task by its hash.
    pub(super) fn task(&self, hash: H256) -> Option<TrackedTask> {
        let order = self.order.lock().unwrap_or_else(PoisonError::into_inner);
        order.iter().find(|task| task.record.task == hash).cloned()
    }

    /// Every task, in the order of creation.
    pub(super) fn all_tasks(&self) -> Vec<TrackedTask> {
        self.order.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Every task by its chain, in the order of creation; chains without a task are left out.
    pub(super) fn tasks_by_chain(&self) -> BTreeMap<Chain, Vec<TrackedTask>> {
        let mut by_chain: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for task in self.order.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            by_chain.entry(task.chain).or_default().push(task.clone());
        }
        by_chain
    }

    /// A violation by the system under test.
    pub(super) fn violation(
        &self,
        what: impl Into<String>,
        place: Option<&Location>,
        expected: impl Into<String>,
        seen: impl Into<String>,
        task: Option<H256>,
    ) -> Violation {
        Violation {
            what: what.into(),
            place: place.map(ToString::to_string),
            expected: expected.into(),
            seen: seen.into(),
            task: task.map(|task| format!("{task:?}")),
            timeline: self.environment.timeline.last_lines(task, LAST_ENTRIES, self.started),
        }
    }

    /// Waits until `done` returns a value for the entries of the timeline. When the time is up, every source is asked
    /// once more: what had happened by then counts, whenever it is reported.
    pub(super) async fn wait_until<T>(
        &self,
        within: Duration,
        mut done: impl FnMut(&[Event]) -> Option<T>,
    ) -> Option<T> {
        let (timeline, began) = (&self.environment.timeline, Instant::now());
        if let Some(answer) = timeline.wait_until(within, &mut done).await {
            if began.elapsed() >= LONG_WAIT {
                tracing::debug!(elapsed = ?began.elapsed(), "the wait for the timeline is over");
            }
            return Some(answer);
        }
        tracing::info!(?within, "the wait for the timeline has run out of time");
        self.environment.look().await;
        timeline.wait_until(SETTLED_WITHIN, done).await
    }

    /// The mailbox's status of a task.
    pub(super) async fn status(&self, task: &TrackedTask) -> Result<TaskStatus, StepFailure> {
        Ok(self.environment.chain(task.chain).task_status(task.record.task).await?)
    }

    /// An operator's name for an address that components write.
    pub(super) fn name_of(&self, address: hourglass_component::keys::Address) -> String {
        self.environment
            .accounts
            .operator(address)
            .map_or_else(|| format!("unknown {address:?}"), |operator| operator.name.clone())
    }
}
