//! One component as a container: started, awaited, killed, stopped, started again.

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use bollard::{
    models::{ContainerCreateBody, EndpointSettings, HostConfig, NetworkingConfig, PortBinding},
    query_parameters::{CreateContainerOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder},
};
use hourglass_component::{
    health::{self, HealthError},
    keys::{Address, EcdsaKey},
};
use hourglass_engine::{EngineContext as _, EngineError};
use hourglass_scenario::{ComponentLimits, ComponentRef, PerformerFile};

use super::{
    LOOPBACK,
    context::DockerContext,
    logs::Watch,
    performers,
    socket::EngineSocket,
    upload::{self, CONFIG, volume},
};
use crate::{
    RuntimeError, configuration,
    performers::{ConfiguredPerformer, attributed, unready},
};

/// The path of the engine's socket in an executor's container.
const SOCKET: &str = "/var/run/docker.sock";

/// How a component is started; kept for restarts.
#[derive(Debug, Clone)]
pub(super) struct Launch {
    /// The component.
    pub component: ComponentRef,
    /// The image.
    pub image: String,
    /// The arguments of the image; the configuration is added to them.
    pub arguments: Vec<String>,
    /// Its environment variables besides the image's.
    pub environment: Vec<(String, String)>,
    /// The key of its operator.
    pub key: EcdsaKey,
    /// Its configuration.
    pub config: serde_json::Value,
    /// The files that it gives to its performer.
    pub files: Vec<PerformerFile>,
    /// The port that it listens on.
    pub port: u16,
    /// The engine's socket, for components that create containers.
    pub socket: Option<EngineSocket>,
    /// The performers of an executor.
    pub performers: Vec<ConfiguredPerformer>,
    /// Whether its root file system can be read-only.
    pub read_only: bool,
    /// What it may use at most.
    pub limits: ComponentLimits,
    /// How long it may take to be ready, including a performer that is slow to start.
    pub ready_within: Duration,
}

/// A component that was started.
#[derive(Debug, Clone)]
pub(super) struct RunningComponent {
    launch: Launch,
    id: String,
    /// Its address for this machine.
    pub address: String,
}

impl RunningComponent {
    /// Creates and starts a container, which need not be ready yet.
    #[tracing::instrument(name = "component", skip_all, fields(name = %launch.component))]
    pub(super) async fn start(launch: Launch, context: &DockerContext) -> Result<Self, RuntimeError> {
        let name = context.container_name(&launch.component.to_string());
        configuration::show(&configuration::path(&context.folder, &launch.component), &launch.config)?;
        let options = CreateContainerOptionsBuilder::new().name(&name).build();
        let body = body(&launch, context);
        let docker = context.engine.docker();
        let created = docker.create_container(Some(options), body).await;
        let id = created.context(|| format!("create container {name} of image {}", launch.image))?.id;
        tracing::debug!(container = name, id, image = launch.image, "container created");
        upload::upload(&id, &launch.component, &launch.config, &launch.files, context).await?;
        docker.start_container(&id, None).await.context(|| format!("start container {name}"))?;
        tracing::debug!(container = name, "container started");
        Ok(Self { launch, id, address: String::new() })
    }

    /// Starts the container again and waits until it is ready; a running one is stopped first.
    pub(super) async fn restart(
        &mut self,
        grace: Duration,
        within: Duration,
        context: &DockerContext,
        watch: &Watch,
    ) -> Result<(), RuntimeError> {
        self.resume_if_paused(context).await?;
        self.stop(grace, context).await?;
        let docker = context.engine.docker();
        docker
            .start_container(&self.id, None)
            .await
            .context(|| format!("start the container of {}", self.component()))?;
        self.wait_until_ready(within, context, watch).await
    }

    /// How long its first start may take.
    pub(super) fn ready_within(&self) -> Duration {
        self.launch.ready_within
    }

    /// Waits until its health service reports that it serves or, if it has none, until it answers. Each start assigns
    /// another port, so the port is looked up.
    #[tracing::instrument(name = "component", skip_all, fields(name = %self.launch.component))]
    pub(super) async fn wait_until_ready(
        &mut self,
        within: Duration,
        context: &DockerContext,
        watch: &Watch,
    ) -> Result<(), RuntimeError> {
        let began = Instant::now();
        let Err(error) = self.await_health(within, context, watch).await else {
            tracing::info!(address = self.address, elapsed = ?began.elapsed(), "component is ready");
            return Ok(());
        };
        let error = match &error {
            RuntimeError::NotReady { .. } => {
                unready(&self.launch.performers, &self.address, &self.launch.key).await.unwrap_or(error)
            }
            _ => error,
        };
        let output = |performer: &ComponentRef| watch.output_of(performer).unwrap_or_default();
        Err(attributed(error, watch.timeline(), &self.launch.performers, output))
    }

