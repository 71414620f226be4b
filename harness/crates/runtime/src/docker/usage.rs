//! What containers and the engine's own processes have used.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use bollard::{
    models::{ContainerCpuStats, ContainerMemoryStats, ContainerState, ContainerSummary},
    query_parameters::{InspectContainerOptions, StatsOptionsBuilder},
};
use futures::{FutureExt as _, StreamExt as _, future::join_all};
use hourglass_child::{ProcessTable, ProcessUsage, arguments_of};
use hourglass_engine::Engine;
use hourglass_reaper::COMPONENT_LABEL;
use hourglass_scenario::ComponentRef;

use super::{DockerRuntime, context::DockerContext};
use crate::usage::{ENGINE, Reading, Readings, reported_name, with_performers};

/// The engine's own processes, which serve all containers of the machine.
const DAEMONS: [&str; 2] = ["dockerd", "containerd"];
/// The process that holds a container, of which the kernel keeps 15 bytes of the name.
const SHIM: &str = "containerd-shim";

impl DockerRuntime {
    /// Notes what all components and the engine have used so far.
    pub(super) async fn note_usage(&self) {
        Readings::within_limit(async {
            let containers = note_containers(&self.context, &self.readings, |_| true).await;
            if let Some(cpu) = self.engine_baseline.used_since(containers).await {
                self.readings.note(ENGINE, "", Reading { cpu: Some(cpu), peak_memory: None });
            }
        })
        .await;
    }

    /// Notes what a component has used that a step is to end; that of an executor's performers as well, which it may
    /// end itself.
    pub(super) async fn note_usage_of(&self, component: &ComponentRef) {
        let noting = note_containers(&self.context, &self.readings, with_performers(component));
        Readings::within_limit(noting.map(drop)).await;
    }
}

/// Notes what the running containers of a trial have used, and returns their ids. Containers are found by their labels,
/// as the reference executor sets them.
pub(crate) async fn note_containers(
    context: &DockerContext,
    readings: &Readings,
    is_meant: impl Fn(&str) -> bool,
) -> Vec<String> {
    let Ok(listed) = context.labelled(&[], false).await else { return Vec::new() };
    let named = |container: ContainerSummary| {
        let name = reported_name(container.labels?.get(COMPONENT_LABEL)?)?;
        is_meant(&name).then_some((name, container.id?))
    };
    join_all(listed.into_iter().filter_map(named).map(|(name, id)| async {
        if let Some((start, reading)) = container_usage(&context.engine, &id).await {
            readings.note(name, start, reading);
        }
        id
    }))
    .await
}

/// The start of a running container, and what it has used since: as its control groups count if they are on this machine,
/// else as the engine reports.
pub(crate) async fn container_usage(engine: &Engine, id: &str) -> Option<(String, Reading)> {
    let inspected = engine.docker().inspect_container(id, None::<InspectContainerOptions>).await;
    let ContainerState { started_at, pid, .. } = inspected.ok()?.state?;
    let local = pid.filter(|_| engine.address().socket().is_some()).and_then(|pid| of_control_groups(pid, id));
    let reading = match local {
        Some(reading) => reading,
        None => reported(engine, id).await?,
    };
    Some((format!("{id} {}", started_at.unwrap_or_default()), reading))
}

/// As the engine reports; of memory, the use at the moment if the engine does not know the highest. Some engines answer
/// at their next look at the container, up to a second later.
async fn reported(engine: &Engine, id: &str) -> Option<Reading> {
    let options = StatsOptionsBuilder::new().stream(false).one_shot(true).build();
    let stats = Box::pin(engine.docker().stats(id, Some(options))).next().await?.ok()?;
    // A container that ended a moment ago has zeros.
    let cpu =
        |stats: ContainerCpuStats| stats.cpu_usage?.total_usage.filter(|used| *used > 0).map(Duration::from_nanos);
    let memory = |stats: ContainerMemoryStats| stats.max_usage.filter(|peak| *peak > 0).or(stats.usage);
    Some(Reading { cpu: stats.cpu_stats.and_then(cpu), peak_memory: stats.memory_stats.and_then(memory) })
}

/// What the control groups of a container's first process have counted, in either version; `None` if they are not on
/// this machine.
fn of_control_groups(pid: i64, id: &str) -> Option<Reading> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let (mut cpu, mut peak_memory) = (None, None);
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (controllers, path) = (fields.next()?, fields.next()?);
        // The process may be another's by now, or its group be named as another namespace sees it.
        if !path.contains(id) {
            continue;
        }
        let file = |folder: &str, name: &str| {
            fs::read_to_string(Path::new("/sys/fs/cgroup").join(folder).join(path.trim_start_matches('/')).join(name))
        };
        let number = |folder: &str, name: &str| file(folder, name).ok()?.trim().parse::<u64>().ok();
        for controller in controllers.split(',') {
            match controller {
                "" => {
                    let stat = file("", "cpu.stat").unwrap_or_default();
                    let used = stat.lines().find_map(|line| line.strip_prefix("usage_usec ")?.parse().ok());
                    cpu = cpu.or(used.map(Duration::from_micros));
                    peak_memory =
                        peak_memory.or_else(|| number("", "memory.peak")).or_else(|| number("", "memory.current"));
                }
                "cpuacct" => cpu = number("cpuacct", "cpuacct.usage").map(Duration::from_nanos),
                "memory" => peak_memory = number("memory", "memory.max_usage_in_bytes"),
                _ => {}
            }
        }
    }
    cpu.is_some().then_some(Reading { cpu, peak_memory })
}

/// What the engine's own processes had used when the trial began; nothing if they are not on this machine.
#[derive(Debug, Default)]
pub(super) struct EngineBaseline(Arc<OnceLock<BTreeMap<(i32, u64), Duration>>>);

impl EngineBaseline {
    /// Reads it without waiting for it.
    pub(super) fn read(engine: &Engine) -> Self {
        let baseline = Self::default();
        if engine.address().socket().is_some() {
            let read = Arc::clone(&baseline.0);
            tokio::task::spawn_blocking(move || {
                let table = ProcessTable::read();
                let used = daemons(&table).map(|it| ((it.pid, it.started), it.total_cpu()));
                read.get_or_init(|| used.collect());
            });
        }
        baseline
    }

    /// What they have used since then, and what the processes that hold these containers have used.
    async fn used_since(&self, containers: Vec<String>) -> Option<Duration> {
        let baseline = Arc::clone(&self.0);
        hourglass_base::blocking(move || {
            // Not known if there are none: the engine may be another's in a virtual machine.
            let before = baseline.get().filter(|before| !before.is_empty())?;
            let table = ProcessTable::read();
            let since = |it: ProcessUsage| {
                let known = before.get(&(it.pid, it.started)).copied().unwrap_or_default();
                it.total_cpu().saturating_sub(known)
            };
            let is_own = |shim: &ProcessUsage| arguments_of(shim.pid).iter().any(|word| containers.contains(word));
            let shims = table.usage_of_named(SHIM).into_iter().filter(is_own);
            Some(daemons(&table).map(since).chain(shims.map(|it| it.total_cpu())).sum())
        })
        .await
    }
}

fn daemons(table: &ProcessTable) -> impl Iterator<Item = ProcessUsage> {
    DAEMONS.into_iter().flat_map(|name| table.usage_of_named(name))
}
