//! Has the tasks of a load created by workers inside the cluster: starts them, tells them when to begin, and makes the tasks
//! of the load of what they print.

use std::{pin::pin, time::Duration};

use futures::{StreamExt as _, future::try_join_all, stream::FuturesUnordered};
use hourglass_base::age;
use hourglass_chain::TaskRecord;
use hourglass_component::{keys::H256, timeout::timeout};
use hourglass_load::{
    clock::{Question, ahead},
    ends::Ends,
    merge::{CreatedTask, Merge, Merged},
    record::{LoadEvent, LoadRecord},
    worker::{Clock, Order, WorkerLine, WorkersConfig},
};
use hourglass_runtime::{Connection, RuntimeError, Worker, WorkerOutput, Workers, WorkersSpec};
use hourglass_scenario::{Load, StepKind};
use hourglass_timeline::{Event, Timeline};
use jiff::{SignedDuration, Timestamp};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader},
    sync::mpsc::UnboundedReceiver,
};

use super::{ends, generator::Created};
use crate::{
    failure::{EnvironmentError, StepFailure},
    world::{TrackedTask, World},
};

/// The component of the harness that a worker runs.
const COMPONENT: &str = "load-worker";
/// How often each worker is asked for its time.
const QUESTIONS: usize = 8;
/// How long a worker may take to answer an order.
const ANSWERED_WITHIN: Duration = Duration::from_secs(10);
/// How long before the start all workers are told of it.
const AHEAD_OF_START: Duration = Duration::from_millis(500);

/// What became of a load that workers send.
#[derive(Debug)]
pub(super) struct Sent {
    /// The tasks that were created, in the order in which they were due.
    pub(super) created: Vec<Created>,
    /// The workers that did not send all of their tasks, each with its pod, how it has ended, and its last lines.
    pub(super) lost: Vec<String>,
}

/// Runs the load until each of its tasks has ended or has had its time, and the workers are gone.
pub(super) async fn run(load: &Load, count: u32, world: &World) -> Result<Sent, StepFailure> {
    let environment = &world.environment;
    let chain = environment.chain(load.chain);
    let keys: Vec<_> = (0..count).map(|worker| environment.accounts.load_worker(&load.alias, worker)).collect();
    try_join_all(keys.iter().map(|key| chain.fund(key.address()))).await?;
    let executors = environment.executor_set();
    let config = WorkersConfig {
        chain_id: chain.chain_id(),
        avs: format!("{:?}", executors.avs),
        operator_set: executors.id,
        keys: keys.iter().map(hourglass_component::keys::EcdsaKey::to_hex).collect(),
        load: load.clone(),
    };
    let spec = WorkersSpec {
        component: COMPONENT,
        count,
        config: serde_json::to_string(&config).map_err(|error| unusable(&load.alias, &error.to_string()))?,
        chain_id: chain.chain_id(),
        within: StepKind::Load(load.clone()).within().unwrap_or_default(),
    };
    let Workers { name, workers, output } = environment.runtime.start_workers(spec).await?;
    let pods: Vec<_> = workers.iter().map(|worker| worker.pod.clone()).collect();
    let from = environment.timeline.read(<[Event]>::len);
    let (start, ahead) = begin(workers).await.map_err(|why| unusable(&name, &why))?;
    let collector = Collector { load, world, pods, ends: Ends::default() };
    let lines = Lines { timeline: &environment.timeline, alias: &load.alias, merge: Merge::new(load, start, &ahead) };
    let mut sent = tokio::select! {
        biased;
        sent = collector.all(lines, output) => sent,
        never = ends::follow(&collector.ends, world, from) => match never {},
    };
    environment.runtime.end_workers(&name).await?;
    sent.created.sort_unstable_by_key(|created| created.index);
    Ok(sent)
}

fn unusable(job: &str, reason: &str) -> StepFailure {
    StepFailure::Environment(EnvironmentError::Runtime(RuntimeError::Workers {
        job: job.to_owned(),
        reason: reason.to_owned(),
    }))
}

/// Compares the clocks of all workers, and then tells each when to begin. Returns when, on the clock of the harness, and how
/// far each worker's clock is ahead.
async fn begin(workers: Vec<Worker>) -> Result<(Timestamp, Vec<SignedDuration>), String> {
    let compared = try_join_all(workers.into_iter().map(|Worker { pod, connection }| async {
        let mut connection = BufReader::new(connection);
        let mut questions = Vec::new();
        for _ in 0..QUESTIONS {
            let asked = Timestamp::now();
            let answer = order(&mut connection, &pod, Order::Clock).await?.now;
            questions.push(Question { asked, answer, answered: Timestamp::now() });
        }
        Ok::<_, String>((connection, pod, ahead(&questions)))
    }));
    let mut compared = compared.await?;
    let start = Timestamp::now() + AHEAD_OF_START;
    let told = compared.iter_mut().map(|(connection, pod, ahead)| order(connection, pod, Order::Start(start + *ahead)));
    try_join_all(told).await?;
    Ok((start, compared.into_iter().map(|(_, _, ahead)| ahead).collect()))
}

