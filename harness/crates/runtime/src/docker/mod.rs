//! The Docker runtime: every component of a trial is a container on a network of the trial's own.
//!
//! [`DockerRuntime`] holds them, [`chains`] and [`container`] start one, [`performers`] finds those that executors
//! start themselves, [`logs`] reads the output of all, [`mod@take_down`] ends them. The images are in [`images`], the
//! configuration is in
//! [`config`]; [`evidence`] keeps what the engine knows of a failed trial.

mod chains;
mod config;
mod container;
mod context;
mod evidence;
mod images;
mod kept_events;
mod lines;
mod logs;
mod performers;
mod provider;
mod socket;
mod take_down;
mod upload;
mod usage;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
pub(super) use chains::AnvilContainer;
use container::{Launch, RunningComponent};
pub(super) use context::DockerContext;
use futures::future::try_join_all;
use hourglass_base::RuntimeKind;
use hourglass_chain::PreparedState;
use hourglass_component::timeout::timeout;
use hourglass_engine::{Engine, EngineError};
use hourglass_proto::contracts::addresses as at;
use hourglass_reaper::{Labels, RunFolder, Supervisor, SupervisorOptions, SweepTargets, SweepTrigger};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{ComponentUsage, Timeline};
pub use images::DockerImages;
pub(super) use images::{OwnImages, own_images};
use jiff::Timestamp;
pub(super) use logs::{Record, Watch, Whose};
use performers::Performers;
pub(super) use provider::DockerProvider;
use take_down::{end, take_down};
use tokio::sync::Mutex;
use usage::EngineBaseline;
pub(super) use usage::{container_usage, note_containers};

use super::{
    AggregatorSpec, Chains, Ends, ExecutorAddress, ExecutorSpec, HarnessExecutable, Runtime, RuntimeError, Teardown,
    blocking, configuration::ChainUrls, usage::Readings,
};

/// Only this machine reaches the published ports of containers.
const LOOPBACK: &str = "127.0.0.1";
/// How long a component may take to end in order; the public aggregator and executor always take five seconds.
const STOP_GRACE: Duration = Duration::from_secs(10);

/// How long an engine that does not end containers is given; the supervisor goes on after that.
const TAKE_DOWN_WITHIN: Duration = Duration::from_mins(2);

/// The settings of a Docker runtime.
#[derive(Debug, Clone)]
pub struct DockerSettings {
    /// The engine.
    pub engine: Engine,
    /// The images, which exist.
    pub images: DockerImages,
    /// The harness executable, which also runs the supervisor.
    pub executable: HarnessExecutable,
    /// The folder of all trials.
    pub root: PathBuf,
    /// The folder of this trial, below it: configuration files and output.
    pub folder: PathBuf,
    /// The labels of all containers and networks.
    pub labels: Labels,
    /// Where the components' records go.
    pub timeline: Timeline,
    /// Where the ends of its components are noted.
    pub ends: Ends,
}

/// Runs a trial's components as containers.
#[derive(Debug)]
pub struct DockerRuntime {
    images: DockerImages,
    context: DockerContext,
    watch: Watch,
    ends: Ends,
    supervisor: Supervisor,
    anvils: Mutex<Vec<AnvilContainer>>,
    components: Mutex<BTreeMap<ComponentRef, RunningComponent>>,
    readings: Readings,
    /// What the engine's own processes had used when the trial began.
    engine_baseline: EngineBaseline,
}

impl DockerRuntime {
    /// Starts the supervisor before anything else of the trial exists, including its folder.
    pub async fn supervise(settings: &DockerSettings) -> Result<Supervisor, RuntimeError> {
        let run = settings.labels.run.clone();
        let options = SupervisorOptions {
            executable: Some(settings.executable.0.clone()),
            folder: Some(RunFolder { root: settings.root.clone(), path: settings.folder.clone() }),
            targets: SweepTargets { engine: Some(settings.engine.address().clone()), cluster: None },
            ..SupervisorOptions::default()
        };
        blocking(move || Supervisor::start(&run, &options)).await
    }

