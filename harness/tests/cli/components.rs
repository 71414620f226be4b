//! A user's own components instead of the reference ones. Shell scripts stand for them: they check their arguments and
//! variables, and then execute the reference component.

use std::{fs, os::unix::fs::PermissionsExt as _, path::PathBuf};

use hourglass_test_support::{LIMIT, Running, Sandbox};

use crate::HARNESS;

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

#[test]
fn user_performer_gets_its_port_and_operator() {
    let sandbox = Sandbox::new(HARNESS);
    let seen = sandbox.path("seen");
    let performer = script(
        &sandbox,
        "performer.sh",
        &format!(
            "printf '%s\\n' \"$GRPC_PORT\" \"$BIND_ADDRESS\" \"$AVS_ADDRESS\" \"$FLAVOUR\" \"$*\" > {}\n\
             exec {HARNESS} component performer\n",
            seen.display()
        ),
    );
    let scenario = format!(
        "components: {{performer: {{command: [{}, sour], environment: {{FLAVOUR: sweet}}}}}}\n{STEPS}",
        performer.display()
    );
    sandbox.run_file(&sandbox.scenario("own_performer", &scenario)).assert_code(0).assert_shows(&["1 passed"]);
    let seen = fs::read_to_string(seen).unwrap();
    let [port, bind, avs, flavour, arguments] = seen.lines().collect::<Vec<_>>().try_into().unwrap();
    assert!(port.parse::<u16>().is_ok_and(|port| port > 0), "GRPC_PORT is {port:?}");
    assert_eq!((bind, flavour, arguments), ("127.0.0.1", "sweet", "sour"));
    assert!(avs.len() == 42 && avs.starts_with("0x"), "AVS_ADDRESS is {avs:?}");
    sandbox.assert_nothing_left();
}

#[test]
fn user_executor_and_aggregator_get_a_configuration_file() {
    let sandbox = Sandbox::new(HARNESS);
    let scripts = ["executor", "aggregator"].map(|role| {
        let seen = sandbox.path(&format!("{role}.seen"));
        let text = format!("echo \"$FLAVOUR $*\" > {}\nexec {HARNESS} component {role} \"$@\"\n", seen.display());
        (script(&sandbox, &format!("{role}.sh"), &text), seen)
    });
    let [(executor, executor_seen), (aggregator, aggregator_seen)] = scripts;
    let scenario = format!(
        "components:\n  executor: {{command: [{}], environment: {{FLAVOUR: salty}}}}\n  aggregator: {{command: [{}], \
         environment: {{FLAVOUR: bitter}}}}\n{STEPS}",
        executor.display(),
        aggregator.display()
    );
    sandbox.run_file(&sandbox.scenario("own_components", &scenario)).assert_code(0).assert_shows(&["1 passed"]);
    for (seen, flavour) in [(executor_seen, "salty"), (aggregator_seen, "bitter")] {
        let seen = fs::read_to_string(seen).unwrap();
        assert!(seen.starts_with(&format!("{flavour} --config /")), "it was started with {seen:?}");
    }
    sandbox.assert_nothing_left();
}

/// One operator may have a different performer from the others.
#[test]
fn an_operator_may_have_a_performer_of_its_own() {
    let sandbox = Sandbox::new(HARNESS);
    let performer = script(&sandbox, "performer.sh", &format!("exec {HARNESS} component performer\n"));
    let scenario = format!(
        "topology:\n  threshold: 10000\n  operators:\n    - {{name: alice}}\n    - {{name: bob, performer: {{command: [{}]}}}}\n\
         steps:\n  - create_task: {{payload: \"0x04\"}}\n  - expect_verified: {{result: \"0x10\", signed_by: [alice, bob]}}\n",
        performer.display()
    );
    sandbox.run_file(&sandbox.scenario("one_of_two", &scenario)).assert_code(0).assert_shows(&["1 passed"]);
}

/// The executor notices late that a performer has ended: its own health does not show whether the new one is ready.
#[test]
fn a_restart_waits_for_the_new_performer() {
    let sandbox = Sandbox::new(HARNESS);
    let marker = sandbox.path("started");
    let text =
        format!("[ -e {0} ] && exec sleep 4321\ntouch {0}\nexec {HARNESS} component performer\n", marker.display());
    let performer = script(&sandbox, "performer.sh", &text);
    let scenario = format!(
        "components: {{performer: {{command: [{}]}}}}\n\
         steps:\n  - restart: {{component: performer/operator, within: 500ms}}\n  - expect_rejected: {{payload: \"\", error: \
         PayloadIsEmpty}}\n",
        performer.display()
    );
    let outcome = sandbox.run_file(&sandbox.scenario("slow_restart", &scenario));
    outcome.assert_code(1).assert_shows(&[
        "start of performer/operator",
        "timed out after 500ms waiting for performer/operator to become ready",
    ]);
    sandbox.assert_no_process();
}

/// A component that ignores SIGTERM is killed, and that is reported: it would delay the drain of a node.
#[test]
fn a_component_that_does_not_end_when_asked_fails_the_trial() {
    let sandbox = Sandbox::new(HARNESS);
    let text = format!("trap '' TERM\n{HARNESS} component aggregator \"$@\" &\nwhile :; do wait; done\n");
    let aggregator = script(&sandbox, "aggregator.sh", &text);
    let scenario = format!("components: {{aggregator: {{command: [{}]}}}}\n{STEPS}", aggregator.display());
    let outcome = sandbox.run_file(&sandbox.scenario("deaf", &scenario));
    outcome.assert_code(1).assert_shows(&["nothing of the trial is left", "aggregator did not end within"]);
    sandbox.assert_no_process();
}

/// Colours are for terminals: a log file of a component that is started by hand has text alone.
#[test]
fn a_component_writes_no_colours_to_a_file() {
    let sandbox = Sandbox::new(HARNESS);
    let mut command = sandbox.harness(&["component", "performer"]);
    let performer =
        Running::start(command.env("GRPC_PORT", "0").env("BIND_ADDRESS", "127.0.0.1").env_remove("NO_COLOR"));
    let shown = performer.wait_for_output("listening", 1, LIMIT);
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}

/// A process that a component left behind is found, ended and reported, even if it has left the component's session.
#[test]
fn process_left_by_a_component_fails_the_trial() {
    let sandbox = Sandbox::new(HARNESS);
    let performer =
        script(&sandbox, "performer.sh", &format!("setsid -f sleep 4321\nexec {HARNESS} component performer\n"));
    let scenario = format!("components: {{performer: {{command: [{}]}}}}\n{STEPS}", performer.display());
    let outcome = sandbox.run_file(&sandbox.scenario("forgetful", &scenario));
    outcome.assert_code(1).assert_shows(&["nothing of the trial is left", "sleep 4321"]);
    sandbox.assert_no_process();
}

pub(crate) fn script(sandbox: &Sandbox, name: &str, text: &str) -> PathBuf {
    let path = sandbox.file(name, &format!("#!/bin/sh\n{text}"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    path
}
