//! What earlier runs left behind and nobody is at any more.

use hourglass_engine::EngineAddress;

use hourglass_reaper::{Inventory, ReaperError, RunState};
use hourglass_runner::RunFolders;

/// What nobody is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Folders of trials: evidence, which takes space only.
    pub folders: usize,
    /// Processes, containers, networks and volumes.
    pub things: usize,
}

impl Leftovers {
    /// Looks at the folders of trials below this root, at processes and at the engine.
    ///
    /// Must not be called from within an asynchronous task.
    pub(super) fn look(folders: &RunFolders) -> Result<Self, ReaperError> {
        let found = Inventory::take(folders.runs(), &EngineAddress::locate())?.runs;
        let left: Vec<_> = found.iter().filter(|run| run.state != RunState::Running).collect();
        Ok(Self {
            folders: left.iter().filter(|run| run.here).count(),
            things: left.iter().map(|run| run.things().len()).sum(),
        })
    }
}
