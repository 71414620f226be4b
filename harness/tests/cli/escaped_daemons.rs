//! Daemons that components start and that have lost every mark of their trial: their environment is cleared, their
//! session left, their parent gone. They are ended and reported, even if the component or the harness has ended.

use std::fs;

use hourglass_test_support::{Daemons, LIMIT, Running, Sandbox, eventually};
use rustix::process::Signal;

use crate::HARNESS;

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

/// `DAEMON` stands for the program that stays.
const CLEARED: &str = "env -i setsid DAEMON &";
const FORKED_TWICE: &str = "(env -i setsid sh -c 'cd /; DAEMON & exit' <&- >&- 2>&- &)";
const WITH_A_PATH: &str = "env -i \"PATH=$PATH\" \"HOME=$HOME\" setsid -f DAEMON";
const DEAF: &str = "env -i setsid -f sh -c 'trap \"\" TERM HUP; DAEMON & exit'";

/// A shell script that starts a daemon and then becomes a component.
fn script(daemons: &Daemons, start: &str, component: &str) -> String {
    let start = start.replace("DAEMON", &daemons.command());
    format!(
        "[sh, -c, {}]",
        serde_json::to_string(&format!("{start}\nexec {HARNESS} component {component} \"$@\"")).unwrap()
    )
}

#[rstest::rstest]
#[case::cleared(CLEARED)]
#[case::forked_twice_without_files(FORKED_TWICE)]
#[case::with_a_path(WITH_A_PATH)]
#[case::deaf(DEAF)]
fn a_daemon_of_a_performer_is_ended_and_fails_the_trial(#[case] start: &str) {
    let (sandbox, daemons) = (Sandbox::new(HARNESS), Daemons::default());
    let performer = script(&daemons, start, "performer");
    let path = sandbox.scenario("escaped", &format!("components: {{performer: {{command: {performer}}}}}\n{STEPS}"));
    let outcome = sandbox.run_file(&path);
    daemons.assert_none();
    outcome.assert_code(1).assert_shows(&["invariant: nothing of the trial is left", &daemons.command()]);
    sandbox.assert_no_process();
}

/// The user's own programs do not know that they have to adopt orphans.
#[rstest::rstest]
#[case::executor("executor")]
#[case::aggregator("aggregator")]
fn daemon_of_a_user_component_is_ended_and_fails_the_trial(#[case] role: &str) {
    let (sandbox, daemons) = (Sandbox::new(HARNESS), Daemons::default());
    // `sh -c` takes the first argument after the script as its own name.
    let command = script(&daemons, FORKED_TWICE, role).replace(']', &format!(", {role}]"));
    let path = sandbox.scenario("escaped", &format!("components: {{{role}: {{command: {command}}}}}\n{STEPS}"));
    let outcome = sandbox.run_file(&path);
    daemons.assert_none();
    outcome.assert_code(1).assert_shows(&["invariant: nothing of the trial is left", &daemons.command()]);
    sandbox.assert_no_process();
}

/// A killed performer leaves its daemon to the executor, and a killed executor ends it too.
#[test]
fn a_daemon_whose_performer_was_killed_fails_the_trial() {
    let (sandbox, daemons) = (Sandbox::new(HARNESS), Daemons::default());
    // Only the first run starts a daemon.
    let once = format!("mkdir {} && {{ {FORKED_TWICE}; }}", sandbox.path("once").display());
    let performer = script(&daemons, &once, "performer");
    let steps = STEPS.replace(
        "steps:\n",
        "steps:\n  - kill: {component: performer/operator}\n  - restart: {component: performer/operator}\n",
    );
    let path = sandbox.scenario("escaped", &format!("components: {{performer: {{command: {performer}}}}}\n{steps}"));
    let outcome = sandbox.run_file(&path);
    daemons.assert_none();
    outcome.assert_code(1).assert_shows(&["invariant: nothing of the trial is left", &daemons.command()]);
}

