//! The mailbox's events of a chain as timeline entries, as they come.

use hourglass_component::{
    chain::{ChainClient, ChainError, CreatedTask, Head, VerifiedTask},
    events::TaskEvent,
    keys::H256,
};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;

use super::{Event, Source, Timeline};
use crate::scenario::Chain;

/// Follows a chain from its present head until the handle is dropped.
pub fn follow_chain(chain: Chain, client: &ChainClient, timeline: &Timeline) -> AbortOnDropHandle<()> {
    let follower = Follower { chain, client: client.clone(), timeline: timeline.clone() };
    let mut heads = client.heads();
    let start = heads.borrow_and_update().number;
    AbortOnDropHandle::new(tokio::spawn(follower.run(heads, start)))
}

struct Follower {
    chain: Chain,
    client: ChainClient,
    timeline: Timeline,
}

impl Follower {
    async fn run(self, mut heads: watch::Receiver<Head>, mut seen: u64) {
        while heads.changed().await.is_ok() {
            // Before the questions below, so that the events do not look later than they were.
            let at = Timestamp::now();
            let head = heads.borrow_and_update().number;
            if head <= seen {
                // The chain went back: what is mined from here on is new.
                seen = head;
                continue;
            }
            match self.record(seen + 1, head, at).await {
                Ok(()) => seen = head,
                Err(error) => {
                    let message = format!("cannot read events: {error}");
                    self.timeline.record(Event { source: Source::Chain(self.chain), ..Event::of_harness(message) });
                }
            }
        }
    }

    async fn record(&self, from: u64, to: u64, at: Timestamp) -> Result<(), ChainError> {
        let (created, verified) =
            tokio::try_join!(self.client.tasks_created(from, to), self.client.tasks_verified(from, to))?;
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
        "payload": format!("0x{}", hex::encode(&task.payload)),
    }))
}

fn verified_fields(task: &VerifiedTask) -> Map<String, Value> {
    object(json!({
        "block": task.block_number,
        "aggregator": format!("{:?}", task.aggregator),
        "certificate": format!("0x{}", hex::encode(&task.certificate)),
        "result": format!("0x{}", hex::encode(&task.result)),
    }))
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
