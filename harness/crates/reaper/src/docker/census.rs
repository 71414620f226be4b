//! The objects of every run in an engine.

use std::{collections::BTreeMap, iter};

use hourglass_engine::{Engine, EngineAddress, EngineError};

use super::{
    kind::Connection,
    objects::{LabelledContainer, LabelledNetwork, Objects, Scope, attached_to, endpoints, is_only_on},
};
use crate::{Labels, ReaperError, RunId};

/// The objects of one run in an engine.
#[derive(Debug, Default)]
pub(crate) struct RunObjects {
    /// The labels of the object that expires first.
    pub(crate) labels: Option<Labels>,
    pub(crate) containers: Vec<LabelledContainer>,
    pub(crate) networks: Vec<LabelledNetwork>,
    pub(crate) volumes: Vec<String>,
}

type ByRun = BTreeMap<RunId, RunObjects>;

impl RunObjects {
    /// Asks the engine at this address.
    pub(crate) fn of_every_run(address: &EngineAddress) -> Result<Result<ByRun, EngineError>, ReaperError> {
        let connection = match Connection::to(address).map_err(ReaperError::Runtime)? {
            Ok(connection) => connection,
            Err(error) => return Ok(Err(error)),
        };
        Ok(connection.within_limit(address, Self::find(connection.engine())))
    }

    async fn find(engine: &Engine) -> Result<ByRun, EngineError> {
        let found = Objects::find(engine, Scope::EveryRun).await?;
        let mut runs = ByRun::new();
        for container in &found.containers {
            if let Some(labels) = container.labels.as_ref().and_then(Labels::from_map) {
                runs.entry(labels.run.clone())
                    .or_default()
                    .note(labels)
                    .containers
                    .push(LabelledContainer::of(container));
            }
        }
        for network in &found.networks {
            if let Some(labels) = network.labels.as_ref().and_then(Labels::from_map) {
                runs.entry(labels.run.clone()).or_default().note(labels).networks.push(LabelledNetwork::of(network));
            }
        }
        for volume in &found.volumes {
            if let Some(labels) = Labels::from_map(&volume.labels) {
                runs.entry(labels.run.clone()).or_default().note(labels).volumes.push(volume.name.clone());
            }
        }
        let networks: Vec<_> = runs.values().flat_map(|run| run.networks.clone()).collect();
        let hanging = attached_to(engine, &networks).await?;
        for run in runs.values_mut() {
            let own = hanging.iter().filter(|one| endpoints(one).count() > 0 && is_only_on(one, &run.networks));
            run.containers.extend(own.map(LabelledContainer::of));
        }
        Ok(runs)
    }

    fn note(&mut self, labels: Labels) -> &mut Self {
        let first = iter::once(labels).chain(self.labels.take()).min_by_key(|labels| labels.expires);
        self.labels = first;
        self
    }
}
