//! What happened on a chain, for people: its transactions and events, decoded with the ABIs of the contracts.

use std::{
    collections::HashMap,
    sync::LazyLock,
    time::{Duration, Instant},
};

use ethers::{
    abi::{RawLog, Token, ethabi::Event, ethabi::Function},
    types::{Bytes, H256, U64},
    utils::hex,
};
use hourglass_component::{causes::with_causes, text::cut, timeout::timeout};
use hourglass_proto::contracts::{abis, addresses::CONTRACTS, errors};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{ChainControl, SetupError};

/// How long one request may take: whoever asks for a history has little time.
const ANSWER_WITHIN: Duration = Duration::from_secs(1);
/// How many blocks are read, the latest ones.
const BLOCKS: u64 = 2_000;
/// How many transactions are told, the latest ones.
const TRANSACTIONS: usize = 1_000;
/// How many bytes of a value are told.
const LONGEST: usize = 2 << 10;

/// The history of a chain from a block on.
#[derive(Debug, Clone, Serialize)]
pub struct ChainHistory {
    /// The chain.
    pub chain_id: u64,
    /// The number of its last block; none if it did not answer.
    pub head: Option<u64>,
    /// The time of that block, in seconds since 1970.
    pub timestamp: Option<u64>,
    /// The first block that was read.
    pub from_block: u64,
    /// Its transactions in their order: block, hash, sender, receiver, call, status, gas, reason of a revert, events.
    pub transactions: Vec<Value>,
    /// What is missing, and why.
    pub remarks: Vec<String>,
}

type Decoders = (HashMap<[u8; 4], Function>, HashMap<H256, Event>);

/// Functions by selector and events by topic, of all contracts.
static DECODERS: LazyLock<Decoders> = LazyLock::new(|| {
    let contracts = abis();
    let functions = contracts.iter().flat_map(|abi| abi.functions.values().flatten());
    let events = contracts.iter().flat_map(|abi| abi.events.values().flatten());
    (
        functions.map(|function| (function.short_signature(), function.clone())).collect(),
        events.map(|event| (event.signature(), event.clone())).collect(),
    )
});

impl ChainControl {
    /// What happened on the chain since the block `from`, as far as it tells by `deadline`. What it does not tell is a remark.
    pub async fn history(&self, from: u64, deadline: Instant) -> ChainHistory {
        let mut history = ChainHistory {
            chain_id: self.chain_id(),
            head: None,
            timestamp: None,
            from_block: from,
            transactions: Vec::new(),
            remarks: Vec::new(),
        };
        let asking = Asking { control: self, deadline };
        match asking.for_answer("eth_getBlockByNumber", json!(["latest", false])).await {
            Ok(block) => {
                history.head = number(&block["number"]);
                history.timestamp = number(&block["timestamp"]);
            }
            Err(reason) => history.remarks.push(format!("the chain does not tell its last block: {reason}")),
        }
        let Some(head) = history.head else { return history };
        history.from_block = from.max(head.saturating_sub(BLOCKS - 1));
        // Backwards: what happened last explains most.
        for block in (history.from_block..=head).rev() {
            if Instant::now() >= deadline || history.transactions.len() >= TRANSACTIONS {
                let why = if Instant::now() >= deadline { "there was no time" } else { "there are too many" };
                history.remarks.push(format!("blocks {} to {block} are left out: {why}", history.from_block));
                break;
            }
            if let Err(reason) = asking.for_block(block, &mut history).await {
                history.remarks.push(format!("block {block}: {reason}"));
                break;
            }
        }
        history.transactions.reverse();
        history
    }

    /// The state of the chain with its history, packed with gzip as the chain gives it; unpacked, it is a file for
    /// `--load-state`.
    pub async fn packed_state(&self) -> Result<Vec<u8>, SetupError> {
        let text: String = self.ask("anvil_dumpState", json!([true])).await?;
        hex::decode(&text).map_err(|error| SetupError::Dump { chain_id: self.chain_id(), reason: error.to_string() })
    }
}

/// Asks a chain until a deadline, which holds for each request as well: one block may have thousands of transactions.
struct Asking<'a> {
    control: &'a ChainControl,
    deadline: Instant,
}

