//! Objects with the harness's labels in an engine, with one call for each kind of object.

use std::{collections::HashMap, fmt};

use bollard::{
    models::{ContainerSummary, Network, Volume},
    query_parameters::{ListContainersOptionsBuilder, ListNetworksOptionsBuilder, ListVolumesOptionsBuilder},
};
use hourglass_engine::{Engine, EngineContext as _, EngineError};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{RUN_LABEL, RunId};

/// A container that belongs to a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LabelledContainer {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The image that it was made from, as it was named then.
    pub image: String,
}

/// A network that belongs to a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct LabelledNetwork {
    /// Its id.
    pub id: String,
    /// Its name, which others may have as well.
    pub name: String,
}

impl fmt::Display for LabelledContainer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "container {} ({})", self.name, self.image)
    }
}

impl fmt::Display for LabelledNetwork {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "network {}", self.name)
    }
}

/// Which labels count.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// The labels of one run.
    Run(&'a RunId),
    /// The labels of every run.
    EveryRun,
}

type Filters = HashMap<&'static str, Vec<String>>;

impl Scope<'_> {
    fn filters(self) -> Filters {
        let label = match self {
            Self::Run(run) => format!("{RUN_LABEL}={run}"),
            Self::EveryRun => RUN_LABEL.to_owned(),
        };
        HashMap::from([("label", vec![label])])
    }
}

/// Objects with labels, running or not.
#[derive(Debug, Default)]
pub(crate) struct Objects {
    pub(crate) containers: Vec<ContainerSummary>,
    pub(crate) networks: Vec<Network>,
    pub(crate) volumes: Vec<Volume>,
}

impl Objects {
    /// Looks once, for all kinds concurrently.
    pub(crate) async fn find(engine: &Engine, scope: Scope<'_>) -> Result<Self, EngineError> {
        let filters = scope.filters();
        let networks = ListNetworksOptionsBuilder::new().filters(&filters).build();
        let volumes = ListVolumesOptionsBuilder::new().filters(&filters).build();
        let docker = engine.docker();
        let (containers, networks, volumes) = tokio::join!(
            list_containers(engine, &filters),
            docker.list_networks(Some(networks)),
            docker.list_volumes(Some(volumes))
        );
        Ok(Self {
            containers: containers?,
            networks: networks.context(|| "list the networks of runs".to_owned())?,
            volumes: volumes.context(|| "list the volumes of runs".to_owned())?.volumes.unwrap_or_default(),
        })
    }
}

/// The containers that are attached to one of these networks, or will be when they start.
pub(super) async fn attached_to(
    engine: &Engine,
    networks: &[LabelledNetwork],
) -> Result<Vec<ContainerSummary>, EngineError> {
    if networks.is_empty() {
        return Ok(Vec::new());
    }
    // A container that was never started has only the name of its network.
    let either = networks.iter().flat_map(|network| [network.id.clone(), network.name.clone()]).collect();
    let mut found = list_containers(engine, &HashMap::from([("network", either)])).await?;
    // The name alone may belong to another network.
    found.retain(|container| networks.iter().any(|network| network.holds(container)));
    Ok(found)
}

impl LabelledNetwork {
    pub(crate) fn of(network: &Network) -> Self {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        Self { id: text(&network.id), name: text(&network.name) }
    }

    fn holds(&self, container: &ContainerSummary) -> bool {
        endpoints(container).any(|(name, id)| self.is(name, id))
    }

    /// Whether a container's entry for a network, with its name and id, means this network.
    pub(super) fn is(&self, name: &str, id: &str) -> bool {
        if id.is_empty() { name == self.name || name == self.id } else { id == self.id }
    }
}

/// The networks of a container: name, and id, which is empty before the first start.
pub(super) fn endpoints(container: &ContainerSummary) -> impl Iterator<Item = (&str, &str)> {
    let networks = container.network_settings.as_ref().and_then(|settings| settings.networks.as_ref());
    networks.into_iter().flatten().map(|(name, endpoint)| (&**name, endpoint.network_id.as_deref().unwrap_or_default()))
}

/// Whether an unlabelled container was created for the run. A container that has another run's label, or that is also
/// on a network of others (including the engine's default network), is a guest, and guests are not killed.
pub(super) fn is_only_on(container: &ContainerSummary, networks: &[LabelledNetwork]) -> bool {
    let of_a_run = container.labels.iter().flatten().any(|(key, _)| key == RUN_LABEL);
    !of_a_run && endpoints(container).all(|(name, id)| networks.iter().any(|network| network.is(name, id)))
}

impl LabelledContainer {
    pub(crate) fn of(container: &ContainerSummary) -> Self {
        let id = container.id.clone().unwrap_or_default();
        let name = container.names.iter().flatten().next().map(|name| name.trim_start_matches('/').to_owned());
        Self { name: name.unwrap_or_else(|| id.clone()), image: container.image.clone().unwrap_or_default(), id }
    }
}

async fn list_containers(engine: &Engine, filters: &Filters) -> Result<Vec<ContainerSummary>, EngineError> {
    let options = ListContainersOptionsBuilder::new().all(true).filters(filters).build();
    engine.docker().list_containers(Some(options)).await.context(|| "list the containers of runs".to_owned())
}
