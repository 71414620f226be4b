//! The process runtime: every component is a child process of the harness on this machine, and only Anvil is needed.
//!
//! [`ProcessRuntime`] holds the children, [`component`] starts one reference component and awaits it, [`performers`]
//! and
//! [`pause`] act on its processes, [`output`] follows what they write, [`config`] writes their configuration.

mod component;
mod config;
mod fixed_ports;
mod output;
mod pause;
mod performers;
mod program;
mod provider;
mod usage;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use component::{Launch, RunningComponent};
use fixed_ports::FixedPort;
use futures::future::try_join_all;
use hourglass_base::RuntimeKind;
use hourglass_chain::{AnvilBinary, AnvilProcess, AnvilSettings, PreparedState};
use hourglass_child::COMPONENT_VARIABLE;
use hourglass_proto::contracts::addresses as at;
use hourglass_reaper::{self as reaper, Descendants, RunFolder, RunId, Supervisor, SupervisorOptions, SweepTrigger};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{ComponentUsage, LogFolder, Timeline};
use output::PerformerOutput;
use pause::PausedGroup;
use performers::{Performers, ProcessLabels};
pub(super) use provider::ProcessProvider;
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{
    AggregatorSpec, Chains, Ends, ExecutorAddress, ExecutorSpec, HarnessExecutable, Leak, Runtime, RuntimeError,
    Teardown, blocking,
    configuration::{self, ChainUrls},
    performer_files,
    usage::Readings,
};

/// How long a component may take to end in order; the public aggregator and executor always take five seconds.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// The settings of a process runtime.
#[derive(Debug, Clone)]
pub struct ProcessSettings {
    /// The Anvil that chains are started from.
    pub anvil: AnvilBinary,
    /// The harness executable, which holds the reference components.
    pub executable: HarnessExecutable,
    /// The folder of all trials.
    pub root: PathBuf,
    /// The folder of this trial, below it: configuration files, output, what Anvil writes.
    pub folder: PathBuf,
    /// The folder in which components start; `None` stands for the current one.
    pub working_directory: Option<PathBuf>,
    /// The trial's id, which every process carries.
    pub run: RunId,
    /// Where the components' records go.
    pub timeline: Timeline,
    /// Where the ends of its components are noted.
    pub ends: Ends,
}

/// Runs a trial's components as child processes.
#[derive(Debug)]
pub struct ProcessRuntime {
    settings: ProcessSettings,
    logs: LogFolder,
    /// The folder that performers write to, apart from other components.
    performer_logs: LogFolder,
    performers: Mutex<Vec<PerformerOutput>>,
    supervisor: Supervisor,
    anvils: Mutex<Vec<AnvilProcess>>,
    components: Mutex<BTreeMap<ComponentRef, RunningComponent>>,
    /// The components whose configurations are in the trial's folder.
    configured: Mutex<BTreeSet<ComponentRef>>,
    chain_urls: Mutex<BTreeMap<u64, String>>,
    /// The tasks that note the ends of chains.
    chain_ends: Mutex<Vec<AbortOnDropHandle<()>>>,
    /// The processes that components had started when they were ended.
    descendants: Mutex<Descendants>,
    readings: Arc<Readings>,
    /// Held until its components have ended.
    _fixed_ports: Vec<FixedPort>,
}

impl ProcessRuntime {
    /// Starts the supervisor before anything else of the trial exists, including its folder.
    pub async fn supervise(settings: &ProcessSettings) -> Result<Supervisor, RuntimeError> {
        let run = settings.run.clone();
        let options = SupervisorOptions {
            executable: Some(settings.executable.0.clone()),
            folder: Some(RunFolder { root: settings.root.clone(), path: settings.folder.clone() }),
            ..SupervisorOptions::default()
        };
        blocking(move || Supervisor::start(&run, &options)).await
    }

    /// A runtime with this supervisor and no components yet.
    pub fn new(settings: ProcessSettings, supervisor: Supervisor) -> Result<Self, RuntimeError> {
        let logs = LogFolder::create(&settings.folder.join("logs"))?;
        let performer_logs = logs.beside(&settings.folder.join("performers"))?;
        Ok(Self {
            settings,
            logs,
            performer_logs,
            performers: Mutex::default(),
            supervisor,
            anvils: Mutex::default(),
            components: Mutex::default(),
            configured: Mutex::default(),
            chain_urls: Mutex::default(),
            chain_ends: Mutex::default(),
            descendants: Mutex::default(),
            readings: Arc::default(),
            _fixed_ports: Vec::new(),
        })
    }

