//! The behaviour of a trial without what may differ between two runs of the same scenario: parity compares this.
//!
//! No times, addresses, hashes, ports or process ids. Concurrent events are separated into one lane for each reporter
//! and operator; within a lane the order counts. docs/decisions/0012-parity.md describes what is left out and why.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use hourglass_component::{events::TaskEvent, keys::H256};
use hourglass_scenario::ComponentRef;
use jiff::Timestamp;
use regex::Regex;
use serde::Serialize;

use super::{Event, Source, Timeline, by_task};

/// The behaviour of a trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Trace {
    /// The steps in the order of the file, and how each ended.
    pub steps: Vec<String>,
    /// Its tasks, in the order of the file and then of their creation.
    pub tasks: Vec<TaskTrace>,
}

/// The behaviour of one task.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskTrace {
    /// Its name in the scenario; a task of a group has its number: `burst #7`.
    pub name: String,
    /// The AVS that it is for; `None` for the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub avs: Option<String>,
    /// The chain that its mailbox is on.
    pub chain: String,
    /// Its last status in the words of the mailbox.
    pub status: String,
    /// How often the mailbox reported that it is verified.
    pub verified: usize,
    /// The verified result, as text if it is printable, else in hexadecimal.
    pub result: Option<String>,
    /// The operators whose signatures are in the certificate.
    pub signers: BTreeSet<String>,
    /// Operators whose signature the scenario leaves open: it depends on who is first.
    pub free: BTreeSet<String>,
    /// The reports of components, by reporter and subject.
    pub lanes: BTreeMap<String, Lane>,
}

/// The reports of one component about a task, and about one operator if they name one.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Lane {
    /// The events in the order in which they were reported.
    pub events: Vec<String>,
    /// Whether the lane is whole. Otherwise the end of the task cut it off.
    pub whole: bool,
}

/// The data about a task besides its events.
#[derive(Debug, Clone)]
pub struct TaskFacts {
    /// The task's hash.
    pub hash: H256,
    /// The hash that the certificate is about, if there is one.
    pub message_hash: Option<H256>,
    /// The trace without its lanes.
    pub trace: TaskTrace,
}

/// Adds the lanes to the tasks, from the entries of `timeline` before `end`.
pub fn with_lanes(facts: Vec<TaskFacts>, timeline: &Timeline, end: Option<Timestamp>) -> Vec<TaskTrace> {
    let events = timeline.sorted();
    let by_task = by_task(events.iter().filter(|event| end.is_none_or(|end| event.at < end)));
    let lanes = |facts: TaskFacts| {
        let about = by_task.get(&facts.hash).map_or(&[][..], Vec::as_slice);
        lanes(facts, about, |address| timeline.operator_name(address))
    };
    facts.into_iter().map(lanes).collect()
}

fn lanes(facts: TaskFacts, events: &[&Event], name: impl Fn(&str) -> Option<String>) -> TaskTrace {
    let TaskFacts { message_hash, mut trace, .. } = facts;
    let verified = trace.verified > 0;
    for event in events {
        let Source::Component(component) = &event.source else { continue };
        let operator = match component {
            ComponentRef::Aggregator => {
                event.operator().map(|address| name(address).unwrap_or_else(|| masked(address)))
            }
            own => own.operator().map(str::to_owned),
        };
        let Some(word) = word(event, verified, message_hash) else { continue };
        let (lane, whole) = match (component, &operator) {
            (ComponentRef::Aggregator, Some(operator)) => {
                (format!("aggregator about {operator}"), trace.signers.contains(operator))
            }
            (ComponentRef::Aggregator, None) => ("aggregator".to_owned(), verified),
            (component, Some(operator)) => (component.to_string(), trace.signers.contains(operator)),
            (component, None) => (component.to_string(), false),
        };
        let lane = trace.lanes.entry(lane).or_insert_with(|| Lane { events: Vec::new(), whole });
        // After a restart, a component that is asked again repeats some reports.
        if !lane.events.contains(&word) {
            lane.events.push(word);
        }
    }
    trace
}

