//! Pods that no Deployment made, but that the Service would select. The public operator, whose Performers this one
//! takes over, creates bare pods with the same label.

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, Preconditions},
};

use super::{
    context::Context,
    error::{ReconcileError, ask},
    events::Happened,
};
use crate::{
    api::{KIND, Performer, TEMPLATE_ANNOTATION},
    status::is_pod_ready,
};

/// Deletes the stray pods of `performer`: those that serve once they are `replaced`, all others at once.
pub(super) async fn remove(context: &Context, performer: &Performer, replaced: bool) -> Result<(), ReconcileError> {
    let pods = context.stores.pods(performer);
    for pod in pods.iter().filter(|pod| is_stray(pod) && (replaced || !is_pod_ready(pod))) {
        let name = pod.name_any();
        // The uid protects another pod of the same name.
        let preconditions = Preconditions { uid: pod.uid(), ..Preconditions::default() };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        let api = Api::<Pod>::namespaced(context.client.clone(), &performer.namespace().unwrap_or_default());
        match ask(performer, format!("delete Pod {name}"), api.delete(&name, &params)).await {
            Ok(_) => {
                let note = format!("pod {name} is deleted: no Deployment made it, and tasks would go to it");
                context.events.tell(performer, vec![Happened::normal("StrayDeleted", "Delete", note)]);
            }
            Err(ReconcileError::Gone { .. } | ReconcileError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether `pod`, which has the label of a performer, belongs to no template of its Deployment. Pods of other
/// controllers are left alone, because their controllers would only create new ones.
fn is_stray(pod: &Pod) -> bool {
    let mut controllers = pod.owner_references().iter().filter(|owner| owner.controller == Some(true));
    pod.metadata.deletion_timestamp.is_none()
        && !pod.annotations().contains_key(TEMPLATE_ANNOTATION)
        && controllers.all(|owner| owner.kind == KIND)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use serde_json::{Value, json};

    use super::*;

    fn owned(kind: &str) -> Value {
        json!([{"apiVersion": "v", "kind": kind, "name": "n", "uid": "u", "controller": true}])
    }

    #[rstest]
    #[case("of the public operator", json!({"ownerReferences": owned("Performer")}), true)]
    #[case("of nobody", json!({}), true)]
    #[case("of a Deployment of the operator", json!({
        "ownerReferences": owned("ReplicaSet"), "annotations": {TEMPLATE_ANNOTATION: "1"},
    }), false)]
    #[case("that its ReplicaSet takes up again", json!({"annotations": {TEMPLATE_ANNOTATION: "1"}}), false)]
    #[case("of another controller", json!({"ownerReferences": owned("ReplicaSet")}), false)]
    #[case("that goes already", json!({"deletionTimestamp": "2026-03-01T12:00:00Z"}), false)]
    fn pods_without_a_controller_are_orphans(#[case] pod: &str, #[case] metadata: Value, #[case] stray: bool) {
        let found: Pod = serde_json::from_value(json!({ "metadata": metadata })).unwrap();
        assert_eq!(is_stray(&found), stray, "a pod {pod}");
    }
}
