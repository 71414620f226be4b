//! What the commands that run trials do before and after them.

use std::{sync::Arc, time::Duration};

use hourglass_base::{ComponentHost, ExitStatus};
use hourglass_cluster::{ClusterChoice, ClusterSpec, Existing, OperatorChoice, operator};
use hourglass_engine::EngineAddress;
use hourglass_project::prepare;
use hourglass_reaper as reaper;
use hourglass_runner::{Keep, OutputObserver, RunFolders, TrialSettings};
use hourglass_runtime::HarnessExecutable;
use hourglass_scenario::{Project, Trial};

use super::{AnvilArgs, CliError, notice};

/// The choices that the settings of trials follow from.
pub(super) struct Preparation<'a> {
    pub(super) anvil: &'a AnvilArgs,
    pub(super) keep: Keep,
    pub(super) trial_timeout: Option<Duration>,
    pub(super) output: Option<OutputObserver>,
}

impl Preparation<'_> {
    /// Obtains the requirements of all trials, or reports once that they are missing, before anything is created.
    pub(super) async fn settings(self, trials: &[Trial], cluster: ClusterChoice) -> Result<TrialSettings, CliError> {
        let folders = RunFolders::locate();
        folders.prepare()?;
        if let ClusterChoice::Existing(_) = &cluster {
            cluster.acquire(&ClusterSpec::default(), &notice).await?;
        } else if trials.iter().any(|trial| trial.runtime.capabilities().host != ComponentHost::Harness) {
            EngineAddress::locate().found_beside().as_deref().map(notice);
        }
        for project in projects(trials) {
            prepare(&project, &notice).await?;
        }
        let anvil = match self.anvil.search().find_or_install(notice).await {
            Ok(anvil) => anvil,
            Err(error) => return Err(CliError::Environment(Box::new(error))),
        };
        Ok(TrialSettings {
            anvil,
            executable: HarnessExecutable::current().map_err(CliError::Executable)?,
            folders,
            keep: self.keep,
            cluster,
            trial_timeout: self.trial_timeout,
            output: self.output,
        })
    }
}

/// The projects of the trials, each once: all trials of a command have the same.
fn projects(trials: &[Trial]) -> Vec<Arc<Project>> {
    let mut projects: Vec<_> = trials.iter().filter_map(|trial| trial.project.clone()).collect();
    projects.dedup_by(|one, other| one.path == other.path);
    projects
}

/// Ends processes that the trials' components started and that have neither a label nor a living component above them.
/// Nothing tells which trial they belong to, so passed trials prove nothing then. Returns the status with that.
pub(super) fn end_orphans(status: ExitStatus) -> ExitStatus {
    let orphans = match tokio::task::block_in_place(reaper::end_orphans) {
        Ok(orphans) => orphans,
        Err(error) => {
            let error = CliError::from(error);
            error.show();
            return status.max(error.status());
        }
    };
    for orphan in &orphans {
        notice(&format!(
            "{orphan} was left by a component that has ended, without the environment of its trial; it was ended"
        ));
    }
    if status == ExitStatus::Passed && !orphans.is_empty() { ExitStatus::Failed } else { status }
}

/// Removes the operator from an existing cluster after the last run that uses it. Kept trials still use it.
pub(super) async fn tidy(choice: &ClusterChoice) -> Result<(), CliError> {
    let ClusterChoice::Existing(choice) = choice else { return Ok(()) };
    if choice.operator == OperatorChoice::Install {
        let existing = Existing::new(choice.kubeconfig.clone(), choice.context.clone());
        operator::remove_unused(&existing.connect(&|_| {}).await?).await?;
    }
    Ok(())
}
