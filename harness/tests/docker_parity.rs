//! The purpose of parity, on a real engine and in a real cluster: a component that differs in one runtime only passes
//! on each runtime and fails the comparison. Without an engine the test is listed as ignored; `HARNESS_REQUIRE=docker`
//! makes it fail instead. The test with a cluster runs only where `HARNESS_REQUIRE` names `kubernetes`.

use std::{
    error::Error,
    fs,
    process::{Command, ExitCode},
};

use hourglass_harness::{Runtime, engine::Engine, image::deliver_components};
use hourglass_test_support::{Requirement, Test, TestTarget, block_on};
use serde_json::{Value, json};

const HARNESS: &str = env!("CARGO_BIN_EXE_harness");

fn main() -> ExitCode {
    let test = |runtime: Runtime| {
        let name = format!("{runtime}_a_dropped_variable_fails_parity_alone");
        Test::new(name, move || a_dropped_variable_fails_parity_alone(runtime))
    };
    let target = TestTarget::from_args().tests_with(&Requirement::docker(), [test(Runtime::Docker)]);
    target.tests_with(&Requirement::kubernetes(), [test(Runtime::Kubernetes)]).run()
}

/// The process runtime's performer loses a variable; that of the image does not. No step expects a result, so that each
/// runtime alone has no failure.
fn a_dropped_variable_fails_parity_alone(runtime: Runtime) -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    // The same reference performer; in a cluster the image comes from the engine.
    let image = block_on(async {
        let engine = Engine::connect().await?;
        let delivered = deliver_components(&engine, HARNESS.as_ref()).await?;
        Ok::<_, Box<dyn Error>>(delivered.reference)
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
    command.args(["run", "--runtime", "process", "--runtime", runtime.as_str(), "--json"]).arg(&report).arg(&file);
    let output = command.env("HARNESS_RUNS", folder.path().join("runs")).env_remove("GITHUB_ACTIONS").output()?;
    let shown = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{shown}{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_str(&fs::read_to_string(&report)?)?;
    let trials = report["trials"].as_array().ok_or("no trials")?;
    let outcomes: Vec<_> = trials.iter().map(|trial| &trial["verdict"]["outcome"]).collect();
    assert_eq!(outcomes, ["passed", "passed"], "each runtime passes by itself\n{shown}");
    let expected = json!([{
        "what": "the result of task `task`",
        "sides": [["process", "\"0x10\""], [runtime.as_str(), "\"0x11\""]],
    }]);
    assert_eq!(report["parity"][0]["differences"], expected, "{shown}");
    Ok(())
}
