//! Pods without a running container.

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, Patch, PatchParams, PostParams},
    runtime::wait::{await_condition, conditions::is_deleted},
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    operator_namespace::block_on,
    operator_test::{OperatorTest, written_for_nowhere},
    orphan_pods::bare,
};

/// Kubernetes itself waits for longer, forty seconds, before it deletes pods of missing nodes.
const SOON: Duration = Duration::from_secs(20);

/// The pod's node does not exist: no kubelet releases the pod.
pub(crate) fn ended_pod_is_deleted_without_its_kubelet() {
    let test = OperatorTest::new();
    let pods: Api<Pod> = test.api();
    let (name, uid) = block_on(async {
        let performer = test.namespace.apply_performer(&written_for_nowhere("p")).await.unwrap();
        let mut pod = bare(&test, "p", Some(&performer));
        pod.spec.get_or_insert_default().node_name = Some("nowhere".to_owned());
        let pod = pods.create(&PostParams::default(), &pod).await.unwrap();
        let name = pod.name_any();
        pods.delete(&name, &DeleteParams::default().grace_period(600)).await.unwrap();
        let ended = Patch::Merge(json!({"status": {"phase": "Succeeded"}}));
        let pod = pods.patch_status(&name, &PatchParams::default(), &ended).await.unwrap();
        (name, pod.uid().unwrap())
    });
    let _operator = test.operator();
    let gone = block_on(async { timeout(SOON, await_condition(pods, &name, is_deleted(&uid))).await });
    gone.expect("the operator deletes a pod that has ended").unwrap();
}
