//! `deploy_performer`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use hourglass_runtime::{Deployment, ExecutorManagement, ListedPerformer, Refusal, RuntimeError};
use hourglass_scenario::{DeployPerformer, DeployedUntil, Step};
use hourglass_timeline::{Event, Timeline};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{RunStep, unmet};
use crate::{failure::StepFailure, world::World};

type Deploying = AbortOnDropHandle<Result<(), Refusal>>;

impl RunStep for DeployPerformer {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let (began, within) = (Instant::now(), Duration::from(self.within));
        let management = Arc::new(world.management(&self.operator).await?);
        let deployed = match management.list().await {
            Ok(before) => deploy(self, world, &management, &before, within).await?,
            Err(refusal) => Err(Unmet::Refused(refusal)),
        };
        let seen = match (deployed, self.expect_refused) {
            (Err(Unmet::Refused(refusal)), Some(code)) if refusal.has(code) => return Ok(()),
            (Err(Unmet::Refused(refusal)), _) => refusal.described(),
            (Err(Unmet::NotListed(seen)), _) => seen,
            (Ok(id), Some(_)) => format!("performer {id} was deployed"),
            (Ok(id), None) => {
                tracing::info!(performer = id, elapsed = ?began.elapsed(), "performer is deployed");
                if let Some(alias) = &self.alias {
                    world.name_performer(alias, &id);
                }
                return Ok(());
            }
        };
        let within = humantime::format_duration(within);
        let until = match (self.expect_refused, self.until) {
            (Some(code), _) => format!("refused with {code}"),
            (None, DeployedUntil::InService) => "in service".to_owned(),
            (None, DeployedUntil::Staged) => "staged".to_owned(),
        };
        let expected = format!("the deployment of a performer of {} {until} within {within}", self.operator);
        Err(unmet(world, step, expected, seen, None))
    }
}

/// Why a deployment has not come as far as it must.
enum Unmet {
    Refused(Refusal),
    /// What the executor lists instead.
    NotListed(String),
}

/// Deploys a performer besides those that are there `before`; returns the executor's id of it.
async fn deploy(
    step: &DeployPerformer,
    world: &World,
    management: &Arc<ExecutorManagement>,
    before: &[ListedPerformer],
    within: Duration,
) -> Result<Result<String, Unmet>, RuntimeError> {
    let is_new = |performer: &&ListedPerformer| before.iter().all(|earlier| earlier.id != performer.id);
    let deployment = Deployment {
        image: step.artifact().map(|(repository, digest)| (repository.to_owned(), digest.to_owned())),
        environment: step.environment.clone(),
    };
    let timeline = world.environment.timeline.clone();
    let mut deploying = begin(Arc::clone(management), step.operator.clone(), deployment, within, timeline);
    if step.until == DeployedUntil::Staged {
        let staged = management.wait_until(within, |listed| Some(listed.iter().find(is_new)?.id.clone()));
        tokio::select! {
            // An executor that has refused lists nothing new.
            biased;
            done = &mut deploying => if let Err(refusal) = joined(done)? { return Ok(Err(Unmet::Refused(refusal))) },
            staged = staged => {
                world.keep_deployment(deploying);
                return Ok(staged.map_err(Unmet::NotListed));
            }
        }
    } else if let Err(refusal) = joined((&mut deploying).await)? {
        return Ok(Err(Unmet::Refused(refusal)));
    }
    let in_service = |performer: &&ListedPerformer| performer.is_in_service() && performer.is_healthy;
    let listed =
        management.wait_until(within, |listed| Some(listed.iter().filter(is_new).find(in_service)?.id.clone()));
    Ok(listed.await.map_err(Unmet::NotListed))
}

/// Deploys in a task of its own, which may go on after its step, and records the result in the timeline.
fn begin(
    management: Arc<ExecutorManagement>,
    operator: String,
    deployment: Deployment,
    within: Duration,
    timeline: Timeline,
) -> Deploying {
    let deploying = async move {
        let done = management.deploy(&deployment, within).await;
        let result = done.as_ref().map_or_else(ToString::to_string, |()| "the executor has deployed it".to_owned());
        timeline.record(Event::of_harness(format!("deployment of a performer of {operator}: {result}")));
        done
    };
    AbortOnDropHandle::new(tokio::spawn(deploying.in_current_span()))
}

fn joined(done: Result<Result<(), Refusal>, tokio::task::JoinError>) -> Result<Result<(), Refusal>, RuntimeError> {
    done.map_err(|error| RuntimeError::Panicked { reason: error.to_string() })
}
