//! A namespace of the shared cluster, with a performer and pods that try to connect to it.

use std::{ops::Deref, time::Duration};

use hourglass_harness::{
    cluster::{Cluster, ClusterMachine, probe::DialResult, reach::ServiceRef},
    image::deliver_components,
};
use hourglass_test_support::{TestNamespace, block_on, deliver_components_to};
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::Deployment,
        core::v1::{Pod, Service},
    },
};
use kube::{
    Resource,
    api::{AttachParams, PostParams},
    runtime::wait::{await_condition, conditions::is_pod_running},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use tokio::{io::AsyncReadExt as _, time::timeout};

use crate::shared_cluster::shared;

pub(crate) const HARNESS: &str = env!("CARGO_BIN_EXE_harness");
pub(crate) const WITHIN: Duration = Duration::from_secs(30);

/// A namespace in the shared cluster, and the image of its pods.
pub(crate) struct NetworkNamespace {
    namespace: TestNamespace,
    pub(crate) image: String,
}

impl NetworkNamespace {
    pub(crate) fn new() -> Self {
        let cluster = shared();
        let image = block_on(image(&cluster));
        Self { namespace: TestNamespace::create(&cluster, "kubernetes::network"), image }
    }

    pub(crate) async fn create<K>(&self, object: Value) -> K
    where
        K: Resource<Scope = NamespaceResourceScope> + Clone + DeserializeOwned + Serialize + std::fmt::Debug,
        K::DynamicType: Default,
    {
        let object = serde_json::from_value(object).unwrap();
        self.namespace.api::<K>().create(&PostParams::default(), &object).await.unwrap()
    }

    /// A performer behind a Service whose port and target have names.
    pub(crate) async fn performer(&self) -> ServiceRef {
        let labels = json!({ "app": "performer" });
        let container = json!({
            "name": "performer", "image": self.image, "imagePullPolicy": "Never",
            "ports": [{ "name": "listener", "containerPort": 8080 }],
            "readinessProbe": { "tcpSocket": { "port": 8080 }, "periodSeconds": 1 },
        });
        self.create::<Deployment>(json!({
            "metadata": { "name": "performer" },
            "spec": {
                "selector": { "matchLabels": labels },
                "template": {
                    "metadata": { "labels": labels },
                    "spec": { "containers": [container], "terminationGracePeriodSeconds": 0 },
                },
            },
        }))
        .await;
        self.create::<Service>(json!({
            "metadata": { "name": "performer" },
            "spec": {
                "type": "NodePort", "selector": labels,
                "ports": [{ "name": "other", "port": 81, "targetPort": 9999 },
                          { "name": "grpc", "port": 80, "targetPort": "listener" }],
            },
        }))
        .await;
        ServiceRef::new(self.namespace.name(), "performer", "grpc")
    }

    /// A running pod that can be told to try connections.
    pub(crate) async fn dialler(&self) -> String {
        self.create::<Pod>(json!({
            "metadata": { "name": "dialler" },
            "spec": {
                "terminationGracePeriodSeconds": 0,
                "containers": [{
                    "name": "dialler", "image": self.image, "imagePullPolicy": "Never",
                    "command": ["/harness", "probe", "serve", "--port", "8080", "--name", "dialler"],
                }],
            },
        }))
        .await;
        let running = await_condition(self.namespace.api::<Pod>(), "dialler", is_pod_running());
        timeout(WITHIN, running).await.unwrap().unwrap();
        "dialler".to_owned()
    }

    /// How far the pod gets, for each target.
    pub(crate) async fn dial(&self, pod: &str, within: &str, targets: &[String]) -> Vec<DialResult> {
        let words = ["/harness", "probe", "connect", "--within", within].map(str::to_owned);
        let command = words.into_iter().chain(targets.iter().cloned());
        let streams = AttachParams::default().stderr(false);
        let mut running = self.namespace.api::<Pod>().exec(pod, command, &streams).await.unwrap();
        let mut said = String::new();
        running.stdout().unwrap().read_to_string(&mut said).await.unwrap();
        said.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

impl Deref for NetworkNamespace {
    type Target = TestNamespace;

    fn deref(&self) -> &TestNamespace {
        &self.namespace
    }
}

/// Containers beside the nodes use the image as well.
async fn image(cluster: &Cluster) -> String {
    deliver_components_to(cluster, HARNESS.as_ref()).await;
    deliver_components(&machine(cluster).engine, HARNESS.as_ref()).await.unwrap().reference
}

pub(crate) fn machine(cluster: &Cluster) -> &ClusterMachine {
    cluster.machine.as_ref().unwrap()
}
