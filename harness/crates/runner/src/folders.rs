//! The location of trials' evidence: one folder for each trial, below one root.

use std::{
    env,
    fs::{self, DirBuilder, Metadata, Permissions},
    io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use hourglass_base::private;
use hourglass_component::text::safe_line;
use hourglass_reaper::{OWNER_FILE, Owner, RunDir, RunId};
use rustix::{
    fs::{Access, access},
    process::geteuid,
};

use super::{EnvironmentError, trial_log};

/// The variable that names the folder of all trials' folders.
const RUNS_VARIABLE: &str = "HARNESS_RUNS";
/// The file in a trial's folder with the trial's name.
const TRIAL_FILE: &str = "trial";

/// Folders of trials below one root.
#[derive(Debug, Clone)]
pub struct RunFolders {
    root: PathBuf,
    /// The root is in a folder in which every user may create files, and must belong to this user alone.
    shared: bool,
}

/// Why a folder cannot be the root of all trials.
#[derive(Debug, thiserror::Error)]
pub enum FoldersError {
    /// Another user may have created it.
    #[error("failed to use {path} as the folder of trials: {reason}", path = path.display())]
    Refused {
        /// The folder.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It cannot be created, inspected or written to.
    #[error("failed to use {path} as the folder of trials", path = path.display())]
    Make {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
}

impl FoldersError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Refused { path, .. } if path.to_str().is_none() => "name another folder with HARNESS_RUNS".to_owned(),
            Self::Refused { path, .. } => {
                format!("name a folder of your own with HARNESS_RUNS, or have {} removed", path.display())
            }
            Self::Make { .. } => "name a folder that this user may write to with HARNESS_RUNS".to_owned(),
        }
    }
}

impl RunFolders {
    /// `HARNESS_RUNS`, else a folder among the temporary files that is the same for all runs of a user and belongs to
    /// that user alone: `hourglass-harness-` and the user's id.
    pub fn locate() -> Self {
        let named = env::var_os(RUNS_VARIABLE).filter(|path| !path.is_empty()).map(PathBuf::from);
        let shared = named.is_none();
        let of_user = || temporary_files().join(format!("hourglass-harness-{}", geteuid().as_raw()));
        let root = named.unwrap_or_else(of_user);
        // Children have other working folders.
        Self { root: std::path::absolute(&root).unwrap_or(root), shared }
    }

    /// Folders below another root.
    pub fn below(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into(), shared: false }
    }

    /// Creates the root if it does not exist, and checks that no other user created it.
    pub fn prepare(&self) -> Result<(), FoldersError> {
        let make = |source| FoldersError::Make { path: self.root.clone(), source };
        if self.root.to_str().is_none() {
            let reason = "its path is not UTF-8, and Anvil, which keeps blocks there, takes no other".to_owned();
            return Err(FoldersError::Refused { path: self.root.clone(), reason });
        }
        if !self.shared {
            fs::create_dir_all(&self.root).map_err(make)?;
            // An existing root may belong to another user.
            let writable = access(&self.root, Access::WRITE_OK | Access::EXEC_OK);
            return writable.map_err(|error| make(error.into()));
        }
        match DirBuilder::new().mode(private::FOLDER).create(&self.root) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(make(error)),
            _ => self.check(),
        }
    }

    /// Checks that no other user created the root; a root that does not exist is sound.
    pub fn check(&self) -> Result<(), FoldersError> {
        let make = |source| FoldersError::Make { path: self.root.clone(), source };
        let metadata = match fs::symlink_metadata(&self.root) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            metadata => metadata.map_err(make)?,
        };
        if !self.shared {
            return Ok(());
        }
        if let Some(reason) = not_of_this_user(&metadata) {
            return Err(FoldersError::Refused { path: self.root.clone(), reason });
        }
        if metadata.permissions().mode() & 0o777 == private::FOLDER {
            return Ok(());
        }
        // It belongs to this user, but has other permissions.
        fs::set_permissions(&self.root, Permissions::from_mode(private::FOLDER)).map_err(make)
    }

    /// The root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of a trial, whose name begins with the run id so that folders sort by time.
    pub fn folder_of(&self, run: &RunId) -> PathBuf {
        self.root.join(run.as_str())
    }

    /// Creates the folder of a trial, with the trial's name in it.
    pub fn create(&self, run: &RunId, trial: &str) -> Result<PathBuf, EnvironmentError> {
        let folder = self.folder_of(run);
        let fail = |source| EnvironmentError::File { path: folder.clone(), source };
        self.prepare()?;
        private::create_folders(&folder).map_err(fail)?;
        private::write(&folder.join(TRIAL_FILE), format!("{}\n", safe_line(trial))).map_err(fail)?;
        if let Some(owner) = Owner::current() {
            let text = serde_json::to_vec(&owner).unwrap_or_default();
            private::write(&folder.join(OWNER_FILE), text).map_err(fail)?;
        }
        trial_log::folder_made(run, &folder);
        Ok(folder)
    }

    /// The name of the trial that has this folder; `None` if the folder does not contain it.
    pub fn trial_in(folder: &Path) -> Option<String> {
        let name = fs::read_to_string(folder.join(TRIAL_FILE)).ok()?.trim().to_owned();
        (!name.is_empty()).then_some(name)
    }

    /// Records in the folder of a trial that the trial has no owner any more.
    pub(super) fn release(folder: &Path) {
        // If the file stays, it names a process that ends soon.
        let _ = fs::remove_file(folder.join(OWNER_FILE));
    }

    /// The trials that have a folder here, oldest first. The user may have named a folder that also has others, which
    /// are no trials' whatever their names are: `gc` would remove them.
    pub fn runs(&self) -> Vec<RunDir> {
        let entries = fs::read_dir(&self.root).into_iter().flatten().filter_map(Result::ok);
        let mut runs: Vec<_> = entries
            .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
            .filter_map(|entry| {
                let run: RunId = entry.file_name().to_str()?.parse().ok()?;
                run.is_generated().then(|| RunDir::here(run, entry.path()))
            })
            .collect();
        runs.sort_by(|a, b| a.run.cmp(&b.run));
        runs
    }
}

