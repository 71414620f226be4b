//! What a report says that the components of a trial used.

use std::{collections::BTreeMap, fs, path::Path};

/// Two operators, one of whose performers works for more than a second before it is started again.
pub(crate) const BUSY: &str = "topology:
  operators: [{name: idle}, {name: busy, performer: {environment: {TASK_BUSY_MS: 1100}}}]
steps:
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"0x10\"}
  - restart: {component: performer/busy}
";

/// Asserts that the report of a trial of [`BUSY`] has every component with plausible figures, and in the order of their
/// names; returns the names of what surrounds the components.
#[track_caller]
pub(crate) fn assert_every_component_is_reported(report: &Path) -> Vec<String> {
    let report: serde_json::Value = serde_json::from_slice(&fs::read(report).unwrap()).unwrap();
    let usage = report.pointer("/trials/0/usage").and_then(serde_json::Value::as_array).unwrap();
    let names: Vec<_> = usage.iter().map(|it| it["component"].as_str().unwrap().to_owned()).collect();
    assert!(names.is_sorted(), "{names:?}");
    let (surroundings, components): (Vec<_>, Vec<_>) = usage.iter().partition(|it| it["peak_memory_bytes"].is_null());
    let figures: BTreeMap<_, _> = components
        .into_iter()
        .map(|it| {
            let cpu = it["cpu_seconds"].as_f64().unwrap();
            (it["component"].as_str().unwrap(), (cpu, it["peak_memory_bytes"].as_u64().unwrap()))
        })
        .collect();
    let expected = ["aggregator", "executor/busy", "executor/idle", "l1", "l2", "performer/busy", "performer/idle"];
    assert_eq!(figures.keys().copied().collect::<Vec<_>>(), expected);
    for (component, (cpu, memory)) in &figures {
        assert!(*cpu > 0.0 && *cpu < 60.0, "{component} used {cpu} s: {usage:?}");
        assert!((1 << 20..1 << 30).contains(memory), "{component} had {memory} bytes: {usage:?}");
    }
    let more = figures["performer/busy"].0 - figures["performer/idle"].0;
    assert!(more > 1.0, "the busy performer used {more} s more: {usage:?}");
    assert!(figures["executor/busy"].0 < 1.0, "the executor is not its performer: {usage:?}");
    surroundings.into_iter().map(|it| it["component"].as_str().unwrap().to_owned()).collect()
}
