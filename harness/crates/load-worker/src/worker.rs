//! Creates the tasks of a share when they are due, and prints what became of each.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use hourglass_base::age;
use hourglass_chain::{ChainControl, NewTask, POLL_INTERVAL};
use hourglass_component::{
    causes::with_causes,
    chain::{ChainClient, OperatorSetId},
    keys::EcdsaKey,
    timeout::timeout,
};
use hourglass_load::{
    ends::Ends,
    schedule::{DueTask, Schedule},
    share::Share,
    worker::{WorkerLine, WorkersConfig},
};
use hourglass_scenario::LoadPayload;
use jiff::Timestamp;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::{WorkerArgs, WorkerError, orders::Orders};

/// How often the chain is asked before the worker gives up: the network of a pod may be ready after its process.
const ATTEMPTS: usize = 8;

/// Creates the share of the worker and prints lines to `out`. Takes orders when the chain answers.
pub async fn run(args: &WorkerArgs, out: impl Write + Send, end: CancellationToken) -> Result<(), WorkerError> {
    let config = args.read()?;
    let (share, key) = own(args, &config)?;
    let set = OperatorSetId {
        avs: config.avs.parse().map_err(|_| args.not_a_config("`avs` is no address"))?,
        id: config.operator_set,
    };
    let connect = || ChainClient::connect(&args.chain_url, config.chain_id, POLL_INTERVAL);
    let pauses = ExponentialBuilder::default().with_min_delay(Duration::from_millis(50)).with_max_times(ATTEMPTS);
    let chain = ChainControl::new(connect.retry(pauses).await?);
    let (mut orders, _) = Orders::listen(args.port).await?;
    let start = orders.start().await?;
    let worker = Worker {
        chain,
        key,
        set,
        payloads: config.load.payloads(),
        within: config.load.within.into(),
        is_closed_loop: config.load.rate.is_none(),
        start,
        ends: Ends::default(),
        lines: Lines { out: Mutex::new((out, 0)), failed: CancellationToken::new(), error: Mutex::default() },
    };
    let schedule = Schedule::of(&config.load, share);
    let (now, clock) = (Instant::now(), Timestamp::now());
    // If the start is over already, what is due is sent at once.
    let begin = now.checked_sub(age(start, clock)).unwrap_or(now) + age(clock, start);
    tokio::select! {
        biased;
        () = end.cancelled() => return Err(WorkerError::Stopped),
        () = worker.lines.failed.cancelled() => {}
        () = schedule.run(begin, |task| worker.one(task)) => {}
        never = worker.follow() => match never {},
    }
    worker.lines.finish()
}

/// The share of the worker, and its key.
fn own(args: &WorkerArgs, config: &WorkersConfig) -> Result<(Share, EcdsaKey), WorkerError> {
    let (workers, index) = (config.keys.len(), args.index);
    let none = || WorkerError::Index { workers, index };
    let share = Share::of(index, u32::try_from(workers).unwrap_or(u32::MAX)).ok_or_else(none)?;
    let key = usize::try_from(index).ok().and_then(|index| config.keys.get(index)).ok_or_else(none)?;
    let key = EcdsaKey::from_hex(key).map_err(|_| args.not_a_config("a key is not valid"))?;
    Ok((share, key))
}

struct Worker<W> {
    chain: ChainControl,
    key: EcdsaKey,
    set: OperatorSetId,
    payloads: Vec<LoadPayload>,
    within: Duration,
    is_closed_loop: bool,
    start: Timestamp,
    ends: Ends,
    lines: Lines<W>,
}

impl<W: Write> Worker<W> {
    /// Creates one task; in a closed loop, waits until it has ended or has had its time.
    async fn one(&self, DueTask { index, payload, due }: DueTask) {
        let at = Timestamp::now();
        let due = due.map_or(at, |due| self.start + due);
        let left = || self.within.saturating_sub(age(due, Timestamp::now()));
        let payload = self.payloads.get(payload).map(LoadPayload::payload_bytes).unwrap_or_default();
        let new = NewTask { set: self.set, payload };
        self.lines.print(&WorkerLine::Sent { index, at });
        let task = match timeout(left(), self.chain.create_task(&self.key, &new)).await {
            Ok(Ok(record)) => record,
            Ok(Err(error)) => return self.lines.print(&WorkerLine::Refused { index, reason: with_causes(&error) }),
            Err(_) => {
                let reason = format!("not mined within {}", humantime::format_duration(self.within));
                return self.lines.print(&WorkerLine::Unanswered { index, reason });
            }
        };
        let (block, deadline, gas) = (task.block_number, task.deadline, task.gas);
        self.lines.print(&WorkerLine::Created { index, task: task.task, block, deadline, gas });
        if self.is_closed_loop {
            // Whether it has ended in time is judged by the harness.
            let _ = timeout(left(), self.ends.of(task.task)).await;
        }
    }

    /// Wakes those whose tasks are verified, in a closed loop.
    async fn follow(&self) -> std::convert::Infallible {
        if !self.is_closed_loop {
            return std::future::pending().await;
        }
        let mut heads = self.chain.client().heads();
        let mut next = heads.borrow_and_update().number;
        while heads.changed().await.is_ok() {
            let head = heads.borrow_and_update().number;
            if head < next {
                continue;
            }
            // The blocks are asked for again with the next head if the chain did not answer.
            if let Ok(verified) = self.chain.client().tasks_verified(next, head).await {
                self.ends.end(verified.into_iter().map(|verified| verified.task));
                next = head + 1;
            }
        }
        // The connection is gone: every task has its time.
        std::future::pending().await
    }
}

/// Prints lines, and ends the worker if that is impossible.
struct Lines<W> {
    /// With the number of tasks that were sent.
    out: Mutex<(W, u64)>,
    failed: CancellationToken,
    error: Mutex<Option<io::Error>>,
}

impl<W: Write> Lines<W> {
    /// At once: what is printed survives the end of the worker.
    fn print(&self, line: &WorkerLine) {
        let mut guard = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let (out, sent) = &mut *guard;
        *sent += u64::from(matches!(line, WorkerLine::Sent { .. }));
        if let Err(error) = write(out, line) {
            self.error.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
            self.failed.cancel();
        }
    }

    fn finish(&self) -> Result<(), WorkerError> {
        let sent = self.out.lock().unwrap_or_else(PoisonError::into_inner).1;
        self.print(&WorkerLine::Done { sent });
        let error = self.error.lock().unwrap_or_else(PoisonError::into_inner).take();
        error.map_or(Ok(()), |error| Err(WorkerError::Output(error)))
    }
}

fn write(out: &mut impl Write, line: &WorkerLine) -> io::Result<()> {
    let text = serde_json::to_string(line)? + "\n";
    out.write_all(text.as_bytes())?;
    out.flush()
}
