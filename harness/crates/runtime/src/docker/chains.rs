//! The chains: Anvil containers, started with testcontainers.

use std::{
    collections::BTreeMap,
    mem::ManuallyDrop,
    net::{IpAddr, SocketAddr},
    path::Path,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use bollard::models::PortBinding;
use futures::{FutureExt as _, future::select_ok};
use hourglass_chain::{ChainControl, POLL_INTERVAL, READY_WITHIN, anvil_arguments};
use hourglass_component::{causes::with_causes, chain::ChainClient};
use hourglass_engine::EngineContext as _;
use hourglass_scenario::ComponentLimits;
use testcontainers::{
    ContainerAsync, GenericImage, ImageExt as _, TestcontainersError,
    core::{ContainerPort, error::ClientError},
    runners::AsyncRunner as _,
};
use tokio::time::timeout;

use super::{LOOPBACK, container::limited, context::DockerContext, logs::Watch};
use crate::RuntimeError;

const PORT: u16 = 8545;
/// The path of the state in a container. The folder for temporary files is a separate mount, which files that are
/// copied before the start would not reach.
const STATE: &str = "/state.json";
const CACHE: &str = "/tmp/anvil";

/// A running chain. When this is dropped, the container stays until it is swept: testcontainers would wait for an
/// engine that may not answer any more.
#[derive(Debug)]
pub(crate) struct AnvilContainer {
    container: ManuallyDrop<ContainerAsync<GenericImage>>,
    control: ChainControl,
    /// Its URL for containers on the network.
    pub url: String,
    /// Its address on the network, if the engine is on this machine.
    own: Option<IpAddr>,
}

impl AnvilContainer {
    /// Starts a chain with a prepared state, and waits until it answers with its id and a head; it mines instantly.
    #[tracing::instrument(name = "component", skip_all, fields(name = %format_args!("chain-{chain_id}")))]
    pub(crate) async fn start(
        image: &str,
        chain_id: u64,
        state: &Path,
        context: &DockerContext,
        watch: &Watch,
    ) -> Result<Self, RuntimeError> {
        let component = format!("chain-{chain_id}");
        let name = context.container_name(&component);
        let failed = |source| of_testcontainers(&name, source);
        let arguments = anvil_arguments("0.0.0.0", PORT, chain_id, Path::new(CACHE), Some(Path::new(STATE)));
        let (repository, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
        let request = GenericImage::new(repository, tag)
            .with_exposed_port(ContainerPort::Tcp(PORT))
            .with_container_name(&name)
            .with_network(&context.network)
            .with_labels(context.labels.of_component(&component))
            .with_copy_to(STATE, state.to_owned())
            .with_cmd(arguments.iter().map(|argument| argument.to_string_lossy().into_owned()))
            .with_cap_drop("ALL")
            .with_security_opt("no-new-privileges")
            .with_startup_timeout(READY_WITHIN)
            .with_host_config_modifier(|host| {
                // By default, the crate publishes on every address of the machine.
                let binding = PortBinding { host_ip: Some(LOOPBACK.to_owned()), host_port: Some("0".to_owned()) };
                host.publish_all_ports = Some(false);
                host.port_bindings = Some([(format!("{PORT}/tcp"), Some(vec![binding]))].into());
                *host = limited(std::mem::take(host), ComponentLimits::CHAIN);
            });
        let began = Instant::now();
        let container = ManuallyDrop::new(request.start().await.map_err(failed)?);
        tracing::debug!(container = name, image, "container started");
        let port = container.get_host_port_ipv4(PORT).await.map_err(failed)?;
        let own = context.address(container.id()).await?;
        let ended = context.ended(container.id(), &component);
        let connected = tokio::select! {
            connected = connect(port, own, chain_id, READY_WITHIN) => connected,
            how = ended => Err(how?),
        };
        match connected {
            Ok(client) => {
                let control = ChainControl::new(client);
                control.mine_instantly().await?;
                let url = format!("http://{name}:{PORT}");
                tracing::info!(url = control.client().url(), elapsed = ?began.elapsed(), "chain is ready");
                Ok(Self { container, control, url, own })
            }
            Err(reason) => {
                let output = watch.output_so_far(container.id());
                Err(RuntimeError::ChainNotReady { chain_id, container: name, reason, output })
            }
        }
    }

    /// The chain.
    pub(crate) fn control(&self) -> &ChainControl {
        &self.control
    }

    /// Its URL on the network, with its address instead of its name.
    pub(crate) fn url_by_address(&self) -> String {
        self.own.map_or_else(|| self.url.clone(), |address| format!("http://{}", SocketAddr::new(address, PORT)))
    }

    /// Kills the process. An orderly end would save nothing.
    pub(crate) async fn kill(&self, context: &DockerContext) -> Result<(), RuntimeError> {
        let id = self.container.id();
        let killed = context.engine.docker().kill_container(id, None).await;
        match killed.context(|| format!("kill the container of {}", self.url)) {
            Err(error) if !error.is_not_found() && !error.is_conflict() => Err(error.into()),
            _ => Ok(()),
        }
    }

    /// Removes the container.
    pub(crate) async fn remove(self) -> Result<(), RuntimeError> {
        let name = self.url.clone();
        let removed = ManuallyDrop::into_inner(self.container).rm().await;
        removed.map_err(|source| of_testcontainers(&name, source))?;
        tracing::debug!(url = name, "container of the chain removed");
        Ok(())
    }
}

/// A connection, as soon as the chain answers; else the last observed error. No event tells when a port opens.
///
/// The published port works wherever the engine runs. Twice in some hundred trials on a busy machine it closed every
/// connection for half a minute while the chain listened, for an unknown reason. The container's own address, if it can
/// be reached, is used as well.
async fn connect(port: u16, own: Option<IpAddr>, chain_id: u64, within: Duration) -> Result<ChainClient, String> {
    let published = format!("http://{LOOPBACK}:{port}");
    let own = own.map(|address| format!("http://{}", SocketAddr::new(address, PORT)));
    let last_seen = Mutex::new(BTreeMap::new());
    let attempts = [Some(published), own].into_iter().flatten().map(|url| {
        let last_seen = &last_seen;
        async move {
            let pauses = ExponentialBuilder::default()
                .with_min_delay(Duration::from_millis(5))
                .with_max_delay(Duration::from_millis(100))
                .without_max_times();
            (|| ChainClient::connect(&url, chain_id, POLL_INTERVAL))
                .retry(pauses)
                .notify(|error, _| {
                    let mut seen = last_seen.lock().unwrap_or_else(PoisonError::into_inner);
                    seen.insert(url.clone(), with_causes(error));
                })
                .await
        }
        .boxed()
    });
    if let Ok(Ok((client, _))) = timeout(within, select_ok(attempts)).await {
        return Ok(client);
    }
    let seen = last_seen.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seen: Vec<_> = seen.into_values().collect();
    let seen = if seen.is_empty() { "no answer".to_owned() } else { seen.join("; ") };
    Err(format!("it does not answer after {}: {seen}", humantime::format_duration(within)))
}

/// testcontainers wraps the engine's errors; they are reported like those of any other call.
fn of_testcontainers(container: &str, error: TestcontainersError) -> RuntimeError {
    use ClientError::{CreateContainer, InspectContainer, RemoveContainer, StartContainer};
    let doing = || format!("run container {container}");
    match error {
        TestcontainersError::Client(
            CreateContainer(source) | StartContainer(source) | InspectContainer(source) | RemoveContainer(source),
        ) => {
            let Err(error) = Err::<(), _>(source).context(doing) else {
                return RuntimeError::Container { container: container.to_owned(), source: None };
            };
            error.into()
        }
        other => RuntimeError::Container { container: container.to_owned(), source: Some(Box::new(other)) },
    }
}
