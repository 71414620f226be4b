//! Processes and their descendants: what a program has started, and what that has started, however it calls itself.
//!
//! They are found by the parents that the kernel tells. The child of a process that ends goes to the nearest ancestor that
//! adopts orphans ([`super::adopt_orphans`]); without one it goes to the first process of the machine, and is lost here.

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

/// How long descendants may go on making others before they are killed nevertheless.
const FREEZE_LIMIT: Duration = Duration::from_secs(1);
/// Between two looks: no event tells that a process stands still.
const FREEZE_PAUSE: Duration = Duration::from_millis(1);

/// All processes of the machine at a moment.
pub(super) struct Tree(BTreeMap<i32, Stat>);

impl Tree {
    pub(super) fn read() -> io::Result<Self> {
        Ok(Self(Stat::of_all()?.collect()))
    }

    /// What was started below these processes and lives, without them. Supervisors are left out: they end what belongs to
    /// another run, and then themselves.
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
        // Processes are not read all at the same moment, so that parents could be in a circle.
        let ancestors = |pid: &i32| iter::successors(parent(pid), parent).take(self.0.len());
        pids.iter().copied().filter(|pid| !ancestors(pid).any(|ancestor| pids.contains(&ancestor))).collect()
    }
}

/// Ends processes with everything below them: SIGTERM, then SIGKILL for those that are still there after the grace.
///
/// What is below ends first, while the roots stand still: as long as these live, they adopt what loses its parent, and
/// nothing gets away from between.
pub(super) fn end_with_all_below(roots: Vec<Held>, grace: Duration) -> io::Result<()> {
    signal(&roots, Signal::STOP);
    let ended = end_all_below(&roots.iter().map(Held::pid).collect(), grace);
    signal(&roots, Signal::TERM);
    signal(&roots, Signal::CONT);
    let stubborn = await_ends(roots, grace);
    signal(&stubborn, Signal::KILL);
    // What outlives this as well is found again by the next sweep.
    await_ends(stubborn, KILL_LIMIT);
    ended
}

fn end_all_below(roots: &BTreeSet<i32>, grace: Duration) -> io::Result<()> {
    let below = Tree::read()?.below(roots).into_iter().filter_map(|(pid, stat)| Held::started(pid, stat.started));
    let below: Vec<_> = below.collect();
    signal(&below, Signal::TERM);
    // One that was paused does not hear it else.
    signal(&below, Signal::CONT);
    await_ends(below, grace);
    // Also where none was held: one that was seen may have ended since, and left another one.
    kill_all_below(roots)
}

/// Kills everything below some processes. All of it stands still first: what stands still makes no others.
pub(super) fn kill_all_below(roots: &BTreeSet<i32>) -> io::Result<()> {
    let deadline = Instant::now() + FREEZE_LIMIT;
    loop {
        let frozen = freeze_all_below(roots, deadline)?;
        signal(&frozen, Signal::KILL);
        await_ends(frozen, KILL_LIMIT);
        // The death of one may make the kernel wake another one: it does so with process groups that become orphaned.
        if Tree::read()?.below(roots).is_empty() || Instant::now() > deadline {
            return Ok(());
        }
    }
}

/// Stops everything below some processes until nothing new is seen there.
fn freeze_all_below(roots: &BTreeSet<i32>, deadline: Instant) -> io::Result<Vec<Held>> {
    let mut frozen: BTreeMap<(i32, u64), Held> = BTreeMap::new();
    let mut thorough = false;
    loop {
        // Where one process makes the next within milliseconds, the table of all processes takes too long to read.
        let seen = if thorough { Tree::read()?.below(roots) } else { listed_below(roots) };
        let (mut still, mut new) = (true, false);
        for (pid, stat) in seen {
            still &= stat.stands_still();
            if let Entry::Vacant(place) = frozen.entry((pid, stat.started)) {
                new = true;
                if let Some(held) = Held::started(pid, stat.started) {
                    signal([&held], Signal::STOP);
                    place.insert(held);
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

/// What lives below some processes by the kernel's lists of their children, which not every kernel has, and which lack some
/// while others end.
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
