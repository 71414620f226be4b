//! The implementations of a scenario's steps: one file for each step or for a few that belong together, with the same
//! names as in the scenario crate. A step acts on the world of its trial and reports failures.
//!
//! The scenario crate's list leads to the steps: a kind of step without a [`RunStep`] does not compile.

mod call;
mod cluster_operator;
mod create_task;
mod delete_pod;
mod deploy_performer;
mod disconnect;
mod expect_event;
mod expect_expired;
mod expect_log;
mod expect_performers;
mod expect_rejected;
mod expect_verified;
mod kill;
mod load;
mod mine;
mod nodes;
mod partition;
mod pause;
mod remove_performer;
mod send_transaction;
mod set_pod_quota;
mod warp;

use std::time::Instant;

use futures::{FutureExt as _, future::BoxFuture};
use hourglass_component::keys::{Address, H256};
use hourglass_runtime::ClusterFaults;
use hourglass_scenario::{Step, StepKind, StepPurpose, for_each_step_kind};
use hourglass_timeline::Event;
use tracing::Instrument as _;

use super::{
    failure::{EnvironmentError, StepFailure},
    limits::{Stage, limited},
    traces::{LINE, OUTCOME, PLACE, STEP},
    verdict::StepOutcome,
    world::World,
};

/// The implementation of a kind of step.
trait RunStep {
    /// Runs it on the world of the trial. `step` is the same step with what reports need: its name and its position.
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure>;
}

/// Runs steps one after the other, up to the first that fails.
pub(super) async fn run_all(
    world: &World,
    steps: &[Step],
    stage: &Stage,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<(), StepFailure> {
    for step in steps {
        stage.enter(&described(step));
        progress(&title(step));
        run(world, step).await?;
    }
    Ok(())
}

/// Runs one step within its limit, and records in the timeline that it begins and how it ended.
pub(super) fn run<'a>(world: &'a World, step: &'a Step) -> BoxFuture<'a, Result<(), StepFailure>> {
    async move {
        let started = Instant::now();
        note(world, step, "begins", None);
        tracing::debug!("step begins");
        let done = Box::pin(limited(world, step, act(world, step))).await;
        let (outcome, detail) = match &done {
            Ok(()) => (StepOutcome::Done, String::new()),
            Err(StepFailure::Violation(violation)) => (StepOutcome::Failed, format!(": {}", violation.seen)),
            Err(StepFailure::Environment(error)) => (StepOutcome::CouldNotBeDone, format!(": {error}")),
        };
        let outcome = outcome.word();
        let what = format!("{outcome}{detail} after {:.3}s", started.elapsed().as_secs_f64());
        note(world, step, &what, Some(outcome));
        if done.is_ok() {
            tracing::info!(outcome, elapsed = ?started.elapsed(), "step is over");
        } else {
            tracing::warn!(outcome, elapsed = ?started.elapsed(), "step is over{detail}");
        }
        done
    }
    .instrument(tracing::info_span!("step", name = %title(step), place = %step.location))
    .boxed()
}

async fn act(world: &World, step: &Step) -> Result<(), StepFailure> {
    let is_fault = step.kind.properties().purpose == StepPurpose::Fault;
    let _under_way = is_fault.then(|| world.faults.begin(&world.environment.timeline));
    macro_rules! dispatch {
        ($($key:ident: $file:ident::$kind:ident,)+) => {
            match &step.kind {
                $(StepKind::$kind(kind) => kind.run(world, step).await,)+
                StepKind::Parallel(steps) => {
                    let all = futures::future::join_all(steps.iter().map(|step| run(world, step))).await;
                    // All are awaited, so that none goes on while the environment is taken down.
                    all.into_iter().collect()
                }
            }
        };
    }
    for_each_step_kind!(dispatch)
}

/// The faults of the cluster that the trial runs in, for a step that needs one.
fn cluster_faults<'a>(world: &'a World, step: &Step) -> Result<&'a dyn ClusterFaults, StepFailure> {
    Ok(world.environment.runtime.cluster_faults(step.kind.key())?)
}

/// The failure of a step whose expectation is not met.
pub(super) fn unmet(
    world: &World,
    step: &Step,
    expected: impl Into<String>,
    seen: impl Into<String>,
    task: Option<H256>,
) -> StepFailure {
    let violation = world.violation(title(step), Some(&step.location), expected, seen, task);
    StepFailure::Violation(Box::new(violation))
}

/// The address of a contract that a step names, or gives as an address.
fn contract(world: &World, name: &str) -> Result<Address, EnvironmentError> {
    world.environment.address_of(name).or_else(|| name.parse().ok()).ok_or_else(|| EnvironmentError::unknown(name))
}

/// Whether a contract reverted with an error: with the custom error of that name, whatever its arguments, or with that text.
fn is_error(seen: &str, expected: &str) -> bool {
    seen == expected || seen.split_once('(').is_some_and(|(name, _)| name == expected)
}

/// A step and its position.
pub(super) fn described(step: &Step) -> String {
    format!("{} at {}", title(step), step.location)
}

/// The name of a step in reports.
pub(super) fn title(step: &Step) -> String {
    step.name.as_ref().map_or_else(|| step.kind.key().to_owned(), |name| format!("{} ({name})", step.kind.key()))
}

fn note(world: &World, step: &Step, what: &str, outcome: Option<&str>) {
    let mut event = Event::of_harness(format!("step {} {what}", title(step)));
    event.fields.insert(STEP.to_owned(), title(step).into());
    event.fields.insert(LINE.to_owned(), step.location.line.into());
    event.fields.extend(outcome.map(|outcome| (OUTCOME.to_owned(), outcome.into())));
    event.fields.insert(PLACE.to_owned(), step.location.to_string().into());
    world.environment.timeline.record(event);
}
