//! Leftovers of earlier runs that have no owner any more.

use hourglass_engine::EngineAddress;

use hourglass_reaper::{Inventory, ReaperError, RunState};
use hourglass_runner::RunFolders;

/// Leftovers without an owner.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Folders of trials: evidence, which only takes space.
    pub folders: usize,
    /// Processes, containers, networks and volumes.
    pub things: usize,
}

impl Leftovers {
    /// Inspects the folders of trials below this root, the processes and the engine.
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
