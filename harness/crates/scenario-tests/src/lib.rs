//! A folder of scenarios as tests, one for each scenario, combination of its matrix and runtime, for `cargo test` and
//! nextest.
//!
//! A scenario that defines how its fault is taken out has a second trial, `…::without_fault`, which passes when the
//! scenario fails: expectations that cannot fail prove nothing.
//!
//! A scenario with several runtimes has one more, `parity::NAME`, which compares its behaviour on each available
//! runtime; scenarios for load (tag `load`) are left out of that. It runs the trials that this process has not run yet:
//! all of them under nextest, none under `cargo test`. Scenarios with the tag `large` are listed as ignored: they take
//! minutes, and run when they are requested with `--ignored`.
//!
//! The requirements that the machine lacks are determined when trials are listed, and the trials that need them are
//! listed as ignored; `HARNESS_REQUIRE=process,…` makes them run, and fail, instead. Trials on Kubernetes are always
//! left out unless they are required: they create a cluster if none is warm.
//!
//! Each trial's folder has the harness's own log of it; `RUST_LOG` shows the same records on standard error.

#![expect(clippy::print_stderr, reason = "stdout is the test protocol's; reasons and notices are for people")]

mod availability;
mod parity;
mod threads;
mod trials;

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use availability::Availability;
use hourglass_report::start_records;
use hourglass_scenario::{ScenarioError, Selection, Trial, WITHOUT_FAULT};
use libtest_mimic::Arguments;
pub use threads::of_waiting_tests;
use trials::Runs;

/// A test target that runs the scenarios of a folder.
#[derive(Debug, Clone)]
pub struct ScenarioTests {
    folder: PathBuf,
    executable: Option<PathBuf>,
    again: String,
    parity_proof: Option<String>,
}

impl ScenarioTests {
    /// The scenarios of this folder and of those below it.
    pub fn in_folder(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into(), executable: None, again: "harness run".to_owned(), parity_proof: None }
    }

    /// The `harness` executable; by default it is found as described in [`hourglass_api`].
    #[must_use]
    pub fn executable(mut self, path: impl Into<PathBuf>) -> Self {
        self.executable = Some(path.into());
        self
    }

    /// The words before a trial's name in the command that runs it again, for the text of a failure; `harness run` by
    /// default.
    #[must_use]
    pub fn run_again_with(mut self, command: impl Into<String>) -> Self {
        self.again = command.into();
        self
    }

    /// Adds a test which proves that parity can fail: on the last of its runtimes this scenario's performer gets no
    /// environment variables. That must change the result of its task `task`, and none of its expectations may notice.
    #[must_use]
    pub fn prove_parity_with(mut self, scenario: impl Into<String>) -> Self {
        self.parity_proof = Some(scenario.into());
        self
    }

    /// Executes the arguments of the process, in the protocol of libtest: 0 if all passed, 101 if some failed, 2 if the
    /// scenarios or the arguments are wrong.
    pub fn run(self) -> ExitCode {
        let mut arguments = Arguments::from_args();
        arguments.test_threads.get_or_insert_with(of_waiting_tests);
        if let Err(error) = start_records(0) {
            return refuse(&format!("failed to {error}; {}", error.remedy()));
        }
        let availability = match Availability::of_this_machine() {
            Ok(availability) => availability,
            Err(error) => return refuse(&error),
        };
        let trials = match trials_of(&self.folder, &arguments, &availability) {
            Ok(trials) => trials,
            Err(error) => return refuse(&format!("{:?}", miette::Report::new(error))),
        };
        if !arguments.list {
            // Programs may read stdout; people read stderr.
            for reason in availability.reasons() {
                eprintln!("{reason}");
            }
        }
        let runs = Runs::new(self.executable, self.again);
        let comparisons = parity::tests(&trials, &availability, &runs, self.parity_proof.as_deref());
        let tests = trials.iter().flat_map(|trial| tests(trial, &availability, &runs)).chain(comparisons).collect();
        // Not `exit()`, which would skip destructors.
        libtest_mimic::run(&arguments, tests).exit_code()
    }
}

fn refuse(error: &str) -> ExitCode {
    eprintln!("{error}");
    ExitCode::from(2)
}

/// The trials that may be run: all, or the one that is named exactly, so that a process for one trial reads one file.
fn trials_of(folder: &Path, arguments: &Arguments, availability: &Availability) -> Result<Vec<Trial>, ScenarioError> {
    let exactly = arguments.filter.as_deref().filter(|_| arguments.exact);
    let pattern = exactly.map(|name| {
        let name = [WITHOUT_FAULT, parity::DROPPED].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        name.strip_prefix(parity::PREFIX).unwrap_or(name).to_owned()
    });
    let selection = Selection {
        patterns: pattern.into_iter().collect(),
        runtimes: availability.runtimes(),
        directory: Some(folder.to_owned()),
        ..Selection::default()
    };
    match selection.trials() {
        Err(ScenarioError::NoMatch { .. } | ScenarioError::IsFolder(_) | ScenarioError::NothingLeft(_))
            if exactly.is_some() =>
        {
            Ok(Vec::new())
        }
        found => found,
    }
}

fn tests(trial: &Trial, availability: &Availability, runs: &Runs) -> Vec<libtest_mimic::Trial> {
    let ignored = !availability.has(trial.runtime) || trial.is_large();
    let test = |trial: Trial| {
        let (name, runs) = (trial.name.clone(), runs.clone());
        libtest_mimic::Trial::test(name, move || runs.must_pass(&trial)).with_ignored_flag(ignored)
    };
    // It passes when an expectation of its scenario fails: its verdict contains that already.
    let proof = trial.without_fault().map(test);
    [Some(test(trial.clone())), proof].into_iter().flatten().collect()
}

fn has_tag(trial: &Trial, tag: &str) -> bool {
    trial.scenario.tags.iter().any(|known| known == tag)
}
