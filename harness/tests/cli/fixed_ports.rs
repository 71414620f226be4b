//! Performers that are a user's own in ways that only processes of one machine feel: a port that they have chosen, and
//! one that runs already.

use std::{
    fs,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use hourglass_test_support::{LIMIT, Running, Sandbox, eventually};

use crate::HARNESS;

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

/// A port that was free a moment ago.
fn port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

fn with_port(sandbox: &Sandbox, name: &str, port: u16) -> PathBuf {
    let delay = "environment: {TASK_DELAY_MS: 300}";
    sandbox.scenario(name, &format!("components: {{performer: {{port: {port}, {delay}}}}}\n{STEPS}"))
}

/// Servers of the public Go library listen on one port; two trials on one machine would otherwise collide.
#[test]
fn trials_whose_performers_have_one_port_follow_one_another() {
    let (sandbox, port) = (Sandbox::new(HARNESS), port());
    let paths = ["first_on_port", "second_on_port"].map(|name| with_port(&sandbox, name, port));
    // Two in one harness, and one in another.
    let both = ["run".into(), paths[0].clone(), paths[1].clone()];
    let harnesses = [Running::start(&mut sandbox.harness(&both)), Running::start(&mut sandbox.harness(&both[..2]))];
    for (harness, shown) in harnesses.into_iter().zip(["2 passed, 0 failed", "1 passed, 0 failed"]) {
        harness.finish().assert_code(0).assert_shows(&[shown]);
    }
    sandbox.assert_nothing_left();
}

/// Connections of its predecessor linger at the port, and the executor starts it there again.
#[test]
fn a_performer_that_always_listens_on_one_port_is_started_there_again() {
    let (sandbox, port) = (Sandbox::new(HARNESS), port());
    // A server of the public library does not read the variable either.
    let command = format!("command: [sh, -c, \"GRPC_PORT={port} exec {HARNESS} component performer\"]");
    let task = |name: &str| {
        format!(
            "  - create_task: {{as: {name}, payload: \"0x04\"}}\n  - expect_verified: {{task: {name}, result: \"0x10\"}}\n"
        )
    };
    let fault = |kind: &str| format!("  - {kind}: {{component: performer/operator}}\n");
    let steps = ["a", "b", "c"].map(task).join("FAULT");
    let steps = format!("steps:\n{steps}").replacen("FAULT", &fault("kill"), 1).replacen("FAULT", &fault("restart"), 1);
    let scenario = |name: &str, rest: &str| {
        sandbox.scenario(name, &format!("components: {{performer: {{{command}{rest}}}}}\n{steps}"))
    };
    let outcome = sandbox.run_file(&scenario("one_port", &format!(", port: {port}")));
    outcome.assert_code(0).assert_shows(&["1 passed, 0 failed"]);
    sandbox.assert_nothing_left();
    let outcome = sandbox.run_file(&scenario("untold_port", ""));
    outcome.assert_code(1).assert_shows(&[
        &format!("listens on 127.0.0.1:{port}, where its health says SERVING, and not on GRPC_PORT"),
        "if it always listens on one port, say which: `components: {performer: {port: 8080}}`",
    ]);
}

#[test]
fn a_program_on_the_port_of_a_performer_is_named() {
    let sandbox = Sandbox::new(HARNESS);
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let outcome = sandbox.run_file(&with_port(&sandbox, "port_taken", address.port()));
    outcome.assert_code(3).assert_shows(&[
        &format!("failed to give performer/operator port {}: ", address.port()),
        &format!("(process {}) listens on {address}", std::process::id()),
        "end that program, run the scenario with Docker or Kubernetes, or have the performer listen on the port in GRPC_PORT",
    ]);
    sandbox.assert_nothing_left();
}

/// A performer of the test, as a user starts one in a debugger; killed when this is dropped.
struct OwnPerformer(Child);

impl OwnPerformer {
    fn start(port: u16) -> Self {
        let mut command = Command::new(HARNESS);
        command.args(["component", "performer"]).env("BIND_ADDRESS", "127.0.0.1").env("GRPC_PORT", port.to_string());
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let performer = Self(child);
        eventually(LIMIT, || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).map(drop).map_err(|error| error.to_string())
        })
        .unwrap();
        performer
    }
}

impl Drop for OwnPerformer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_performer_that_runs_already_is_used_and_left_running() {
    let (sandbox, port) = (Sandbox::new(HARNESS), port());
    let scenario = format!(
        "runtimes: [process]\nruntimes_because: The performer is in a debugger.\n\
         components: {{performer: {{address: \"127.0.0.1:{port}\"}}}}\n{STEPS}"
    );
    let scenario = sandbox.scenario("in_a_debugger", &scenario);
    let mut performer = OwnPerformer::start(port);
    sandbox.run_file(&scenario).assert_code(0).assert_shows(&["1 passed, 0 failed"]);
    assert!(performer.0.try_wait().unwrap().is_none(), "the harness ended a performer that is not its own");
    sandbox.assert_nothing_left();
    drop(performer);
    let outcome = sandbox.run_file(&scenario);
    outcome.assert_code(1).assert_shows(&[
        "performer/operator is not ready",
        &format!("at 127.0.0.1:{port}, where it is to run already"),
    ]);
}

/// A test may give a performer another chain than the trial's.
#[test]
fn variables_of_the_scenario_override_those_of_the_chains() {
    let sandbox = Sandbox::new(HARNESS);
    let environment = "environment: {TASK_READS_CHAINS: true, L2_RPC_URL: \"http://127.0.0.1:1\"}";
    let steps = STEPS.replace("result: \"0x10\"", "within: 2s");
    let scenario = format!("components: {{performer: {{{environment}}}}}\n{steps}");
    sandbox.run_file(&sandbox.scenario("other_chain", &scenario)).assert_code(1);
    let folder = sandbox.run_folders().remove(0);
    let log = fs::read_to_string(folder.join("logs/performer-operator.log")).unwrap();
    assert!(log.contains("failed to ask chain 31338 at http://127.0.0.1:1"), "{log}");
}
