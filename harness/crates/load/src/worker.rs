//! How the harness and the workers of a load talk: the configuration of all workers, the orders that each gets over its
//! connection, and the lines that it prints about its tasks.

use hourglass_component::keys::H256;
use hourglass_scenario::Load;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The configuration of the workers of one load, a JSON document. It holds private keys.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WorkersConfig {
    /// The chain on which tasks are created.
    pub chain_id: u64,
    /// The AVS of the executor operator set that tasks are for.
    pub avs: String,
    /// The number of that operator set.
    pub operator_set: u32,
    /// The private key of each worker, in hexadecimal: with accounts of their own, their nonces do not conflict.
    pub keys: Vec<String>,
    /// The whole load.
    pub load: Load,
}

/// What the harness tells a worker: a line of JSON. The worker answers each with its [`Clock`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    /// Tell the time.
    Clock,
    /// Begin to send tasks at this time of the worker's clock.
    Start(Timestamp),
}

/// The answer of a worker to an order: a line of JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// The time on the worker's clock.
    pub now: Timestamp,
}

/// What a worker prints about its tasks, each a line of JSON. A line is printed before a task is sent and another when that
/// is answered, so that a worker that is killed leaves no task of which nothing is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "load", rename_all = "snake_case")]
pub enum WorkerLine {
    /// A task is about to be sent.
    Sent {
        /// Its index in the whole load.
        index: u64,
        /// When, on the worker's clock.
        at: Timestamp,
    },
    /// A task is on its chain.
    Created {
        /// Its index in the whole load.
        index: u64,
        /// Hash of the task.
        task: H256,
        /// Block of its creation.
        block: u64,
        /// Last second of chain time in which a result counts.
        deadline: u64,
        /// Gas of the transaction that created it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        gas: Option<u64>,
    },
    /// A task was refused by the mailbox or the chain.
    Refused {
        /// Its index in the whole load.
        index: u64,
        /// Why.
        reason: String,
    },
    /// The creation of a task was not answered in time.
    Unanswered {
        /// Its index in the whole load.
        index: u64,
        /// What was waited for.
        reason: String,
    },
    /// The worker has sent all of its tasks, and all of them are answered.
    Done {
        /// How many it has sent.
        sent: u64,
    },
}

impl WorkerLine {
    /// The line in the output of a worker, if it is one.
    pub fn of(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_orders_are_read_back() {
        let at: Timestamp = "2026-03-01T12:00:00.25Z".parse().unwrap();
        let lines = [
            WorkerLine::Sent { index: 4, at },
            WorkerLine::Created { index: 4, task: H256::repeat_byte(7), block: 3, deadline: 9, gas: Some(21_000) },
            WorkerLine::Refused { index: 5, reason: "PayloadIsEmpty".to_owned() },
            WorkerLine::Unanswered { index: 6, reason: "not mined within 1s".to_owned() },
            WorkerLine::Done { sent: 3 },
        ];
        for line in lines {
            let text = serde_json::to_string(&line).unwrap();
            assert_eq!(WorkerLine::of(&text), Some(line), "{text}");
        }
        assert_eq!(serde_json::to_string(&WorkerLine::Done { sent: 3 }).unwrap(), r#"{"load":"done","sent":3}"#);
        for order in [Order::Clock, Order::Start(at)] {
            let text = serde_json::to_string(&order).unwrap();
            assert_eq!(serde_json::from_str::<Order>(&text).unwrap(), order, "{text}");
        }
    }

    /// A worker that fails prints its error beside its lines.
    #[test]
    fn other_output_is_no_line() {
        for text in ["Error: chain 31338 is not reached", "{}", r#"{"load":"sent"}"#, ""] {
            assert_eq!(WorkerLine::of(text), None, "{text}");
        }
    }
}
