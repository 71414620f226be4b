//! Ends without `finish`: nothing of an environment outlives it.

use std::{
    env,
    process::{Command, Stdio},
    time::Duration,
};

use hourglass_harness::{
    Chain, HarnessError, Runtime,
    engine::EngineAddress,
    is_required,
    reaper::{EngineObjects, Kind as _, RunId, processes_of},
};
use hourglass_test_support::{LIMIT, eventually};
use rustix::process::{Pid, Signal, kill_process};

use crate::{builder, three};

/// Tells the test that aborts that another test has started it.
const ABORTS_VARIABLE: &str = "API_TEST_ABORTS";

fn labelled(run: &str) -> Vec<String> {
    let found = processes_of(&run.parse::<RunId>().unwrap()).unwrap();
    found.into_iter().map(|process| process.command).collect()
}

#[tokio::test]
async fn a_dropped_environment_leaves_nothing() -> Result<(), HarnessError> {
    let env = three().start().await?;
    let (run, folder) = (env.run_id(), env.folder().to_owned());
    let task = env.create_task(Chain::L2, "0x04").await?;
    assert!(labelled(&run).len() >= 6, "chains, aggregator and executors carry the label: {:?}", labelled(&run));
    let waiting = task.expect_verified().into_future();
    drop(env);
    assert_eq!(labelled(&run), Vec::<String>::new());
    assert!(!folder.exists(), "{} is left", folder.display());
    // A handle that outlives its environment gets an error at once, and does not wait.
    let error = waiting.await.unwrap_err();
    assert!(error.to_string().contains("interrupted"), "{error}");
    Ok(())
}

/// A sweep of the run's label reports every object that it removes from the engine.
#[tokio::test]
async fn docker_a_dropped_environment_leaves_nothing() -> Result<(), HarnessError> {
    if !is_required(Runtime::Docker) {
        return Ok(());
    }
    let env = three().runtime(Runtime::Docker).start().await?;
    let run: RunId = env.run_id().parse().unwrap();
    drop(env);
    let found = tokio::task::spawn_blocking(move || EngineObjects::at(EngineAddress::locate()).sweep(&run)).await;
    assert_eq!(found.unwrap().unwrap(), []);
    Ok(())
}

/// A test that times out drops the future that it waits for.
#[tokio::test]
async fn dropped_start_leaves_nothing() {
    let given_up = tokio::time::timeout(Duration::from_millis(20), builder().name("given_up").start()).await;
    assert!(given_up.is_err(), "nothing starts in 20 ms");
    let of_trial = || {
        let folders = hourglass_harness::runner::RunFolders::locate().runs();
        folders.into_iter().any(|run| {
            let trial = hourglass_harness::runner::RunFolders::trial_in(&run.folder);
            trial.as_deref() == Some("process::given_up") && run.owner.is_some_and(|owner| owner.is_alive())
        })
    };
    assert!(!of_trial(), "its folder is left");
}

/// If a component ends without a step having caused it, every waiting call of the test reports that end.
#[tokio::test]
async fn a_component_that_ends_by_itself_ends_the_environment() -> Result<(), HarnessError> {
    let env = builder().start().await?;
    let run = env.run_id();
    let found = processes_of(&run.parse::<RunId>().unwrap()).unwrap();
    let aggregator = found.iter().find(|process| process.command.contains("component aggregator")).unwrap();
    kill_process(Pid::from_raw(aggregator.pid).unwrap(), Signal::KILL).unwrap();
    let error = match env.create_task(Chain::L2, "0x04").await {
        Ok(task) => task.expect_verified().await.unwrap_err(),
        Err(error) => error,
    };
    assert!(error.to_string().contains("invariant: aggregator keeps running"), "{error}");
    assert_eq!(labelled(&run), Vec::<String>::new());
    let again = env.finish().await.unwrap_err();
    assert_eq!(again.to_string(), error.to_string());
    std::fs::remove_dir_all(again.failure().unwrap().report().directory.clone()).unwrap();
    Ok(())
}

/// No code of the test runs at its end: the supervisor ends what is left.
#[test]
fn a_test_process_that_is_aborted_leaves_nothing() {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", "ends::child_that_aborts", "--ignored", "--nocapture"]).env(ABORTS_VARIABLE, "1");
    let output = command.stdin(Stdio::null()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let run = text.split_once("run id: ").unwrap_or_else(|| panic!("{output:?}")).1.lines().next().unwrap().to_owned();
    // The end of another environment's process must not be reported here.
    let left = || match labelled(&run) {
        left if left.is_empty() => Ok(()),
        left => Err(left),
    };
    eventually(LIMIT, left).unwrap();
}

#[tokio::test]
#[ignore = "started by `a_test_process_that_is_aborted_leaves_nothing`, since it ends the process"]
async fn child_that_aborts() {
    if env::var_os(ABORTS_VARIABLE).is_some() {
        let env = builder().start().await.unwrap();
        println!("run id: {}", env.run_id());
        std::process::abort();
    }
}
