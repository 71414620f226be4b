//! What earlier runs left behind and nobody is at any more.

use crate::{
    reaper::{self, ReaperError},
    runner::RunFolders,
};

/// What nobody is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Folders of trials: evidence, which takes space only.
    pub folders: usize,
    /// Processes that still run.
    pub processes: usize,
}

impl Leftovers {
    /// Looks at the folders of trials below this root, and for processes of those trials.
    pub(super) fn look(folders: &RunFolders) -> Result<Self, ReaperError> {
        let mut found = Self::default();
        for kept in folders.runs().iter().filter(|kept| !kept.is_under_way()) {
            found.folders += 1;
            found.processes += reaper::processes_of(&kept.run)?.len();
        }
        Ok(found)
    }
}
