//! What all containers of a trial share: the engine, the network and the labels; and requests about one of them.

use std::{collections::HashMap, fmt::Display, net::IpAddr, path::PathBuf};

use bollard::{
    models::{ContainerState, ContainerSummary, NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest},
    query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder, WaitContainerOptions},
};
use futures::StreamExt as _;
use hourglass_engine::{Engine, EngineContext as _};
use hourglass_reaper::{Labels, RUN_LABEL};
use hourglass_scenario::ComponentRef;

use super::container;
use crate::RuntimeError;

/// The engine's status code for the removal of a network that containers are attached to.
const IN_USE: u16 = 403;

/// What all containers of a trial share.
#[derive(Debug, Clone)]
pub(crate) struct DockerContext {
    pub engine: Engine,
    pub labels: Labels,
    /// The name of the trial's network.
    pub network: String,
    /// The trial's folder.
    pub folder: PathBuf,
}

impl DockerContext {
    /// Creates the trial's network; returns its id as well.
    pub(super) async fn make(engine: Engine, labels: Labels, folder: PathBuf) -> Result<(Self, String), RuntimeError> {
        let network = format!("hourglass-{}", labels.run);
        let request = NetworkCreateRequest {
            name: network.clone(),
            driver: Some("bridge".to_owned()),
            labels: Some(labels.to_map()),
            ..NetworkCreateRequest::default()
        };
        let created = engine.docker().create_network(request).await;
        let id = created.context(|| format!("create network {network}"))?.id;
        tracing::debug!(network, id, "network created");
        Ok((Self { engine, labels, network, folder }, id))
    }

    /// Removes the network. If something is still attached to it, the supervisor removes both and reports it.
    pub(super) async fn remove(&self) -> Result<(), RuntimeError> {
        let removed = self.engine.docker().remove_network(&self.network).await;
        match removed.context(|| format!("remove network {}", self.network)) {
            Err(error) if error.status() == Some(IN_USE) => {
                tracing::debug!(network = self.network, "network is in use and left to the supervisor");
                Ok(())
            }
            removed => {
                removed?;
                tracing::debug!(network = self.network, "network removed");
                Ok(())
            }
        }
    }

    /// The name of a component's container: names are unique in an engine, so it contains the run.
    pub(super) fn container_name(&self, component: &str) -> String {
        format!("hourglass-{}-{}", self.labels.run, component.replace('/', "-"))
    }

    /// The containers with the label of the run and with these further labels; with `all`, the ended ones as well.
    pub(super) async fn labelled(
        &self,
        labels: &[String],
        all: bool,
    ) -> Result<Vec<ContainerSummary>, bollard::errors::Error> {
        let labels = [format!("{RUN_LABEL}={}", self.labels.run)].into_iter().chain(labels.iter().cloned()).collect();
        let filters = HashMap::from([("label".to_owned(), labels)]);
        let options = ListContainersOptionsBuilder::new().all(all).filters(&filters).build();
        self.engine.docker().list_containers(Some(options)).await
    }

    /// Whether and how a container runs.
    pub(super) async fn state(&self, id: &str) -> Result<ContainerState, RuntimeError> {
        let inspected = self.engine.docker().inspect_container(id, None::<InspectContainerOptions>).await;
        Ok(inspected.context(|| format!("inspect container {id}"))?.state.unwrap_or_default())
    }

    /// The port of this machine that leads to a container's port; `None` while it does not run.
    pub(super) async fn published(&self, id: &str, port: u16) -> Result<Option<u16>, RuntimeError> {
        let inspected = self.engine.docker().inspect_container(id, None::<InspectContainerOptions>).await;
        let ports = inspected.context(|| format!("inspect container {id}"))?.network_settings;
        let ports = ports.and_then(|settings| settings.ports).unwrap_or_default();
        let bindings = ports.get(&format!("{port}/tcp")).cloned().flatten().unwrap_or_default();
        Ok(bindings.into_iter().find_map(|binding| binding.host_port?.parse().ok()))
    }

    /// A container's own address on the trial's network, which this machine reaches if the engine runs on it.
    pub(super) async fn address(&self, id: &str) -> Result<Option<IpAddr>, RuntimeError> {
        if self.engine.address().socket().is_none() {
            return Ok(None);
        }
        let inspected = self.engine.docker().inspect_container(id, None::<InspectContainerOptions>).await;
        let networks = inspected.context(|| format!("inspect container {id}"))?.network_settings;
        let networks = networks.and_then(|settings| settings.networks).unwrap_or_default();
        Ok(networks.get(&self.network).and_then(|network| network.ip_address.as_deref()?.parse().ok()))
    }

    /// Waits until the container of `who` has ended, and returns how it ended.
    pub(super) async fn ended(&self, id: &str, who: impl Display) -> Result<String, RuntimeError> {
        let mut waiting = self.engine.docker().wait_container(id, None::<WaitContainerOptions>);
        match waiting.next().await {
            // An exit code other than 0 comes as an error.
            None | Some(Ok(_) | Err(bollard::errors::Error::DockerContainerWaitError { .. })) => {}
            Some(Err(error)) => Err(error).context(|| format!("wait for the end of the container of {who}"))?,
        }
        let state = self.state(id).await?;
        let code =
            state.exit_code.map_or_else(|| "an unknown exit code".to_owned(), |code| format!("exit code {code}"));
        let memory = if state.oom_killed == Some(true) { ", out of memory" } else { "" };
        let error = state.error.filter(|error| !error.is_empty()).map(|error| format!(" ({error})"));
        Ok(format!("{code}{memory}{}", error.unwrap_or_default()))
    }

    /// Pauses a container.
    pub(super) async fn pause(&self, id: &str, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.must_run("pause", id, component).await?;
        let paused = self.engine.docker().pause_container(id).await;
        Ok(paused.context(|| format!("pause the container of {component}"))?)
    }

    /// The engine ignores some faults of a container that has ended, or reports them by the container's id.
    async fn must_run(&self, fault: &'static str, id: &str, component: &ComponentRef) -> Result<(), RuntimeError> {
        if self.state(id).await?.running == Some(true) {
            return Ok(());
        }
        Err(RuntimeError::Fault { fault, component: component.clone(), reason: "it is not running".to_owned() })
    }

    /// Resumes a paused container.
    pub(super) async fn resume(&self, id: &str, component: &ComponentRef) -> Result<(), RuntimeError> {
        let resumed = self.engine.docker().unpause_container(id).await;
        Ok(resumed.context(|| format!("resume the container of {component}"))?)
    }

    /// Disconnects a container from the network.
    pub(super) async fn disconnect(&self, id: &str, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.must_run("disconnect", id, component).await?;
        let request = NetworkDisconnectRequest { container: id.to_owned(), force: Some(false) };
        let done = self.engine.docker().disconnect_network(&self.network, request).await;
        Ok(done.context(|| format!("disconnect {component} from network {}", self.network))?)
    }

    /// Connects a container to the network again, under the same name.
    pub(super) async fn reconnect(&self, id: &str, component: &ComponentRef) -> Result<(), RuntimeError> {
        let endpoint_config = Some(container::endpoint(component));
        let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config };
        let done = self.engine.docker().connect_network(&self.network, request).await;
        Ok(done.context(|| format!("connect {component} to network {}", self.network))?)
    }
}
