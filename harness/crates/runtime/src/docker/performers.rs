//! The performers of an executor: containers that it created itself.

use std::time::Duration;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use hourglass_component::keys::{Address, EcdsaKey};
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
    /// Their AVS, if their executor has performers of several.
    pub avs: Option<Address>,
}

impl Performers<'_> {
    /// Their running containers: by the label that the reference executor sets, else by what the executor reports.
    pub(super) async fn running(&self) -> Result<Vec<String>, RuntimeError> {
        let labelled = labelled(|name| *name == self.component, false, self.context).await?;
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
        let Self { executor, key, component, avs, fault, .. } = self;
        PerformersOf { executor, key, component, avs: *avs, fault }
    }
}

/// Kills the performers that a stopped executor has left running.
pub(super) async fn end(executor: &ComponentRef, context: &DockerContext) -> Result<(), RuntimeError> {
    for found in labelled(|name| name.is_performer_of(executor), false, context).await? {
        match container::kill(&found.id, &found.component, context).await {
            // It ended by itself meanwhile.
            Ok(()) | Err(RuntimeError::Kill { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads the output of all performers of an executor; that of ended containers is read to its end.
pub(super) async fn read(executor: &ComponentRef, context: &DockerContext, watch: &Watch) -> Result<(), RuntimeError> {
    watch.catch_up(&labelled(|name| name.is_performer_of(executor), true, context).await?).await;
    Ok(())
}

/// Removes the ended containers, which the reference executor keeps. Its executor should not have left a running one:
/// the supervisor reports that.
pub(super) async fn remove_ended(executor: &ComponentRef, context: &DockerContext) -> Result<(), RuntimeError> {
    let found = labelled(|name| name.is_performer_of(executor), true, context).await?;
    for found in found.iter().filter(|found| found.life != Life::Running) {
        container::remove(&found.id, &found.component, context).await?;
    }
    Ok(())
}

/// The containers with the label of a component that is meant; with `all`, the ended ones as well.
async fn labelled(
    is_meant: impl Fn(&ComponentRef) -> bool,
    all: bool,
    context: &DockerContext,
) -> Result<Vec<FoundContainer>, RuntimeError> {
    let listed = context.labelled(&[COMPONENT_LABEL.to_owned()], all).await;
    let listed = listed.context(|| "list the containers of the trial".to_owned())?;
    let found = |container: ContainerSummary| {
        let name = container.labels.as_ref()?.get(COMPONENT_LABEL)?;
        let component: ComponentRef = name.parse().ok().filter(&is_meant)?;
        let life = match container.state {
            Some(ContainerSummaryStateEnum::CREATED) => Life::Created,
            Some(
                ContainerSummaryStateEnum::RUNNING
                | ContainerSummaryStateEnum::PAUSED
                | ContainerSummaryStateEnum::RESTARTING,
            ) => Life::Running,
            _ => Life::Ended,
        };
        container.id.map(|id| FoundContainer { id, component, life })
    };
    Ok(listed.into_iter().filter_map(found).collect())
}
