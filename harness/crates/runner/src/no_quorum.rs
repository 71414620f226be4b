//! Tasks that cannot be verified any more: when that is final, and the result of each operator.
//!
//! The reference aggregator's record `quorum_unreachable` tells whether it has given the task up (`is_final`). Another
//! aggregator may still be waiting, and so does the step.

use std::{
    collections::{BTreeMap, HashSet},
    fmt::Write as _,
    sync::{Mutex, PoisonError},
};

use hourglass_component::{events::TaskEvent, keys::H256};
use hourglass_proto::contracts::errors;
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, Source, Timeline};

use super::world::World;

/// The field of a record that tells that the aggregator waits for nothing more.
const FINAL: &str = "is_final";
/// How many bytes of a result are shown.
const SHOWN: usize = 64;

/// The faults that steps inject into components: a restarted aggregator resumes the tasks that it had given up.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    under_way: usize,
    /// How many entries the timeline had when the last fault ended.
    entries: usize,
}

/// A fault in progress; it ends when this is dropped.
pub(super) struct UnderWay<'a> {
    faults: &'a Faults,
    timeline: &'a Timeline,
}

impl Faults {
    /// A fault begins.
    pub(super) fn begin<'a>(&'a self, timeline: &'a Timeline) -> UnderWay<'a> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).under_way += 1;
        UnderWay { faults: self, timeline }
    }

    /// The entry of the timeline since which there was no fault; `None` during a fault.
    fn none_since(&self) -> Option<usize> {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        (counts.under_way == 0).then_some(counts.entries)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        let entries = self.timeline.read(<[Event]>::len);
        let mut counts = self.faults.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.under_way -= 1;
        counts.entries = entries;
    }
}

/// One of the `missing` tasks that the aggregator has given up; `new` are the last entries of `count`.
pub(super) fn of_any(new: &[Event], missing: &HashSet<H256>, count: usize, world: &World) -> Option<H256> {
    given_up(new, count, world).find(|task| missing.contains(task))
}

/// The tasks that the aggregator has given up in the `new` entries, which are the last of `count`; none during a fault.
pub(super) fn given_up<'a>(new: &'a [Event], count: usize, world: &World) -> impl Iterator<Item = H256> + use<'a> {
    // A report from before the last fault may not hold any more.
    let valid = world.faults.none_since().map(|since| &new[since.saturating_sub(count - new.len()).min(new.len())..]);
    valid.into_iter().flatten().filter(|event| is_final(event)).filter_map(|event| event.task_hash)
}

fn is_final(event: &Event) -> bool {
    event.source == Source::Component(ComponentRef::Aggregator)
        && matches!(event.event, Some(TaskEvent::QuorumUnreachable | TaskEvent::SubmissionFailed))
        && event.fields.get(FINAL).is_some_and(|value| value.as_bool().unwrap_or_else(|| value == "true"))
}

/// States that no result reaches the threshold, with a line for each result or failure and its operators.
pub(super) fn describe(world: &World, task: H256) -> String {
    if let Some(error) = world.environment.timeline.read(|events| refusal(events, task)) {
        return format!("the mailbox does not take the result: {error}");
    }
    let answers = world.environment.timeline.read(|events| answers(events, task));
    let mut answers: BTreeMap<String, String> =
        answers.into_iter().filter_map(|(address, answer)| Some((name(world, &address)?, answer))).collect();
    let mut by_answer: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let avs = world.task(task).and_then(|task| task.avs);
    for operator in world.scenario.topology.members(avs.as_deref()) {
        let answer = answers.remove(&operator.name).unwrap_or_else(|| "no answer".to_owned());
        by_answer.entry(answer).or_default().push(format!("{} (weight {})", operator.name, operator.weight));
    }
    let mut text = "no result can reach the threshold any more".to_owned();
    for (answer, operators) in by_answer {
        let _ = write!(text, "\n{answer}: {}", operators.join(", "));
    }
    text
}

/// Why the result of a quorum was given up.
fn refusal(events: &[Event], task: H256) -> Option<String> {
    let last = events.iter().rev().find(|event| event.task_hash == Some(task) && is_final(event))?;
    let error = last.fields.get("error").and_then(|value| value.as_str()).unwrap_or_default();
    (last.event == Some(TaskEvent::SubmissionFailed)).then(|| by_name(error))
}

/// The error of a contract by name where an aggregator, which does not know the user's contracts, tells its bytes.
fn by_name(error: &str) -> String {
    let data = error.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
    data.map_or_else(|| error.to_owned(), |data| errors::describe(&data))
}

