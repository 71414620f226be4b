//! Trials that run once in a process and whose reports are shared.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use hourglass_api::find_executable;
use hourglass_cluster::ClusterChoice;
use hourglass_component::shutdown;
use hourglass_project::{PrepareError, prepare};
use hourglass_report::{GitHub, RunReport, failure_text};
use hourglass_runner::{
    Keep, RunFolders, TrialSettings, run_trial,
    verdict::{TrialReport, Verdict},
};
use hourglass_runtime::HarnessExecutable;
use hourglass_scenario::Trial;
use libtest_mimic::Failed;
use tokio::sync::OnceCell;

use crate::availability::anvil_search;

/// A report, once its trial has run; locked for as long as it runs.
type Slot = Arc<Mutex<Option<TrialReport>>>;

/// The reports of this process's trials; clones share them.
#[derive(Debug, Clone)]
pub(crate) struct Runs(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    executable: Option<PathBuf>,
    again: String,
    reports: Mutex<BTreeMap<String, Slot>>,
    /// Whether the commands of the project have run, once for all trials.
    prepared: OnceCell<Result<(), String>>,
}

impl Runs {
    pub(crate) fn new(executable: Option<PathBuf>, again: String) -> Self {
        Self(Arc::new(Shared { executable, again, reports: Mutex::default(), prepared: OnceCell::new() }))
    }

    /// The words before a trial's name in the command that runs it again.
    pub(crate) fn again(&self) -> &str {
        &self.0.again
    }

    pub(crate) fn must_pass(&self, trial: &Trial) -> Result<(), Failed> {
        let report = self.report_of(trial)?;
        if report.verdict == Verdict::Passed {
            return Ok(());
        }
        self.summarize(&report);
        Err(failure_text(&report, self.again()).into())
    }

    /// Appends the trial to the summary of the step where GitHub Actions runs it. A summary that cannot be written is no
    /// failure of what was tested.
    fn summarize(&self, report: &TrialReport) {
        let Some(github) = GitHub::detect() else { return };
        let run = RunReport {
            started: report.started,
            duration: report.duration,
            trials: vec![report.clone()],
            ..RunReport::default()
        };
        if let Err((path, error)) = github.append_summary(&run, self.again()) {
            eprintln!("warning: failed to write the summary of the step to {}: {error}", path.display());
        }
    }

    /// The report of a trial, which is run unless this process has run it, or is running it.
    pub(crate) fn report_of(&self, trial: &Trial) -> Result<TrialReport, Failed> {
        let mut reports = self.0.reports.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = Arc::clone(reports.entry(trial.name.clone()).or_default());
        drop(reports);
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(report) = &*slot {
            return Ok(report.clone());
        }
        Ok(slot.insert(self.run(trial)?).clone())
    }

    /// Runs a trial, whether or not it was run before.
    pub(crate) fn run(&self, trial: &Trial) -> Result<TrialReport, Failed> {
        let executable = find_executable(self.0.executable.as_deref()).map_err(|error| error.to_string())?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        runtime.block_on(async {
            // The first of Ctrl-C and nextest's SIGTERM ends the trial in order; the supervisor ends what remains.
            let interrupt = shutdown::on_signal();
            let notice = |text: &str| eprintln!("{text}");
            if let Some(project) = &trial.project {
                let preparing = async { prepare(project, &notice).await.map_err(|error| told(&error)) };
                self.0.prepared.get_or_init(|| preparing).await.clone()?;
            }
            let anvil = anvil_search().find_or_install(notice).await.map_err(|error| error.to_string())?;
            let settings = TrialSettings {
                anvil,
                executable: HarnessExecutable(executable),
                folders: RunFolders::locate(),
                keep: Keep::Never,
                cluster: ClusterChoice::default(),
                trial_timeout: None,
                output: None,
            };
            Ok(Box::pin(run_trial(trial, &settings, &interrupt, &|_| {})).await)
        })
    }
}

/// The error with its cause and its remedy.
fn told(error: &PrepareError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("{error}{cause}\n{}", error.remedy())
}
