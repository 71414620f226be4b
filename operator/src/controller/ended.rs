//! Pods that have ended, and that their kubelet has not released yet: it looks once a second, and users who remove or
//! replace a Performer wait for it.

use futures::future::join_all;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, Preconditions},
};

use super::{context::Context, error::ask};
use crate::{api::Performer, health::with_causes, status::has_ended};

/// Deletes the ended pods of `performer`. A pod that stays is gone a moment later anyway, so that errors are ignored.
pub(super) async fn remove(context: &Context, performer: &Performer) {
    let pods = context.stores.pods(performer);
    let api = Api::<Pod>::namespaced(context.client.clone(), &performer.namespace().unwrap_or_default());
    let deletions = pods.iter().filter(|pod| has_ended(pod)).map(|pod| {
        let (api, name) = (api.clone(), pod.name_any());
        // The uid protects another pod of the same name.
        let preconditions = Some(Preconditions { uid: pod.uid(), ..Preconditions::default() });
        let params = DeleteParams { preconditions, ..DeleteParams::default().grace_period(0) };
        async move {
            let deleting = api.delete(&name, &params);
            if let Err(error) = ask(performer, format!("delete Pod {name}, which has ended"), deleting).await {
                let object = format!("{}/{}", performer.namespace().unwrap_or_default(), performer.name_any());
                tracing::debug!(object, error = with_causes(&error), "left to its kubelet");
            }
        }
    });
    join_all(deletions).await;
}
