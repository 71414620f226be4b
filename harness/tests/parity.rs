//! Parity on real trials: equal runs have equal traces every time, and differences are noticed.

#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::{env, path::Path, sync::Arc};

use futures::StreamExt as _;
use hourglass_harness::{
    chain::AnvilSearch,
    cluster::ClusterChoice,
    runner::{
        Keep, RunFolders, TrialSettings,
        parity::{Difference, compare},
        run_trial,
        verdict::{TrialReport, Verdict},
    },
    runtime::HarnessExecutable,
    scenario::{Component, Loader, RuntimeKind, Scenario, Selection, Trial},
};
use tokio_util::sync::CancellationToken;

/// How often each scenario is run to check that its trace does not change.
const RUNS_VARIABLE: &str = "HARNESS_PARITY_RUNS";
const HARNESS: &str = env!("CARGO_BIN_EXE_harness");

async fn run(trial: &Trial) -> TrialReport {
    let settings = TrialSettings {
        anvil: AnvilSearch::default().find_or_install(|_| {}).await.unwrap(),
        executable: HarnessExecutable(HARNESS.into()),
        folders: RunFolders::locate(),
        keep: Keep::Never,
        cluster: ClusterChoice::default(),
        trial_timeout: None,
        output: None,
    };
    let report = Box::pin(run_trial(trial, &settings, &CancellationToken::new(), &|_| {})).await;
    assert_eq!(report.verdict, Verdict::Passed, "{}", trial.name);
    report
}

fn differences(one: &TrialReport, other: &TrialReport) -> Vec<Difference> {
    compare(&[("one".to_owned(), &one.trace), ("other".to_owned(), &other.trace)])
}

/// Protects parity from false alarms: events with a legitimate race must not be in the trace.
#[tokio::test(flavor = "multi_thread")]
async fn the_same_runtime_has_parity_with_itself() {
    let runs: usize = env::var(RUNS_VARIABLE).ok().map_or(2, |runs| runs.parse().unwrap());
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let selection =
        Selection { runtimes: vec![RuntimeKind::Process], directory: Some(directory), ..Selection::default() };
    let trials = selection.trials().unwrap();
    let small = trials.iter().filter(|trial| !trial.scenario.tags.contains(&"load".to_owned()));
    let all = futures::stream::iter(small.flat_map(|trial| std::iter::repeat_n(trial, runs)));
    let reports: Vec<_> = all.map(|trial| async { run(trial).await }).buffered(2).collect().await;
    assert!(reports.len() >= 11 * runs, "only {} trials", reports.len());
    let mut unequal = Vec::new();
    for group in reports.chunks(runs) {
        for other in &group[1..] {
            let found = differences(&group[0], other);
            if !found.is_empty() {
                let text: String = found.iter().map(ToString::to_string).collect();
                unequal.push(format!("{}\n{text}", group[0].trial));
            }
        }
    }
    assert!(unequal.is_empty(), "{} of {}:\n{}", unequal.len(), reports.len(), unequal.join("\n"));
}

/// A scenario that leaves the result open, with a performer that gives a wrong one.
fn open_result(wrapper: Option<Vec<String>>) -> Trial {
    let text = "name: open_result\ndescription: Any result will do.\ncomponents:\n  \
                performer: {environment: {TASK_WRONG_RESULT: true}}\nsteps:\n  \
                - create_task: {payload: \"0x04\"}\n  - expect_verified: {}\n";
    let file = Loader::new().unwrap().parse(Path::new("open_result.yaml"), text).unwrap();
    let mut trial = file.trials(&[RuntimeKind::Process]).remove(0);
    let mut scenario = Scenario::clone(&trial.scenario);
    let over = Component { command: wrapper, ..Component::default() };
    scenario.components.performer = scenario.components.performer.overlaid_with(&over);
    for operator in &mut scenario.topology.operators {
        operator.performer = operator.performer.overlaid_with(&over);
    }
    trial.scenario = Arc::new(scenario);
    trial
}

/// The promise of parity: one environment variable dropped in one place fails nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn a_dropped_variable_fails_parity_alone() {
    let dropping = ["env", "-u", "TASK_WRONG_RESULT", HARNESS, "component", "performer"].map(ToOwned::to_owned);
    let (reference, other) = (open_result(None), open_result(Some(dropping.to_vec())));
    let (reference, other) = tokio::join!(run(&reference), run(&other));
    let found = differences(&reference, &other);
    let [difference] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(difference.what, "the result of task `task`");
    let sides = difference.sides.each_ref().map(|(_, value)| value.as_str());
    assert_eq!(sides, ["\"0x11\"", "\"0x10\""]);
}