    /// The same runtime, whose performers may listen on these ports.
    fn holding(self, fixed_ports: Vec<FixedPort>) -> Self {
        Self { _fixed_ports: fixed_ports, ..self }
    }

    async fn launch(&self, launch: Launch) -> Result<String, RuntimeError> {
        let component = launch.component.clone();
        let components = self.components.lock().await;
        if let Some(running) = components.get(&component).filter(|running| running.is_running()) {
            return Ok(running.address.clone());
        }
        // Not locked while the component starts: several start concurrently.
        drop(components);
        let within = launch.ready_within;
        self.configured.lock().await.insert(component.clone());
        let running = RunningComponent::start(launch, &self.settings, &self.logs, within).await?;
        let address = running.address.clone();
        self.components.lock().await.insert(component, running);
        Ok(address)
    }

    async fn chain_url(&self, chain_id: u64) -> Result<String, RuntimeError> {
        let urls = self.chain_urls.lock().await;
        urls.get(&chain_id).cloned().ok_or(RuntimeError::NoChain { chain_id })
    }

    /// The performers of a name, whose executor was started. No lock is held during requests for them.
    async fn performers(&self, performer: &ComponentRef) -> Option<Performers> {
        let components = self.components.lock().await;
        components.get(&process_of(performer)).and_then(|running| running.performers(performer, &self.settings.run))
    }

    async fn forget_paused(&self, executor: &ComponentRef, performer: &ComponentRef) {
        if let Some(running) = self.components.lock().await.get_mut(executor) {
            running.forget_paused_performers(performer);
        }
    }

    /// The process groups of a component, at least one, none of them paused already.
    async fn groups_of(&self, component: &ComponentRef) -> Result<Vec<PausedGroup>, RuntimeError> {
        let fault = |reason: &str| pause::fault("pause", component, reason);
        let (leader, performers) = {
            let components = self.components.lock().await;
            let running = components.get(&process_of(component)).ok_or_else(|| fault("it was never started"))?;
            if running.is_paused(component) {
                return Err(fault("it is paused already"));
            }
            (running.leader(), running.performers(component, &self.settings.run))
        };
        let (leaders, labels) = match performers {
            None if matches!(component, ComponentRef::Performer(_)) => return Err(fault("it was never started")),
            Some(performers) => (performers.running("pause").await?, performers.labels().clone()),
            None => (leader.into_iter().collect(), ProcessLabels::new(&self.settings.run, component)),
        };
        if leaders.is_empty() {
            return Err(fault("it is not running"));
        }
        let group = |leader| PausedGroup { component: component.clone(), leader, labels: labels.clone() };
        Ok(leaders.into_iter().map(group).collect())
    }
}

