//! Steps that an existing cluster, or a namespace of others, does not support. They are reported before anything of a trial
//! exists.

use hourglass_cluster::Cluster;
use hourglass_scenario::Step;

use crate::RuntimeError;

/// Refuses steps that need a cluster of the harness, if the cluster is an existing one, and steps that need a namespace of the
/// trial's own, if the `namespace` is not.
pub(super) fn check(steps: &[Step], cluster: &Cluster, namespace: Option<&str>) -> Result<(), RuntimeError> {
    if cluster.machine.is_some() {
        return Ok(());
    }
    let refused = refused(steps, namespace.is_some());
    if refused.is_empty() {
        return Ok(());
    }
    let others = match namespace {
        Some(namespace) => {
            format!("others made namespace {namespace}, use one of the trial's own (without --namespace)")
        }
        None => format!(
            "others made cluster {}, use one of the harness's own (without --kubeconfig and --context)",
            cluster.name
        ),
    };
    Err(RuntimeError::Inapplicable { reason: format!("{}; {others}", refused.join("; ")) })
}

/// Each unsupported step, with its position and the reason.
fn refused(steps: &[Step], in_given_namespace: bool) -> Vec<String> {
    let each = Step::all_in(steps).into_iter();
    let told = each.filter_map(|step| {
        let access = step.kind.properties().cluster;
        let reason = if in_given_namespace { access.needs_own_namespace() } else { access.needs_own_cluster() }?;
        Some(format!("{}: `{}` {reason}", step.location, step.kind.key()))
    });
    told.collect()
}
