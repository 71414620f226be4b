//! `--without-fault`, which proves that a negative scenario can fail, for users who have only the command; and errors
//! in the logs of users' own programs.

use std::{fs, os::unix::fs::PermissionsExt as _};

use hourglass_test_support::{Sandbox, run};

use crate::HARNESS;

const REJECTED: &str = "steps:\n  - expect_rejected: {payload: \"${payload}\", error: PayloadIsEmpty}\n";

#[test]
fn a_scenario_that_notices_its_fault_is_proved() {
    let sandbox = Sandbox::new(HARNESS);
    let scenario = format!("variables: {{payload: \"\"}}\nwithout_fault: {{payload: \"0x04\"}}\n{REJECTED}");
    let (path, junit) = (sandbox.scenario("refused", &scenario), sandbox.path("junit.xml"));
    let outcome = run(sandbox.harness(&["run", "--without-fault", "--junit"]).arg(&junit).arg(&path));
    outcome.assert_code(0).assert_shows(&["PASS  process::refused::without_fault", "1 passed, 0 failed"]);
    assert!(fs::read_to_string(junit).unwrap().contains("name=\"process::refused::without_fault\""));
    sandbox.assert_nothing_left();
}

/// The scenario that a proof is meant to detect.
#[test]
fn a_scenario_that_does_not_notice_its_fault_fails_its_proof() {
    let sandbox = Sandbox::new(HARNESS);
    let scenario = "variables: {name: fault}\nwithout_fault: {name: none}\nsteps:\n  - expect_rejected: {payload: \"\", error: \
         PayloadIsEmpty}\n    name: \"${name}\"\n";
    let path = sandbox.scenario("vacuous", scenario);
    let folder = path.parent().unwrap().display().to_string();
    let outcome = run(sandbox.harness(&["run", "--without-fault"]).arg(&path));
    outcome.assert_code(1).assert_shows(&[
        "FAIL  process::vacuous::without_fault",
        "it passes without its fault",
        &format!("again     harness run --without-fault --scenarios {folder} process::vacuous"),
    ]);
    sandbox.assert_no_process();
}

#[test]
fn a_scenario_without_a_fault_has_no_proof() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["run", "--without-fault", "square"]);
    outcome.assert_code(2).assert_complains(&["failed to prove that `square` can fail", "no `without_fault`"]);
    sandbox.assert_nothing_left();
}

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

/// A third-party program may log harmless errors; users must not have to change the scenario because of them.
#[test]
fn errors_of_user_programs_can_be_allowed_on_the_command_line() {
    let sandbox = Sandbox::new(HARNESS);
    let noisy = r#"echo '{"level":"error","msg":"lost a peer: 10.0.0.1"}'"#;
    let script = format!("#!/bin/sh\n{noisy}\nexec {HARNESS} component aggregator \"$@\"\n");
    let program = sandbox.file("aggregator.sh", &script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let scenario = format!("components: {{aggregator: {{command: [{}]}}}}\n{STEPS}", program.display());
    let path = sandbox.scenario("noisy", &scenario);
    sandbox.run_file(&path).assert_code(1).assert_shows(&["invariant: no ERROR in a log", "lost a peer"]);
    let outcome = run(sandbox.harness(&["run", "--allow-error", "^lost a peer"]).arg(&path));
    outcome.assert_code(0).assert_shows(&["1 passed"]);
    let outcome = run(sandbox.harness(&["run", "--allow-error", "lost ("]).arg(&path));
    outcome.assert_code(2).assert_complains(&["failed to use --allow-error `lost (`: unclosed group"]);
}

/// Its output after it was told to end does not count; its output before does.
#[test]
fn performer_errors_during_shutdown_are_ignored() {
    let sandbox = Sandbox::new(HARNESS);
    let word = |text: &str| format!(r#"echo '{{"level":"ERROR","message":"{text}","target":"hourglass_performer"}}'"#);
    let script = format!(
        "#!/bin/sh\n{HARNESS} component performer &\nperformer=$!\ntrap '{}; kill $performer' TERM\nwait $performer\nwait $performer\n",
        word("told to end").replace('\'', r"'\''")
    );
    let program = sandbox.file("performer.sh", &script);
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let scenario = format!("components: {{performer: {{command: [{}]}}}}\n{STEPS}", program.display());
    let path = sandbox.scenario("last_word", &scenario);
    sandbox.run_file(&path).assert_code(0).assert_shows(&["1 passed"]);
    let early = format!("#!/bin/sh\n{}\nexec {HARNESS} component performer\n", word("before"));
    fs::write(&program, early).unwrap();
    sandbox.run_file(&path).assert_code(1).assert_shows(&["invariant: no ERROR in a log", "before"]);
}
