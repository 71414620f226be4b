//! What the processes of components have used.

use std::{sync::Arc, time::Duration};

use hourglass_chain::AnvilProcess;
use hourglass_child::{ProcessTable, ProcessUsage};
use hourglass_reaper::children_of;

use super::{ProcessRuntime, performers::ProcessLabels};
use crate::usage::{Reading, Readings, chain_name};

/// A process that the harness has started.
#[derive(Debug)]
struct Program {
    /// The component that it is.
    component: String,
    /// The components that its children are, if those are others, each with the labels of its processes.
    performers: Vec<(String, ProcessLabels)>,
    pid: u32,
}

impl ProcessRuntime {
    /// Notes what the components have used so far.
    pub(super) async fn note_usage(&self) {
        let of_chain = |anvil: &AnvilProcess| {
            let component = chain_name(anvil.control().chain_id())?.to_owned();
            Some(Program { component, performers: Vec::new(), pid: anvil.pid() })
        };
        let mut programs: Vec<_> = self.anvils.lock().await.iter().filter_map(of_chain).collect();
        // The id of a process that has ended may be another's by now.
        let components = self.components.lock().await;
        let running = components.iter().filter(|(_, running)| running.is_running());
        programs.extend(running.filter_map(|(component, running)| {
            let configured = running.launch.configured_performers().into_iter();
            let performers = configured.filter_map(|performer| {
                let of = running.performers(&performer.component, &self.settings.run)?;
                Some((performer.component.to_string(), of.labels().clone()))
            });
            Some(Program { component: component.to_string(), performers: performers.collect(), pid: running.pid()? })
        }));
        drop(components);
        let readings = Arc::clone(&self.readings);
        Readings::within_limit(hourglass_base::blocking(move || note(&programs, &readings))).await;
    }
}

/// Notes what programs and their descendants have used. Blocks for some milliseconds.
fn note(programs: &[Program], readings: &Readings) {
    let table = ProcessTable::read();
    for Program { component, performers, pid } in programs {
        let tree = table.usage_of_tree(*pid);
        let Some((root, below)) = tree.split_first() else { continue };
        let start = format!("{}-{}", root.pid, root.started);
        let [first, others @ ..] = performers.as_slice() else {
            readings.note(component, start, sum(tree.iter()));
            continue;
        };
        // The kernel does not tell whose the processor time of ended performers is: it counts for the first.
        let mut below = below.to_vec();
        for (performer, labels) in others {
            let leaders = children_of(root.pid, &labels.all()).unwrap_or_default();
            let own = below.extract_if(.., |process| leaders.contains(&process.group)).collect::<Vec<_>>();
            if !own.is_empty() {
                readings.note(performer, &start, sum(own.iter()));
            }
        }
        let (of_executor, of_performer) = of_executor(root, &below);
        readings.note(component, &start, of_executor);
        if let Some(reading) = of_performer {
            readings.note(&first.0, start, reading);
        }
    }
}

/// The readings of an executor and of its performers, which have process groups of their own. What performers that have
/// ended used, the kernel counts for their parent.
fn of_executor(root: &ProcessUsage, below: &[ProcessUsage]) -> (Reading, Option<Reading>) {
    let (own, performers): (Vec<_>, Vec<_>) = below.iter().partition(|process| process.group == root.group);
    let mut executor = sum(own.into_iter().chain([root]));
    executor.cpu = executor.cpu.map(|cpu| cpu.saturating_sub(root.ended_children));
    if performers.is_empty() && root.ended_children.is_zero() {
        return (executor, None);
    }
    let mut performer = sum(performers.into_iter());
    performer.cpu = performer.cpu.map(|cpu| cpu + root.ended_children);
    (executor, Some(performer))
}

fn sum<'a>(processes: impl Iterator<Item = &'a ProcessUsage>) -> Reading {
    let (mut cpu, mut peak) = (Duration::ZERO, 0);
    for process in processes {
        cpu += process.total_cpu();
        peak += process.peak_memory;
    }
    Reading { cpu: Some(cpu), peak_memory: (peak > 0).then_some(peak) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, group: i32, cpu: u64, ended: u64) -> ProcessUsage {
        let (cpu, ended_children) = (Duration::from_millis(cpu), Duration::from_millis(ended));
        ProcessUsage { pid, started: 0, group, cpu, ended_children, peak_memory: 10 }
    }

    /// A performer that was killed is a child of its executor, and what it used is still the performer's.
    #[test]
    fn children_of_an_executor_are_its_performers() {
        let root = process(1, 1, 100, 40);
        let below = [process(2, 1, 5, 0), process(3, 3, 7, 1), process(4, 3, 2, 0)];
        let (executor, performer) = of_executor(&root, &below);
        assert_eq!(executor, Reading { cpu: Some(Duration::from_millis(105)), peak_memory: Some(20) });
        assert_eq!(performer, Some(Reading { cpu: Some(Duration::from_millis(50)), peak_memory: Some(20) }));
        assert_eq!(of_executor(&process(1, 1, 100, 0), &[]).1, None);
    }
}
