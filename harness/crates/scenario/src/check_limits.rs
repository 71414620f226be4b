//! Values that contracts and chains refuse, or that do not reach them: found before anything is started.
//!
//! Each check represents a condition of the contracts in `fixtures/contracts/src`; the table below names them.

use hourglass_component::document::{Duration, Pointer, Problem, Problems};
use hourglass_proto::limits::{MAX_PAYLOAD, MAX_RESULT, MAX_TASK_SLA};

use super::model::Topology;
use super::texts::HexBytes;
use super::values::Mining;

/// The longest interval between blocks and the furthest warp, in seconds: a day and a hundred years. Longer ones serve no
/// test, and their sums must fit into a chain's clock.
const MAX_INTERVAL: u64 = 24 * 60 * 60;
const MAX_WARP: u64 = 36_500 * 24 * 60 * 60;

/// Adds the problems of a topology's values in chain time.
pub(super) fn chain_times(topology: &Topology, at: &Pointer, problems: &mut Problems) {
    chain_time(topology.task_sla, MAX_TASK_SLA, "the task SLA", &at.key("task_sla"), problems);
    for (index, avs) in topology.avss.iter().enumerate() {
        if let Some(task_sla) = avs.task_sla {
            let at = at.key("avss").item(index).key("task_sla");
            chain_time(task_sla, MAX_TASK_SLA, "the task SLA", &at, problems);
        }
    }
    if let Mining::Interval(interval) = topology.mining {
        chain_time(interval, MAX_INTERVAL, "the interval", &at.key("mining"), problems);
    }
}

/// Adds the problem of a warp that is zero or too large.
pub(super) fn warp(by: Duration, at: &Pointer, problems: &mut Problems) {
    chain_time(by, MAX_WARP, "a warp", at, problems);
}

fn chain_time(time: Duration, most: u64, what: &str, at: &Pointer, problems: &mut Problems) {
    if time.as_secs() == 0 || time.subsec_nanos() > 0 {
        problems.add(
            Problem::at_value(at, format!("{what} must be whole seconds, at least `1s`"))
                .label(format!("is {time}"))
                .help("chains count time in seconds"),
        );
    } else if time.as_secs() > most {
        let most = Duration::from_secs(most);
        problems.add(
            Problem::at_value(at, format!("{what} must not be longer than {most}"))
                .label(format!("is {time}"))
                .help(format!("give {most} or less")),
        );
    }
}

/// Adds the problem of a payload that no task can carry.
pub(super) fn payload(text: Option<&String>, raw: Option<&HexBytes>, at: &Pointer, problems: &mut Problems) {
    size("payload", text, raw, MAX_PAYLOAD, at, problems);
}

/// Adds the problem of an expected result that no executor signs.
pub(super) fn result(text: Option<&String>, raw: Option<&HexBytes>, at: &Pointer, problems: &mut Problems) {
    size("result", text, raw, MAX_RESULT, at, problems);
}

