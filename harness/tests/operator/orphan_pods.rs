//! Objects that the public operator left behind when this operator took over its Performers.

use std::{sync::atomic::Ordering, time::Instant};

use hourglass_operator::api::{PERFORMER_LABEL, Performer};
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    controller::{from, gone, pod_of, until_events, watch_endpoints},
    operator_namespace::{WITHIN, block_on},
    operator_test::{OperatorTest, runs, written, written_for_nowhere},
};

/// Tasks must not go to a pod of an image that the spec no longer names, and none may be lost meanwhile.
pub(crate) fn pods_of_the_public_operator_are_replaced() {
    let test = OperatorTest::new();
    block_on(async {
        let performer = test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
        put_up(&test, &performer).await;
        let left = serving(&test, &bare(&test, "p", Some(&performer))).await;
        let (gaps, watching) = watch_endpoints(&test, "performer-p");
        let operator = test.operator_with(&json!({}));
        let ours = |found: &Performer| runs(found) && pod_of(found).as_deref() != Some("performer-p");
        test.until("p", "running a pod of its Deployment", ours).await;
        gone(&test.api::<Pod>(), &left.name_any(), &left.uid().unwrap()).await;
        assert!(!gaps.load(Ordering::SeqCst), "the Service has no ready endpoint while ours takes over");
        watching.abort();
        until_events(&test, "p", &["StrayDeleted", "Upgraded"]).await;
        drop(operator);
    });
}

/// Such a pod is owned by the Performer: it would delay the removal until the drain's end, and only then be removed.
pub(crate) fn pods_of_the_public_operator_end_with_their_performer() {
    let test = OperatorTest::new();
    let (performer, left) = block_on(async {
        let performer = test.namespace.apply_performer(&written_for_nowhere("p")).await.unwrap();
        let left = serving(&test, &bare(&test, "p", Some(&performer))).await;
        (performer, left)
    });
    // A pod that is not ready when it appears is removed at once.
    let _operator = test.operator_with(&json!({"drain": {"timeout": "10m"}})).leads();
    block_on(async {
        let serves = |found: &Performer| {
            found.status.as_ref().is_some_and(|status| status.ready && pod_of(found).as_deref() == Some("performer-p"))
        };
        test.until("p", "served by what was left behind, as long as nothing else is ready", serves).await;
        let performers = test.api::<Performer>();
        performers.delete("p", &DeleteParams::default()).await.unwrap();
        let begun = Instant::now();
        gone(&test.api::<Pod>(), &left.name_any(), &left.uid().unwrap()).await;
        gone(&performers, "p", &performer.uid().unwrap()).await;
        eprintln!("a performer with a pod of the public operator is gone {:?} after it was deleted", begun.elapsed());
    });
}

/// A pod as the public operator makes it: bare, owned by the performer, with the label that the Service selects.
pub(crate) fn bare(test: &OperatorTest, name: &str, owner: Option<&Performer>) -> Pod {
    let probe = json!({"grpc": {"port": 9090}, "periodSeconds": 1});
    let owners: Vec<_> = owner.and_then(|owner| kube::Resource::controller_owner_ref(owner, &())).into_iter().collect();
    from(json!({
        "metadata": {
            "name": format!("performer-{name}"),
            "labels": {"app": "hourglass-performer", PERFORMER_LABEL: name},
            "ownerReferences": owners,
        },
        "spec": {
            "terminationGracePeriodSeconds": 5,
            "containers": [{
                "name": "performer", "image": test.image, "imagePullPolicy": "Never",
                "env": [{"name": "GRPC_PORT", "value": "9090"}],
                "ports": [{"name": "grpc", "containerPort": 9090}],
                "readinessProbe": probe,
            }],
        },
    }))
}

/// The Service that the public operator makes.
async fn put_up(test: &OperatorTest, performer: &Performer) {
    let owner = kube::Resource::controller_owner_ref(performer, &()).unwrap();
    let name = performer.name_any();
    let service: Service = from(json!({
        "metadata": {"name": format!("performer-{name}"), "ownerReferences": [owner]},
        "spec": {
            "selector": {"app": "hourglass-performer", PERFORMER_LABEL: name},
            "ports": [{"name": "grpc", "port": 9090, "targetPort": 9090, "protocol": "TCP"}],
        },
    }));
    test.api::<Service>().create(&PostParams::default(), &service).await.unwrap();
}

/// Makes a pod and waits until it is ready.
async fn serving(test: &OperatorTest, pod: &Pod) -> Pod {
    let pods: Api<Pod> = test.api();
    pods.create(&PostParams::default(), pod).await.unwrap();
    let ready = |found: Option<&Pod>| {
        let conditions = found.and_then(|pod| pod.status.as_ref()?.conditions.as_ref());
        conditions.is_some_and(|all| all.iter().any(|found| found.type_ == "Ready" && found.status == "True"))
    };
    let name = pod.name_any();
    let found = await_condition(pods, &name, ready);
    timeout(WITHIN, found).await.expect("a pod of the public operator serves").unwrap().unwrap()
}