    /// A runtime with this supervisor and an empty network.
    pub async fn new(settings: DockerSettings, supervisor: Supervisor) -> Result<Self, RuntimeError> {
        let DockerSettings { engine, images, folder, labels, timeline, ends, .. } = settings;
        let logs = folder.join("logs");
        let engine_baseline = EngineBaseline::read(&engine);
        // The engine's clock may differ, and earlier events do no harm.
        let since = Timestamp::now().as_second().saturating_sub(5);
        let made = match hourglass_base::private::create_folders(&logs) {
            Ok(()) => DockerContext::make(engine, labels, folder).await,
            Err(source) => Err(RuntimeError::File { path: logs.clone(), source }),
        };
        let (context, network) = match made {
            Ok(made) => made,
            Err(error) => {
                // Otherwise the supervisor would take this process for killed and remove the folder. The error that led
                // here is the one to report.
                let _ = end(supervisor, error.is_lost_engine()).await;
                return Err(error);
            }
        };
        let record = Record { folder: logs, timeline, ends: ends.clone() };
        let whose = Whose::Network(context.labels.run.clone());
        let watch = Watch::start(&context.engine, &network, whose, since, record);
        let (anvils, components) = (Mutex::default(), Mutex::default());
        let readings = Readings::default();
        Ok(Self { images, context, watch, ends, supervisor, anvils, components, readings, engine_baseline })
    }

    async fn chain_url(&self, chain_id: u64) -> Result<String, RuntimeError> {
        let anvils = self.anvils.lock().await;
        let anvil = anvils.iter().find(|anvil| anvil.control().chain_id() == chain_id);
        anvil.map(|anvil| anvil.url.clone()).ok_or(RuntimeError::NoChain { chain_id })
    }

    async fn launch(&self, launch: Launch) -> Result<String, RuntimeError> {
        let (component, port) = (launch.component.clone(), launch.port);
        let mut running = RunningComponent::start(launch, &self.context).await?;
        // Stored before it is ready: an interrupted start then ends it in order, and it ends its performers.
        self.components.lock().await.insert(component.clone(), running.clone());
        // Not locked while the component starts: several start concurrently.
        running.wait_until_ready(running.ready_within(), &self.context, &self.watch).await?;
        self.ends.watch(&component);
        let socket = format!("{}:{port}", running.alias());
        self.components.lock().await.insert(component, running);
        Ok(socket)
    }

    /// A component of its own, or the executor of performers.
    async fn running(&self, component: &ComponentRef, fault: &'static str) -> Result<RunningComponent, RuntimeError> {
        let keeper = match component {
            ComponentRef::Performer(performer) => ComponentRef::Executor(performer.operator.clone()),
            other => other.clone(),
        };
        let running = self.components.lock().await.get(&keeper).cloned();
        running.ok_or_else(|| RuntimeError::Fault {
            fault,
            component: component.clone(),
            reason: format!("{keeper} was never started"),
        })
    }

    fn performers<'a>(
        &'a self,
        component: &ComponentRef,
        executor: &'a RunningComponent,
        fault: &'static str,
    ) -> Option<Performers<'a>> {
        let (context, key, avs) = (&self.context, executor.key(), executor.avs_of(component));
        let executor = &executor.address;
        let performers = Performers { context, component: component.clone(), fault, executor, key, avs };
        matches!(component, ComponentRef::Performer(_)).then_some(performers)
    }

    /// The containers of a component, at least one.
    async fn containers(&self, component: &ComponentRef, fault: &'static str) -> Result<Vec<String>, RuntimeError> {
        let running = self.running(component, fault).await?;
        match self.performers(component, &running, fault) {
            Some(performers) => performers.some().await,
            None => Ok(vec![running.id().to_owned()]),
        }
    }
}

