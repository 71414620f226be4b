//! The events of a chain's mailbox as timeline entries, as they occur.

use hourglass_component::{
    chain::{ChainClient, ChainError, CreatedTask, Head, VerifiedTask},
    events::TaskEvent,
    keys::H256,
};
use hourglass_scenario::Chain;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{Event, Source, Timeline};

/// How many bytes of a payload, a result or a certificate an entry holds.
const SHOWN: usize = 4 << 10;

/// Records what happens on a chain until it is dropped.
#[derive(Debug)]
pub struct ChainFollower {
    looks: mpsc::UnboundedSender<oneshot::Sender<()>>,
    _following: AbortOnDropHandle<()>,
}

/// Follows a chain from its current head.
pub fn follow_chain(chain: Chain, client: &ChainClient, timeline: &Timeline) -> ChainFollower {
    let follower = Follower { chain, client: client.clone(), timeline: timeline.clone(), asked: None };
    let mut heads = client.heads();
    let start = heads.borrow_and_update().number;
    let (looks, wanted) = mpsc::unbounded_channel();
    let following = tokio::spawn(follower.run(heads, start, wanted).in_current_span());
    ChainFollower { looks, _following: AbortOnDropHandle::new(following) }
}

impl ChainFollower {
    /// Asks the chain for its head and records the events up to it, announced or not. If the chain does not answer, its
    /// events are recorded when it answers again.
    pub async fn look(&self) {
        let (done, looked) = oneshot::channel();
        // A follower that has ended records nothing more.
        if self.looks.send(done).is_ok() {
            let _ = looked.await;
        }
    }
}

struct Follower {
    chain: Chain,
    client: ChainClient,
    timeline: Timeline,
    /// The head up to which events were recorded on request: its announcement is still to come.
    asked: Option<Head>,
}

impl Follower {
    async fn run(
        mut self,
        mut heads: watch::Receiver<Head>,
        mut seen: u64,
        mut looks: mpsc::UnboundedReceiver<oneshot::Sender<()>>,
    ) {
        loop {
            tokio::select! {
                changed = heads.changed() => {
                    if changed.is_err() {
                        return;
                    }
                    let head = *heads.borrow_and_update();
                    seen = self.follow(head, seen).await;
                }
                Some(done) = looks.recv() => {
                    if let Ok(head) = self.client.head().await && head.number > seen {
                        seen = self.up_to(head.number, seen).await;
                        self.asked = Some(head);
                    }
                    // The caller may have given up.
                    let _ = done.send(());
                }
            }
        }
    }

    /// Records up to an announced head; returns the head up to which events are recorded.
    async fn follow(&mut self, head: Head, seen: u64) -> u64 {
        if head.number > seen {
            self.asked = None;
            return self.up_to(head.number, seen).await;
        }
        if let Some(asked) = self.asked {
            // It is on its way, or one before it.
            let known = self.client.block(asked.number).await;
            if known.is_ok_and(|block| block.is_some_and(|block| block.hash == asked.hash)) {
                return seen;
            }
            self.asked = None;
        }
        // The chain was reverted: blocks from here on are new.
        head.number
    }

    async fn up_to(&self, head: u64, seen: u64) -> u64 {
        // Before the requests, so that the events do not appear later than they were.
        let at = Timestamp::now();
        match self.record(seen + 1, head, at).await {
            Ok(()) => head,
            Err(error) => {
                let message = format!("cannot read events: {error}");
                self.timeline.record(Event { source: Source::Chain(self.chain), ..Event::of_harness(message) });
                seen
            }
        }
    }

    async fn record(&self, from: u64, to: u64, at: Timestamp) -> Result<(), ChainError> {
        let (created, verified) = self.client.task_events(from, to).await?;
        for task in created {
            self.entry(at, TaskEvent::TaskCreated, task.task, "TaskCreated", created_fields(&task));
        }
        for task in verified {
            self.entry(at, TaskEvent::TaskVerified, task.task, "TaskVerified", verified_fields(&task));
        }
        Ok(())
    }

    fn entry(&self, at: Timestamp, event: TaskEvent, task: H256, message: &str, fields: Map<String, Value>) {
        self.timeline.record(Event {
            at,
            source: Source::Chain(self.chain),
            level: None,
            event: Some(event),
            task_hash: Some(task),
            message: message.to_owned(),
            fields,
        });
    }
}

fn created_fields(task: &CreatedTask) -> Map<String, Value> {
    object(json!({
        "block": task.block_number,
        "avs": format!("{:?}", task.avs),
        "operator_set": task.operator_set_id,
        "reference_timestamp": task.reference_timestamp,
        "deadline": task.deadline,
        "payload": shown(&task.payload),
    }))
}

fn verified_fields(task: &VerifiedTask) -> Map<String, Value> {
    object(json!({
        "block": task.block_number,
        "aggregator": format!("{:?}", task.aggregator),
        "certificate": shown(&task.certificate),
        "result": shown(&task.result),
    }))
}

/// In hexadecimal, with a remark if it is cut.
fn shown(bytes: &[u8]) -> String {
    let begin = &bytes[..bytes.len().min(SHOWN)];
    let rest = bytes.len() - begin.len();
    let remark = if rest == 0 { String::new() } else { format!(" … (cut: {rest} more bytes are left out)") };
    format!("0x{}{remark}", hex::encode(begin))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
