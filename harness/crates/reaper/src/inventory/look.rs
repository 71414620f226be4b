//! Lists what exists of all runs: folders, processes, objects of an engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use hourglass_engine::{EngineAddress, EngineError};
use jiff::Timestamp;

use super::{DevnetMark, FoundRun, processes};
use crate::{Owner, ReaperError, RunId, docker::RunObjects};

/// The folder of a run, and its owner according to its files.
#[derive(Debug, Clone)]
pub struct RunDir {
    /// The run.
    pub run: RunId,
    /// The folder.
    pub folder: PathBuf,
    /// Its owner; `None` if it was kept on purpose.
    pub owner: Option<Owner>,
    /// Whether it is in the caller's folder of runs.
    pub here: bool,
    /// The mark of a devnet.
    pub devnet: Option<DevnetMark>,
}

/// The file in a trial's folder that names the owning process.
pub const OWNER_FILE: &str = "owner.json";

impl RunDir {
    /// The folder of a run in the caller's folder of runs.
    pub fn here(run: RunId, folder: PathBuf) -> Self {
        Self { owner: owner_in(&folder), devnet: DevnetMark::in_folder(&folder), run, folder, here: true }
    }

    /// The folder that labels or processes name, if it exists.
    fn elsewhere(run: &RunId, folder: Option<PathBuf>) -> Option<Self> {
        let folder = folder.filter(|folder| folder.is_dir())?;
        Some(Self { here: false, ..Self::here(run.clone(), folder) })
    }
}

/// Everything that was found.
#[derive(Debug)]
pub struct Inventory {
    /// The runs, oldest first.
    pub runs: Vec<FoundRun>,
    /// Why the objects of an engine are missing.
    pub engine: Result<(), EngineError>,
}

impl Inventory {
    /// Lists these folders, the processes of this machine, and an engine's objects.
    ///
    /// Must not be called from within an asynchronous task.
    pub fn take(dirs: Vec<RunDir>, engine: &EngineAddress) -> Result<Self, ReaperError> {
        let mut seen = processes::look().map_err(ReaperError::AllProcesses)?;
        let (mut objects, engine) = match RunObjects::of_every_run(engine)? {
            Ok(objects) => (objects, Ok(())),
            Err(error) => (BTreeMap::new(), Err(error)),
        };
        let mut dirs: BTreeMap<_, _> = dirs.into_iter().map(|dir| (dir.run.clone(), dir)).collect();
        let runs: BTreeSet<_> = dirs.keys().chain(seen.keys()).chain(objects.keys()).cloned().collect();
        let now = Timestamp::now();
        let runs = runs.into_iter().map(|run| {
            let objects = objects.remove(&run).unwrap_or_default();
            let seen = seen.remove(&run).unwrap_or_default();
            let labelled = objects.labels.as_ref().and_then(|labels| labels.folder.clone());
            let elsewhere = || RunDir::elsewhere(&run, labelled.or_else(|| seen.folder.clone()));
            let dir = dirs.remove(&run).or_else(elsewhere);
            let found = FoundRun::conclude(run, dir, seen, objects.labels, now);
            FoundRun { containers: objects.containers, networks: objects.networks, volumes: objects.volumes, ..found }
        });
        Ok(Self { runs: runs.collect(), engine })
    }
}

fn owner_in(folder: &Path) -> Option<Owner> {
    serde_json::from_slice(&fs::read(folder.join(OWNER_FILE)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use std::{
        fs::File,
        process::{Command, Stdio},
    };

    use super::*;
    use crate::{RunState, processes_of};

    /// Processes have no labels that name a folder: a run that was kept below another root would look as if nobody
    /// owned it.
    #[test]
    fn a_run_kept_below_another_root_is_found_by_its_processes() {
        let root = tempfile::tempdir().unwrap();
        let run: RunId = "r000000001-00000000".parse().unwrap();
        let folder = root.path().join(run.as_str());
        fs::create_dir(&folder).unwrap();
        let log = File::create(folder.join("executor.log")).unwrap();
        let (name, id) = run.label();
        let mut child = Command::new("sleep").arg("60").env(name, id).stdout(Stdio::from(log)).spawn().unwrap();
        // It has no environment at first.
        let seen = processes_of(&run).unwrap();
        let inventory = Inventory::take(Vec::new(), &EngineAddress::parse("/nowhere/docker.sock"));
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(seen.len(), 1);
        let found = inventory.unwrap().runs.into_iter().find(|found| found.run == run).unwrap();
        assert_eq!((found.folder.as_ref(), found.state, found.here), (Some(&folder), RunState::Kept, false));
        assert!(!found.is_orphaned(Timestamp::now()), "what others keep would be ended");
    }
}