#[async_trait]
impl Runtime for DockerRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Docker
    }

    async fn start_chains(&self, state: &PreparedState) -> Result<Chains, RuntimeError> {
        let (image, context, watch) = (&self.images.anvil, &self.context, &self.watch);
        let (l1, l2) = tokio::try_join!(
            AnvilContainer::start(image, at::L1_CHAIN_ID, &state.l1, context, watch),
            AnvilContainer::start(image, at::L2_CHAIN_ID, &state.l2, context, watch)
        )?;
        let chains = Chains { l1: l1.control().clone(), l2: l2.control().clone() };
        self.anvils.lock().await.extend([l1, l2]);
        Ok(chains)
    }

    async fn start_executors(&self, specs: Vec<ExecutorSpec>) -> Result<Vec<String>, RuntimeError> {
        let (l1, l2) = tokio::try_join!(self.chain_url(at::L1_CHAIN_ID), self.chain_url(at::L2_CHAIN_ID))?;
        let chains = ChainUrls { l1, l2 };
        self.ends.know(&specs);
        let starting = specs.iter().map(|spec| async {
            let launch = config::executor(spec, &chains, &self.images, &self.context)?;
            self.launch(launch).await
        });
        try_join_all(starting).await
    }

    async fn start_aggregator(&self, spec: AggregatorSpec) -> Result<(), RuntimeError> {
        let (l1, l2) = tokio::try_join!(self.chain_url(at::L1_CHAIN_ID), self.chain_url(at::L2_CHAIN_ID))?;
        let launch = config::aggregator(&spec, &l1, &l2, &self.images);
        self.launch(launch).await.map(drop)
    }

    async fn kill(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let running = self.running(component, "kill").await?;
        self.ends.excuse(component);
        self.note_usage_of(component).await;
        match self.performers(component, &running, "kill") {
            Some(performers) => performers.kill().await,
            None => running.kill(&self.context).await,
        }
    }

    async fn restart(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError> {
        let mut running = self.running(component, "restart").await?;
        self.ends.excuse(component);
        self.note_usage_of(component).await;
        if let Some(performers) = self.performers(component, &running, "restart") {
            performers.restart(within).await?;
            self.ends.watch(component);
            return Ok(());
        }
        running.restart(STOP_GRACE, within, &self.context, &self.watch).await?;
        self.ends.watch(component);
        self.components.lock().await.insert(component.clone(), running);
        Ok(())
    }

    async fn reach_executor(&self, operator: &str) -> Result<ExecutorAddress, RuntimeError> {
        let executor = ComponentRef::Executor(operator.to_owned());
        let address = self.running(&executor, "reach").await?.address;
        self.note_usage_of(&executor).await;
        Ok(ExecutorAddress { address, _forward: None })
    }

    async fn pause(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.ends.excuse_performer(component);
        for id in self.containers(component, "pause").await? {
            self.context.pause(&id, component).await?;
        }
        Ok(())
    }

    async fn resume(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        for id in self.containers(component, "resume").await? {
            self.context.resume(&id, component).await?;
        }
        Ok(())
    }

    async fn disconnect(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.ends.excuse_performer(component);
        for id in self.containers(component, "disconnect").await? {
            self.context.disconnect(&id, component).await?;
        }
        Ok(())
    }

    async fn reconnect(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError> {
        for id in self.containers(component, "reconnect").await? {
            self.context.reconnect(&id, component).await?;
        }
        if matches!(component, ComponentRef::Performer(_)) {
            // Its executor checks its health, and it has no published port on this machine.
            return Ok(());
        }
        let mut running = self.running(component, "reconnect").await?;
        running.wait_until_ready(within, &self.context, &self.watch).await?;
        self.components.lock().await.insert(component.clone(), running);
        Ok(())
    }

    async fn keep_evidence(&self, folder: &Path) {
        evidence::keep(&self.context, &self.watch, folder).await;
    }

    async fn failure(&self) -> RuntimeError {
        tokio::select! {
            // First: the chains end with their engine.
            biased;
            error = self.watch.lost() => RuntimeError::EngineLost(error),
            error = self.ends.chain() => error,
        }
    }

    fn ends(&self) -> &Ends {
        &self.ends
    }

    async fn responds(&self) -> Result<(), RuntimeError> {
        Ok(self.context.engine.responds().await?)
    }

    async fn endpoints(&self) -> BTreeMap<String, String> {
        let mut endpoints = BTreeMap::new();
        for anvil in self.anvils.lock().await.iter() {
            let control = anvil.control();
            endpoints.insert(format!("chain {}", control.chain_id()), control.client().url().to_owned());
        }
        for (component, running) in self.components.lock().await.iter() {
            endpoints.insert(component.to_string(), running.address.clone());
        }
        endpoints.insert("network".to_owned(), self.context.network.clone());
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
        let Self { context, watch, ends, supervisor, anvils, components, .. } = *self;
        ends.close();
        let components = components.into_inner().into_values().collect();
        let taking_down = take_down(&context, &watch, anvils.into_inner(), components);
        let taken_down = timeout(TAKE_DOWN_WITHIN, taking_down).await.unwrap_or_else(|_| {
            let address = context.engine.address().clone();
            Err(EngineError::Silent { address, within: TAKE_DOWN_WITHIN }.into())
        });
        // The supervisor removes what remains, whatever the result was.
        let ended = end(supervisor, taken_down.as_ref().is_err_and(RuntimeError::is_lost_engine)).await;
        let forced = taken_down?;
        let Teardown { leaks, folder_guard } = ended?;
        Ok(Teardown { leaks: forced.into_iter().chain(leaks).collect(), folder_guard })
    }

    async fn keep(self: Box<Self>) -> Result<(), RuntimeError> {
        let Self { supervisor, .. } = *self;
        blocking(move || supervisor.keep()).await
    }
}