    async fn await_health(
        &mut self,
        within: Duration,
        context: &DockerContext,
        watch: &Watch,
    ) -> Result<(), RuntimeError> {
        let component = &self.launch.component;
        let ended =
            |how: String, output: String| RuntimeError::Ended { component: component.clone(), status: how, output };
        let Some(port) = context.published(&self.id, self.launch.port).await? else {
            // Ports are published only while a container runs.
            let how = context.ended(&self.id, component).await?;
            return Err(ended(how, self.last_output(context, watch).await));
        };
        self.address = format!("{LOOPBACK}:{port}");
        let fail = |source: HealthError| RuntimeError::Health { component: component.clone(), source };
        let channel = health::channel(&self.address).map_err(fail)?;
        let healthy = tokio::select! {
            healthy = health::wait_until_ready(&self.address, channel, within) => healthy,
            how = context.ended(&self.id, component) => return Err(ended(how?, self.last_output(context, watch).await)),
        };
        match healthy {
            Ok(()) => Ok(()),
            Err(HealthError::Timeout { last_seen, .. }) => Err(RuntimeError::NotReady {
                component: component.clone(),
                within,
                state: format!("the last that its health said is {last_seen}"),
                output: self.with_performers(watch.output_so_far(&self.id), context, watch).await,
            }),
            Err(error @ HealthError::Address { .. }) => Err(fail(error)),
        }
    }

    async fn last_output(&self, context: &DockerContext, watch: &Watch) -> String {
        self.with_performers(watch.last_output(&self.id).await, context, watch).await
    }

    /// An executor is ready when its performers are, and each has an output of its own.
    async fn with_performers(&self, output: String, context: &DockerContext, watch: &Watch) -> String {
        if self.launch.performers.is_empty() {
            return output;
        }
        // The error that led here is the one to report.
        let _ = performers::read(self.component(), context, watch).await;
        let mut output = output;
        for ConfiguredPerformer { component, .. } in &self.launch.performers {
            if let Some(of_performer) = watch.output_of(component) {
                let _ = write!(output, "\nthe last output of {component}:\n{of_performer}");
            }
        }
        output
    }

    /// The AVS of a performer, if this executor has performers of several.
    pub(super) fn avs_of(&self, performer: &ComponentRef) -> Option<Address> {
        let several = Some(&self.launch.performers).filter(|all| all.len() > 1)?;
        several.iter().find(|one| one.component == *performer).map(|one| one.avs)
    }

    /// Kills it and waits until it has ended; it must be running.
    pub(super) async fn kill(&self, context: &DockerContext) -> Result<(), RuntimeError> {
        self.resume_if_paused(context).await?;
        kill(&self.id, self.component(), context).await
    }

    /// Stops it in order, or by force after the grace period; returns whether force was needed.
    #[tracing::instrument(name = "component", skip_all, fields(name = %self.launch.component))]
    pub(super) async fn stop(&self, grace: Duration, context: &DockerContext) -> Result<bool, RuntimeError> {
        self.resume_if_paused(context).await?;
        let began = Instant::now();
        let seconds = i32::try_from(grace.as_secs()).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::new().t(seconds).build();
        let before = context.state(&self.id).await?;
        let stopped = context.engine.docker().stop_container(&self.id, Some(options)).await;
        settled(stopped.context(|| format!("stop the container of {}", self.component())))?;
        let after = context.state(&self.id).await?;
        let forced = before.running == Some(true) && after.exit_code == Some(KILLED);
        tracing::info!(orderly = !forced, elapsed = ?began.elapsed(), "component has stopped");
        Ok(forced)
    }

    /// Whether it runs, paused or not.
    pub(super) async fn is_running(&self, context: &DockerContext) -> Result<bool, RuntimeError> {
        Ok(context.state(&self.id).await?.running == Some(true))
    }

    /// Removes its container, which has ended.
    pub(super) async fn remove(&self, context: &DockerContext) -> Result<(), RuntimeError> {
        remove(&self.id, self.component(), context).await
    }

    /// Its container.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// The key of its operator.
    pub(super) fn key(&self) -> &EcdsaKey {
        &self.launch.key
    }

    /// The component.
    pub(super) fn component(&self) -> &ComponentRef {
        &self.launch.component
    }

    /// Its name on the network.
    pub(super) fn alias(&self) -> String {
        alias(self.component())
    }