#[async_trait]
impl Runtime for ProcessRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Process
    }

    async fn start_chains(&self, state: &PreparedState) -> Result<Chains, RuntimeError> {
        let settings = |chain_id, file: &PathBuf| AnvilSettings {
            chain_id,
            state: Some(file.clone()),
            folder: self.settings.folder.join("chains").join(chain_id.to_string()),
        };
        let (l1, l2) = (settings(at::L1_CHAIN_ID, &state.l1), settings(at::L2_CHAIN_ID, &state.l2));
        let (anvil, run) = (&self.settings.anvil, &self.settings.run);
        let (l1, l2) = tokio::try_join!(
            AnvilProcess::start_logging(anvil, &l1, run, &self.logs),
            AnvilProcess::start_logging(anvil, &l2, run, &self.logs)
        )?;
        let chains = Chains { l1: l1.control().clone(), l2: l2.control().clone() };
        let ends = [&l1, &l2].map(|anvil| note_chain_end(anvil, self.settings.ends.clone()));
        self.chain_ends.lock().await.extend(ends);
        let mut urls = self.chain_urls.lock().await;
        for chain in [&chains.l1, &chains.l2] {
            urls.insert(chain.chain_id(), chain.client().url().to_owned());
        }
        self.anvils.lock().await.extend([l1, l2]);
        Ok(chains)
    }

    async fn start_executors(&self, specs: Vec<ExecutorSpec>) -> Result<Vec<String>, RuntimeError> {
        let (l1, l2) = tokio::try_join!(self.chain_url(at::L1_CHAIN_ID), self.chain_url(at::L2_CHAIN_ID))?;
        let chains = ChainUrls { l1, l2 };
        self.settings.ends.know(&specs);
        let starting = specs.iter().map(|spec| async {
            let mut places = Vec::new();
            for performer in &spec.performers {
                let output = PerformerOutput::follow(
                    &performer.name,
                    &self.performer_logs,
                    &self.logs,
                    &self.settings.timeline,
                )?;
                let files = performer_files::write(performer, &self.settings.folder)?;
                places.push(config::PerformerPlaces { output: output.path().to_owned(), files });
                self.performers.lock().await.push(output);
            }
            let launch = config::executor(spec, &chains, &self.settings.executable, places)?;
            self.launch(launch).await
        });
        try_join_all(starting).await
    }

    async fn start_aggregator(&self, spec: AggregatorSpec) -> Result<(), RuntimeError> {
        let (l1, l2) = tokio::try_join!(self.chain_url(at::L1_CHAIN_ID), self.chain_url(at::L2_CHAIN_ID))?;
        let launch = config::aggregator(&spec, &l1, &l2, &self.settings.executable)?;
        self.launch(launch).await.map(drop)
    }

    async fn kill(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let not_running =
            || RuntimeError::Kill { component: component.clone(), reason: "it is not running".to_owned() };
        if let ComponentRef::Performer(_) = component {
            let executor = process_of(component);
            let performers = self.performers(component).await.ok_or_else(not_running)?;
            self.settings.ends.excuse(component);
            self.note_usage().await;
            performers.kill().await?;
            self.forget_paused(&executor, component).await;
            return Ok(());
        }
        self.note_usage().await;
        let mut components = self.components.lock().await;
        let running = components.get_mut(component).filter(|running| running.is_running());
        let running = running.ok_or_else(not_running)?.take();
        self.settings.ends.excuse(component);
        // Not locked while it ends: several are killed concurrently.
        drop(components);
        let started = descendants(&self.settings.run, &[&running]).await?;
        running.kill().await;
        // A performer process is its executor's child and ends with it; no other executor can take it over.
        let (run, name) = (self.settings.run.clone(), component.to_string());
        blocking(move || {
            reaper::kill_labelled(&run, (COMPONENT_VARIABLE, &name))?;
            started.kill(&run)
        })
        .await?;
        Ok(())
    }

    async fn restart(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError> {
        if let ComponentRef::Performer(_) = component {
            let executor = process_of(component);
            let performers = self.performers(component).await.ok_or_else(|| RuntimeError::Kill {
                component: component.clone(),
                reason: format!("{executor} was never started"),
            })?;
            self.settings.ends.excuse(component);
            self.forget_paused(&executor, component).await;
            self.note_usage().await;
            performers.restart(within).await?;
            self.settings.ends.watch(component);
            return Ok(());
        }
        self.note_usage().await;
        let Some(running) = self.components.lock().await.get_mut(component).map(RunningComponent::take) else {
            return Err(RuntimeError::Kill { component: component.clone(), reason: "it was never started".to_owned() });
        };
        self.settings.ends.excuse(component);
        let started = descendants(&self.settings.run, &[&running]).await?;
        self.descendants.lock().await.extend(started);
        let launch = running.stop(STOP_GRACE).await.again();
        let running = RunningComponent::start(launch, &self.settings, &self.logs, within).await?;
        self.components.lock().await.insert(component.clone(), running);
        Ok(())
    }

    async fn reach_executor(&self, operator: &str) -> Result<ExecutorAddress, RuntimeError> {
        self.note_usage().await;
        let executor = ComponentRef::Executor(operator.to_owned());
        let address = self.components.lock().await.get(&executor).map(|running| running.address.clone());
        let address = address.ok_or_else(|| pause::fault("reach", &executor, "it was never started"))?;
        Ok(ExecutorAddress { address, _forward: None })
    }

    async fn pause(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.settings.ends.excuse_performer(component);
        for group in self.groups_of(component).await? {
            group.stop().map_err(|error| pause::fault("pause", component, &error.to_string()))?;
            // Stored before it is paused: a paused process handles no signal until it is resumed, and so would not end
            // in order.
            if let Some(running) = self.components.lock().await.get_mut(&process_of(component)) {
                running.paused.push(group.clone());
            }
            group.stands_still().await?;
            tracing::info!(%component, "component is paused");
        }
        Ok(())
    }

    async fn resume(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let mut components = self.components.lock().await;
        let running = components.get_mut(&process_of(component));
        running.ok_or_else(|| pause::fault("resume", component, "it was never started"))?.resume(component)
    }

    async fn disconnect(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        Err(unsupported(
            component,
            "shares the machine's network and cannot be disconnected; run the scenario with Docker",
        ))
    }

    async fn reconnect(&self, component: &ComponentRef, _within: Duration) -> Result<(), RuntimeError> {
        Err(unsupported(component, "shares the machine's network and is never disconnected"))
    }

    async fn failure(&self) -> RuntimeError {
        self.settings.ends.chain().await
    }

    fn ends(&self) -> &Ends {
        &self.settings.ends
    }

    async fn endpoints(&self) -> BTreeMap<String, String> {
        let mut endpoints = BTreeMap::new();
        for (chain_id, url) in self.chain_urls.lock().await.iter() {
            endpoints.insert(format!("chain {chain_id}"), url.clone());
        }
        for (component, running) in self.components.lock().await.iter() {
            endpoints.insert(component.to_string(), running.address.clone());
        }
        endpoints
    }

    async fn usage(&self) -> Vec<ComponentUsage> {
        self.note_usage().await;
        self.readings.usage()
    }

    fn sweep_trigger(&self) -> Option<SweepTrigger> {
        self.supervisor.sweep_trigger().ok()
    }

    async fn stop(self: Box<Self>) -> Result<Teardown, RuntimeError> {
        let (folder, configured) = (self.settings.folder.clone(), self.configured.lock().await.clone());
        let taken_down = self.take_down().await;
        for component in configured {
            configuration::forget_keys(&configuration::path(&folder, &component));
        }
        let removed = performer_files::remove(&folder);
        // The error that led here is the one to report.
        taken_down.and_then(|teardown| removed.map(|()| teardown))
    }

    async fn keep(self: Box<Self>) -> Result<(), RuntimeError> {
        let Self { supervisor, anvils, components, .. } = *self;
        for mut anvil in anvils.into_inner() {
            anvil.keep();
        }
        for mut running in components.into_inner().into_values() {
            running.keep();
        }
        blocking(move || supervisor.keep()).await?;
        Ok(())
    }
}