/// The event's word in a trace; `None` for one that tells when something was observed rather than what happened.
fn word(event: &Event, verified: bool, certified: Option<H256>) -> Option<String> {
    let word = event.event?;
    let field = |name: &str| event.fields.get(name).and_then(|value| value.as_str());
    let detail = match word {
        TaskEvent::TaskCreated
        | TaskEvent::TaskVerified
        // The end of a session races with the end of the trial, and the chain reports both.
        | TaskEvent::CertificateSubmitted
        | TaskEvent::TaskExpired => return None,
        TaskEvent::TaskAbandoned if field("reason").is_some_and(|reason| reason.contains("shutting down")) => {
            return None;
        }
        // Weight that is unreachable for a moment.
        TaskEvent::QuorumUnreachable if verified => return None,
        // An executor with a socket is asked again; the number of such reports depends on how a connection fails.
        TaskEvent::ExecutorFailed if field("socket").is_some() => return None,
        TaskEvent::ExecutorFailed => field("code").map(ToOwned::to_owned),
        TaskEvent::PerformerFinished => event.fields.get("result_bytes").map(|bytes| format!("{bytes} bytes")),
        TaskEvent::ResponseAccepted if verified => {
            let same = field("message_hash").zip(certified).map(|(hash, certified)| hash == format!("{certified:?}"));
            same.map(|same| if same { "the verified result" } else { "another result" }.to_owned())
        }
        TaskEvent::PerformerFailed | TaskEvent::SubmissionFailed => field("error").map(failure),
        TaskEvent::ResponseRejected | TaskEvent::TaskAbandoned => field("reason").map(masked),
        _ => None,
    };
    Some(detail.map_or_else(|| word.to_string(), |detail| format!("{word} ({detail})")))
}

/// The gRPC code of a failure and the component's message; for a broken connection only that it broke, because the form
/// of the error varies.
fn failure(error: &str) -> String {
    static STATUS: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            "(?s)(Cancelled|Unknown|InvalidArgument|DeadlineExceeded|NotFound|AlreadyExists|PermissionDenied|\
             ResourceExhausted|FailedPrecondition|Aborted|OutOfRange|Unimplemented|Internal|Unavailable|DataLoss|\
             Unauthenticated): (.*)$",
        )
        .ok()
    });
    const BROKEN: [&str; 6] = ["transport error", "h2 protocol", "connection", "broken pipe", "tcp connect", "reset"];
    let Some(found) = STATUS.as_ref().and_then(|status| status.captures(error)) else { return masked(error) };
    let (code, message) = (&found[1], &found[2]);
    let own_words = !matches!(code, "Unavailable" | "Unknown" | "Cancelled" | "Internal")
        || !BROKEN.iter().any(|sign| message.contains(sign));
    if own_words { format!("{code}: {}", masked(message)) } else { "the connection broke".to_owned() }
}

/// The text without hashes, addresses and numbers.
fn masked(text: &str) -> String {
    static VARIABLE: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new(r"0x[0-9a-fA-F]{8,}|[0-9]+").ok());
    VARIABLE.as_ref().map_or_else(|| text.to_owned(), |variable| variable.replace_all(text, "…").into_owned())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    /// The statements of a performer must be compared, the form of a broken connection must not.
    #[rstest]
    #[case("failed to run 0xabcdef0123 on performer p-1: Internal: no abacus", "Internal: no abacus")]
    #[case("failed to run 0xabcdef0123 on performer p-2: Internal: at 7", "Internal: at …")]
    #[case("failed to run 0xabcdef0123 on performer p: Unknown: transport error", "the connection broke")]
    #[case("failed to run 0xab on performer p: Unavailable: tcp connect error: refused", "the connection broke")]
    #[case(
        "timed out after 3s waiting for the result of 0xabcdef0123",
        "timed out after …s waiting for the result of …"
    )]
    fn failures_are_compared_by_kind(#[case] error: &str, #[case] kind: &str) {
        assert_eq!(failure(error), kind);
    }
}
