//! Steps, and combinations of steps, that no scenario of the project has: faults of each component, chain time,
//! `parallel` and a matrix.

use hourglass_test_support::Sandbox;

use crate::HARNESS;

#[rstest::rstest]
#[case::a_killed_performer_comes_back(
    "steps:
  - create_task: {as: before, payload: \"0x04\"}
  - expect_verified: {task: before, result: \"0x10\"}
  - kill: {component: performer/operator}
  - restart: {component: performer/operator}
  - create_task: {as: after, payload: \"0x05\"}
  - expect_verified: {task: after, result: \"0x19\"}
"
)]
#[case::a_performer_is_new_at_once_after_its_restart(
    "steps:
  - restart: {component: performer/operator}
  - create_task: {as: first, payload: \"0x04\"}
  - expect_verified: {task: first, result: \"0x10\"}
  - restart: {component: performer/operator}
  - create_task: {as: second, payload: \"0x05\"}
  - expect_verified: {task: second, result: \"0x19\"}
  - restart: {component: performer/operator}
  - create_task: {as: third, payload: \"0x06\"}
  - expect_verified: {task: third, result: \"0x24\"}
"
)]
#[case::a_task_that_was_made_while_the_aggregator_was_down_is_verified(
    "steps:
  - kill: {component: aggregator}
  - parallel:
      - create_task: {as: on_l1, chain: l1, payload: \"0x04\"}
      - create_task: {as: on_l2, chain: l2, payload: \"0x05\"}
  - mine: {chain: l2, blocks: 3}
  - restart: {component: aggregator}
  - expect_verified: {task: on_l1, result: \"0x10\", within: 20s}
  - expect_verified: {task: on_l2, result: \"0x19\", within: 20s}
"
)]
#[case::a_running_aggregator_is_restarted_in_the_middle_of_a_task(
    "components: {performer: {environment: {TASK_DELAY_MS: 700}}}
steps:
  - create_task: {payload: \"0x04\"}
  - expect_event: {event: performer_started, task: task}
  - restart: {component: aggregator}
  - expect_verified: {result: \"0x10\", within: 30s}
"
)]
#[case::an_executor_comes_back_at_its_socket(
    "steps:
  - kill: {component: executor/operator}
  - restart: {component: executor/operator}
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"0x10\", signed_by: [operator]}
"
)]
#[case::a_paused_performer_goes_on_with_its_task(
    "components: {performer: {environment: {TASK_DELAY_MS: 300}}}
steps:
  - create_task: {payload: \"0x04\"}
  - expect_event: {event: performer_started, task: task}
  - pause: {component: performer/operator}
  - resume: {component: performer/operator}
  - expect_verified: {result: \"0x10\"}
"
)]
#[case::what_stays_paused_ends_in_order(
    "topology:
  threshold: 3000
  operators: [{name: alice}, {name: bob}, {name: carol}]
steps:
  - pause: {component: executor/bob}
  - pause: {component: performer/carol}
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"0x10\", signed_by: [alice], not_signed_by: [bob, carol]}
"
)]
#[case::chains_are_mined_and_warped(
    "topology: {task_sla: 1h}
steps:
  - mine: {chain: l1, blocks: 20}
  - mine: {}
  - warp: {chain: l2, by: 30m}
  - create_task: {as: before, payload: \"0x04\"}
  - expect_verified: {task: before, result: \"0x10\"}
  - parallel:
      - warp: {chain: l1, by: 2h}
      - warp: {chain: l2, by: 2h}
  - create_task: {as: after, payload: \"0x05\"}
  - expect_verified: {task: after, result: \"0x19\"}
"
)]
#[case::several_faults_side_by_side(
    "topology:
  threshold: 5000
  operators: [{name: alice}, {name: bob}, {name: carol}]
steps:
  - parallel:
      - restart: {component: performer/alice}
      - restart: {component: executor/bob}
      - kill: {component: executor/carol}
      - create_task: {as: meanwhile, payload: \"0x02\"}
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"0x10\", signed_by: [alice, bob], not_signed_by: [carol]}
  - warp: {chain: l2, by: 2h}
"
)]
fn it_passes(#[case] scenario: &str) {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run_file(&sandbox.scenario("faults", scenario)).assert_code(0).assert_shows(&["1 passed"]);
    sandbox.assert_nothing_left();
}

/// A trial for every combination, each with its own values.
#[test]
fn a_matrix_is_run_in_all_its_combinations() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario(
        "table",
        "matrix: {chain: [l1, l2], weight: [1, 50]}
topology: {operators: [{name: alice, weight: \"${weight}\"}]}
steps:
  - create_task: {chain: \"${chain}\", payload: \"0x04\"}
  - expect_verified: {result: \"0x10\", signed_by: [alice]}
",
    );
    let outcome = sandbox.run_file(&path);
    outcome.assert_code(0).assert_shows(&["4 passed", "process::table::chain_l1::weight_1 ", "chain_l2::weight_50"]);
    sandbox.assert_nothing_left();
}

/// A fault that could not be injected must not look like a pass.
#[test]
fn killing_a_stopped_component_is_no_pass() {
    let sandbox = Sandbox::new(HARNESS);
    let steps = "steps:
  - kill: {component: aggregator}
  - kill: {component: aggregator}
  - expect_rejected: {payload: \"\", error: PayloadIsEmpty}
";
    let outcome = sandbox.run_file(&sandbox.scenario("twice", steps));
    outcome.assert_code(3).assert_shows(&["failed to kill aggregator", "not running"]);
    sandbox.assert_no_process();
}

/// A fault that cannot be injected says nothing about the components under test: it is neither a failure nor a pass.
#[rstest::rstest]
#[case("pause: {component: executor/operator}}, {pause: {component: executor/operator}", "it is paused already")]
#[case("resume: {component: performer/operator}", "resume performer/operator: it is not paused")]
#[case("kill: {component: aggregator}}, {pause: {component: aggregator}", "pause aggregator: it is not running")]
fn fault_that_cannot_be_injected_exits_with_3(#[case] faults: &str, #[case] reason: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let steps = format!("steps: [{{{faults}}}, {{create_task: {{payload: \"1\"}}}}, {{expect_verified: {{}}}}]\n");
    sandbox.run_file(&sandbox.scenario("impossible", &steps)).assert_code(3).assert_shows(&[reason]);
    sandbox.assert_no_process();
}

/// A user's setting is used or refused before anything is started.
#[test]
fn image_for_a_process_exits_with_2() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["run", "square", "--performer-image", "mine:1"]);
    outcome.assert_code(2).assert_complains(&["--performer-image", "process runtime", "--runtime docker"]);
    let planned = sandbox.run(&["plan", "square", "--runtime", "docker", "--performer-image", "mine:1"]);
    planned.assert_code(0).assert_shows(&["image mine:1"]);
}
