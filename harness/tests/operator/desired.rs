//! Desired state as the API server stores it.

use hourglass_operator::{
    api::Performer,
    desired::{self, References},
};
use k8s_openapi::api::core::v1::{Namespace, Pod, ServiceAccount};
use kube::{
    Api, ResourceExt as _,
    api::{ObjectMeta, Patch, PatchParams, PostParams},
};
use serde_json::json;

use crate::operator_namespace::{OperatorNamespace, block_on, example};

/// A field that the API server changes at a second apply would be applied forever, and pods replaced.
pub(crate) fn objects_are_accepted_and_applied_once() {
    let namespace = OperatorNamespace::new();
    for name in ["small", "full"] {
        let performer = block_on(namespace.apply_performer(&example(name))).unwrap();
        let deployment = desired::deployment(&performer, &References::default());
        let first = block_on(namespace.apply(&deployment)).unwrap();
        let second = block_on(namespace.apply(&deployment)).unwrap();
        assert_eq!(first.metadata.generation, second.metadata.generation, "{name}");
        assert_eq!(first.spec, second.spec, "{name}");
        let owner = &second.owner_references()[0];
        assert_eq!((Some(&owner.uid), owner.controller), (performer.metadata.uid.as_ref(), Some(true)), "{name}");

        let service = desired::service(&performer);
        let first = block_on(namespace.apply(&service)).unwrap();
        let second = block_on(namespace.apply(&service)).unwrap();
        assert_eq!(first.metadata.resource_version, second.metadata.resource_version, "{name}");
        assert_eq!(second.spec.unwrap().ports.unwrap()[0].port, i32::from(performer.grpc_port()));
        // Another port replaces the previous one.
        let mut moved = performer.clone();
        moved.spec.config.get_or_insert_default().grpc_port = Some(7070);
        let service = block_on(namespace.apply(&desired::service(&moved))).unwrap();
        let ports: Vec<i32> = service.spec.unwrap().ports.unwrap().iter().map(|port| port.port).collect();
        assert_eq!(ports, [7070], "{name}");
    }
}

/// Pod Security is enforced on pods alone: a Deployment is accepted even if its pods are refused.
pub(crate) fn pods_are_admitted_by_restricted_pod_security() {
    let namespace = OperatorNamespace::new();
    block_on(async {
        let namespaces = Api::<Namespace>::all(namespace.cluster.client.clone());
        let enforce = json!({"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        namespaces.patch(namespace.name(), &PatchParams::default(), &Patch::Merge(enforce)).await.unwrap();
        let mut account = ServiceAccount::default();
        account.metadata.name = Some("prover".to_owned());
        namespace.api().create(&PostParams::default(), &account).await.unwrap();
        for name in ["small", "full"] {
            let mut pod = pod(&serde_json::from_value(example(name)).unwrap());
            create(&namespace, &pod).await.unwrap_or_else(|error| panic!("{name}: {error}"));
            // Proves that the check can fail.
            let container = pod.spec.as_mut().unwrap().containers[0].security_context.as_mut().unwrap();
            container.capabilities = None;
            let error = create(&namespace, &pod).await.unwrap_err();
            assert!(error.to_string().contains("violates PodSecurity"), "{name}: {error}");
        }
    });
}

/// A pod as the performer's Deployment makes it, but without classes, which are cluster-scoped.
fn pod(performer: &Performer) -> Pod {
    let template = desired::deployment(performer, &References::default()).spec.unwrap().template;
    let mut spec = template.spec.unwrap();
    (spec.priority_class_name, spec.runtime_class_name) = (None, None);
    let metadata = ObjectMeta { name: Some(performer.object_name()), ..template.metadata.unwrap() };
    Pod { metadata, spec: Some(spec), status: None }
}

async fn create(namespace: &OperatorNamespace, pod: &Pod) -> kube::Result<Pod> {
    namespace.api().create(&PostParams { dry_run: true, ..PostParams::default() }, pod).await
}
