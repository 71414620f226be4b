//! What a test is told when something is not as it should be.

use std::path::Path;

use hourglass_harness::{Chain, HarnessError, Operator, Program, scenario::Loader, secs};

use crate::{builder, three};

/// The block that the terminal shows, with the place in the test.
#[tokio::test]
async fn a_wrong_result_fails_with_the_block() -> Result<(), HarnessError> {
    let env = builder().operator(Operator::new("alice")).start().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    let line = line!() + 1;
    let error = task.expect_verified().result("0x11").await.unwrap_err();
    let text = error.to_string();
    for part in [
        &format!(
            "  expect_verified at {}:{line}\n    expected  result \"0x11\"\n    seen      result \"0x10\"\n",
            file!()
        ),
        &format!("    task      {:?}\n    timeline  ", task.hash()),
        "  task_signed  result signed  operator=alice\n",
        "  task_verified  TaskVerified\n",
        "task on l2, verified: created 0.0, ",
        &format!("  folder    {} (index.md, timeline.jsonl, scenario.yaml, logs)\n", env.folder().display()),
        "  again     cargo test -- --exact failures::a_wrong_result_fails_with_the_block\n",
    ] {
        assert!(text.contains(part), "no {part:?} in:\n{text}");
    }
    assert!(format!("{error:?}").contains(&text), "a test that returns the error prints this");
    let violations = error.failure().map_or(&[][..], |failure| failure.violations());
    assert_eq!(violations.len(), 1);
    // The test may continue.
    task.expect_verified().result("0x10").await?;
    env.finish().await.map(drop)
}

/// Each form of an expected result passes for the right result, and shows what was seen instead of another.
#[tokio::test]
async fn results_are_judged_in_the_form_of_the_expectation() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().result_matches("^0x[0-9]{2}$").await?;
    let wrong = [
        (task.expect_verified().result_matches("^x"), "a result that matches `^x`", "result \"0x10\""),
        (task.expect_verified().result_json(serde_json::json!({"a": 1})), "JSON with {\"a\":1}", "which is no JSON"),
        (task.expect_verified().result_abi("(uint8)", ["16"]), "(uint8) \"16\"", "no encoding of (uint8)"),
    ];
    for (expectation, expected, seen) in wrong {
        let text = expectation.await.unwrap_err().to_string();
        assert!(text.contains(&format!("expected  {expected}\n")) && text.contains(seen), "{text}");
    }
    env.finish().await.map(drop)
}

#[tokio::test]
async fn failed_test_leaves_its_evidence() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let folder = env.folder().to_owned();
    let task = env.create_task(Chain::L2, "0x04").await?;
    task.expect_verified().result("0x11").await.unwrap_err();
    drop(env);
    for file in ["timeline.jsonl", "scenario.yaml", "logs"] {
        assert!(folder.join(file).exists(), "{file} is missing in {}", folder.display());
    }
    std::fs::remove_dir_all(folder).unwrap();
    Ok(())
}

#[tokio::test]
async fn unknown_component_is_reported_with_the_known_ones() -> Result<(), HarnessError> {
    let env = builder().operators(["alice", "bob"].map(Operator::new)).start().await?;
    let error = env.component("executor/alcie").unwrap_err().to_string();
    let known = "aggregator, executor/alice, executor/bob, performer/alice, performer/bob";
    assert_eq!(error, format!("there is no component `executor/alcie`; the components are {known}"));
    env.finish().await.map(drop)
}

/// The builder uses the checks of scenario files and reports their messages.
#[rstest::rstest]
#[case::weight(builder().operator(Operator::new("alice").weight(0)), "topology: {operators: [{name: alice, weight: 0}]}")]
#[case::name(builder().operator(Operator::new("Alice")), "topology: {operators: [{name: Alice}]}")]
#[case::twice(builder().operators(["a", "a"].map(Operator::new)), "topology: {operators: [{name: a}, {name: a}]}")]
#[case::threshold(builder().threshold(10_001), "topology: {threshold: 10001}")]
#[case::memory(
    builder().performer(Program::reference().memory("64MiB")),
    "runtimes: [process]\nruntimes_because: b\ncomponents: {performer: {memory: 64MiB}}"
)]
#[case::cpus(
    builder().executor(Program::reference().cpus(0.5)),
    "runtimes: [process]\nruntimes_because: b\ncomponents: {executor: {cpus: 0.5}}"
)]
#[case::expression(builder().allowed_error("a("), "invariants: {allowed_errors: [\"a(\"]}")]
#[tokio::test]
async fn builder_refuses_what_scenarios_refuse(#[case] builder: hourglass_harness::HarnessBuilder, #[case] keys: &str) {
    let text = format!(
        "name: own\ndescription: d\n{keys}\nsteps:\n  - create_task: {{payload: p}}\n  - expect_verified: {{}}\n"
    );
    let of_file = Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap_err();
    let of_builder = builder.name("own").start().await.unwrap_err();
    let problem =
        |text: &str| text.split_once(": line ").unwrap().1.split_once(": ").unwrap().1.replace(char::is_whitespace, "");
    assert_eq!(problem(&of_builder.to_string()), problem(&of_file.to_string()));
    assert!(of_builder.to_string().contains(file!()), "the test's own place is told: {of_builder}");
}

#[tokio::test]
async fn step_that_scenarios_refuse_is_refused() -> Result<(), HarnessError> {
    let env = three().start().await?;
    let error = env.create_task(Chain::L2, "").await.unwrap_err();
    assert!(error.to_string().contains("the mailbox refuses tasks with an empty payload"), "{error}");
    let task = env.create_task(Chain::L2, "0x04").await?;
    let error = task.expect_verified().signed_by(["alcie"]).await.unwrap_err();
    assert!(error.to_string().contains("there is no operator called `alcie`"), "{error}");
    assert!(format!("{error:?}").contains("did you mean `alice`?"), "{error:?}");
    task.expect_verified().await?;
    env.finish().await.map(drop)
}

/// A wrong name is reported before anything is started.
#[tokio::test]
async fn missing_executable_is_reported() {
    let error = builder().executable("/nonexistent/harness").start().await.unwrap_err().to_string();
    assert!(error.contains("/nonexistent/harness") && error.contains("it is no file"), "{error}");
}

/// The invariants of every trial are checked after a test as well.
#[tokio::test]
async fn finish_fails_for_a_task_without_an_end() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    env.component("executor/operator")?.kill().await?;
    env.create_task(Chain::L2, "0x04").await?;
    let error = env.finish().await.unwrap_err();
    assert!(error.to_string().contains("invariant: task `task` has one end"), "{error}");
    let folder = error.failure().unwrap().report().directory.clone();
    std::fs::remove_dir_all(folder).unwrap();
    Ok(())
}

/// A test that hangs is ended, and the error says at what.
#[tokio::test]
async fn a_time_limit_ends_the_environment() -> Result<(), HarnessError> {
    let env = builder().timeout(secs(3)).start().await?;
    env.component("executor/operator")?.pause().await?;
    let task = env.create_task(Chain::L2, "0x04").await?;
    let error = task.expect_verified().within(secs(60)).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains("its end within 3s") && text.contains("it was at: expect_verified at "), "{text}");
    std::fs::remove_dir_all(env.folder()).unwrap();
    Ok(())
}
