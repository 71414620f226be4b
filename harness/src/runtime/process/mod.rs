//! The process runtime: everything is a child process of the harness on this machine, and nothing but Anvil is needed.
//!
//! [`ProcessRuntime`] keeps the children, [`component`] starts one reference component and awaits it, [`performers`] and
//! [`pause`] act on its processes, [`config`] writes what they are configured with.

mod component;
mod config;
mod pause;
mod performers;

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use async_trait::async_trait;
use component::{Launch, RunningComponent};
use futures::future::try_join_all;
use hourglass_proto::contracts::addresses as at;
use tokio::sync::Mutex;

use super::{
    AggregatorSpec, Chains, ExecutorSpec, HarnessExecutable, Remains, Runtime, RuntimeError, TakenDown, blocking,
};
use crate::{
    chain::{AnvilBinary, AnvilProcess, AnvilSettings, PreparedState},
    child::COMPONENT_VARIABLE,
    reaper::{self, RunFolder, RunId, Supervisor, SupervisorOptions},
    scenario::{ComponentRef, RuntimeKind},
    timeline::{LogFolder, Timeline},
};

/// How long a component may take to end by itself; the public aggregator and executor always take five seconds.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// What a process runtime is made with.
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
    /// The trial's id, which every process carries.
    pub run: RunId,
    /// Where the components' records go.
    pub timeline: Timeline,
}

/// Runs a trial's parts as child processes.
#[derive(Debug)]
pub struct ProcessRuntime {
    settings: ProcessSettings,
    logs: LogFolder,
    supervisor: Supervisor,
    anvils: Mutex<Vec<AnvilProcess>>,
    components: Mutex<BTreeMap<ComponentRef, RunningComponent>>,
    chain_urls: Mutex<BTreeMap<u64, String>>,
}

impl ProcessRuntime {
    /// Starts the supervisor, before anything else of the trial is there, its folder included.
    pub async fn supervise(settings: &ProcessSettings) -> Result<Supervisor, RuntimeError> {
        let run = settings.run.clone();
        let options = SupervisorOptions {
            executable: Some(settings.executable.0.clone()),
            folder: Some(RunFolder { root: settings.root.clone(), path: settings.folder.clone() }),
            ..SupervisorOptions::default()
        };
        blocking(move || Supervisor::start(&run, &options)).await
    }

    /// A runtime under this supervisor, with nothing running yet.
    pub fn new(settings: ProcessSettings, supervisor: Supervisor) -> Result<Self, RuntimeError> {
        let logs = LogFolder::create(&settings.folder.join("logs"))?;
        Ok(Self {
            settings,
            logs,
            supervisor,
            anvils: Mutex::default(),
            components: Mutex::default(),
            chain_urls: Mutex::default(),
        })
    }

    async fn launch(&self, launch: Launch) -> Result<String, RuntimeError> {
        let component = launch.component.clone();
        let components = self.components.lock().await;
        if let Some(running) = components.get(&component).filter(|running| running.is_running()) {
            return Ok(running.address.clone());
        }
        // Not held while the component starts: several start side by side.
        drop(components);
        let within = launch.ready_within;
        let running = RunningComponent::start(launch, &self.settings, &self.logs, within).await?;
        let address = running.address.clone();
        self.components.lock().await.insert(component, running);
        Ok(address)
    }

    async fn chain_url(&self, chain_id: u64) -> Result<String, RuntimeError> {
        let urls = self.chain_urls.lock().await;
        urls.get(&chain_id).cloned().ok_or_else(|| RuntimeError::Unsupported {
            runtime: "process",
            reason: format!("chain {chain_id} is not running yet: start the chains first"),
        })
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
        let mut urls = self.chain_urls.lock().await;
        for chain in [&chains.l1, &chains.l2] {
            urls.insert(chain.chain_id(), chain.client().url().to_owned());
        }
        self.anvils.lock().await.extend([l1, l2]);
        Ok(chains)
    }