    /// A paused container handles no signal.
    async fn resume_if_paused(&self, context: &DockerContext) -> Result<(), RuntimeError> {
        match context.state(&self.id).await?.paused {
            Some(true) => context.resume(&self.id, self.component()).await,
            _ => Ok(()),
        }
    }
}

/// The exit code of a process that SIGKILL ended.
const KILLED: i64 = 137;

/// Kills a container and waits until it has ended.
#[tracing::instrument(name = "component", skip_all, fields(name = %component))]
pub(super) async fn kill(id: &str, component: &ComponentRef, context: &DockerContext) -> Result<(), RuntimeError> {
    if context.state(id).await?.running != Some(true) {
        return Err(RuntimeError::Kill { component: component.clone(), reason: "it is not running".to_owned() });
    }
    let killed = context.engine.docker().kill_container(id, None).await;
    settled(killed.context(|| format!("kill the container of {component}")))?;
    context.ended(id, component).await?;
    tracing::info!(id, "component was killed");
    Ok(())
}

/// Removes a container, whether it runs or not.
#[tracing::instrument(name = "component", skip_all, fields(name = %component))]
pub(super) async fn remove(id: &str, component: &ComponentRef, context: &DockerContext) -> Result<(), RuntimeError> {
    let options = RemoveContainerOptionsBuilder::new().force(true).v(true).build();
    let removed = context.engine.docker().remove_container(id, Some(options)).await;
    settled(removed.context(|| format!("remove the container of {component}")))?;
    tracing::debug!(id, "container removed");
    Ok(())
}

/// The name of a component on the network.
pub(super) fn alias(component: &ComponentRef) -> String {
    component.file_name()
}

/// A state that was reached already, or a container that is gone, is no error.
fn settled(done: Result<(), EngineError>) -> Result<(), EngineError> {
    match done {
        Err(error) if error.is_not_found() || error.is_conflict() => Ok(()),
        done => done,
    }
}

fn body(launch: &Launch, context: &DockerContext) -> ContainerCreateBody {
    let port = format!("{}/tcp", launch.port);
    let binding = PortBinding { host_ip: Some(LOOPBACK.to_owned()), host_port: Some("0".to_owned()) };
    let binds = launch.socket.iter().map(|socket| format!("{}:{SOCKET}", socket.path.display()));
    let labels = context.labels.of_component(&launch.component.to_string());
    let host = HostConfig {
        network_mode: Some(context.network.clone()),
        port_bindings: Some([(port.clone(), Some(vec![binding]))].into()),
        binds: Some(binds.collect()),
        mounts: Some(vec![volume(labels.clone())]),
        group_add: launch.socket.as_ref().and_then(|socket| socket.group).map(|group| vec![group.to_string()]),
        cap_drop: Some(vec!["ALL".to_owned()]),
        security_opt: Some(vec!["no-new-privileges".to_owned()]),
        readonly_rootfs: Some(launch.read_only),
        tmpfs: Some([("/tmp".to_owned(), String::new())].into()),
        ..HostConfig::default()
    };
    let host = limited(host, launch.limits);
    let arguments = launch.arguments.iter().cloned().chain(["--config".to_owned(), CONFIG.to_owned()]);
    ContainerCreateBody {
        image: Some(launch.image.clone()),
        cmd: Some(arguments.collect()),
        env: Some(launch.environment.iter().map(|(name, value)| format!("{name}={value}")).collect()),
        user: launch.socket.as_ref().and_then(|socket| socket.user).map(|user| user.to_string()),
        labels: Some(labels),
        exposed_ports: Some(vec![port]),
        host_config: Some(host),
        networking_config: Some(NetworkingConfig {
            endpoints_config: Some([(context.network.clone(), endpoint(&launch.component))].into()),
        }),
        ..ContainerCreateBody::default()
    }
}

/// The period of a processor limit, in microseconds: the kernel's default.
const PERIOD: i64 = 100_000;

/// A container with these limits. As a quota, the engine accepts more processors than the machine has.
pub(super) fn limited(host: HostConfig, limits: ComponentLimits) -> HostConfig {
    let memory = i64::try_from(limits.memory.bytes).ok();
    HostConfig {
        memory,
        // Otherwise the engine allows the same amount again as swap.
        memory_swap: memory,
        cpu_period: Some(PERIOD),
        cpu_quota: Some(i64::from(limits.cpus.thousandths) * PERIOD / 1000),
        ..host
    }
}

/// How a component is attached to the network.
pub(super) fn endpoint(component: &ComponentRef) -> EndpointSettings {
    EndpointSettings { aliases: Some(vec![alias(component)]), ..EndpointSettings::default() }
}
