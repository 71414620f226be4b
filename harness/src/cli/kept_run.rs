//! Finding what a user names: a kept trial by its run id, or a report by its file.

use std::path::{Path, PathBuf};

use hourglass_base::{DocumentKind, StoredError};
use hourglass_reaper::RunDir;
use hourglass_report::{RUN_REPORT_KIND, RunReport, read_run_report};
use hourglass_runner::{RunFolders, TRIAL_REPORT_FILE, TRIAL_REPORT_KIND, read_trial_report, verdict::TrialReport};

use super::show_error::ShowError;

/// How many runs an error lists.
const LISTED: usize = 5;
/// What is expected of a file.
const EITHER: DocumentKind = DocumentKind {
    name: "report of a run or of a trial",
    version: 1,
    keys: &[],
    remedy: "name a file that `harness run --json FILE` wrote, or trial.json in the folder of a kept trial",
};

/// A report that was read back.
#[derive(Debug)]
pub(super) enum Found {
    /// Of one trial.
    Trial(Box<TrialReport>),
    /// Of a run with any number of trials.
    Run(RunReport),
}

/// The report that is named: of a run by its id or the beginning of it, of a file, or of a folder with `trial.json`;
/// without a name that of the latest kept trial.
pub(super) fn find(name: Option<&str>, folders: &RunFolders) -> Result<Found, ShowError> {
    match name {
        Some(name) if is_path(name) => of_file(Path::new(name)),
        Some(name) => of_folder(&named(name, folders)?),
        None => {
            let latest = folders.runs().into_iter().rev().find(|run| run.folder.join(TRIAL_REPORT_FILE).exists());
            of_folder(&latest.ok_or_else(|| ShowError::NoneKept { root: folders.root().to_owned() })?)
        }
    }
}

/// A run id has no separator and no dot.
fn is_path(name: &str) -> bool {
    name.contains(['/', '.']) || Path::new(name).exists()
}

/// The only run whose id begins so.
fn named(prefix: &str, folders: &RunFolders) -> Result<RunDir, ShowError> {
    let mut runs = folders.runs();
    let begins = |run: &RunDir| !prefix.is_empty() && run.run.as_str().starts_with(prefix);
    if let Some(index) = runs.iter().position(|run| run.run.as_str() == prefix) {
        return Ok(runs.swap_remove(index));
    }
    runs.retain(begins);
    match runs.len() {
        0 => Err(ShowError::Unknown { name: prefix.to_owned(), root: folders.root().to_owned() }),
        1 => Ok(runs.remove(0)),
        count => {
            let ids = runs.iter().rev().take(LISTED).map(|run| run.run.to_string()).collect();
            Err(ShowError::Ambiguous { name: prefix.to_owned(), count, runs: ids })
        }
    }
}

fn of_folder(run: &RunDir) -> Result<Found, ShowError> {
    let path = run.folder.join(TRIAL_REPORT_FILE);
    if !path.exists() {
        return Err(ShowError::NoReport { run: run.run.to_string(), folder: run.folder.clone() });
    }
    of_trial(&path)
}

fn of_file(path: &Path) -> Result<Found, ShowError> {
    let path = if path.is_dir() { path.join(TRIAL_REPORT_FILE) } else { path.to_owned() };
    let text = DocumentKind::text_of(&path)?;
    if RUN_REPORT_KIND.is_of(&text) {
        let mut run = read_run_report(&path)?;
        for trial in &mut run.trials {
            trial.kept &= trial.directory.exists();
        }
        return Ok(Found::Run(run));
    }
    if TRIAL_REPORT_KIND.is_of(&text) || !DocumentKind::is_json(&text) {
        return of_trial(&path);
    }
    Err(StoredError::Kind { path, line: 1, kind: EITHER }.into())
}

/// The folder of the file is that of the trial, wherever it was copied to.
fn of_trial(path: &Path) -> Result<Found, ShowError> {
    let mut report = read_trial_report(path)?;
    let folder = std::path::absolute(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    report.directory = folder.unwrap_or(report.directory);
    Ok(Found::Trial(Box::new(report)))
}

impl Found {
    /// The one trial of this name; the only one if none is named.
    pub(super) fn trial(self, name: Option<&str>) -> Result<TrialReport, ShowError> {
        let mut trials = match self {
            Self::Trial(report) => vec![*report],
            Self::Run(run) => run.trials,
        };
        let known: Vec<_> = trials.iter().map(|trial| trial.trial.clone()).collect();
        let index = match name {
            Some(name) => known.iter().position(|known| known == name),
            None if known.len() == 1 => Some(0),
            None => None,
        };
        match (index, name) {
            (Some(index), _) => Ok(trials.swap_remove(index)),
            (None, Some(name)) => Err(ShowError::NoTrial { name: name.to_owned(), known }),
            (None, None) => Err(ShowError::WhichTrial { known }),
        }
    }

    /// Only the trial of this name, if one is named.
    pub(super) fn only(self, name: Option<&str>) -> Result<Self, ShowError> {
        match name {
            Some(_) => Ok(Self::Trial(Box::new(self.trial(name)?))),
            None => Ok(self),
        }
    }
}

/// The file with the timeline of a trial.
pub(super) fn timeline_of(report: &TrialReport) -> PathBuf {
    report.directory.join("timeline.jsonl")
}

#[cfg(test)]
mod tests {
    use hourglass_reaper::RunId;

    use super::*;

    #[test]
    fn a_run_is_found_by_the_beginning_of_its_id() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunFolders::below(root.path());
        for id in ["r1m8jw4p9x-fmbc2888", "r1m8jw4p9y-fmbc2888"] {
            folders.create(&id.parse::<RunId>().unwrap(), "process::square").unwrap();
        }
        let found = |prefix: &str| named(prefix, &folders).map(|run| run.run.to_string());
        assert_eq!(found("r1m8jw4p9y").unwrap(), "r1m8jw4p9y-fmbc2888");
        assert_eq!(found("r1m8jw4p9x-fmbc2888").unwrap(), "r1m8jw4p9x-fmbc2888");
        let error = found("r1m8").unwrap_err();
        assert!(matches!(&error, ShowError::Ambiguous { count: 2, .. }), "{error:?}");
        for unknown in ["r2", "", "fmbc2888"] {
            assert!(matches!(found(unknown), Err(ShowError::Unknown { .. })), "{unknown}");
        }
    }
}