    async fn start_executors(&self, specs: Vec<ExecutorSpec>) -> Result<Vec<String>, RuntimeError> {
        let l1_url = self.chain_url(at::L1_CHAIN_ID).await?;
        let starting = specs.iter().map(|spec| async {
            let launch = config::executor(spec, &l1_url, &self.settings.executable)?;
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
        if let ComponentRef::Performer(name) = component {
            let executor = ComponentRef::Executor(name.clone());
            let mut components = self.components.lock().await;
            return components.get_mut(&executor).ok_or_else(not_running)?.kill_performers().await;
        }
        let mut components = self.components.lock().await;
        let running = components.get_mut(component).filter(|running| running.is_running());
        let running = running.ok_or_else(not_running)?.take();
        // Not held while it ends: several are killed side by side.
        drop(components);
        running.kill().await;
        // A performer process is its executor's child and goes with it; nobody could adopt it.
        let (run, name) = (self.settings.run.clone(), component.to_string());
        blocking(move || reaper::kill_labelled(&run, (COMPONENT_VARIABLE, &name))).await?;
        Ok(())
    }

    async fn restart(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError> {
        if let ComponentRef::Performer(name) = component {
            let executor = ComponentRef::Executor(name.clone());
            let mut components = self.components.lock().await;
            let running = components.get_mut(&executor).ok_or_else(|| RuntimeError::Kill {
                component: component.clone(),
                reason: format!("{executor} was never started"),
            })?;
            return running.restart_performers(within).await;
        }
        let Some(running) = self.components.lock().await.get_mut(component).map(RunningComponent::take) else {
            return Err(RuntimeError::Kill { component: component.clone(), reason: "it was never started".to_owned() });
        };
        let launch = running.stop(STOP_GRACE).await.again();
        let running = RunningComponent::start(launch, &self.settings, &self.logs, within).await?;
        self.components.lock().await.insert(component.clone(), running);
        Ok(())
    }

    async fn pause(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let mut components = self.components.lock().await;
        let running = components.get_mut(&process_of(component));
        running.ok_or_else(|| pause::fault("pause", component, "it was never started"))?.pause(component).await
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

    async fn stop(self: Box<Self>) -> Result<TakenDown, RuntimeError> {
        let Self { supervisor, anvils, components, .. } = *self;
        let mut remains = Vec::new();
        // The aggregator first: it would only complain about executors that are gone.
        let (aggregator, executors): (Vec<_>, Vec<_>) =
            components.into_inner().into_iter().partition(|(component, _)| *component == ComponentRef::Aggregator);
        for group in [aggregator, executors] {
            let stopping = group.into_iter().map(|(component, running)| async move {
                let stopped = running.stop(STOP_GRACE).await;
                (!stopped.orderly).then(|| Remains {
                    what: format!(
                        "{component} did not end within {} of SIGTERM",
                        humantime::format_duration(STOP_GRACE)
                    ),
                })
            });
            remains.extend(futures::future::join_all(stopping).await.into_iter().flatten());
        }
        futures::future::join_all(anvils.into_inner().into_iter().map(AnvilProcess::stop)).await;
        let (report, farewell) = blocking(move || supervisor.sweep()).await?;
        remains.extend(report.leftovers.into_iter().map(|leftover| Remains { what: leftover.to_string() }));
        Ok(TakenDown { remains, farewell: Some(farewell) })
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

/// The component whose processes a component's are: a performer is its executor's child.
fn process_of(component: &ComponentRef) -> ComponentRef {
    match component {
        ComponentRef::Performer(name) => ComponentRef::Executor(name.clone()),
        other => other.clone(),
    }
}

fn unsupported(component: &ComponentRef, reason: &str) -> RuntimeError {
    RuntimeError::Unsupported { runtime: "process", reason: format!("{component} {reason}") }
}
