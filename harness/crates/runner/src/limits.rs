//! Limits of steps and trials: what ends them, and who is to blame when they are exceeded.

use std::{
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hourglass_component::timeout::timeout;
use hourglass_reaper::SweepTrigger;
use hourglass_runtime::{Runtime, RuntimeError, Teardown};
use hourglass_scenario::Step;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{EnvironmentError, chain_watch, failure::StepFailure, steps::unmet, verdict::Violation, world::World};

/// How much longer a step may take that checks its `within` itself and has more to report when that is over: components
/// are stopped before they are started again, and sources are asked once more.
const ALLOWANCE: Duration = Duration::from_mins(1);
/// How long to wait after an error of the environment for the failure that caused it, which says more.
pub(super) const CAUSE_WITHIN: Duration = Duration::from_secs(2);
/// How long an interrupted trial may take to end in order; then the supervisor ends it.
pub(super) const END_WITHIN: Duration = Duration::from_secs(6);
/// How long the report of an ended trial may take to look up the state of tasks.
pub(super) const REPORT_WITHIN: Duration = Duration::from_secs(30);
/// The same if chains may not answer any more.
pub(super) const REPORT_AFTER_FAILURE_WITHIN: Duration = Duration::from_secs(1);

/// Runs a step within its limit. One that exceeds it is a violation, unless the environment does not answer.
pub(super) async fn limited(
    world: &World,
    step: &Step,
    doing: impl Future<Output = Result<(), StepFailure>>,
) -> Result<(), StepFailure> {
    let Some(within) = step.kind.within() else { return doing.await };
    let limit = if step.kind.properties().reports_timeout { within + ALLOWANCE } else { within };
    if let Ok(done) = timeout(limit, doing).await {
        return done;
    }
    tracing::warn!(?limit, "the step exceeds its limit");
    responds(world).await?;
    let expected = format!("done within {}", humantime::format_duration(within));
    let seen = format!("not done after {}", humantime::format_duration(limit));
    Err(unmet(world, step, expected, seen, None))
}

/// Whether the environment of the trial answers.
pub(super) async fn responds(world: &World) -> Result<(), EnvironmentError> {
    chain_watch::answer(&world.environment.chains).await?;
    Ok(world.environment.runtime.responds().await?)
}

/// What a trial is doing, for the message when its time is up.
#[derive(Debug)]
pub(super) struct Stage(Mutex<String>);

impl Default for Stage {
    /// What a trial does before it says so.
    fn default() -> Self {
        Self(Mutex::new("preparing chains".to_owned()))
    }
}

impl Stage {
    /// The trial begins this stage.
    pub(super) fn enter(&self, stage: &str) {
        tracing::info!("{stage}");
        stage.clone_into(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Runs `work`, which has [`END_WITHIN`] left after an interruption; `None` if it took longer, so that it was dropped.
pub(super) async fn unless_interrupted<T>(interrupt: &CancellationToken, work: impl Future<Output = T>) -> Option<T> {
    let late = async {
        interrupt.cancelled().await;
        sleep(END_WITHIN).await;
    };
    tokio::select! {
        biased;
        done = work => Some(done),
        () = late => None,
    }
}

/// Ends the components of a runtime; `None` if that took longer than an interruption allows, so that the supervisor
/// does it.
pub(super) async fn stop(
    runtime: Box<dyn Runtime>,
    interrupt: &CancellationToken,
) -> Option<Result<Teardown, RuntimeError>> {
    let sweep_trigger = runtime.sweep_trigger();
    let stopped = unless_interrupted(interrupt, runtime.stop()).await;
    if stopped.is_none() {
        tracing::warn!("the interrupted trial does not end in time, its supervisor ends it");
        sweep_trigger.into_iter().for_each(SweepTrigger::trigger);
    }
    stopped
}

/// The violation of a trial that took longer than its limit.
pub(super) fn late(limit: Duration, stage: &str, timeline: Vec<String>) -> Violation {
    Violation {
        what: "the trial".to_owned(),
        place: None,
        expected: format!("its end within {}", humantime::format_duration(limit)),
        seen: format!("no end by then; it was at: {stage}"),
        task: None,
        timeline,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Even a trial that has no time for anything was at something.
    #[test]
    fn a_late_trial_was_at_a_stage() {
        let stage = Stage::default();
        let seen = |stage: &Stage| late(Duration::from_secs(1), &stage.to_string(), Vec::new()).seen;
        assert_eq!(seen(&stage), "no end by then; it was at: preparing chains");
        stage.enter("starting chains");
        assert_eq!(seen(&stage), "no end by then; it was at: starting chains");
    }
}
