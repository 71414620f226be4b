//! What the programs of a trial have started, whether it carries the trial's label or not.

use std::{collections::BTreeMap, time::Duration};

use rustix::process::Signal;

use super::{
    LabelledProcess, ReaperError, RunId,
    process::{Held, await_ends, carries, command_line, signal},
    tree::{Tree, end_with_all_below, kill_all_below},
};

/// How long the end of processes that were killed a moment ago is waited for before they count as left.
const MOMENT: Duration = Duration::from_millis(300);

/// The descendants of a trial's programs. They are looked up while the programs live, and held: nothing tells later whose
/// they are, as a process that clears its environment loses its label, and one whose parent has ended its place in the
/// tree.
#[derive(Debug, Default)]
pub(crate) struct Descendants(BTreeMap<(i32, u64), Held>);

impl Descendants {
    /// What is below these processes now. Blocks for some milliseconds.
    pub(crate) fn of(run: &RunId, pids: &[u32]) -> Result<Self, ReaperError> {
        let pids = pids.iter().filter_map(|pid| i32::try_from(*pid).ok()).collect();
        let tree = Tree::read().map_err(|source| ReaperError::Processes { run: run.clone(), source })?;
        let held = tree.below(&pids).into_iter();
        let held = held.filter_map(|(pid, stat)| Some(((pid, stat.started), Held::started(pid, stat.started)?)));
        Ok(Self(held.collect()))
    }

    /// Both.
    pub(crate) fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// Kills those that are still there, with everything below them. Blocks until they are gone.
    pub(crate) fn kill(self, run: &RunId) -> Result<(), ReaperError> {
        let fail = |source| ReaperError::Processes { run: run.clone(), source };
        let held: Vec<_> = self.0.into_values().collect();
        signal(&held, Signal::STOP);
        kill_all_below(&held.iter().map(Held::pid).collect()).map_err(fail)?;
        signal(&held, Signal::KILL);
        await_ends(held, MOMENT);
        Ok(())
    }

    /// Ends those that outlived the programs that they are of, and gives them. What carries the label of the run is left to
    /// the sweep, which finds it by itself. Blocks until they are gone.
    pub(crate) fn end(self, run: &RunId, grace: Duration) -> Result<Vec<LabelledProcess>, ReaperError> {
        let alive = await_ends(self.0.into_values().collect(), MOMENT);
        let strays: Vec<_> = alive.into_iter().filter(|held| !carries(held.pid(), &[run.label()])).collect();
        let described = |held: &Held| LabelledProcess { pid: held.pid(), command: command_line(held.pid()) };
        let found = strays.iter().map(described).collect();
        end_with_all_below(strays, grace).map_err(|source| ReaperError::Processes { run: run.clone(), source })?;
        Ok(found)
    }
}
