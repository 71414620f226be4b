//! One component as a child process: started, awaited, killed, stopped, started again.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use hourglass_child::{Child, SpawnError};
use hourglass_component::{
    events::PERFORMER_ENDED,
    health::{self, HealthError},
    keys::EcdsaKey,
    ports::ReservedPort,
    timeout::timeout,
};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, Line, LogFolder, Timeline, parse};
use jiff::Timestamp;
use tokio::sync::watch;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{ProcessSettings, output, pause::PausedGroup, program};
use crate::{
    Ends, RuntimeError, configuration,
    performers::{self, AVS_FIELD, ConfiguredPerformer},
};

/// The field of an executor's record with the id of the performer that it is about.
const PERFORMER_ID: &str = "performer";

/// How a component is started; kept for restarts.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// The component.
    pub component: ComponentRef,
    /// Program and arguments; the configuration file is added to them.
    pub command: Vec<String>,
    /// Its environment variables besides the harness's.
    pub environment: Vec<(String, String)>,
    /// The key of its operator.
    pub key: EcdsaKey,
    /// Its configuration, without the port.
    pub config: serde_json::Value,
    /// The key of the configuration that holds the port.
    pub port_key: &'static str,
    /// The port; with 0, the component chooses one and reports it in its log.
    pub port: u16,
    /// Reserves the port for as long as the component may use it; `None` if the component chooses it.
    pub(super) _reserved: Option<Arc<ReservedPort>>,
    /// An executor's performers, each with the file that it writes to.
    pub performers: Vec<(ConfiguredPerformer, PathBuf)>,
    /// How long it may take to be ready, including a performer that is slow to start.
    pub ready_within: Duration,
}

impl Launch {
    /// An executor's performers.
    pub(super) fn configured_performers(&self) -> Vec<ConfiguredPerformer> {
        self.performers.iter().map(|(performer, _)| performer.clone()).collect()
    }
}

/// A component that was started.
#[derive(Debug)]
pub(super) struct RunningComponent {
    pub(super) launch: Launch,
    /// `None` when it was killed.
    pub(super) child: Option<Child>,
    /// Notes its end; `None` once a step has ended it.
    end: Option<AbortOnDropHandle<()>>,
    /// The paused process groups of it and of its performers.
    pub(super) paused: Vec<PausedGroup>,
    /// Its address.
    pub address: String,
}

/// A component that was stopped.
#[derive(Debug)]
pub(super) struct Stopped {
    launch: Launch,
    address: String,
    /// Whether it ended by itself.
    pub orderly: bool,
}

impl RunningComponent {
    /// Starts a component and waits until its health service reports that it serves or, if it has none, until it
    /// answers.
    #[tracing::instrument(name = "component", skip_all, fields(name = %launch.component))]
    pub(super) async fn start(
        launch: Launch,
        settings: &ProcessSettings,
        logs: &LogFolder,
        within: Duration,
    ) -> Result<Self, RuntimeError> {
        let outputs = launch.performers.clone();
        let configured = launch.configured_performers();
        let output = |performer: &ComponentRef| {
            let written = outputs.iter().find(|(one, _)| one.component == *performer);
            written.map(|(_, path)| output::last_lines(path)).unwrap_or_default()
        };
        let started = Self::start_and_await(launch, settings, logs, within).await;
        started.map_err(|error| performers::attributed(error, &settings.timeline, &configured, output))
    }

