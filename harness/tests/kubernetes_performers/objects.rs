//! The objects that the executor applies, as the API server stores them.

use std::{collections::BTreeMap, sync::Arc};

use hourglass_executor::performers::{KubernetesSettings, PerformerManager as _, PodSettings, Reference};
use hourglass_operator::api::Scheduling;
use k8s_openapi::{
    api::core::v1::{ConfigMap, Pod, ResourceRequirements},
    apimachinery::pkg::api::resource::Quantity,
};
use kube::{ResourceExt as _, api::PostParams, core::ObjectMeta};

use crate::performer_namespace::{AVS, NEVER, PerformerNamespace, limits, manager, only, square};

/// No configured field is dropped on the way, and others can tell to whom an object belongs.
pub(crate) async fn object_has_the_configuration_and_its_owner(namespace: Arc<PerformerNamespace>) {
    let quantity = |value: &str| Quantity(value.to_owned());
    let requests = BTreeMap::from([("cpu".to_owned(), quantity("10m")), ("memory".to_owned(), quantity("16Mi"))]);
    let node_selector = BTreeMap::from([("kubernetes.io/os".to_owned(), "linux".to_owned())]);
    let pod = PodSettings {
        service_account_name: Some("default".to_owned()),
        image_pull_policy: NEVER,
        image_pull_secrets: vec!["none".to_owned()],
        resources: Some(ResourceRequirements { requests: Some(requests.clone()), ..ResourceRequirements::default() }),
        scheduling: Some(Scheduling { node_selector, ..Scheduling::default() }),
        ..PodSettings::default()
    };
    let settings = KubernetesSettings { pods: BTreeMap::from([(AVS, pod.clone())]), ..namespace.settings(&[]) };
    let manager = manager(settings, limits());
    manager.initialize().await.unwrap();
    manager.deploy(namespace.performer(&[("TASK_DELAY_MS", "1")])).await.unwrap();
    let [performer] = namespace.performers().await.try_into().unwrap();
    let managers: Vec<_> = performer.managed_fields().iter().filter_map(|entry| entry.manager.as_deref()).collect();
    assert!(managers.contains(&"hourglass-executor"), "{managers:?}");
    assert_eq!(performer.labels()["test"], "one");
    assert_eq!(performer.labels()["hourglass.eigenlayer.io/avs"], "0x2222222222222222222222222222222222222222");
    let spec = &performer.spec;
    assert_eq!((spec.image.as_str(), spec.image_pull_policy), (namespace.image(), NEVER));
    assert_eq!((&spec.resources, &spec.scheduling), (&pod.resources, &pod.scheduling));
    let config = spec.config.as_ref().unwrap();
    assert_eq!((config.grpc_port, config.environment["TASK_DELAY_MS"].as_str()), (Some(8080), "1"));
    let pod = namespace.api::<Pod>().get(&only(&manager).await.resource_id.unwrap()).await.unwrap();
    let container = &pod.spec.unwrap().containers[0];
    assert_eq!(container.resources.as_ref().unwrap().requests.as_ref(), Some(&requests));
    manager.shutdown().await;
}

/// Without the value, the performer would answer correctly.
pub(crate) async fn a_value_of_a_config_map_reaches_the_performer(namespace: Arc<PerformerNamespace>) {
    let map = ConfigMap {
        metadata: ObjectMeta { name: Some("performer".to_owned()), ..ObjectMeta::default() },
        data: Some(BTreeMap::from([("wrong".to_owned(), "true".to_owned())])),
        ..ConfigMap::default()
    };
    namespace.api::<ConfigMap>().create(&PostParams::default(), &map).await.unwrap();
    let mut request = namespace.performer(&[]);
    let held = Reference::ConfigMap { name: "performer".to_owned(), key: "wrong".to_owned() };
    request.references.insert("TASK_WRONG_RESULT".to_owned(), held);
    let manager = namespace.manager();
    manager.deploy(request).await.unwrap();
    assert_eq!(square(&manager, 3).await.unwrap(), "0x0a");
    manager.shutdown().await;
}

/// Kubernetes replaces `$(NAME)` and `$$` in values; the performer gets them as it would in a container.
pub(crate) async fn a_value_reaches_the_performer_as_it_is_written(namespace: Arc<PerformerNamespace>) {
    let manager = namespace.manager();
    let written = "$(GRPC_PORT) for $$5, $(NOBODY) or ${A}$";
    manager.deploy(namespace.performer(&[("TASK_ERROR", written)])).await.unwrap();
    let error = square(&manager, 3).await.unwrap_err().to_string();
    assert!(error.contains(written), "{error}");
    manager.shutdown().await;
}
