//! The processes that the programs of a trial have started, with or without the trial's label.

use std::{cell::RefCell, collections::BTreeMap, time::Duration};

use rustix::process::Signal;

use super::{
    Kind, LabelledProcess, LeakedResource, ReaperError, RunId,
    process::{Held, await_ends, carries, command_line, signal},
    tree::{Tree, end_with_all_below, kill_all_below},
};

/// How long to wait for the end of killed processes before they count as leftovers.
const MOMENT: Duration = Duration::from_millis(300);

/// The descendants of a trial's programs. They are looked up while the programs live, and held, because they cannot be
/// identified later: a process that clears its environment loses its label, and one whose parent has ended loses its
/// place in the tree.
#[derive(Debug, Default)]
pub struct Descendants(BTreeMap<(i32, u64), Held>);

impl Descendants {
    /// The current descendants of these processes. Blocks for some milliseconds.
    pub fn of(run: &RunId, pids: &[u32]) -> Result<Self, ReaperError> {
        let pids = pids.iter().filter_map(|pid| i32::try_from(*pid).ok()).collect();
        let tree = Tree::read().map_err(|source| ReaperError::Processes { run: run.clone(), source })?;
        Ok(Self::holding(tree.below(&pids).into_iter().map(|(pid, stat)| (pid, stat.started))))
    }

    /// The living ones of these processes, by their ids and start times.
    fn holding(processes: impl IntoIterator<Item = (i32, u64)>) -> Self {
        let held = |(pid, started)| Some(((pid, started), Held::started(pid, started)?));
        Self(processes.into_iter().filter_map(held).collect())
    }

    /// Adds others.
    pub fn extend(&mut self, others: Self) {
        self.0.extend(others.0);
    }

    /// As words for another process, which then holds them.
    pub(super) fn to_words(&self) -> String {
        self.0.keys().map(|(pid, started)| format!("{pid}:{started}")).collect::<Vec<_>>().join(" ")
    }

    /// From such words; other words are skipped.
    pub(super) fn from_words(words: &str) -> Self {
        let process = |word: &str| {
            let (pid, started) = word.split_once(':')?;
            Some((pid.parse().ok()?, started.parse().ok()?))
        };
        Self::holding(words.split_whitespace().filter_map(process))
    }

    /// Kills those that still run, with all their descendants. Blocks until they are gone.
    pub fn kill(self, run: &RunId) -> Result<(), ReaperError> {
        let held: Vec<_> = self.0.into_values().collect();
        signal(&held, Signal::STOP);
        let killed = kill_all_below(&held.iter().map(Held::pid).collect());
        signal(&held, Signal::KILL);
        await_ends(held, MOMENT);
        killed.map_err(|source| ReaperError::Processes { run: run.clone(), source })
    }
}

/// Descendants that have outlived their programs, as a kind of resource to sweep.
///
/// Processes with the label of the run are found by it, and are left alone here.
#[derive(Debug, Default)]
pub(super) struct Strays {
    descendants: RefCell<Descendants>,
    grace: Duration,
}

impl Strays {
    /// The strays among these, once their programs have ended; they have `grace` to end in order.
    pub(super) fn among(descendants: Descendants, grace: Duration) -> Self {
        Self { descendants: RefCell::new(descendants), grace }
    }
}

impl Kind for Strays {
    fn sweep(&self, run: &RunId) -> Result<Vec<LeakedResource>, ReaperError> {
        let held = self.descendants.take().0.into_values().collect();
        let alive = await_ends(held, MOMENT).into_iter();
        let strays: Vec<_> = alive.filter(|held| !carries(held.pid(), &[run.label()])).collect();
        let described = |held: &Held| LabelledProcess { pid: held.pid(), command: command_line(held.pid()) };
        let found = strays.iter().map(described).map(LeakedResource::Process).collect();
        end_with_all_below(strays, self.grace).map_err(|source| ReaperError::Processes { run: run.clone(), source })?;
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// The supervisor must hold the processes that the harness held, and neither a process that got the id later nor
    /// anything from invalid words.
    #[test]
    fn words_name_the_same_processes() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let of_test = Descendants::of(&RunId::generate(), &[std::process::id()]).unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let own = of_test.0.keys().copied().find(|(found, _)| *found == pid);
        let (_, started) = own.expect("a child is a descendant");
        let read = Descendants::from_words(&format!("{pid}:{started} {pid}:{} x {pid}: :7", started + 1));
        let told = Descendants::from_words(&of_test.to_words());
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(read.0.keys().copied().collect::<Vec<_>>(), [(pid, started)]);
        assert!(told.0.contains_key(&(pid, started)), "{told:?}");
    }
}
