//! The scenarios as tests, one trial a scenario, combination of its matrix and runtime, for `cargo test` and nextest.
//!
//! A scenario that says how its fault is taken out has a second trial, `…::without_fault`, which passes when the scenario
//! fails: expectations that cannot fail prove nothing.
//!
//! A scenario with several runtimes has one more, `parity::NAME`, which compares what it does on each of them that is
//! there; scenarios for load (tag `load`) are left out of that. It runs what this process has not run yet: all of it under
//! nextest, nothing under `cargo test`. Scenarios with the tag `large` are listed as ignored: they take minutes, and run
//! when they are asked for with `--ignored`.
//!
//! What the machine lacks is decided when trials are listed, and its trials are listed as ignored;
//! `HARNESS_REQUIRE=process,…` makes them run, and fail, instead. Trials on Kubernetes are always left out unless they are
//! required: they make a cluster where none is warm.

#![expect(clippy::print_stderr, reason = "stdout is the test protocol's; reasons and notices are for people")]

mod availability;
mod parity;
#[path = "../../harness/tests/support/threads.rs"]
mod threads;

use std::{
    collections::BTreeMap,
    path::Path,
    process::ExitCode,
    sync::{Arc, Mutex, PoisonError},
};

use availability::Availability;
use hourglass_component::shutdown;
use hourglass_harness::{
    cluster::ClusterChoice,
    report,
    runner::{
        Keep, RunFolders, TrialSettings, run_trial,
        verdict::{TrialReport, Verdict},
    },
    runtime::HarnessExecutable,
    scenario::{ScenarioError, Selection, Trial, WITHOUT_FAULT},
};
use libtest_mimic::{Arguments, Failed};

/// How a failed trial is run again.
const COMMAND: &str = "cargo run -- run";
/// The tag of scenarios that take minutes.
const LARGE: &str = "large";

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert_with(threads::of_waiting_tests);
    let availability = match Availability::of_this_machine() {
        Ok(availability) => availability,
        Err(error) => return refuse(&error),
    };
    let trials = match trials(&arguments, &availability) {
        Ok(trials) => trials,
        Err(error) => return refuse(&format!("{:?}", miette::Report::new(error))),
    };
    if !arguments.list {
        // Where stdout is read by machines, people look at stderr.
        for reason in availability.reasons() {
            eprintln!("{reason}");
        }
    }
    let comparisons = parity::tests(&trials, &availability);
    let tests = trials.iter().flat_map(|trial| tests(trial, &availability)).chain(comparisons).collect();
    // Not `exit()`, which would skip destructors.
    libtest_mimic::run(&arguments, tests).exit_code()
}

fn refuse(error: &str) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(2)
}

/// The trials that may be run: all, or the one that is named exactly, so that a process for one trial reads one file.
fn trials(arguments: &Arguments, availability: &Availability) -> Result<Vec<Trial>, ScenarioError> {
    let exactly = arguments.filter.as_deref().filter(|_| arguments.exact);
    let pattern = exactly.map(|name| {
        let name = [WITHOUT_FAULT, parity::DROPPED].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        name.strip_prefix(parity::PREFIX).unwrap_or(name).to_owned()
    });
    let selection = Selection {
        patterns: pattern.into_iter().collect(),
        runtimes: availability.runtimes(),
        directory: Some(Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")),
        ..Selection::default()
    };
    match selection.trials() {
        Err(ScenarioError::NoMatch { .. } | ScenarioError::NothingLeft(_)) if exactly.is_some() => Ok(Vec::new()),
        found => found,
    }
}

fn tests(trial: &Trial, availability: &Availability) -> Vec<libtest_mimic::Trial> {
    let ignored = !availability.has(trial.runtime) || has_tag(trial, LARGE);
    // It passes when an expectation of its scenario fails: that is its verdict already.
    let proof = trial
        .without_fault()
        .map(|twin| libtest_mimic::Trial::test(twin.name.clone(), move || must_pass(&twin)).with_ignored_flag(ignored));
    let trial = trial.clone();
    let test = libtest_mimic::Trial::test(trial.name.clone(), move || must_pass(&trial)).with_ignored_flag(ignored);
    [Some(test), proof].into_iter().flatten().collect()
}

fn has_tag(trial: &Trial, tag: &str) -> bool {
    trial.scenario.tags.iter().any(|known| known == tag)
}

fn must_pass(trial: &Trial) -> Result<(), Failed> {
    let report = report_of(trial)?;
    match report.verdict {
        Verdict::Passed => Ok(()),
        _ => Err(report::failure_text(&report, COMMAND).into()),
    }
}

/// What became of a trial, which is run unless this process has done so, or does so at the moment.
fn report_of(trial: &Trial) -> Result<TrialReport, Failed> {
    type Slot = Arc<Mutex<Option<TrialReport>>>;
    static REPORTS: Mutex<BTreeMap<String, Slot>> = Mutex::new(BTreeMap::new());
    let mut reports = REPORTS.lock().unwrap_or_else(PoisonError::into_inner);
    let slot = Arc::clone(reports.entry(trial.name.clone()).or_default());
    drop(reports);
    let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(report) = &*slot {
        return Ok(report.clone());
    }
    Ok(slot.insert(run(trial)?).clone())
}

fn run(trial: &Trial) -> Result<TrialReport, Failed> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        // The first of Ctrl-C and nextest's SIGTERM ends the trial in order; the supervisor takes care of the rest.
        let interrupt = shutdown::on_signal();
        let notice = |text: &str| eprintln!("{text}");
        let anvil = availability::anvil_search().find_or_install(notice).await.map_err(|error| error.to_string())?;
        let settings = TrialSettings {
            anvil,
            executable: HarnessExecutable(env!("CARGO_BIN_EXE_harness").into()),
            folders: RunFolders::locate(),
            keep: Keep::Never,
            cluster: ClusterChoice::default(),
            trial_timeout: None,
        };
        Ok(Box::pin(run_trial(trial, &settings, &interrupt, &|_| {})).await)
    })
}