async fn order(to: &mut BufReader<Box<dyn Connection>>, pod: &str, order: Order) -> Result<Clock, String> {
    let exchange = async {
        let text = serde_json::to_string(&order).map_err(|error| error.to_string())? + "\n";
        to.write_all(text.as_bytes()).await.map_err(|error| error.to_string())?;
        to.flush().await.map_err(|error| error.to_string())?;
        let mut line = String::new();
        to.read_line(&mut line).await.map_err(|error| error.to_string())?;
        serde_json::from_str(&line).map_err(|_| format!("`{}` is no answer", line.trim()))
    };
    match timeout(ANSWERED_WITHIN, exchange).await {
        Ok(answer) => answer.map_err(|why| format!("pod {pod} takes no orders: {why}")),
        Err(_) => Err(format!("pod {pod} does not answer within {}", humantime::format_duration(ANSWERED_WITHIN))),
    }
}

struct Collector<'a> {
    load: &'a Load,
    world: &'a World,
    pods: Vec<String>,
    ends: Ends,
}

impl Collector<'_> {
    /// Reads what the workers print until all have ended, and waits for the ends of the tasks.
    async fn all(&self, mut lines: Lines<'_>, mut output: UnboundedReceiver<WorkerOutput>) -> Sent {
        let mut sent = Sent { created: Vec::new(), lost: Vec::new() };
        let mut running = lines.merge.workers();
        let mut under_way = pin!(FuturesUnordered::new());
        while running > 0 || !under_way.is_empty() {
            tokio::select! {
                said = output.recv(), if running > 0 => match said {
                    Some(WorkerOutput::Line { worker, text }) => {
                        if let Some(created) = lines.line(worker, &text) {
                            let created = self.track(&created);
                            let (hash, due) = (created.task.record.task, created.due);
                            sent.created.push(created);
                            under_way.push(self.end_of(hash, due));
                        }
                    }
                    Some(WorkerOutput::Ended { worker, how, last }) => {
                        running -= 1;
                        sent.lost.extend(lines.ended(worker, self.pod(worker), how, &last));
                    }
                    // Nothing is read any more; all that is not accounted for is lost.
                    None => {
                        running = 0;
                        let rest = 0..lines.merge.workers();
                        let why = || Some("output that is not read any more".to_owned());
                        sent.lost.extend(rest.filter_map(|worker| lines.ended(worker, self.pod(worker), why(), "  (none)")));
                    }
                },
                Some(()) = under_way.next(), if !under_way.is_empty() => {}
            }
        }
        sent
    }

    fn pod(&self, worker: u32) -> &str {
        usize::try_from(worker).ok().and_then(|worker| self.pods.get(worker)).map_or("", String::as_str)
    }

    fn track(&self, created: &CreatedTask) -> Created {
        let CreatedTask { index, payload, due, hash, block, deadline, gas } = *created;
        let record = TaskRecord { task: hash, block_number: block, deadline, gas };
        let task = TrackedTask { alias: self.load.alias.clone(), chain: self.load.chain, avs: None, record };
        self.world.track_further(task.clone());
        Created { task, index, payload, due }
    }

    /// Whether it has ended in time is judged when all have.
    async fn end_of(&self, task: H256, due: Timestamp) {
        let left = Duration::from(self.load.within).saturating_sub(age(due, Timestamp::now()));
        let _ = timeout(left, self.ends.of(task)).await;
    }
}

/// Writes the entries about tasks to the timeline. Those about tasks without an answer are written whatever happens: when
/// this is dropped, the load has ended before.
struct Lines<'a> {
    timeline: &'a Timeline,
    alias: &'a str,
    merge: Merge,
}

impl Lines<'_> {
    /// Records what a line says about a task; returns the task if it is on its chain.
    fn line(&mut self, worker: u32, text: &str) -> Option<CreatedTask> {
        let Merged { event, created } = self.merge.line(worker, WorkerLine::of(text)?)?;
        self.record(event, created.as_ref().map(|created| created.hash));
        created
    }

    /// Records the tasks of a worker that has ended; says what is to be known of it if it has not done its work.
    fn ended(&mut self, worker: u32, pod: &str, how: Option<String>, last: &str) -> Option<String> {
        let is_done = self.merge.is_done(worker);
        if is_done && how.is_none() {
            return None;
        }
        let how = how.unwrap_or_else(|| "exit code 0 and output that is not complete".to_owned());
        let ended = format!("worker {worker} (pod {pod}) ended with {how}");
        for event in self.merge.ended(worker, &ended) {
            self.record(event, None);
        }
        // Whoever has sent and answered all of its tasks has lost none, however it ended.
        (!is_done).then(|| format!("{ended}; its last output:\n{last}"))
    }

    fn record(&self, what: LoadEvent, task: Option<H256>) {
        self.timeline.record(LoadRecord { alias: self.alias.to_owned(), what }.event(task));
    }
}

impl Drop for Lines<'_> {
    fn drop(&mut self) {
        for worker in 0..self.merge.workers() {
            let events = self.merge.ended(worker, "the load ended before the answer");
            // A load that is cut off does not count what it would have sent, whoever sends it.
            for event in events.into_iter().filter(|event| matches!(event, LoadEvent::Sent { .. })) {
                self.record(event, None);
            }
        }
    }
}
