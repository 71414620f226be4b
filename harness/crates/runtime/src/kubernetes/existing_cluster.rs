//! Steps that an existing cluster does not support. They are reported before anything of a trial exists.

use hourglass_cluster::Cluster;
use hourglass_scenario::Step;

use crate::RuntimeError;

/// Refuses steps that need a cluster of the harness, if the cluster is an existing one.
pub(super) fn check(steps: &[Step], cluster: &Cluster) -> Result<(), RuntimeError> {
    if cluster.machine.is_some() {
        return Ok(());
    }
    let refused = refused(steps);
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

/// Each unsupported step, with its position and the reason.
fn refused(steps: &[Step]) -> Vec<String> {
    let each = Step::all_in(steps).into_iter();
    let told = each.filter_map(|step| {
        let reason = step.kind.properties().cluster.needs_own_cluster()?;
        Some(format!("{}: `{}` {reason}", step.location, step.kind.key()))
    });
    told.collect()
}
