//! What cannot be done in a cluster that others made. It is told before anything of a trial is there.

use hourglass_cluster::Cluster;
use hourglass_scenario::{ClusterFault, Scenario, Step, StepKind};

use crate::RuntimeError;

/// Refuses scenarios with steps that take a cluster of the harness's own, where it is not.
pub(super) fn check(scenario: &Scenario, cluster: &Cluster) -> Result<(), RuntimeError> {
    if cluster.machine.is_some() {
        return Ok(());
    }
    let refused = refused(&scenario.steps);
    if refused.is_empty() {
        return Ok(());
    }
    let reason = format!(
        "{}; others made cluster {}, use one of the harness's own (without --kubeconfig and --context)",
        refused.join("; "),
        cluster.name
    );
    Err(RuntimeError::Inapplicable { reason })
}

/// Each step that cannot be done, with its place and why.
fn refused(steps: &[Step]) -> Vec<String> {
    let each = Step::all_in(steps).into_iter();
    let told =
        each.filter_map(|step| Some(format!("{}: `{}` {}", step.location, step.kind.key(), what_for(&step.kind)?)));
    told.collect()
}

/// What a step does that takes a cluster of the harness's own.
fn what_for(kind: &StepKind) -> Option<&'static str> {
    match kind {
        StepKind::Pause(_) => Some("stops processes, which takes the nodes"),
        // Policies are for new connections, and components keep theirs.
        StepKind::Disconnect(_) | StepKind::Cut(_) => Some("ends open connections, which takes the nodes"),
        kind if ClusterFault::of(kind).is_some_and(|fault| fault.is_felt_by_others()) => {
            Some("touches what is not the trial's own")
        }
        _ => None,
    }
}