/// The executor has ended by itself before the harness looks for its descendants.
#[test]
fn daemon_of_a_performer_that_does_not_start_is_ended_and_reported() {
    let (sandbox, daemons) = (Sandbox::new(HARNESS), Daemons::default());
    // Waits until the daemon has left the process group, which is killed with the performer.
    let mark = sandbox.path("escaped");
    let start = format!(
        "env -i \"PATH=$PATH\" setsid -f sh -c 'mkdir {0}; exec DAEMON'\nuntil [ -d {0} ]; do :; done; exit 3",
        mark.display()
    );
    let performer = script(&daemons, &start, "performer");
    let path = sandbox.scenario("escaped", &format!("components: {{performer: {{command: {performer}}}}}\n{STEPS}"));
    let outcome = sandbox.run_file(&path);
    daemons.assert_none();
    assert_ne!(outcome.status.code(), Some(0), "{}", outcome.stdout);
    outcome.assert_complains(&[&daemons.command(), "left by a component that has ended"]);
    sandbox.assert_no_process();
}

/// A killed harness cannot look for descendants of its components; the supervisor does.
#[rstest::rstest]
#[case::cleared(CLEARED)]
#[case::forked_twice_without_files(FORKED_TWICE)]
#[case::deaf(DEAF)]
fn a_daemon_is_ended_when_the_harness_is_killed(#[case] start: &str) {
    let (sandbox, daemons) = (Sandbox::new(HARNESS), Daemons::default());
    let performer = script(&daemons, start, "performer");
    let steps = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {within: 10m}\n";
    let path = sandbox.scenario(
        "escaped",
        &format!(
            "components: {{performer: {{command: {performer}, environment: {{TASK_DELAY_MS: 600000}}}}}}\n{steps}"
        ),
    );
    let harness = Running::start(sandbox.harness(&["run"]).arg(&path));
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    eventually(LIMIT, || if daemons.alive().is_empty() { Err("no daemon") } else { Ok(()) }).unwrap();
    harness.signal_group(Signal::KILL);
    let gone = eventually(LIMIT, || {
        let left = (daemons.alive(), sandbox.processes());
        if left.0.is_empty() && left.1.is_empty() { Ok(()) } else { Err(left) }
    });
    assert_eq!(gone, Ok(()));
}

/// The executor is the parent of orphans that it did not start, and only it can wait for them.
#[test]
fn ended_orphans_do_not_remain_as_zombies() {
    let sandbox = Sandbox::new(HARNESS);
    let orphans = "for n in 1 2 3 4 5; do (sleep 0.1 &); done";
    let performer = script(&Daemons::default(), orphans, "performer");
    let steps = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {within: 10m}\n";
    let path = sandbox.scenario(
        "orphans",
        &format!(
            "components: {{performer: {{command: {performer}, environment: {{TASK_DELAY_MS: 600000}}}}}}\n{steps}"
        ),
    );
    let harness = Running::start(sandbox.harness(&["run"]).arg(&path));
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    let processes = sandbox.processes();
    let executor = processes.iter().find(|process| process.contains("component executor")).unwrap();
    let executor = executor.split_whitespace().next().unwrap();
    let children = || {
        let entries = fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| fs::read_to_string(entry.unwrap().path().join("stat")).ok());
        // The parent is the second field after the name in parentheses.
        let is_child = |stat: &String| stat.rsplit_once(") ").unwrap().1.split_whitespace().nth(1) == Some(executor);
        entries.filter(is_child).collect::<Vec<_>>()
    };
    let only_performer = eventually(LIMIT, || match children() {
        children if children.len() == 1 => Ok(()),
        children => Err(children),
    });
    assert_eq!(only_performer, Ok(()), "more than the performer is below the executor");
    harness.signal(Signal::INT);
    harness.finish().assert_code(130);
    sandbox.assert_no_process();
}
