//! How long steps and trials may take: what files say, and what holds where they say nothing.

use std::time::Duration;

use hourglass_component::document::{Duration as DocumentDuration, Pointer, Problem};

use super::step::{CreateTask, Step, StepDocument, StepKind};

/// What a trial may take at least.
const SHORTEST_TIMEOUT: Duration = Duration::from_mins(10);
/// What a trial may take besides its steps: chains and components that start, invariants that are checked.
const BESIDES_STEPS: Duration = Duration::from_mins(5);
/// How long a single task may take until it is mined.
const TASK_MINED_WITHIN: Duration = Duration::from_secs(30);
/// How much longer each further task of a group may take.
const FURTHER_TASK: Duration = Duration::from_millis(100);

impl CreateTask {
    /// How long it may take until all tasks are mined.
    pub fn within(&self) -> DocumentDuration {
        let by_count = TASK_MINED_WITHIN + self.count.saturating_sub(1) * FURTHER_TASK;
        self.within.unwrap_or_else(|| by_count.into())
    }
}

impl StepKind {
    /// How long it may take; steps that run side by side have limits of their own.
    pub fn within(&self) -> Option<Duration> {
        let within = match self {
            Self::CreateTask(step) => step.within(),
            Self::ExpectVerified(step) => step.within,
            Self::ExpectExpired(step) => step.within,
            Self::ExpectRejected(step) => step.within,
            Self::ExpectEvent(step) => step.within,
            Self::Kill(step) => step.within,
            Self::Restart(step) => step.within,
            Self::Pause(step) => step.within,
            Self::Resume(step) => step.within,
            Self::Disconnect(step) => step.within,
            Self::Reconnect(step) => step.within,
            Self::DeletePod(step) => step.within,
            Self::KillClusterOperator(step) => step.within,
            Self::ScaleClusterOperator(step) => step.within,
            Self::DrainNode(step) => step.within,
            Self::UncordonNodes(step) => step.within,
            Self::LimitPods(step) => step.within,
            Self::Cut(step) => step.within,
            Self::Mend(step) => step.within,
            Self::Mine(step) => step.within,
            Self::Warp(step) => step.within,
            Self::Parallel(_) => return None,
        };
        Some(within.into())
    }
}

/// The limit of each kind that a step in a file names, with the kind's key.
pub(super) fn limits(step: &StepDocument) -> Vec<(&'static str, Duration)> {
    step.kinds().into_iter().filter_map(|kind| Some((kind.key(), kind.within()?))).collect()
}

/// What a trial of these steps may take where its scenario does not say.
pub(super) fn default_timeout(steps: &[Step]) -> DocumentDuration {
    sum(steps).saturating_add(BESIDES_STEPS).max(SHORTEST_TIMEOUT).into()
}

fn sum(steps: &[Step]) -> Duration {
    let each = steps.iter().map(|step| match &step.kind {
        // Of branches that run side by side the longest counts.
        StepKind::Parallel(branches) => {
            branches.iter().map(|branch| sum(std::slice::from_ref(branch))).max().unwrap_or_default()
        }
        kind => kind.within().unwrap_or_default(),
    });
    each.fold(Duration::ZERO, Duration::saturating_add)
}

/// The problem of a limit of no time at all.
pub(super) fn no_time(at: &Pointer, key: &str) -> Problem {
    Problem::at_value(at, format!("`{key}` must be longer than zero"))
        .label("no time at all")
        .help("give a duration such as `10s`")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{Loader, Scenario};

    fn scenario(rest: &str) -> Scenario {
        let text = format!("name: limits\ndescription: A test's own.\n{rest}");
        let file = Loader::new().unwrap().parse(Path::new("limits.yaml"), text).unwrap();
        (*file.variants[0].scenario).clone()
    }

    /// A step without a limit could hold up a trial for ever.
    #[rstest::rstest]
    #[case::one("create_task: {payload: x}", 30_000)]
    #[case::many("create_task: {payload: x, count: 1000}", 129_900)]
    #[case::told("create_task: {payload: x, count: 1000, within: 1s}", 1_000)]
    #[case::fault("kill: {component: aggregator}", 60_000)]
    #[case::expectation("expect_rejected: {payload: x, error: PayloadIsEmpty}", 10_000)]
    fn every_step_has_a_limit(#[case] step: &str, #[case] milliseconds: u64) {
        let scenario =
            scenario(&format!("steps:\n  - {step}\n  - expect_rejected: {{payload: y, error: PayloadIsEmpty}}\n"));
        assert_eq!(scenario.steps[0].kind.within(), Some(Duration::from_millis(milliseconds)));
    }

    /// A step that exceeds its limit must be named before the trial exceeds its own.
    #[test]
    fn a_trial_may_take_longer_than_its_steps() {
        let expect = "expect_rejected: {payload: y, error: PayloadIsEmpty, within: 5m}";
        let timeout = |rest: &str| Duration::from(scenario(rest).timeout);
        assert_eq!(timeout("steps: [{expect_rejected: {payload: y, error: PayloadIsEmpty}}]\n"), SHORTEST_TIMEOUT);
        assert_eq!(timeout(&format!("steps: [{{{expect}}}, {{{expect}}}]\n")), Duration::from_mins(15));
        let side_by_side = format!("steps: [{{parallel: [{{{expect}}}, {{{expect}}}]}}]\n");
        assert_eq!(timeout(&side_by_side), Duration::from_mins(10), "branches take as long as the longest");
        assert_eq!(timeout(&format!("timeout: 7s\nsteps: [{{{expect}}}]\n")), Duration::from_secs(7));
    }
}
