//! What parity is for, on a real engine and in a real cluster: a component that is another one in one runtime only passes
//! on each and fails the comparison. Without an engine the test is listed as ignored; `HARNESS_REQUIRE=docker` makes it fail
//! instead. That of the cluster runs only where `HARNESS_REQUIRE` names `kubernetes`.

#![expect(clippy::print_stderr, reason = "stdout is the test protocol's; reasons are for people")]

use std::{
    env, fs,
    os::unix::net::UnixStream,
    process::{Command, ExitCode},
};

use hourglass_harness::{
    engine::{Engine, EngineAddress},
    image::deliver_components,
};
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::{Value, json};

const HARNESS: &str = env!("CARGO_BIN_EXE_harness");

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let is_required =
        |kind| env::var("HARNESS_REQUIRE").is_ok_and(|words| words.split(',').any(|word| word.trim() == kind));
    let required = is_required("docker");
    let address = EngineAddress::locate();
    // An engine elsewhere says itself what it lacks.
    let there = address.socket().map_or(Ok(()), |socket| UnixStream::connect(socket).map(drop));
    let left_out = !required && there.is_err();
    if let (false, true, Err(error)) = (arguments.list, left_out, &there) {
        eprintln!("docker tests are ignored: {address}: {error}; HARNESS_REQUIRE=docker makes them fail instead");
    }
    let test = |kind: &'static str, left_out| {
        let name = format!("{kind}_a_dropped_variable_fails_parity_alone");
        Trial::test(name, move || a_dropped_variable_fails_parity_alone(kind)).with_ignored_flag(left_out)
    };
    let tests = vec![test("docker", left_out), test("kubernetes", !is_required("kubernetes"))];
    libtest_mimic::run(&arguments, tests).exit_code()
}

/// The process runtime's performer loses a variable on its way; the image's does not. Nothing expects a result, so that
/// each runtime by itself has nothing to complain about.
fn a_dropped_variable_fails_parity_alone(runtime: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    // The same reference performer; in a cluster the image comes from the engine.
    let image = tokio::runtime::Runtime::new()?.block_on(async {
        let engine = Engine::connect().await.map_err(|error| error.to_string())?;
        let delivered = deliver_components(&engine, HARNESS.as_ref()).await.map_err(|error| error.to_string())?;
        Ok::<_, String>(delivered.reference)
    })?;
    let scenario = json!({
        "name": "open_result",
        "description": "Any result will do.",
        "components": { "performer": {
            "image": image,
            "command": ["env", "-u", "TASK_WRONG_RESULT", HARNESS, "component", "performer"],
            "environment": { "TASK_WRONG_RESULT": true },
        } },
        "steps": [{ "create_task": { "payload": "0x04" } }, { "expect_verified": { "within": "60s" } }],
    });
    let (file, report) = (folder.path().join("open_result.yaml"), folder.path().join("report.json"));
    fs::write(&file, scenario.to_string())?;
    let mut command = Command::new(HARNESS);
    command.args(["run", "--runtime", "process", "--runtime", runtime, "--json"]).arg(&report).arg(&file);
    let output = command.env("HARNESS_RUNS", folder.path().join("runs")).output()?;
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_str(&fs::read_to_string(&report)?)?;
    let trials = report["trials"].as_array().ok_or("no trials")?;
    let outcomes: Vec<_> = trials.iter().map(|trial| &trial["verdict"]["outcome"]).collect();
    assert_eq!(outcomes, ["passed", "passed"], "each runtime passes by itself\n{shown}");
    let expected = json!([{
        "what": "the result of task `task`",
        "sides": [["process", "\"0x10\""], [runtime, "\"0x11\""]],
    }]);
    assert_eq!(report["parity"][0]["differences"], expected, "{shown}");
    Ok(())
}
