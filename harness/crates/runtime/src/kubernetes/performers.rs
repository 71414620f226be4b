//! Performers as the cluster reports them.

use hourglass_cluster::ignore_not_found;
use hourglass_operator::api::{DEGRADED, Performer};
use kube::{ResourceExt as _, api::ListParams};

use super::trial_namespace::TrialNamespace;
use crate::RuntimeError;

/// All of the trial.
pub(super) async fn list(trial_namespace: &TrialNamespace) -> Result<Vec<Performer>, RuntimeError> {
    // Before the operator is installed, the API does not know Performers.
    let listed = ignore_not_found(trial_namespace.api::<Performer>().list(&ListParams::default()).await);
    let listed =
        listed.map_err(trial_namespace.fail(format!("list the Performers of {}", trial_namespace.namespace)))?;
    Ok(listed.map(|listed| listed.items).unwrap_or_default())
}

/// Why a Performer is not ready, as the operator reports; `None` for a ready one.
pub(super) fn trouble(performer: &Performer) -> Option<String> {
    let name = performer.name_any();
    let Some(status) = &performer.status else {
        return Some(format!("Performer {name}: the operator has not said anything yet"));
    };
    let degraded = status.conditions.iter().find(|condition| condition.type_ == DEGRADED && condition.status == "True");
    match degraded {
        Some(degraded) => Some(format!("Performer {name}: {}: {}", degraded.reason, degraded.message)),
        None if status.ready => None,
        None => Some(format!("Performer {name}: {:?}, not ready", status.phase)),
    }
}
