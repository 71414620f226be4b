//! The messages for mistakes in a scenario, and the trials of the committed scenarios.

use std::path::Path;

use miette::{GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn committed() -> Selection {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../scenarios");
    Selection { directory: Some(directory), ..Selection::default() }
}

fn parse(text: &str) -> Result<ScenarioFile, hourglass_component::document::DocumentError> {
    Loader::new().unwrap().parse(Path::new("scenarios/bad.yaml"), text)
}

fn problems(text: &str) -> Vec<String> {
    let error = parse(text).expect_err("the scenario is bad");
    error.reports().iter().map(hourglass_component::document::Report::one_line).collect()
}

const HEAD: &str = "name: bad\ndescription: A bad scenario.\n";
const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {}\n";

/// The message for each mistake names its object, its position and a remedy, and nothing else is reported with it.
#[rstest]
#[case::unknown_key("tpoology: {}", "", "3:1: unknown key `tpoology`", "did you mean `topology`?")]
#[case::unknown_variable(
    "variables: {delay: soon}",
    "- create_task: {as: b, payload: \"${dealy}\"}\n- create_task: {as: c, payload: \"${delay}\"}",
    "7:35: unknown variable `dealy`",
    "did you mean `delay`?"
)]
#[case::unused_variable("variables: {delay: soon}", "", "3:13: the variable `delay` is never used", "write `${delay}`")]
#[case::bad_variable("variables: {De-lay: 1}", "", "3:13: `De-lay` cannot be the name", "use lowercase letters")]
#[case::name_clash(
    "variables: {chain: l1}\nmatrix: {chain: [l1, l2]}",
    "- create_task: {as: b, payload: \"${chain}\"}",
    "4:10: `chain` is in `variables` and in `matrix`",
    "keep one"
)]
#[case::matrix_twice(
    "matrix: {chain: [l1, l1]}",
    "- mine: {chain: \"${chain}\"}",
    "3:1: two combinations of the matrix are called `chain_l1`",
    "give each value once"
)]
#[case::without_fault_unknown(
    "variables: {fault: \"1\"}\nwithout_fault: {falt: 0}",
    "- create_task: {as: b, payload: \"${fault}\"}",
    "4:17: `without_fault` sets an unknown variable `falt`",
    "did you mean `fault`?"
)]
#[case::without_fault_same(
    "variables: {fault: \"1\"}\nwithout_fault: {fault: \"1\"}",
    "- create_task: {as: b, payload: \"${fault}\"}",
    "4:24: `without_fault` leaves `fault` as it is",
    "no fault"
)]
#[case::unknown_task(
    "",
    "- expect_expired: {task: other}",
    "7:28: no earlier step creates a task called `other`",
    "tasks created so far: `task`"
)]
#[case::task_twice("", "- create_task: {payload: \"1\"}", "7:18: two steps create a task called `task`", "`as: …`")]
#[case::task_in_parallel(
    "",
    "- parallel: [{create_task: {as: b, payload: \"1\"}}, {expect_expired: {task: b}}]",
    "7:78: no earlier step creates a task called `b`",
    "`task`"
)]
#[case::no_network_in_processes(
    "",
    "- disconnect: {component: executor/operator}",
    "7:5: the process runtime does not have `disconnect`",
    "`runtimes: [docker, kubernetes]`"
)]
#[case::no_network_where_it_is_switched_off(
    "",
    "- parallel: [{reconnect: {component: aggregator}, if: false}]",
    "7:17: the process runtime does not have `reconnect`",
    "`runtimes: [docker, kubernetes]`"
)]
#[case::no_cluster_in_docker(
    "runtimes: [docker, kubernetes]\nruntimes_because: Pods.",
    "- delete_pod: {component: executor/operator}",
    "8:5: only the kubernetes runtime has `delete_pod`",
    "`runtimes: [kubernetes]`"
)]
#[case::unknown_end_of_a_partition(
    "runtimes: [kubernetes]\nruntimes_because: Policies.",
    "- partition: {from: executor/operator, to: performer/bob}",
    "8:46: there is no operator called `bob`",
    "operators: `operator`"
)]
#[case::no_limit_in_processes(
    "components: {performer: {memory: 64MiB}}",
    "",
    "3:26: the process runtime does not have a memory limit",
    "`runtimes: [docker, kubernetes]`"
)]
#[case::no_processor_limit_in_processes(
    "components: {aggregator: {cpus: 0.5}}",
    "",
    "3:27: the process runtime does not have a processor limit",
    "`runtimes: [docker, kubernetes]`"
)]
#[case::no_processor(
    "runtimes: [docker, kubernetes]\nruntimes_because: Limits.\ncomponents: {executor: {cpus: 0.001}}",
    "",
    "5:31: a container cannot do with 0.001 processors",
    "0.01 or more"
)]
#[case::negative_processors(
    "runtimes: [docker, kubernetes]\nruntimes_because: Limits.\ncomponents: {executor: {cpus: -1}}",
    "",
    "5:31: a container cannot do with 0 processors",
    "0.01 or more"
)]
#[case::too_many_processors(
    "runtimes: [docker, kubernetes]\nruntimes_because: Limits.\ncomponents: {executor: {cpus: 1e9}}",
    "",
    "5:31: a container cannot be given as many processors",
    "10000 or less"
)]
#[case::no_memory(
    "runtimes: [docker, kubernetes]\nruntimes_because: Limits.\ntopology: {operators: [{name: operator, performer: {memory: 1024KiB}}]}",
    "",
    "5:61: a container cannot do with 1MiB",
    "6MiB or more"
)]
#[case::bad_memory(
    "components: {performer: {memory: much}}",
    "",
    "3:34: expected an amount of memory such as `64MiB`",
    "`64MiB`"
)]
#[case::no_reason(
    "runtimes: [docker]",
    "",
    "3:11: the scenario does not say why it leaves runtimes out",
    "`runtimes_because`"
)]
#[case::reason_for_nothing("runtimes_because: Why?", "", "3:1: `runtimes_because` explains nothing", "`runtimes`")]
#[case::unknown_operator_paused(
    "",
    "- pause: {component: executor/operater}",
    "7:24: there is no operator called `operater`",
    "did you mean `operator`?"
)]
#[case::unknown_signer(
    "",
    "- expect_verified: {signed_by: [operater]}",
    "7:35: there is no operator called `operater`",
    "did you mean `operator`?"
)]
#[case::unknown_component(
    "",
    "- kill: {component: executor/bob}",
    "7:23: there is no operator called `bob`",
    "operators: `operator`"
)]
#[case::bad_component(
    "",
    "- kill: {component: executer/operator}",
    "7:23: expected a component such as",
    "found the text `executer/operator`"
)]
#[case::both_signed(
    "",
    "- expect_verified: {signed_by: [operator], not_signed_by: [operator]}",
    "7:62: `operator` cannot have signed and not signed",
    "keep one"
)]
#[case::no_weight(
    "topology: {operators: [{name: a, weight: 0}]}",
    "",
    "3:42: expected an integer from 1 to 1000000000000000000 for `topology.operators[0].weight`",
    "found the number 0"
)]
#[case::operator_twice(
    "topology: {operators: [{name: a}, {name: a}]}",
    "",
    "3:42: two operators are called `a`",
    "a name of its own"
)]
#[case::bad_operator(
    "topology: {operators: [{name: Alice}]}",
    "",
    "3:31: expected an operator name",
    "such as `alice`"
)]
#[case::threshold(
    "topology: {threshold: 10001}",
    "",
    "3:23: expected an integer from 0 to 10000",
    "found the number 10001"
)]
#[case::bn254("topology: {curve: bn254}", "", "3:19: the curve `bn254` is not supported yet", "use `ecdsa`")]
#[case::mining("topology: {mining: slow}", "", "3:20: expected a way of mining", "such as `batched`, `instant`, `1s`")]
#[case::half_a_second(
    "topology: {mining: 500ms}",
    "",
    "3:20: the interval must be whole seconds",
    "chains count time in seconds"
)]
#[case::task_sla("topology: {task_sla: 0s}", "", "3:22: the task SLA must be whole seconds", "at least `1s`")]
#[case::regex(
    "invariants: {allowed_errors: [\"a(\"]}",
    "",
    "3:31: `a(` is not a regular expression that can be used",
    "unclosed group"
)]
#[case::within("", "- expect_expired: {within: 0s}", "7:30: `within` must be longer than zero", "such as `10s`")]
#[case::timeout("timeout: 0s", "", "3:10: `timeout` must be longer than zero", "such as `10s`")]
#[case::event(
    "",
    "- expect_event: {event: quorum_lost}",
    "7:27: expected one of 17 known words",
    "`quorum_unreachable`"
)]
#[case::event_of_a_performer(
    "topology: {operators: [{name: alice}]}",
    "- expect_event: {event: performer_failed, component: performer/alice}",
    "7:56: `performer/alice` does not report `performer_failed`",
    "leave `component` out"
)]
#[case::event_of_a_chain(
    "",
    "- expect_event: {event: task_verified, component: aggregator}",
    "7:53: `aggregator` does not report `task_verified`",
    "leave `component` out"
)]
#[case::both_payloads(
    "",
    "- create_task: {as: b, payload: \"1\", payload_hex: \"01\"}",
    "7:40: both `payload` and `payload_hex` are given",
    "keep one"
)]
#[case::no_payload("", "- create_task: {as: b}", "7:5: `payload` is missing", "add `payload`")]
#[case::empty_payload(
    "",
    "- create_task: {as: b, payload: \"\"}",
    "7:35: the mailbox refuses tasks with an empty payload",
    "`expect_rejected`"
)]
#[case::bad_hex("", "- create_task: {as: b, payload_hex: 0x123}", "7:39: expected", "put the value in quotes")]
#[case::odd_hex(
    "",
    "- create_task: {as: b, payload_hex: \"0x123\"}",
    "7:39: expected an even number of hexadecimal digits",
    "such as `0x04`"
)]
#[case::tag_alone("tags: fast", "", "3:7: expected a list for `tags`", "write it as `[fast]`")]
#[case::command_alone(
    "components: {performer: {command: python3 x.py}}",
    "",
    "3:35: expected a list that is not empty",
    "write it as `[python3, x.py]`"
)]
#[case::payload_number("", "- create_task: {as: b, payload: 0x04}", "7:35: expected text", "put the value in quotes")]
#[case::unknown_error(
    "",
    "- expect_rejected: {payload: \"\", error: PayloadEmpty}",
    "7:43: no contract has an error called `PayloadEmpty`",
    "did you mean `PayloadIsEmpty`?"
)]
#[case::reserved_variable(
    "components: {performer: {environment: {GRPC_PORT: 8080}}}",
    "",
    "3:40: the variable `GRPC_PORT` is set by the executor",
    "take it away"
)]
#[case::reserved_variable_of_one(
    "topology: {operators: [{name: a, performer: {environment: {AVS_ADDRESS: x}}}]}",
    "",
    "3:60: the variable `AVS_ADDRESS` is set by the executor",
    "take it away"
)]
#[case::variable_of_the_harness(
    "components: {aggregator: {environment: {HOURGLASS_RUN_ID: r1}}}",
    "",
    "3:41: the variable `HOURGLASS_RUN_ID` is set by the harness",
    "take it away"
)]
#[case::log_format(
    "components: {executor: {environment: {LOG_FORMAT: text}}}",
    "",
    "3:39: the variable `LOG_FORMAT` is set by the harness",
    "take it away"
)]
#[case::loader_variable(
    "components: {performer: {environment: {LD_PRELOAD: mine.so}}}",
    "",
    "3:40: the variable `LD_PRELOAD` tells the dynamic loader",
    "take it away"
)]
#[case::variable_without_a_name(
    "components: {executor: {environment: {\"\": x}}}",
    "",
    "3:39: the variable `` is no name",
    "take it away"
)]
#[case::variable_with_a_sign(
    "components: {executor: {environment: {\"A=B\": x}}}",
    "",
    "3:39: the variable `A=B` is no name",
    "take it away"
)]
#[case::nul_in_a_value(
    "components: {performer: {environment: {A: \"a\\0\"}}}",
    "",
    "3:43: no program can be given a text with a NUL character",
    "take it out"
)]
#[case::nul_in_an_argument(
    "components: {executor: {command: [run, \"a\\0\"]}}",
    "",
    "3:40: no program can be given a text with a NUL character",
    "take it out"
)]
#[case::command_without_a_program(
    "components: {performer: {command: [\"\"]}}",
    "",
    "3:36: a command begins with its program, and this one has none",
    "name the program"
)]
#[case::image_on_processes(
    "components: {performer: {image: mine}}",
    "",
    "3:26: the process runtime has no images",
    "add a `command`"
)]
#[case::image_of_the_aggregator_on_processes(
    "components: {aggregator: {image: mine}}\nruntimes: [process, docker]\nruntimes_because: It says so.",
    "",
    "3:27: the process runtime has no images",
    "`runtimes: [docker, kubernetes]`"
)]
#[case::image_of_one_on_processes(
    "topology: {operators: [{name: a}, {name: b, performer: {image: mine}}]}",
    "",
    "3:57: the process runtime has no images",
    "add a `command`"
)]
#[case::empty_expression(
    "invariants: {allowed_errors: [\"\"]}",
    "",
    "3:31: `` is not a regular expression",
    "backslash"
)]
#[case::large_expression(
    "invariants: {allowed_errors: ['(\\pL{100}){1000}']}",
    "",
    "3:31: `(\\pL{100}){1000}` is not a regular expression that can be used",
    "size limit"
)]
#[case::no_kind("", "- name: nothing", "7:5: the step does not say what to do", "add one of")]
#[case::two_kinds(
    "",
    "- {mine: {}, warp: {by: 1h}}",
    "7:16: the step does several things: mine, warp",
    "a step of its own"
)]
#[case::unknown_kind(
    "",
    "- expect_verifed: {}",
    "7:5: unknown key `expect_verifed` in `steps[2]`",
    "did you mean `expect_verified`?"
)]
#[case::warp("", "- warp: {by: 10ms}", "7:16: a warp must be whole seconds", "at least `1s`")]
#[case::runtime(
    "runtimes: [proces]",
    "",
    "3:12: expected one of `process`, `docker`, `kubernetes`",
    "did you mean `process`?"
)]
fn mistakes_are_explained(#[case] head: &str, #[case] step: &str, #[case] place: &str, #[case] remedy: &str) {
    let head = if head.is_empty() { "# nothing special".to_owned() } else { head.to_owned() };
    let lines: Vec<_> = step.lines().map(|line| format!("  {line}\n")).collect();
    let text = format!("{HEAD}{head}\n{STEPS}{}", lines.concat());
    let found = problems(&text);
    assert_eq!(found.len(), 1, "only one mistake was made: {found:#?}");
    assert!(found[0].contains(remedy), "`{remedy}` in: {}", found[0]);
    assert!(found[0].starts_with(&format!("scenarios/bad.yaml:{place}")), "`{place}` in: {}", found[0]);
}

