//! The performers of an executor: containers that it made itself.

use std::{collections::HashMap, time::Duration};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use bollard::query_parameters::ListContainersOptionsBuilder;
use hourglass_component::health;
use hourglass_proto::services::v1::{
    ListPerformersRequest, Performer, executor_management_service_client::ExecutorManagementServiceClient,
};
use tokio::time::{sleep, timeout};

use super::{container, surroundings::Surroundings};
use crate::{
    engine::Engined as _,
    reaper::{COMPONENT_LABEL, RUN_LABEL},
    runtime::RuntimeError,
    scenario::ComponentRef,
};

/// The performers of one executor.
pub(super) struct Performers<'a> {
    pub surroundings: &'a Surroundings,
    /// How they are called.
    pub component: ComponentRef,
    /// What is to be done to them, as `pause`.
    pub fault: &'static str,
    /// Where their executor listens.
    pub executor: &'a str,
}

impl Performers<'_> {
    /// Their containers that run: by the label that the reference executor puts on them, else by what the executor says.
    pub(super) async fn running(&self) -> Result<Vec<String>, RuntimeError> {
        let labelled = labelled(&self.component, false, self.surroundings).await?;
        if !labelled.is_empty() {
            return Ok(labelled);
        }
        let known = self.list().await?.into_iter();
        Ok(known.filter(|performer| performer.resource_healthy).map(|performer| performer.container_id).collect())
    }

    /// Those that run, of which there must be one.
    pub(super) async fn some(&self) -> Result<Vec<String>, RuntimeError> {
        let running = self.running().await?;
        if running.is_empty() {
            return Err(self.failed("its executor has no performer".to_owned()));
        }
        Ok(running)
    }

    /// Kills them.
    pub(super) async fn kill(&self) -> Result<(), RuntimeError> {
        for id in self.some().await? {
            container::kill(&id, &self.component, self.surroundings).await?;
        }
        Ok(())
    }

    /// Kills those that run, and waits until their executor has healthy ones in their place.
    pub(super) async fn restart(&self, within: Duration) -> Result<(), RuntimeError> {
        let before = self.running().await?;
        for id in &before {
            // It may have ended without its executor having noticed.
            let _ = container::kill(id, &self.component, self.surroundings).await;
        }
        let mut state = "its executor has no performer".to_owned();
        let replaced = async {
            // The executor tells of its own health late, and has no watch for its performers'.
            for pause in pauses() {
                let now = self.list().await?;
                let is_new =
                    |performer: &Performer| performer.application_healthy && !before.contains(&performer.container_id);
                if !now.is_empty() && now.iter().all(is_new) {
                    break;
                }
                if let Some(performer) = now.iter().find(|performer| !is_new(performer)) {
                    let (resource, health) = (&performer.container_id, performer.application_healthy);
                    state = format!("performer container {resource:?} has application_healthy {health}");
                }
                sleep(pause).await;
            }
            Ok(())
        };
        let replaced = timeout(within, replaced).await;
        replaced.unwrap_or_else(|_| {
            let component = self.component.clone();
            Err(RuntimeError::NotReady { component, within, state, output: "  (see the executor's log)".to_owned() })
        })
    }

    async fn list(&self) -> Result<Vec<Performer>, RuntimeError> {
        let channel = health::channel(self.executor).map_err(|error| self.failed(error.to_string()))?;
        let request = ListPerformersRequest::default();
        let answer = ExecutorManagementServiceClient::new(channel).list_performers(request).await;
        let answer = answer
            .map_err(|status| self.failed(format!("its executor says {:?}: {}", status.code(), status.message())))?;
        Ok(answer.into_inner().performers)
    }

    fn failed(&self, reason: String) -> RuntimeError {
        RuntimeError::Fault { fault: self.fault, component: self.component.clone(), reason }
    }
}

/// Removes what an executor that is down has left.
pub(super) async fn remove(executor: &ComponentRef, surroundings: &Surroundings) -> Result<(), RuntimeError> {
    let performer = ComponentRef::Performer(executor.operator().unwrap_or_default().to_owned());
    for id in labelled(&performer, true, surroundings).await? {
        container::remove(&id, &performer, surroundings).await?;
    }
    Ok(())
}

/// The containers that are labelled as a component; those that have ended as well if `all`.
async fn labelled(
    component: &ComponentRef,
    all: bool,
    surroundings: &Surroundings,
) -> Result<Vec<String>, RuntimeError> {
    let labels = vec![format!("{RUN_LABEL}={}", surroundings.labels.run), format!("{COMPONENT_LABEL}={component}")];
    let filters = HashMap::from([("label".to_owned(), labels)]);
    let options = ListContainersOptionsBuilder::new().all(all).filters(&filters).build();
    let listed = surroundings.engine.docker().list_containers(Some(options)).await;
    let listed = listed.doing(|| format!("list the containers of {component}"))?;
    Ok(listed.into_iter().filter_map(|container| container.id).collect())
}

/// Between two looks at an executor's performers.
fn pauses() -> impl Iterator<Item = Duration> {
    let first = Duration::from_millis(5);
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(20 * first)
        .with_factor(1.5)
        .without_max_times()
        .build()
}