    async fn start_and_await(
        launch: Launch,
        settings: &ProcessSettings,
        logs: &LogFolder,
        within: Duration,
    ) -> Result<Self, RuntimeError> {
        let component = &launch.component;
        let config = write_config(&launch, settings)?;
        let (announce, mut announced) = watch::channel(None);
        let child = spawn(&launch, &config, settings, logs, announce)?;
        tracing::debug!(pid = child.pid(), port = launch.port, "component started");
        let not_ready = |state: String| {
            let output = child.last_output();
            RuntimeError::NotReady { component: component.clone(), within, state, output }
        };
        let began = Instant::now();
        let address = match launch.port {
            0 => {
                let announced = timeout(within, announced.wait_for(Option::is_some)).await;
                match announced.map(|address| address.ok().and_then(|address| *address)) {
                    Ok(Some(address)) => address.to_string(),
                    // The sender is dropped with the reader of the output, which ends with the process.
                    Ok(None) => return Err(ended(component, &child).await),
                    Err(_) => return Err(not_ready("it does not say in its log where it listens".to_owned())),
                }
            }
            port => SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string(),
        };
        let healthy = tokio::select! {
            healthy = wait_until_healthy(component, &address, within.saturating_sub(began.elapsed())) => healthy,
            _ = child.wait() => return Err(ended(component, &child).await),
        };
        match healthy {
            Ok(()) => {}
            Err(RuntimeError::Health { source: HealthError::Timeout { last_seen, .. }, .. }) => {
                let of_performer = performers::unready(&launch.configured_performers(), &address, &launch.key).await;
                return Err(
                    of_performer.unwrap_or_else(|| not_ready(format!("the last that its health said is {last_seen}")))
                );
            }
            Err(error) => return Err(error),
        }
        tracing::info!(address, pid = child.pid(), elapsed = ?began.elapsed(), "component is ready");
        settings.ends.watch(&launch.component);
        let end = Some(note_end(&launch.component, &child, settings.ends.clone()));
        Ok(Self { launch, child: Some(child), end, paused: Vec::new(), address })
    }

    /// Moves its process out, and leaves a stopped component that can be started again: whatever happens to the
    /// process, the component stays known.
    pub(super) fn take(&mut self) -> Self {
        Self {
            launch: self.launch.clone(),
            child: self.child.take(),
            end: self.end.take(),
            paused: std::mem::take(&mut self.paused),
            address: self.address.clone(),
        }
    }

    /// Whether its process runs.
    pub(super) fn is_running(&self) -> bool {
        self.child.as_ref().is_some_and(|child| child.status().is_none())
    }

    /// The id of its process; `None` if it was killed.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::pid)
    }

    /// Kills it.
    #[tracing::instrument(name = "component", skip_all, fields(name = %self.launch.component))]
    pub(super) async fn kill(mut self) {
        self.end = None;
        // A paused process is killed by SIGKILL too.
        self.paused.clear();
        if let Some(child) = self.child.take() {
            child.kill().await;
        }
        tracing::info!("component was killed");
    }

    /// Ends it in order, or by force after the grace.
    #[tracing::instrument(name = "component", skip_all, fields(name = %self.launch.component))]
    pub(super) async fn stop(mut self, grace: Duration) -> Stopped {
        let began = Instant::now();
        self.end = None;
        // A paused process does not react to the signal to end.
        self.paused.iter().for_each(PausedGroup::wake);
        self.paused.clear();
        let orderly = match self.child.take() {
            Some(child) => child.stop(grace).await,
            None => true,
        };
        tracing::info!(orderly, elapsed = ?began.elapsed(), "component has stopped");
        Stopped { launch: self.launch, address: self.address, orderly }
    }

    /// Leaves the process running when this is dropped.
    pub(super) fn keep(&mut self) {
        if let Some(child) = &mut self.child {
            child.keep();
        }
    }
}

impl Stopped {
    /// Its launch, with the same port: its socket is registered on the chain.
    pub(super) fn again(self) -> Launch {
        let port = self.address.parse::<SocketAddr>().map_or(0, |address| address.port());
        Launch { port, ..self.launch }
    }
}

fn write_config(launch: &Launch, settings: &ProcessSettings) -> Result<PathBuf, RuntimeError> {
    let mut config = launch.config.clone();
    config[launch.port_key] = launch.port.into();
    let path = configuration::path(&settings.folder, &launch.component);
    configuration::write(&path, &config)?;
    Ok(path)
}