/// The folder of temporary files. An empty TMPDIR names none.
fn temporary_files() -> PathBuf {
    let folder = env::temp_dir();
    if folder.as_os_str().is_empty() { PathBuf::from("/tmp") } else { folder }
}

/// The evidence that another user created a folder.
fn not_of_this_user(metadata: &Metadata) -> Option<String> {
    if metadata.is_symlink() {
        return Some("it is a link, which anybody may have put there".to_owned());
    }
    if !metadata.is_dir() {
        return Some("it is no folder".to_owned());
    }
    let (owner, own) = (metadata.uid(), geteuid().as_raw());
    (owner != own).then(|| format!("it belongs to user {owner}, and this is user {own}"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn among_temporary_files(root: &Path) -> RunFolders {
        RunFolders { root: root.to_owned(), shared: true }
    }

    /// In a folder where every user may create files, others could read what trials write, or redirect it.
    #[test]
    fn the_folder_among_temporary_files_is_private() {
        let shared = tempfile::tempdir().unwrap();
        let root = shared.path().join("runs");
        let mode = || fs::metadata(&root).unwrap().permissions().mode() & 0o777;
        among_temporary_files(&root).prepare().unwrap();
        assert_eq!(mode(), private::FOLDER);
        fs::set_permissions(&root, Permissions::from_mode(0o755)).unwrap();
        among_temporary_files(&root).prepare().unwrap();
        assert_eq!(mode(), private::FOLDER, "one of an earlier version stays open to all");
    }

    #[test]
    fn a_planted_link_or_file_among_temporary_files_is_refused() {
        let shared = tempfile::tempdir().unwrap();
        let [target, link, file] = ["target", "link", "file"].map(|name| shared.path().join(name));
        fs::create_dir(&target).unwrap();
        symlink(&target, &link).unwrap();
        fs::write(&file, "").unwrap();
        for (root, reason) in [(&link, "it is a link"), (&file, "it is no folder")] {
            let folders = among_temporary_files(root);
            let error = folders.create(&RunId::generate(), "process::square").unwrap_err().to_string();
            assert!(error.contains(reason), "{error}");
            assert!(folders.check().is_err());
        }
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0, "a planted link was followed");
    }

    /// `HARNESS_RUNS` may be the folder of a project: `gc` must not take its folders for those of trials.
    #[test]
    fn only_folders_of_trials_are_listed() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunFolders::below(root.path());
        let (run, file, link) = (RunId::generate(), RunId::generate(), RunId::generate());
        let folder = folders.create(&run, "process::square").unwrap();
        fs::create_dir(root.path().join("src")).unwrap();
        fs::write(folders.folder_of(&file), "").unwrap();
        symlink(root.path().join("src"), folders.folder_of(&link)).unwrap();
        let found: Vec<_> = folders.runs().into_iter().map(|found| found.folder).collect();
        assert_eq!(found, [folder]);
    }

    /// `gc` must leave alone the folder of a living trial, and find the folder of one that has ended.
    #[test]
    fn a_trial_is_under_way_while_its_process_lives() {
        let root = tempfile::tempdir().unwrap();
        let folders = RunFolders::below(root.path());
        let run = RunId::generate();
        let folder = folders.create(&run, "process::square").unwrap();
        assert_eq!(RunFolders::trial_in(&folder).as_deref(), Some("process::square"));
        let at_it = || {
            let [dir] = folders.runs().try_into().unwrap();
            assert_eq!((&dir.run, &dir.folder), (&run, &folder));
            dir.owner.is_some_and(|owner| owner.is_alive())
        };
        assert!(at_it());
        let other = serde_json::to_vec(&Owner { started: 1, ..Owner::current().unwrap() }).unwrap();
        fs::write(folder.join(OWNER_FILE), other).unwrap();
        assert!(!at_it(), "a process that got the same id later was taken for the owner");
        RunFolders::release(&folder);
        assert!(!at_it());
    }
}
