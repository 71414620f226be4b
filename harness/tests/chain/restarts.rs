//! The process runtime as a library: a component stays known, whatever the result of a fault was.

use std::time::Duration;

use hourglass_harness::{
    chain::prepare,
    reaper::{RunId, processes_of},
    runtime::{AggregatorSpec, Ends, HarnessExecutable, ProcessRuntime, ProcessSettings, Runtime, RuntimeError},
    scenario::{Component, ComponentRef},
    timeline::Timeline,
};

use crate::support::{SOON, anvil, topology, within};

#[tokio::test]
async fn anvil_a_component_whose_restart_failed_can_be_started_again() {
    let (root, topology, run) = (tempfile::tempdir().unwrap(), topology(&[1]), RunId::generate());
    let binary = anvil().await;
    let state = prepare(&binary, &topology, &run).await.unwrap();
    let timeline = Timeline::default();
    let settings = ProcessSettings {
        anvil: binary,
        executable: HarnessExecutable(env!("CARGO_BIN_EXE_harness").into()),
        root: root.path().to_owned(),
        folder: root.path().join("trial"),
        working_directory: None,
        run: run.clone(),
        ends: Ends::new(&[], &timeline),
        timeline,
    };
    let supervisor = ProcessRuntime::supervise(&settings).await.unwrap();
    let runtime = ProcessRuntime::new(settings, supervisor).unwrap();
    runtime.start_chains(&state).await.unwrap();
    let accounts = topology.accounts();
    let key = accounts.aggregator.clone();
    let avs = (accounts.avs.address(), key.clone());
    runtime.start_aggregator(AggregatorSpec { key, avss: vec![avs], aggregator: Component::default() }).await.unwrap();

    let aggregator = ComponentRef::Aggregator;
    let late = runtime.restart(&aggregator, Duration::ZERO).await.unwrap_err();
    assert!(matches!(late, RuntimeError::NotReady { .. }), "{late}");
    let down = runtime.kill(&aggregator).await.unwrap_err().to_string();
    assert_eq!(down, "failed to kill aggregator: it is not running", "it is known");
    within(SOON, "restart", runtime.restart(&aggregator, SOON)).await.unwrap();
    // A step whose time is over drops the action in progress.
    let dropped = tokio::time::timeout(Duration::ZERO, runtime.restart(&aggregator, SOON)).await;
    assert!(dropped.is_err(), "it takes longer");
    within(SOON, "restart", runtime.restart(&aggregator, SOON)).await.unwrap();
    runtime.kill(&aggregator).await.unwrap();
    within(SOON, "restart", runtime.restart(&aggregator, SOON)).await.unwrap();

    let taken_down = Box::new(runtime).stop().await.unwrap();
    assert_eq!(taken_down.leaks, []);
    assert_eq!(processes_of(&run).unwrap().len(), 0);
}
