//! Whether a `NetworkPolicy` is enforced: a pod is reached, isolated, and must not be reached any more.

use std::time::{Duration, Instant};

use backon::{ExponentialBuilder, Retryable as _};
use hourglass_base::Check;

use super::{
    objects::{Objects, PORT},
    pods::{ProbePod, create},
    topics::POLICY,
};
use crate::{Cluster, OwnNamespace};

const REACHED_WITHIN: Duration = Duration::from_secs(4);
const ENFORCED_WITHIN: Duration = Duration::from_secs(5);

/// Isolates `walled`, and checks whether `pod` still reaches it.
pub(super) async fn enforced(
    cluster: &Cluster,
    namespace: &OwnNamespace,
    pod: &ProbePod,
    walled: &ProbePod,
) -> Option<Check> {
    let target = [format!("{}:{PORT}", walled.address)];
    let before = pod.dial(cluster, namespace, &target, REACHED_WITHIN).await;
    if !before.is_ok_and(|dialled| dialled.iter().all(|dialled| dialled.failure().is_none())) {
        // Other checks report that pods do not reach each other; nothing can be said about policies then.
        return None;
    }
    if let Err(error) = create(cluster, namespace, Objects::wall()).await {
        return Some(POLICY.missing(hourglass_component::causes::with_causes(&error)));
    }
    let applied = Instant::now();
    let cut_off = || async {
        match pod.dial(cluster, namespace, &target, Duration::ZERO).await {
            Ok(dialled) if dialled.iter().all(|dialled| dialled.failure().is_some()) => Ok(()),
            Ok(_) => Err("it is still reached".to_owned()),
            Err(why) => Err(why),
        }
    };
    let patient = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_millis(500))
        .without_max_times();
    Some(match cut_off.retry(patient).when(|_| applied.elapsed() < ENFORCED_WITHIN).await {
        Ok(()) => POLICY.ok(format!("a pod was cut off within {:.1} s", applied.elapsed().as_secs_f32())),
        Err(why) => {
            let limit = humantime::format_duration(ENFORCED_WITHIN);
            POLICY.warning(format!("a pod that a policy cuts off is not, {limit} later: {why}"))
        }
    })
}