fn name(world: &World, address: &str) -> Option<String> {
    world.environment.timeline.operator_name(address)
}

/// The aggregator's report about each operator, by address; the last report counts.
fn answers(events: &[Event], task: H256) -> BTreeMap<String, String> {
    let mut answers = BTreeMap::new();
    let of_aggregator = |event: &&Event| event.source == Source::Component(ComponentRef::Aggregator);
    for event in events.iter().filter(of_aggregator).filter(|event| event.task_hash == Some(task)) {
        let Some(operator) = event.operator() else { continue };
        let field = |name: &str| event.fields.get(name).and_then(|value| value.as_str()).unwrap_or_default();
        let answer = match event.event {
            Some(TaskEvent::ResponseAccepted) => format!("result {}", result(field("result"), field("message_hash"))),
            Some(TaskEvent::ResponseRejected) => format!("refused as {}", field("reason")),
            Some(TaskEvent::ExecutorFailed) => format!("failed with {}: {}", field("code"), field("error")),
            _ => continue,
        };
        answers.insert(operator.to_owned(), answer);
    }
    answers
}

/// A result as expectations write it; without its bytes, the hash that was signed.
fn result(hexadecimal: &str, message_hash: &str) -> String {
    match hex::decode(hexadecimal.trim_start_matches("0x")) {
        Ok(bytes) if !hexadecimal.is_empty() => {
            let shown = hourglass_component::text::readable(&bytes[..bytes.len().min(SHOWN)]);
            if bytes.len() > SHOWN { format!("{shown}…") } else { shown }
        }
        _ => format!("with message hash {message_hash}"),
    }
}

#[cfg(test)]
mod tests {
    use hourglass_timeline::parse_line;

    use super::*;

    fn record(text: &str) -> Event {
        parse_line(&ComponentRef::Aggregator, text)
    }

    fn about(task: H256, event: &str, rest: &str) -> Event {
        record(&format!(r#"{{"level":"INFO","message":"m","event":"{event}","task_hash":"{task:?}"{rest}}}"#))
    }

    /// While a stopped executor may come back, the step goes on.
    #[test]
    fn only_tasks_that_the_aggregator_gave_up_are_final() {
        let task = H256::repeat_byte(7);
        let quorum = |rest: &str| is_final(&about(task, "quorum_unreachable", rest));
        assert!(quorum(r#","is_final":true"#));
        assert!(!quorum(r#","is_final":false"#));
        assert!(!quorum(""), "the public aggregator does not say");
        assert!(is_final(&about(task, "submission_failed", r#","is_final":true"#)));
        assert!(!is_final(&about(task, "submission_failed", "")), "the public aggregator tries again");
        assert!(!is_final(&about(task, "task_abandoned", r#","is_final":true"#)));
    }

    /// The chain refused a result that had a quorum, which differs from operators that disagree.
    #[test]
    fn a_refusal_is_reported_with_its_reason() {
        let task = H256::repeat_byte(7);
        let refused = about(task, "submission_failed", r#","is_final":true,"error":"too large""#);
        assert_eq!(refusal(std::slice::from_ref(&refused), task).as_deref(), Some("too large"));
        let raw = about(task, "submission_failed", r#","is_final":true,"error":"0xd63436d2""#);
        assert_eq!(refusal(&[raw], task).as_deref(), Some("PayloadIsEmpty"), "the harness knows the error");
        assert_eq!(refusal(&[refused, about(task, "quorum_unreachable", r#","is_final":true"#)], task), None);
    }

    #[test]
    fn the_last_report_about_each_operator_is_shown() {
        let task = H256::repeat_byte(7);
        let events = [
            about(task, "executor_failed", r#","operator":"0x01","code":"Unavailable","error":"refused""#),
            about(task, "response_accepted", r#","operator":"0x01","result":"0x30783130""#),
            about(task, "executor_failed", r#","operator":"0x02","code":"Internal","error":"no abacus""#),
            about(H256::zero(), "response_accepted", r#","operator":"0x02","result":"0x31""#),
            about(task, "response_rejected", r#","operator":"0x03","reason":"of another task""#),
        ];
        let expected = [
            ("0x01", r#"result "0x10""#),
            ("0x02", "failed with Internal: no abacus"),
            ("0x03", "refused as of another task"),
        ];
        let expected = expected.map(|(operator, answer)| (operator.to_owned(), answer.to_owned()));
        assert_eq!(answers(&events, task), BTreeMap::from(expected));
    }
}
