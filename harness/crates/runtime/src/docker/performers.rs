//! The performers of an executor: containers that it created itself.

use std::time::Duration;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use hourglass_component::keys::EcdsaKey;
use hourglass_engine::EngineContext as _;
use hourglass_reaper::COMPONENT_LABEL;
use hourglass_scenario::ComponentRef;

use super::{
    container,
    context::DockerContext,
    logs::{FoundContainer, Life, Watch},
};
use crate::{RuntimeError, performers::PerformersOf};

/// The performers of one executor.
pub(super) struct Performers<'a> {
    pub context: &'a DockerContext,
    /// Their name.
    pub component: ComponentRef,
    /// The fault to inject, as `pause`.
    pub fault: &'static str,
    /// The address of their executor.
    pub executor: &'a str,
    /// The key of its operator.
    pub key: &'a EcdsaKey,
}

impl Performers<'_> {
    /// Their running containers: by the label that the reference executor sets, else by what the executor reports.
    pub(super) async fn running(&self) -> Result<Vec<String>, RuntimeError> {
        let labelled = labelled(&self.component, false, self.context).await?;
        if !labelled.is_empty() {
            return Ok(labelled.into_iter().map(|found| found.id).collect());
        }
        let known = self.known().list().await?.into_iter();
        Ok(known.filter(|performer| performer.resource_healthy).map(|performer| performer.container_id).collect())
    }

    /// The running ones, at least one.
    pub(super) async fn some(&self) -> Result<Vec<String>, RuntimeError> {
        let running = self.running().await?;
        if running.is_empty() {
            return Err(self.known().failed("its executor has no performer".to_owned()));
        }
        Ok(running)
    }

    /// Kills them.
    pub(super) async fn kill(&self) -> Result<(), RuntimeError> {
        for id in self.some().await? {
            container::kill(&id, &self.component, self.context).await?;
        }
        Ok(())
    }

    /// Kills the running ones, and waits until their executor has healthy replacements.
    pub(super) async fn restart(&self, within: Duration) -> Result<(), RuntimeError> {
        let before = self.running().await?;
        for id in &before {
            // It may have ended without its executor having noticed.
            let _ = container::kill(id, &self.component, self.context).await;
        }
        // Its own output is among the executor's records.
        self.known().replaced(&before, within, || "  (see the executor's log)".to_owned()).await
    }

    fn known(&self) -> PerformersOf<'_> {
        PerformersOf { executor: self.executor, key: self.key, component: &self.component, fault: self.fault }
    }
}

/// Kills the performers that a stopped executor has left running.
pub(super) async fn end(executor: &ComponentRef, context: &DockerContext) -> Result<(), RuntimeError> {
    let performer = of(executor);
    for found in labelled(&performer, false, context).await? {
        match container::kill(&found.id, &performer, context).await {
            // It ended by itself meanwhile.
            Ok(()) | Err(RuntimeError::Kill { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the output of all performers of an executor; that of ended containers is read to its end.
pub(super) async fn read(executor: &ComponentRef, context: &DockerContext, watch: &Watch) -> Result<(), RuntimeError> {
    watch.catch_up(&labelled(&of(executor), true, context).await?).await;
    Ok(())
}

/// Removes the ended containers, which the reference executor keeps. Its executor should not have left a running one:
/// the supervisor reports that.
pub(super) async fn remove_ended(executor: &ComponentRef, context: &DockerContext) -> Result<(), RuntimeError> {
    let performer = of(executor);
    for found in labelled(&performer, true, context).await?.iter().filter(|found| found.life != Life::Running) {
        container::remove(&found.id, &performer, context).await?;
    }
    Ok(())
}

fn of(executor: &ComponentRef) -> ComponentRef {
    ComponentRef::Performer(executor.operator().unwrap_or_default().to_owned())
}

/// The containers with the label of a component; with `all`, the ended ones as well.
async fn labelled(
    component: &ComponentRef,
    all: bool,
    context: &DockerContext,
) -> Result<Vec<FoundContainer>, RuntimeError> {
    let listed = context.labelled(&[format!("{COMPONENT_LABEL}={component}")], all).await;
    let listed = listed.context(|| format!("list the containers of {component}"))?;
    let found = |container: ContainerSummary| {
        let life = match container.state {
            Some(ContainerSummaryStateEnum::CREATED) => Life::Created,
            Some(
                ContainerSummaryStateEnum::RUNNING
                | ContainerSummaryStateEnum::PAUSED
                | ContainerSummaryStateEnum::RESTARTING,
            ) => Life::Running,
            _ => Life::Ended,
        };
        container.id.map(|id| FoundContainer { id, life })
    };
    Ok(listed.into_iter().filter_map(found).collect())
}