fn size(key: &str, text: Option<&String>, raw: Option<&HexBytes>, limit: usize, at: &Pointer, problems: &mut Problems) {
    for (key, bytes) in [(key.to_owned(), text.map(String::len)), (format!("{key}_hex"), raw.map(|raw| raw.0.len()))] {
        if let Some(bytes) = bytes.filter(|bytes| *bytes > limit) {
            let message = format!("`{key}` has {bytes} bytes, and the limit is {limit}");
            problems.add(Problem::at_value(&at.key(&key), message).label("too large").help("make it smaller"));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_proto::contracts::errors;
    use rstest::rstest;

    use super::*;
    use crate::Loader;

    fn problems(rest: &str) -> Vec<String> {
        let steps = if rest.contains("steps:") {
            String::new()
        } else {
            "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]\n".to_owned()
        };
        let text = format!("name: limit\ndescription: A test's own.\n{rest}\n{steps}");
        match Loader::new().unwrap().parse(Path::new("limit.yaml"), text) {
            Ok(_) => Vec::new(),
            Err(error) => error.reports().iter().map(hourglass_component::document::Report::one_line).collect(),
        }
    }

    /// Every condition of the contracts that a value of a scenario can violate, by the error with which the contract
    /// would end the set-up or the step: the last value that it accepts, and the first that it refuses.
    #[rstest]
    #[case::sla(
        "TaskSLAExceedsMaximum",
        "topology: {task_sla: 7d}",
        "topology: {task_sla: 7d 1s}",
        "not be longer than 7days"
    )]
    #[case::no_sla(
        "ExecutorOperatorSetTaskConfigNotSet",
        "topology: {task_sla: 1s}",
        "topology: {task_sla: 0s}",
        "at least `1s`"
    )]
    #[case::threshold(
        "InvalidConsensusValue",
        "topology: {threshold: 10000}",
        "topology: {threshold: 10001}",
        "from 0 to 10000"
    )]
    #[case::magnitude(
        "InsufficientMagnitude",
        "topology: {operators: [{name: a, weight: 1000000000000000000}]}",
        "topology: {operators: [{name: a, weight: 1000000000000000001}]}",
        "from 1 to 1000000000000000000"
    )]
    #[case::largest(
        "InsufficientMagnitude",
        "topology: {operators: [{name: a, weight: 1000000000000000000}, {name: b, weight: 1000000000000000000}]}",
        "topology: {operators: [{name: a}, {name: b, weight: 9223372036854775807}]}",
        "from 1 to 1000000000000000000"
    )]
    #[case::beyond_64_bits(
        "InsufficientMagnitude",
        "topology: {operators: [{name: a}]}",
        "topology: {operators: [{name: a, weight: 99999999999999999999}]}",
        "found the number 99999999999999999999"
    )]
    #[case::no_magnitude(
        "SameMagnitude",
        "topology: {operators: [{name: a}, {name: b, weight: 1}]}",
        "topology: {operators: [{name: a}, {name: b, weight: 0}]}",
        "from 1 to"
    )]
    #[case::twice(
        "ActivelyDelegated",
        "topology: {operators: [{name: a}, {name: b}]}",
        "topology: {operators: [{name: a}, {name: a}]}",
        "two operators are called `a`"
    )]
    #[case::no_operators(
        "OperatorCountZero",
        "topology: {operators: [{name: a}]}",
        "topology: {operators: []}",
        "not empty"
    )]
    #[case::curve(
        "BN254VerificationNotImplemented",
        "topology: {curve: ecdsa}",
        "topology: {curve: bn254}",
        "not supported"
    )]
    #[case::same_second("TimestampAtCreation", "topology: {mining: 1s}", "topology: {mining: 999ms}", "whole seconds")]
    #[case::no_payload(
        "PayloadIsEmpty",
        "steps: [{create_task: {payload: \"1\"}}, {expect_verified: {}}]",
        "steps: [{create_task: {payload: \"\"}}, {expect_verified: {}}]",
        "the mailbox refuses"
    )]
    fn values_that_contracts_refuse_do_not_load(
        #[case] error: &str,
        #[case] last: &str,
        #[case] first: &str,
        #[case] reason: &str,
    ) {
        assert!(errors::names().contains(&error), "no contract has an error called {error}");
        assert_eq!(problems(last), [""; 0]);
        let problems = problems(first);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(reason), "{problems:?}");
    }

    /// Values that chains, engines and connections do not accept.
    #[rstest]
    #[case::interval("topology: {mining: 24h}", "topology: {mining: 86401s}", "not be longer than 1day")]
    #[case::no_interval("topology: {mining: 1s}", "topology: {mining: 0h}", "at least `1s`")]
    #[case::half("topology: {mining: 2s}", "topology: {mining: 1500ms}", "whole seconds")]
    #[case::part("topology: {task_sla: 2s}", "topology: {task_sla: 1s 1ns}", "whole seconds")]
    #[case::far("WARP: 36500d", "WARP: 36500d 1s", "a warp must not be longer than")]
    #[case::overflow("WARP: 1s", "WARP: 999999999d 999999999d 999999999d", "a warp must not be longer than")]
    #[case::nowhere("WARP: 1s", "WARP: 0s", "a warp must be whole seconds")]
    #[case::memory("MEMORY: 1048576GiB", "MEMORY: 1048577GiB", "as much memory")]
    #[case::memory_overflow("MEMORY: 6MiB", "MEMORY: 999999999999GiB", "as much memory")]
    fn values_that_chains_and_engines_refuse_do_not_load(
        #[case] last: &str,
        #[case] first: &str,
        #[case] reason: &str,
    ) {
        let whole = |value: &str| match value.split_once(": ") {
            Some(("WARP", by)) => {
                format!(
                    "steps: [{{warp: {{by: {by}}}}}, {{create_task: {{payload: \"1\"}}}}, {{expect_verified: {{}}}}]"
                )
            }
            Some(("MEMORY", memory)) => format!(
                "runtimes: [docker, kubernetes]\nruntimes_because: Limits.\ncomponents: {{performer: {{memory: {memory}}}}}"
            ),
            _ => value.to_owned(),
        };
        assert_eq!(problems(&whole(last)), [""; 0]);
        let problems = problems(&whole(first));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].contains(reason), "{problems:?}");
    }

    /// A chain would report a payload that is too large in its own words, after everything was started.
    #[rstest]
    #[case::text("create_task: {payload: VALUE}", "expect_verified: {}", "payload", 1, MAX_PAYLOAD)]
    #[case::raw("create_task: {payload_hex: VALUE}", "expect_verified: {}", "payload_hex", 2, MAX_PAYLOAD)]
    #[case::refused("expect_rejected: {payload: VALUE, error: PayloadIsEmpty}", "mine: {}", "payload", 1, MAX_PAYLOAD)]
    #[case::result("create_task: {payload: a}", "expect_verified: {result: VALUE}", "result", 1, MAX_RESULT)]
    #[case::raw_result(
        "create_task: {payload: a}",
        "expect_verified: {result_hex: VALUE}",
        "result_hex",
        2,
        MAX_RESULT
    )]
    fn values_that_are_too_large_do_not_load(
        #[case] step: &str,
        #[case] other: &str,
        #[case] key: &str,
        #[case] digits: usize,
        #[case] limit: usize,
    ) {
        let of = |size: usize| {
            format!("steps: [{{{step}}}, {{{other}}}]").replace("VALUE", &format!("\"{}\"", "a".repeat(size * digits)))
        };
        assert_eq!(problems(&of(limit - 1)), [""; 0]);
        assert_eq!(problems(&of(limit)), [""; 0]);
        let problems = problems(&of(limit + 1));
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains(&format!("`{key}` has {} bytes, and the limit is {limit}", limit + 1)),
            "{problems:?}"
        );
    }
}