fn spawn(
    launch: &Launch,
    config: &std::path::Path,
    settings: &ProcessSettings,
    logs: &LogFolder,
    announce: watch::Sender<Option<SocketAddr>>,
) -> Result<Child, RuntimeError> {
    let (program, arguments) = launch.command.split_first().ok_or_else(|| RuntimeError::Unsupported {
        runtime: "process",
        reason: format!("{} has an empty command", launch.component),
    })?;
    let failed = |error| match error {
        SpawnError::Start(source) => {
            RuntimeError::Spawn { component: launch.component.clone(), program: program.clone(), source }
        }
        SpawnError::Output(error) => error.into(),
    };
    let command = program::command(launch, program, arguments, settings);
    let mut command = command.map_err(|source| failed(source.into()))?;
    command.arg("--config").arg(config);
    let of = launch.configured_performers();
    let on_line = record(launch.component.clone(), of, settings.timeline.clone(), settings.ends.clone(), announce);
    Child::spawn(command, &launch.component.to_string(), &settings.run, logs, on_line).map_err(failed)
}

/// Records each line in the timeline, and announces the first that says where the component itself listens.
fn record(
    component: ComponentRef,
    performers: Vec<ConfiguredPerformer>,
    timeline: Timeline,
    ends: Ends,
    announce: watch::Sender<Option<SocketAddr>>,
) -> impl FnMut(Line) + Send + 'static {
    move |line| {
        if timeline.leaves_out(&component, &line) {
            return;
        }
        for event in parse(&component, &line) {
            let own = event.source == hourglass_timeline::Source::Component(component.clone());
            let listening = event.fields.get("listening").and_then(|address| address.as_str());
            if let Some(address) = listening.filter(|_| own).and_then(|address| address.parse().ok()) {
                announce.send_if_modified(|known| known.is_none() && known.replace(address).is_none());
            }
            if own {
                note_performer_end(&performers, &event, &timeline, &ends);
            }
            timeline.record(event);
        }
    }
}

/// Notes when the component ends; it must be watched by then.
fn note_end(component: &ComponentRef, child: &Child, ends: Ends) -> AbortOnDropHandle<()> {
    let (component, ended) = (component.clone(), child.ended());
    let noting = async move {
        let (status, output) = ended.await;
        ends.note(&component, None, Timestamp::now(), &status.to_string(), || output);
    };
    AbortOnDropHandle::new(tokio::spawn(noting.in_current_span()))
}

/// Notes the end of a performer. Only its executor knows of it, because the performer is the executor's child.
fn note_performer_end(performers: &[ConfiguredPerformer], event: &Event, timeline: &Timeline, ends: &Ends) {
    let text = |name: &str| event.fields.get(name).and_then(|value| value.as_str());
    let Some(how) = text(PERFORMER_ENDED) else { return };
    let Some(ended) = ConfiguredPerformer::of_avs(performers, text(AVS_FIELD)) else { return };
    let performer = ended.component.clone();
    // Executors say it as a sentence about the performer.
    let status = how.strip_prefix("ended with ").map_or_else(|| format!("an unknown status: it {how}"), str::to_owned);
    let instance = event.fields.get(PERFORMER_ID).and_then(|id| id.as_str());
    ends.note(&performer, instance, event.at, &status, || timeline.last_output(&performer));
}

async fn wait_until_healthy(component: &ComponentRef, address: &str, within: Duration) -> Result<(), RuntimeError> {
    let fail = |source: HealthError| RuntimeError::Health { component: component.clone(), source };
    let channel = health::channel(address).map_err(fail)?;
    health::wait_until_ready(address, channel, within).await.map_err(fail)
}

async fn ended(component: &ComponentRef, child: &Child) -> RuntimeError {
    let (status, output) = child.end().await;
    RuntimeError::Ended { component: component.clone(), status: status.to_string(), output }
}
