//! The default time limits of trials, derived from those of their steps.

use std::time::Duration;

use hourglass_component::document::{Duration as DocumentDuration, Pointer, Problem};

use super::step::Step;
use super::steps::StepKind;

/// The least time limit of a trial.
const SHORTEST_TIMEOUT: Duration = Duration::from_mins(10);
/// The time of a trial besides its steps: chains and components start, and invariants are checked.
const BESIDES_STEPS: Duration = Duration::from_mins(5);

/// The time limit of a trial with these steps if its scenario has none.
pub(super) fn default_timeout(steps: &[Step]) -> DocumentDuration {
    sum(steps).saturating_add(BESIDES_STEPS).max(SHORTEST_TIMEOUT).into()
}

fn sum(steps: &[Step]) -> Duration {
    let each = steps.iter().map(|step| match &step.kind {
        // Branches run concurrently, so the longest counts.
        StepKind::Parallel(branches) => {
            branches.iter().map(|branch| sum(std::slice::from_ref(branch))).max().unwrap_or_default()
        }
        kind => kind.within().unwrap_or_default(),
    });
    each.fold(Duration::ZERO, Duration::saturating_add)
}

/// The problem of a limit of zero.
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

    /// A step without a limit could block a trial for ever.
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