impl Asking<'_> {
    async fn for_block(&self, number: u64, history: &mut ChainHistory) -> Result<(), String> {
        let block = self.for_answer("eth_getBlockByNumber", json!([format!("{number:#x}"), true])).await?;
        let transactions = block["transactions"].as_array().cloned().unwrap_or_default();
        for transaction in transactions.iter().rev() {
            if history.transactions.len() >= TRANSACTIONS {
                return Err(format!("only its latest transactions are told: there are more than {TRANSACTIONS}"));
            }
            let receipt = self.for_answer("eth_getTransactionReceipt", json!([transaction["hash"]])).await?;
            let mut told = told(transaction, &receipt, &block["timestamp"]);
            if receipt["status"] == "0x0" {
                told.insert("revert".to_owned(), self.reason(transaction).await.into());
            }
            history.transactions.push(told.into());
        }
        Ok(())
    }

    /// Why a transaction was reverted.
    async fn reason(&self, transaction: &Value) -> String {
        let options = json!({ "tracer": "callTracer", "tracerConfig": { "onlyTopCall": true } });
        let trace = match self.for_answer("debug_traceTransaction", json!([transaction["hash"], options])).await {
            Ok(trace) => trace,
            Err(reason) => return format!("unknown: {reason}"),
        };
        match (bytes(&trace["output"]), trace["error"].as_str()) {
            (Some(output), _) if !output.is_empty() => errors::describe(&output),
            (_, Some(error)) => error.to_owned(),
            _ => "no reason".to_owned(),
        }
    }

    async fn for_answer(&self, method: &str, parameters: Value) -> Result<Value, String> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match timeout(left.min(ANSWER_WITHIN), self.control.ask::<Value>(method, parameters)).await {
            Ok(answer) => answer.map_err(|error| with_causes(&error)),
            Err(_) if left < ANSWER_WITHIN => Err("there was no time".to_owned()),
            Err(_) => Err(format!("no answer to {method} within {}", humantime::format_duration(ANSWER_WITHIN))),
        }
    }
}

fn told(transaction: &Value, receipt: &Value, timestamp: &Value) -> Map<String, Value> {
    let input = bytes(&transaction["input"]).unwrap_or_default();
    let events = receipt["logs"].as_array().into_iter().flatten().map(event).collect::<Vec<_>>();
    let told = json!({
        "block": number(&transaction["blockNumber"]),
        "timestamp": number(timestamp),
        "hash": transaction["hash"],
        "from": transaction["from"],
        "to": transaction["to"],
        "contract": contract(&transaction["to"]),
        "call": call(&input),
        "status": if receipt["status"] == "0x1" { "success" } else { "reverted" },
        "gas_used": number(&receipt["gasUsed"]),
        "events": events,
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

/// `function(name: value, …)`, else the data.
fn call(input: &[u8]) -> String {
    let Some((selector, arguments)) = input.split_first_chunk::<4>() else { return shortened(input) };
    let Some(function) = DECODERS.0.get(selector) else { return shortened(input) };
    let Ok(tokens) = function.decode_input(arguments) else { return shortened(input) };
    let named = function.inputs.iter().zip(&tokens).map(|(input, token)| format!("{}: {}", input.name, value(token)));
    format!("{}({})", function.name, named.collect::<Vec<_>>().join(", "))
}

fn event(log: &Value) -> Value {
    let topics: Vec<H256> = serde_json::from_value(log["topics"].clone()).unwrap_or_default();
    let data = bytes(&log["data"]).unwrap_or_default();
    let raw = RawLog { topics: topics.clone(), data };
    let decoded = topics.first().and_then(|topic| DECODERS.1.get(topic));
    let decoded = decoded.and_then(|event| Some((event, event.parse_log(raw).ok()?)));
    let Some((event, fields)) = decoded else {
        return json!({ "contract": contract(&log["address"]), "address": log["address"], "topics": log["topics"], "data": log["data"] });
    };
    let fields: Map<_, _> =
        fields.params.iter().map(|field| (field.name.clone(), value(&field.value).into())).collect();
    json!({ "contract": contract(&log["address"]), "event": event.name, "fields": fields })
}

/// The name of the contract at an address.
fn contract(address: &Value) -> Option<&'static str> {
    let address = address.as_str()?;
    CONTRACTS.iter().find(|known| format!("{:?}", known.address).eq_ignore_ascii_case(address)).map(|known| known.name)
}

fn value(token: &Token) -> String {
    let text = match token {
        Token::Uint(number) | Token::Int(number) => number.to_string(),
        Token::Address(_) | Token::Bytes(_) | Token::FixedBytes(_) => format!("0x{token}"),
        Token::String(text) => format!("{text:?}"),
        Token::Bool(_) => token.to_string(),
        Token::Array(items) | Token::FixedArray(items) => {
            format!("[{}]", items.iter().map(value).collect::<Vec<_>>().join(", "))
        }
        Token::Tuple(items) => format!("({})", items.iter().map(value).collect::<Vec<_>>().join(", ")),
    };
    cut(&text, LONGEST).into_owned()
}

fn shortened(bytes: &[u8]) -> String {
    cut(&format!("0x{}", hex::encode(bytes)), LONGEST).into_owned()
}

fn bytes(value: &Value) -> Option<Vec<u8>> {
    serde_json::from_value::<Bytes>(value.clone()).ok().map(|bytes| bytes.to_vec())
}

fn number(value: &Value) -> Option<u64> {
    serde_json::from_value::<U64>(value.clone()).ok().map(|number| number.as_u64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_and_events_of_other_contracts_are_told_as_data() {
        assert_eq!(call(&[]), "0x");
        assert_eq!(call(&[1, 2, 3, 4, 5]), "0x0102030405");
        let log = json!({ "address": "0x01", "topics": [], "data": "0x07" });
        assert_eq!(event(&log)["data"], "0x07");
        assert!(DECODERS.0.len() > 50 && DECODERS.1.len() > 20, "the ABIs are not read");
    }
}
