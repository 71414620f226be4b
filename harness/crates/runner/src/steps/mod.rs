//! What the steps of a scenario do: one file a family. A step acts on the world of its trial and says what is wrong.

mod chain;
mod create;
mod event;
mod expired;
mod faults;
mod rejected;
mod verified;

use std::time::Instant;

use futures::{FutureExt as _, future::BoxFuture};
use hourglass_scenario::{Step, StepKind};
use hourglass_timeline::Event;

use super::{
    failure::StepFailure,
    limits::{Stage, limited},
    traces::{LINE, OUTCOME, STEP},
    world::World,
};

/// Runs steps one after the other, up to the first that fails.
pub(super) async fn run_all(
    world: &World,
    steps: &[Step],
    stage: &Stage,
    progress: &(dyn Fn(&str) + Sync),
) -> Result<(), StepFailure> {
    for step in steps {
        stage.enter(&format!("{} at {}", title(step), step.location));
        progress(&title(step));
        run(world, step).await?;
    }
    Ok(())
}

fn run<'a>(world: &'a World, step: &'a Step) -> BoxFuture<'a, Result<(), StepFailure>> {
    async move {
        let started = Instant::now();
        note(world, step, "begins", None);
        let done = Box::pin(limited(world, step, act(world, step))).await;
        let (outcome, detail) = match &done {
            Ok(()) => ("done", String::new()),
            Err(StepFailure::Violation(violation)) => ("failed", format!(": {}", violation.seen)),
            Err(StepFailure::Environment(error)) => ("could not be done", format!(": {error}")),
        };
        let what = format!("{outcome}{detail} after {:.3}s", started.elapsed().as_secs_f64());
        note(world, step, &what, Some(outcome));
        done
    }
    .boxed()
}

async fn act(world: &World, step: &Step) -> Result<(), StepFailure> {
    match &step.kind {
        StepKind::CreateTask(create) => create::run(world, create).await,
        StepKind::ExpectVerified(expect) => verified::run(world, step, expect).await,
        StepKind::ExpectExpired(expect) => expired::run(world, step, expect).await,
        StepKind::ExpectRejected(expect) => rejected::run(world, step, expect).await,
        StepKind::ExpectEvent(expect) => event::run(world, step, expect).await,
        StepKind::Mine(mine) => chain::mine(world, mine).await,
        StepKind::Warp(warp) => chain::warp(world, warp).await,
        StepKind::Parallel(steps) => {
            let all = futures::future::join_all(steps.iter().map(|step| run(world, step))).await;
            // All are waited for, so that none goes on while the environment is taken down.
            all.into_iter().collect()
        }
        fault => {
            let _under_way = world.faults.begin(&world.environment.timeline);
            faults::run(world, fault).await
        }
    }
}

/// How reports call a step.
pub(super) fn title(step: &Step) -> String {
    step.name.as_ref().map_or_else(|| step.kind.key().to_owned(), |name| format!("{} ({name})", step.kind.key()))
}

fn note(world: &World, step: &Step, what: &str, outcome: Option<&str>) {
    let mut event = Event::of_harness(format!("step {} {what}", title(step)));
    event.fields.insert(STEP.to_owned(), title(step).into());
    event.fields.insert(LINE.to_owned(), step.location.line.into());
    event.fields.extend(outcome.map(|outcome| (OUTCOME.to_owned(), outcome.into())));
    event.fields.insert("place".to_owned(), step.location.to_string().into());
    world.environment.timeline.record(event);
}