impl ProcessRuntime {
    /// Ends everything in order; the result lists what had to be forced.
    async fn take_down(self) -> Result<Teardown, RuntimeError> {
        let Self { settings, mut supervisor, anvils, components, performers, descendants: started, .. } = self;
        settings.ends.close();
        supervisor.hold(&started.into_inner())?;
        let mut leaks = Vec::new();
        // The aggregator first: it would only log errors about executors that are gone.
        let (aggregator, executors): (Vec<_>, Vec<_>) =
            components.into_inner().into_iter().partition(|(component, _)| *component == ComponentRef::Aggregator);
        for group in [aggregator, executors] {
            let running: Vec<_> = group.iter().map(|(_, running)| running).collect();
            supervisor.hold(&descendants(&settings.run, &running).await?)?;
            let stopping = group.into_iter().map(|(component, running)| async move {
                let stopped = running.stop(STOP_GRACE).await;
                (!stopped.orderly).then(|| Leak {
                    what: format!(
                        "{component} did not end within {} of SIGTERM",
                        humantime::format_duration(STOP_GRACE)
                    ),
                })
            });
            leaks.extend(futures::future::join_all(stopping).await.into_iter().flatten());
        }
        futures::future::join_all(anvils.into_inner().into_iter().map(AnvilProcess::stop)).await;
        tracing::info!("chains have stopped");
        let (report, folder_guard) = blocking(move || supervisor.sweep()).await?;
        leaks.extend(report.leftovers.into_iter().map(|leftover| Leak { what: leftover.to_string() }));
        // Not before: nobody writes any more.
        futures::future::join_all(performers.into_inner().into_iter().map(PerformerOutput::finish)).await;
        Ok(Teardown { leaks, folder_guard: Some(folder_guard) })
    }
}

fn note_chain_end(anvil: &AnvilProcess, ends: Ends) -> AbortOnDropHandle<()> {
    let (chain_id, ended) = (anvil.control().chain_id(), anvil.ended());
    let noting = async move {
        let (status, output) = ended.await;
        ends.note_chain(chain_id, &status.to_string(), || output);
    };
    AbortOnDropHandle::new(tokio::spawn(noting.in_current_span()))
}

/// The processes that components have started, with their descendants, as of now.
async fn descendants(run: &RunId, components: &[&RunningComponent]) -> Result<Descendants, RuntimeError> {
    let pids: Vec<_> = components.iter().filter_map(|component| component.pid()).collect();
    let run = run.clone();
    blocking(move || Descendants::of(&run, &pids)).await
}

/// The component whose processes include those of another: a performer is its executor's child.
fn process_of(component: &ComponentRef) -> ComponentRef {
    match component {
        ComponentRef::Performer(performer) => ComponentRef::Executor(performer.operator.clone()),
        other => other.clone(),
    }
}

fn unsupported(component: &ComponentRef, reason: &str) -> RuntimeError {
    RuntimeError::Unsupported { runtime: "process", reason: format!("{component} {reason}") }
}