/// Mistakes in the parts that are needed before the rest can be read.
#[rstest]
#[case::name("name: good\ndescription: A.\n", "1:7: the scenario `good` stands in a file called `bad`")]
#[case::no_name("description: A.\n", "1:1: `name` is missing in the document")]
fn the_name_is_checked(#[case] head: &str, #[case] place: &str) {
    let found = problems(&format!("{head}{STEPS}"));
    assert!(found[0].starts_with(&format!("scenarios/bad.yaml:{place}")), "{found:#?}");
}

/// A scenario that cannot fail proves nothing.
#[test]
fn a_scenario_without_expectation_is_refused() {
    let found = problems(&format!("{HEAD}steps:\n  - create_task: {{payload: \"1\"}}\n"));
    assert!(found[0].contains("expects nothing"), "{found:#?}");
}

/// Problems of every kind and from every stage are reported together, each once, however many combinations the matrix
/// has.
#[test]
fn all_problems_come_together() {
    let text = "\
name: other
description: Many mistakes.
matrix: {chain: [l1, l2]}
variables: {delay: soon}
topology:
  threshold: 66.67
  operators: [{name: alice}, {name: bob}]
  weight: 3
steps:
  - create_task: {chain: \"${chain}\", payload: \"0x04\", cuont: 2}
  - expect_verified: {signed_by: [alcie], within: \"${delay}\"}
  - expect_event: {event: quorum_reachd, task: \"${tsak}\"}
  - kill: {component: aggregator/main}
invariants: {allowed_errors: [\"[\"]}
";
    let error = parse(text).unwrap_err();
    let mut rendered = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(90)
        .with_links(false)
        .render_report(&mut rendered, &error)
        .unwrap();
    insta::assert_snapshot!(rendered);
}

/// Two files with one name would create trials that cannot be distinguished.
#[test]
fn names_are_unique_across_files() {
    let mut loader = Loader::new().unwrap();
    let text = format!("{HEAD}{STEPS}");
    loader.parse(Path::new("a/bad.yaml"), text.as_str()).unwrap();
    let error = loader.parse(Path::new("b/bad.yaml"), text).unwrap_err();
    assert_eq!(error.to_string(), "failed to read `b/bad.yaml`: line 1: the name `bad` is taken by a/bad.yaml");
}

/// A matrix creates one trial for each combination, with the values filled in.
#[test]
fn a_matrix_makes_trials() {
    let text = "name: bad\ndescription: All.\nruntimes: [process, docker]\nruntimes_because: No pods.\nmatrix: {chain: [l1, l2], count: [1, 3]}\nsteps:\n  - create_task: {chain: \"${chain}\", payload: \"1\", count: \"${count}\"}\n  - expect_verified: {}\n";
    let file = parse(text).unwrap();
    let trials = file.trials(&[RuntimeKind::Process]);
    let names: Vec<_> = trials.iter().map(|trial| trial.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "process::bad::chain_l1::count_1",
            "process::bad::chain_l1::count_3",
            "process::bad::chain_l2::count_1",
            "process::bad::chain_l2::count_3"
        ]
    );
    let StepKind::CreateTask(create) = &trials[1].scenario.steps[0].kind else { panic!("the first step") };
    assert_eq!((create.chain, create.count), (Chain::L1, 3));
    assert_eq!(file.trials(&[RuntimeKind::Kubernetes]).len(), 0, "not meant for Kubernetes");
}

/// The committed scenarios load, and every one with a fault has a proof.
#[test]
fn the_committed_scenarios_load() {
    let trials = Selection { runtimes: vec![RuntimeKind::Process], ..committed() }.trials().unwrap();
    let proofs: Vec<_> =
        trials.iter().filter_map(Trial::without_fault).map(|trial| trial.scenario.name.clone()).collect();
    let faults: Vec<_> = trials
        .iter()
        .filter(|trial| trial.scenario.tags.contains(&"fault".to_owned()))
        .map(|trial| trial.scenario.name.clone())
        .collect();
    assert!(faults.len() >= 7, "{faults:?}");
    assert!(faults.iter().all(|name| proofs.contains(name)), "{faults:?} within {proofs:?}");
}

/// Without the fault, the steps and values that cause it are gone.
#[test]
fn without_fault_takes_the_fault_out() {
    let only = |name: &str| {
        let selection = Selection { patterns: vec![name.to_owned()], ..committed() };
        selection.trials().unwrap().remove(0)
    };
    let lost = only("quorum_lost");
    assert_eq!(lost.scenario.steps.len(), 4);
    assert_eq!(lost.without_fault().unwrap().scenario.steps.len(), 3, "nobody is killed");
    let slow = only("performer_too_slow").without_fault().unwrap();
    assert_eq!(slow.name, "process::performer_too_slow::without_fault");
    assert_eq!(slow.scenario.topology.operators[0].performer.environment["TASK_DELAY_MS"], "0");
    assert!(only("square").without_fault().is_none());
}

/// Names select exactly, patterns and parts broadly; a name that matches nothing is an error with a hint.
#[rstest]
#[case(&["square"], &["process::square"])]
#[case(&["process::square"], &["process::square"])]
#[case(&["squ"], &["process::square", "process::square_on_l1"])]
#[case(&["*_on_*", "burst"], &["process::burst", "process::square_on_l1"])]
#[case(&["process::quorum_l?st"], &["process::quorum_lost"])]
fn names_select(#[case] patterns: &[&str], #[case] expected: &[&str]) {
    let patterns = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
    let selection = Selection { patterns, runtimes: vec![RuntimeKind::Process], ..committed() };
    let names: Vec<_> = selection.trials().unwrap().into_iter().map(|trial| trial.name).collect();
    assert_eq!(names, expected);
}

/// A misspelt name must not run nothing and pass.
#[test]
fn a_selection_without_matches_is_an_error() {
    let selection = Selection { patterns: vec!["process::sqaure".to_owned()], ..committed() };
    let error = selection.trials().unwrap_err();
    assert!(matches!(&error, ScenarioError::NoMatch { suggestion: Some(name), .. } if name == "square"), "{error:?}");
    let error = Selection { tags: vec!["smokey".to_owned()], ..committed() }.trials().unwrap_err();
    assert_eq!(error.to_string(), "no trial has the tag `smokey`");
    let nowhere = Selection { directory: Some("/nowhere".into()), ..Selection::default() };
    assert!(matches!(nowhere.trials(), Err(ScenarioError::NoDirectory(_))));
    // One that cannot be looked at may exist. Root may look everywhere, but not at a name that is too long.
    let unknown = Selection { directory: Some("x".repeat(300).into()), ..Selection::default() };
    assert!(matches!(unknown.trials(), Err(ScenarioError::ListDirectory { .. })));
}

/// One broken file does not stop the run of another one, and is not ignored in a run of all.
#[test]
fn a_broken_file_affects_only_its_own_trials() {
    let directory = tempfile::tempdir().unwrap();
    let good = format!("name: good\ndescription: Good.\n{STEPS}");
    std::fs::write(directory.path().join("good.yaml"), good).unwrap();
    std::fs::write(directory.path().join("broken.yaml"), "name: broken\n").unwrap();
    let select = |pattern: &str| {
        let patterns = if pattern.is_empty() { Vec::new() } else { vec![pattern.to_owned()] };
        let directory = Some(directory.path().to_owned());
        Selection { patterns, directory, ..Selection::default() }.trials()
    };
    assert_eq!(select("good").unwrap().len(), 3, "one for each runtime");
    for pattern in ["", "broken", "process::broken", "what_may_be_in_it"] {
        assert!(matches!(select(pattern), Err(ScenarioError::Invalid(_))), "{pattern}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Expansion depends on the file alone: two loads give the same trials in the same order.
    #[test]
    fn expansion_is_deterministic(
        chains in prop::sample::subsequence(vec!["l1", "l2"], 1..=2).prop_shuffle(),
        counts in prop::collection::btree_set(1_u32..50, 1..4),
    ) {
        let text = format!(
            "{HEAD}matrix: {{chain: {chains:?}, count: {counts:?}}}\nsteps:\n  - create_task: {{chain: \"${{chain}}\", payload: \"1\", count: \"${{count}}\"}}\n  - expect_verified: {{}}\n",
            counts = counts.iter().collect::<Vec<_>>(),
        );
        let expand = || parse(&text).unwrap().trials(&RuntimeKind::ALL);
        let first = expand();
        prop_assert_eq!(first.len(), 3 * chains.len() * counts.len());
        for (one, other) in first.iter().zip(expand()) {
            prop_assert_eq!(&one.name, &other.name);
            prop_assert_eq!(&one.scenario, &other.scenario);
        }
    }
}
