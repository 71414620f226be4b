//! Which trials failed when they last ran, for `--failed`: a file in the cache for each folder of scenarios.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use hourglass_base::{RuntimeKind, Version, cache::cache_folder, private};
use hourglass_report::RunReport;
use hourglass_runner::{
    parity::ParityVerdict,
    verdict::{TrialReport, Verdict},
};
use hourglass_scenario::{BUILTIN, DEFAULT_DIRECTORY, Selection, without_number};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::CliError;

/// The folder in the cache.
const FOLDER: &str = "results";
/// The most folders of scenarios that are remembered; of more, those that were run last.
const MOST_FILES: usize = 200;
/// The most trials that are remembered.
const MOST_NAMES: usize = 10_000;
/// The largest file that is read, in bytes.
const LARGEST: u64 = 8 << 20;

/// The trials of a folder of scenarios that failed when they last ran.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastResults {
    #[serde(skip_deserializing)]
    version: Version<1>,
    /// The folder, for people.
    scenarios: String,
    failed: BTreeSet<String>,
}

impl LastResults {
    /// Those of the selection's folder; a message if it was never run.
    pub(super) fn read(selection: &Selection) -> Result<Self, CliError> {
        let scenarios = folder_of(selection);
        let found = file_of(&scenarios).and_then(|path| read(&path));
        found.map_err(|error| {
            let reason = match error.kind() {
                io::ErrorKind::NotFound => "no run of them is remembered; run them without --failed first".to_owned(),
                _ => format!("what is remembered of them cannot be read ({error}); run them without --failed"),
            };
            CliError::Usage(format!("failed to choose what failed of the scenarios in {scenarios}: {reason}"))
        })
    }

    /// The names of the trials.
    pub(super) fn failed(&self) -> &BTreeSet<String> {
        &self.failed
    }

    /// The runtimes of the trials.
    pub(super) fn runtimes(&self) -> Vec<RuntimeKind> {
        let is_of = |kind: &RuntimeKind| self.failed.iter().any(|name| name.starts_with(&format!("{kind}::")));
        RuntimeKind::ALL.into_iter().filter(is_of).collect()
    }

    /// Remembers the results of a run. A trial that was not run, or did not end, keeps its last result.
    pub(super) fn remember(selection: &Selection, report: &RunReport) -> io::Result<()> {
        let scenarios = folder_of(selection);
        let path = file_of(&scenarios)?;
        // A file that cannot be read is replaced.
        let mut results = read(&path).unwrap_or_default();
        results.scenarios = scenarios;
        results.update(report);
        results.write(&path)
    }

    fn update(&mut self, report: &RunReport) {
        let name = |trial: &TrialReport| without_number(&trial.trial).to_owned();
        let of = |is: fn(&Verdict) -> bool| report.trials.iter().filter(move |trial| is(&trial.verdict)).map(name);
        for passed in of(|verdict| matches!(verdict, Verdict::Passed)) {
            self.failed.remove(&passed);
        }
        // After those that passed: of several repetitions one may fail.
        self.failed.extend(of(|verdict| matches!(verdict, Verdict::Failed { .. } | Verdict::EnvironmentFailed { .. })));
        let differs = report.parity.iter().filter(|parity| matches!(parity.verdict, ParityVerdict::Failed { .. }));
        for parity in differs {
            let scenario = parity.name.split_once("::").map_or("", |(_, scenario)| scenario);
            let trials = parity.runtimes.iter().map(|runtime| format!("{runtime}::{}", without_number(scenario)));
            self.failed.extend(trials);
        }
        while self.failed.len() > MOST_NAMES {
            self.failed.pop_last();
        }
    }

    /// Replaces the file at once, so that no other process reads a part of it.
    fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new(""));
        private::create_folders(folder)?;
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.persist(path).map_err(|error| error.error)?;
        bound(folder)
    }
}

