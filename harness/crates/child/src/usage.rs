//! What processes have used so far, from `/proc`.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use procfs::process::{Process, Stat, all_processes};

/// What a process has used so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessUsage {
    /// Its process id.
    pub pid: i32,
    /// Its start in clock ticks since the machine started: no two processes with one id have the same.
    pub started: u64,
    /// Its process group.
    pub group: i32,
    /// Its processor time, without that of its children.
    pub cpu: Duration,
    /// The processor time of its children that have ended, and of their children.
    pub ended_children: Duration,
    /// The most memory that was resident at one time, in bytes; 0 if that cannot be read.
    pub peak_memory: u64,
}

impl ProcessUsage {
    fn of(stat: &Stat) -> Self {
        let children = u64::try_from(stat.cutime.saturating_add(stat.cstime)).unwrap_or_default();
        let process = Process::new(stat.pid);
        let status = process.as_ref().ok().and_then(|process| process.status().ok());
        // Ticks are hundredths of a second. Threads that have ended are missing in the exact times.
        let tasks = process.ok().and_then(|process| process.tasks().ok()).into_iter().flatten();
        let exact = tasks.filter_map(|task| Some(task.ok()?.schedstat().ok()?.sum_exec_runtime)).sum();
        Self {
            pid: stat.pid,
            started: stat.starttime,
            group: stat.pgrp,
            cpu: of_ticks(stat.utime.saturating_add(stat.stime)).max(Duration::from_nanos(exact)),
            ended_children: of_ticks(children),
            // Zombies have no memory.
            peak_memory: status.and_then(|status| status.vmhwm).unwrap_or_default().saturating_mul(1024),
        }
    }

    /// Its processor time with that of its children that have ended.
    pub fn total_cpu(&self) -> Duration {
        self.cpu + self.ended_children
    }
}

/// All processes of the machine at a moment.
#[derive(Debug)]
pub struct ProcessTable(BTreeMap<i32, Stat>);

impl ProcessTable {
    /// Reads it; blocks for some milliseconds. Processes that end meanwhile are left out.
    pub fn read() -> Self {
        let stats = all_processes().into_iter().flatten().filter_map(|process| process.ok()?.stat().ok());
        Self(stats.map(|stat| (stat.pid, stat)).collect())
    }

    /// What a process and its living descendants have used, the process first; nothing if it has ended.
    pub fn usage_of_tree(&self, pid: u32) -> Vec<ProcessUsage> {
        let Some(root) = i32::try_from(pid).ok().and_then(|pid| self.0.get(&pid)) else { return Vec::new() };
        let (mut found, mut parents) = (vec![ProcessUsage::of(root)], BTreeSet::from([root.pid]));
        let mut seen = parents.clone();
        while !parents.is_empty() {
            let children: Vec<_> =
                self.0.values().filter(|stat| parents.contains(&stat.ppid) && seen.insert(stat.pid)).collect();
            parents = children.iter().map(|stat| stat.pid).collect();
            found.extend(children.into_iter().map(ProcessUsage::of));
        }
        found
    }

    /// What the processes with this name have used. Names have at most 15 bytes; longer ones are cut by the kernel.
    pub fn usage_of_named(&self, name: &str) -> Vec<ProcessUsage> {
        self.0.values().filter(|stat| stat.comm == name).map(ProcessUsage::of).collect()
    }
}

/// The arguments of a process; none if it has ended.
pub fn arguments_of(pid: i32) -> Vec<String> {
    Process::new(pid).and_then(|process| process.cmdline()).unwrap_or_default()
}

fn of_ticks(ticks: u64) -> Duration {
    let per_second = procfs::ticks_per_second().max(1);
    Duration::from_millis(ticks.saturating_mul(1000) / per_second)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// A wrapper and what it started count together, and so does what has ended.
    #[test]
    fn a_tree_has_the_process_first_then_what_it_started() {
        // What has ended has used several of the hundredths of a second that its time is told in.
        let work = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
        // What lives says so itself: a process that is about to become another program has no memory for a moment.
        let script = format!("sh -c '{work}'; sh -c 'echo done; kill -STOP $$' & wait");
        let mut child = Command::new("sh").args(["-c", &script]).stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut line = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut line).unwrap();
        let tree = ProcessTable::read().usage_of_tree(child.id());
        for process in tree.iter().rev() {
            let pid = rustix::process::Pid::from_raw(process.pid).unwrap();
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
        }
        child.wait().unwrap();
        assert_eq!(tree.len(), 2, "{tree:?}");
        assert_eq!(tree[0].pid.cast_unsigned(), child.id());
        assert!(tree[0].ended_children > Duration::ZERO && tree[0].total_cpu() > tree[0].cpu, "{tree:?}");
        assert!(tree.iter().all(|process| process.peak_memory > 100_000), "{tree:?}");
        assert_eq!(ProcessTable::read().usage_of_tree(child.id()), []);
    }
}
