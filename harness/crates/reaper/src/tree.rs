//! Processes and their descendants: what a program has started, directly and indirectly, whatever its name.
//!
//! The kernel's data about parents identifies them. The child of a process that ends goes to the nearest ancestor that
//! adopts orphans ([`super::adopt_orphans`]); without one it goes to init, and is lost here.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fs, io, iter, thread,
    time::{Duration, Instant},
};

use rustix::process::Signal;

use super::{
    process::{Held, KILL_LIMIT, await_ends, is_supervisor, signal},
    stat::Stat,
};

/// How long descendants may go on starting others before they are killed nevertheless.
const FREEZE_LIMIT: Duration = Duration::from_secs(1);
/// The pause between two checks: no event tells that a process is stopped.
const FREEZE_PAUSE: Duration = Duration::from_millis(1);

/// All processes of the machine at a moment.
pub(super) struct Tree(BTreeMap<i32, Stat>);

impl Tree {
    pub(super) fn read() -> io::Result<Self> {
        Ok(Self(Stat::of_all()?.collect()))
    }

    /// The living descendants of these processes, without the processes themselves. Supervisors are left out: they end
    /// what belongs to another run, and then themselves.
    pub(super) fn below(&self, roots: &BTreeSet<i32>) -> BTreeMap<i32, Stat> {
        let mut found = BTreeMap::new();
        let mut parents = roots.clone();
        while !parents.is_empty() {
            let is_new = |pid: &i32| !roots.contains(pid) && !found.contains_key(pid);
            let children = self.0.iter().filter(|(pid, stat)| parents.contains(&stat.parent) && is_new(pid));
            let children: BTreeMap<_, _> = children.map(|(pid, stat)| (*pid, *stat)).collect();
            parents = children.keys().copied().collect();
            found.extend(children);
        }
        found.retain(|pid, stat| !stat.has_ended() && !is_supervisor(*pid));
        found
    }

    /// Those of these processes that were not started by others of them.
    pub(super) fn roots_among(&self, pids: &BTreeSet<i32>) -> BTreeSet<i32> {
        let parent = |pid: &i32| self.0.get(pid).map(|stat| stat.parent);
        // Processes are not read all at the same moment, so the parents could form a circle.
        let ancestors = |pid: &i32| iter::successors(parent(pid), parent).take(self.0.len());
        pids.iter().copied().filter(|pid| !ancestors(pid).any(|ancestor| pids.contains(&ancestor))).collect()
    }
}

/// Ends processes with all their descendants: SIGTERM, then SIGKILL for those that still run after the grace period.
///
/// The descendants end first, while the roots are stopped: as long as the roots live, they adopt orphans, and no
/// descendant escapes.
pub(super) fn end_with_all_below(roots: Vec<Held>, grace: Duration) -> io::Result<()> {
    signal(&roots, Signal::STOP);
    let ended = end_all_below(&roots.iter().map(Held::pid).collect(), grace);
    signal(&roots, Signal::TERM);
    signal(&roots, Signal::CONT);
    let stubborn = await_ends(roots, grace);
    signal(&stubborn, Signal::KILL);
    // The next sweep finds what survives this as well.
    await_ends(stubborn, KILL_LIMIT);
    ended
}

fn end_all_below(roots: &BTreeSet<i32>, grace: Duration) -> io::Result<()> {
    let below = Tree::read()?.below(roots).into_iter().filter_map(|(pid, stat)| Held::started(pid, stat.started));
    let below: Vec<_> = below.collect();
    signal(&below, Signal::TERM);
    // A paused process would not handle the signal otherwise.
    signal(&below, Signal::CONT);
    await_ends(below, grace);
    // Also if none was held: an observed process may have ended since, and left another one.
    kill_all_below(roots)
}

/// Kills all descendants of some processes. All of them are stopped first, because a stopped process starts no others.
pub(super) fn kill_all_below(roots: &BTreeSet<i32>) -> io::Result<()> {
    let deadline = Instant::now() + FREEZE_LIMIT;
    loop {
        let frozen = freeze_all_below(roots, deadline)?;
        signal(&frozen, Signal::KILL);
        await_ends(frozen, KILL_LIMIT);
        // The end of a process may make the kernel wake another one, if its process group becomes orphaned.
        if Tree::read()?.below(roots).is_empty() || Instant::now() > deadline {
            return Ok(());
        }
    }
}

/// Stops all descendants of some processes until no new ones are found.
fn freeze_all_below(roots: &BTreeSet<i32>, deadline: Instant) -> io::Result<Vec<Held>> {
    let mut frozen: BTreeMap<(i32, u64), Held> = BTreeMap::new();
    let mut thorough = false;
    loop {
        // If a process starts the next one within milliseconds, reading the table of all processes takes too long.
        let seen = if thorough { Tree::read()?.below(roots) } else { listed_below(roots) };
        let (mut still, mut new) = (true, false);
        for (pid, stat) in seen {
            still &= stat.stands_still();
            if let Entry::Vacant(vacant) = frozen.entry((pid, stat.started)) {
                new = true;
                if let Some(held) = Held::started(pid, stat.started) {
                    signal([&held], Signal::STOP);
                    vacant.insert(held);
                }
            }
        }
        if (thorough && still && !new) || Instant::now() > deadline {
            return Ok(frozen.into_values().collect());
        }
        thorough = still && !new;
        if !still && !new {
            thread::sleep(FREEZE_PAUSE);
        }
    }
}

/// The living descendants of some processes according to the kernel's lists of children, which not every kernel has,
/// and which lack some children while others end.
fn listed_below(roots: &BTreeSet<i32>) -> BTreeMap<i32, Stat> {
    let mut found = BTreeMap::new();
    let mut parents: Vec<_> = roots.iter().copied().collect();
    while let Some(parent) = parents.pop() {
        for pid in children(parent).filter(|pid| !roots.contains(pid)) {
            if let Some(stat) = Stat::of(pid).filter(|stat| !stat.has_ended() && !is_supervisor(pid))
                && found.insert(pid, stat).is_none()
            {
                parents.push(pid);
            }
        }
    }
    found
}

fn children(pid: i32) -> impl Iterator<Item = i32> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten();
    let lists = threads.filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    let pids: Vec<_> = lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    pids.into_iter().filter_map(|pid| pid.parse().ok())
}
