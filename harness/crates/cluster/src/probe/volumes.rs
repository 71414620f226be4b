//! Whether a claim on the default storage class gets a volume.

use std::time::{Duration, Instant};

use hourglass_base::Check;
use hourglass_component::causes::with_causes;
use k8s_openapi::api::{
    core::v1::{Event, PersistentVolumeClaim},
    storage::v1::StorageClass,
};
use kube::{Api, ResourceExt as _, api::ListParams, runtime::watcher};
use tokio::time::timeout;

use super::{
    objects::{CLAIM, Objects},
    pods::create,
    topics::VOLUMES,
};
use crate::{Cluster, ClusterError, OwnNamespace, usable::watch};

const DEFAULT_CLASS: &str = "storageclass.kubernetes.io/is-default-class";
const BOUND_WITHIN: Duration = Duration::from_secs(10);

/// Creates a small claim, and waits until it is bound.
pub(super) async fn bound(cluster: &Cluster, namespace: &OwnNamespace, objects: &Objects) -> Check {
    claim(cluster, namespace, objects).await.unwrap_or_else(|error| VOLUMES.missing(with_causes(&error)))
}

async fn claim(cluster: &Cluster, namespace: &OwnNamespace, objects: &Objects) -> Result<Check, ClusterError> {
    let classes = Api::<StorageClass>::all(cluster.client.clone()).list(&ListParams::default()).await;
    let classes = classes.map_err(ClusterError::api(&cluster.name, "list storage classes"))?;
    let is_default =
        |class: &&StorageClass| class.annotations().get(DEFAULT_CLASS).is_some_and(|value| value == "true");
    let Some(class) = classes.iter().find(is_default).map(kube::ResourceExt::name_any) else {
        return Ok(VOLUMES.missing("there is no default StorageClass"));
    };
    let began = Instant::now();
    create(cluster, namespace, Objects::claim()).await?;
    create(cluster, namespace, objects.claimer()).await?;
    let by_name = watcher::Config::default().fields(&format!("metadata.name={CLAIM}"));
    let claims = namespace.api::<PersistentVolumeClaim>();
    let bound = watch(cluster, claims, by_name, "volume claims", |claims| {
        let claim = claims.get(CLAIM)?.status.as_ref()?;
        (claim.phase.as_deref() == Some("Bound")).then_some(())
    });
    if let Ok(bound) = timeout(BOUND_WITHIN, bound).await {
        bound?;
        let seconds = began.elapsed().as_secs_f32();
        return Ok(VOLUMES.ok(format!("a claim on StorageClass {class} was bound within {seconds:.1} s")));
    }
    let said = last_event(namespace).await.unwrap_or_else(|| "no event says why".to_owned());
    let limit = humantime::format_duration(BOUND_WITHIN);
    Ok(VOLUMES.missing(format!("a claim on StorageClass {class} is not bound after {limit}: {said}")))
}

/// The last event of the claim, or of the pod that waits for it.
async fn last_event(namespace: &OwnNamespace) -> Option<String> {
    let about = ListParams::default().fields(&format!("involvedObject.name={CLAIM}"));
    let events = namespace.api::<Event>().list(&about).await.ok()?;
    events.items.into_iter().max_by_key(kube::ResourceExt::creation_timestamp).and_then(|event| event.message)
}
