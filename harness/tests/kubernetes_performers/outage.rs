//! The API server goes away and comes back, and performers stay.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use hourglass_component::causes::with_causes;
use hourglass_executor::performers::{Access, KubernetesSettings, PerformerManager as _, PodSettings};
use k8s_openapi::api::core::v1::Service;
use kube::api::PostParams;
use serde_json::json;

use crate::{
    api_proxy::ApiProxy,
    performer_namespace::{AVS, PerformerNamespace, limits, manager, only, square},
};

/// How many connections to the API server fail before it is back: long before the executor gives up.
const IN_VAIN: u32 = 4;

/// The performer is reached without the API server, as from inside the cluster.
pub(crate) async fn tasks_continue_and_deployments_resume(namespace: Arc<PerformerNamespace>) {
    let endpoint = node_port(&namespace).await;
    let proxy = ApiProxy::before(&namespace.cluster.kubeconfig).await;
    let pod = PodSettings { endpoint_override: Some(endpoint), ..PodSettings::default() };
    let settings = KubernetesSettings {
        access: Access::Kubeconfig(Some(proxy.kubeconfig())),
        pods: BTreeMap::from([(AVS, pod)]),
        patience: Duration::from_secs(3),
        ..namespace.settings(&[])
    };
    let manager = manager(settings, limits());
    manager.initialize().await.unwrap();
    let first = manager.deploy(namespace.performer(&[])).await.unwrap().performer;
    proxy.set_open(false);
    for number in 1..=3 {
        assert!(square(&manager, number).await.is_ok(), "no task needs the API server");
    }
    let error = with_causes(&manager.deploy(namespace.performer(&[("TASK_DELAY_MS", "1")])).await.unwrap_err());
    assert!(error.contains("apply performer performer-"), "{error}");
    assert_eq!(only(&manager).await.id, first, "the one in service stays there");
    assert_eq!(square(&manager, 4).await.unwrap(), "0x10");
    proxy.set_open(true);
    let second = manager.deploy(namespace.performer(&[("TASK_DELAY_MS", "1")])).await.unwrap().performer;
    assert_ne!(second, first);
    assert_eq!(square(&manager, 5).await.unwrap(), "0x19");
    manager.shutdown().await;
}

/// From outside, a performer is reached through the API server.
pub(crate) async fn calls_that_need_the_api_server_wait_for_it(namespace: Arc<PerformerNamespace>) {
    let proxy = ApiProxy::before(&namespace.cluster.kubeconfig).await;
    let access = Access::Kubeconfig(Some(proxy.kubeconfig()));
    let manager = manager(KubernetesSettings { access, ..namespace.settings(&[]) }, limits());
    manager.initialize().await.unwrap();
    manager.deploy(namespace.performer(&[])).await.unwrap();
    let first = only(&manager).await;
    assert_eq!(square(&manager, 3).await.unwrap(), "0x09");
    proxy.set_open(false);
    let (task, deployment, ()) =
        tokio::join!(square(&manager, 4), manager.deploy(namespace.performer(&[("TASK_DELAY_MS", "1")])), async {
            proxy.turned_away(IN_VAIN).await;
            // Beside the one that is being deployed.
            let known = manager.list().await;
            let restarts = known.iter().find(|known| known.id == first.id).map(|known| known.restarts);
            assert_eq!(restarts, Some(0), "nothing is known to be wrong with it: {known:?}");
            proxy.set_open(true);
        });
    assert_eq!(task.unwrap(), "0x10");
    assert_ne!(deployment.unwrap().performer, first.id);
    assert_eq!(square(&manager, 5).await.unwrap(), "0x19");
    manager.shutdown().await;
}

/// The address of all performers of the AVS without a name in the cluster: a port of a node.
async fn node_port(namespace: &PerformerNamespace) -> String {
    let service: Service = serde_json::from_value(json!({
        "metadata": { "name": "outside" },
        "spec": {
            "type": "NodePort",
            "selector": { "hourglass.eigenlayer.io/avs": format!("{AVS:?}") },
            "ports": [{ "port": 8080 }],
        },
    }))
    .unwrap();
    let service = namespace.api::<Service>().create(&PostParams::default(), &service).await.unwrap();
    let port = service.spec.unwrap().ports.unwrap()[0].node_port.unwrap();
    let node = namespace.cluster.nodes().await.unwrap().into_iter().find_map(|node| node.address).unwrap();
    format!("{node}:{port}")
}