fn read(path: &Path) -> io::Result<LastResults> {
    if fs::metadata(path)?.len() > LARGEST {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(serde_json::from_slice(&fs::read(path)?)?)
}

/// Removes the files that were not written for longest.
fn bound(folder: &Path) -> io::Result<()> {
    let written = |path: &Path| fs::metadata(path).and_then(|file| file.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let mut files: Vec<_> = fs::read_dir(folder)?.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.sort_by_key(|path| written(path));
    let count = files.len().saturating_sub(MOST_FILES);
    // Another process may have removed one of them.
    files.iter().take(count).for_each(|path| drop(fs::remove_file(path)));
    Ok(())
}

/// The folder of scenarios by which results are remembered.
fn folder_of(selection: &Selection) -> String {
    if selection.builtin {
        return BUILTIN.to_owned();
    }
    // Its project was read to select the trials.
    let folder = selection.directory().unwrap_or_else(|_| DEFAULT_DIRECTORY.into());
    let folder = fs::canonicalize(&folder).or_else(|_| std::path::absolute(&folder)).unwrap_or(folder);
    folder.display().to_string()
}

fn file_of(scenarios: &str) -> io::Result<PathBuf> {
    let cache = cache_folder().map_err(io::Error::other)?;
    Ok(cache.join(FOLDER).join(hex::encode(Sha256::digest(scenarios))).with_extension("json"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(name: &str, verdict: Verdict) -> TrialReport {
        let report = serde_json::json!({
            "trial": name, "scenario": "scenarios/own.yaml", "runtime": "process", "started": "2026-03-01T12:00:00Z",
            "duration_ms": 1.0, "phases": [], "verdict": {"outcome": "passed"}, "steps": [], "tasks": [], "usage": [],
            "directory": "", "kept": false, "running": {},
        });
        let mut report: TrialReport = serde_json::from_value(report).unwrap();
        report.verdict = verdict;
        report
    }

    fn failed() -> Verdict {
        Verdict::Failed { violations: Vec::new() }
    }

    fn updated(results: &mut LastResults, trials: &[(&str, Verdict)]) -> Vec<String> {
        let trials = trials.iter().map(|(name, verdict)| trial(name, verdict.clone())).collect();
        results.update(&RunReport { trials, ..RunReport::default() });
        results.failed.iter().cloned().collect()
    }

    /// A run of some trials says nothing about the others.
    #[test]
    fn a_trial_keeps_its_last_result_until_it_ran_again() {
        let mut results = LastResults::default();
        let first = updated(
            &mut results,
            &[("process::a", failed()), ("docker::b", failed()), ("process::c", Verdict::Passed)],
        );
        assert_eq!(first, ["docker::b", "process::a"]);
        assert_eq!(results.runtimes(), [RuntimeKind::Process, RuntimeKind::Docker]);
        assert_eq!(updated(&mut results, &[("process::a", Verdict::Interrupted)]), ["docker::b", "process::a"]);
        assert_eq!(updated(&mut results, &[("process::a", Verdict::Passed)]), ["docker::b"]);
        let repeated = [("process::a#1", failed()), ("process::a#2", Verdict::Passed)];
        assert_eq!(updated(&mut results, &repeated), ["docker::b", "process::a"]);
    }

    #[test]
    fn a_written_file_is_read_back_and_the_oldest_files_go() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("results/x.json");
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::NotFound);
        let results = LastResults { failed: ["process::a".to_owned()].into(), ..LastResults::default() };
        results.write(&path).unwrap();
        assert_eq!(read(&path).unwrap(), results);
        for number in 0..MOST_FILES + 5 {
            let old = folder.path().join(format!("results/{number}.json"));
            fs::write(&old, "{}").unwrap();
            let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(number as u64);
            fs::File::options().write(true).open(&old).unwrap().set_modified(time).unwrap();
        }
        results.write(&path).unwrap();
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), MOST_FILES);
        assert!(path.exists() && !folder.path().join("results/5.json").exists());
        fs::write(&path, "{").unwrap();
        assert_eq!(read(&path).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
