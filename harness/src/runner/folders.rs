//! Where the evidence of trials lies: one folder a trial, below one root.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use super::EnvironmentError;
use crate::reaper::{OWNER_FILE, Owner, Place, RunId};

/// The variable that names the folder of all trials' folders.
const RUNS_VARIABLE: &str = "HARNESS_RUNS";
/// Says in a trial's folder which trial it is of.
const TRIAL_FILE: &str = "trial";

/// Folders of trials below one root.
#[derive(Debug, Clone)]
pub struct RunFolders {
    root: PathBuf,
}

impl RunFolders {
    /// `HARNESS_RUNS`, else a folder for temporary files that is the same for all runs of a user.
    pub fn locate() -> Self {
        let named = env::var_os(RUNS_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let root = named.unwrap_or_else(|| env::temp_dir().join("hourglass-harness"));
        // Children have other working folders.
        Self { root: std::path::absolute(&root).unwrap_or(root) }
    }

    /// Folders below a root of one's own.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a trial, which begins with its id so that folders sort by time.
    pub fn folder_of(&self, run: &RunId) -> PathBuf {
        self.root.join(run.as_str())
    }

    /// Makes the folder of a trial, which holds the trial's name.
    pub fn create(&self, run: &RunId, trial: &str) -> Result<PathBuf, EnvironmentError> {
        let folder = self.folder_of(run);
        let fail = |source| EnvironmentError::File { path: folder.clone(), source };
        fs::create_dir_all(&folder).map_err(fail)?;
        fs::write(folder.join(TRIAL_FILE), format!("{trial}\n")).map_err(fail)?;
        if let Some(owner) = Owner::current() {
            let text = serde_json::to_vec(&owner).unwrap_or_default();
            fs::write(folder.join(OWNER_FILE), text).map_err(fail)?;
        }
        Ok(folder)
    }

    /// The name of the trial that has this folder; nothing where the folder does not say.
    pub fn trial_in(folder: &Path) -> Option<String> {
        let name = fs::read_to_string(folder.join(TRIAL_FILE)).ok()?.trim().to_owned();
        (!name.is_empty()).then_some(name)
    }

    /// Says in the folder of a trial that nobody is at it any more.
    pub(super) fn release(folder: &Path) {
        // Where it stays, it names a process that ends soon.
        let _ = fs::remove_file(folder.join(OWNER_FILE));
    }

    /// The trials that have a folder here, oldest first.
    pub fn runs(&self) -> Vec<Place> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().filter_map(Result::ok);
        let mut runs: Vec<_> = entries
            .filter_map(|entry| {
                let run = entry.file_name().to_str()?.parse().ok()?;
                Some(Place::here(run, entry.path()))
            })
            .collect();
        runs.sort_by(|a, b| a.run.cmp(&b.run));
        runs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `gc` must leave alone what somebody is at, and find what nobody is.
    #[test]
    fn a_trial_is_under_way_while_its_process_lives() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunFolders::below(root.path());
        let run = RunId::generate();
        let folder = folders.create(&run, "process::square").unwrap();
        assert_eq!(RunFolders::trial_in(&folder).as_deref(), Some("process::square"));
        let at_it = || {
            let [place] = folders.runs().try_into().unwrap();
            assert_eq!((&place.run, &place.folder), (&run, &folder));
            place.owner.is_some_and(|owner| owner.is_alive())
        };
        assert!(at_it());
        let other = serde_json::to_vec(&Owner { started: 1, ..Owner::current().unwrap() }).unwrap();
        fs::write(folder.join(OWNER_FILE), other).unwrap();
        assert!(!at_it(), "a process that got the same id later was taken for the owner");
        RunFolders::release(&folder);
        assert!(!at_it());
    }
}
