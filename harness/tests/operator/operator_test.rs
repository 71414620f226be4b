//! A namespace with operators in it, whose service account has the rights of the chart.

use std::{collections::BTreeSet, fs, path::PathBuf, process::Command, sync::OnceLock};

use hourglass_harness::{
    cluster::{KUBERNETES_VERSION, Tool},
    image::{NodeImage, deliver_to_nodes},
};
use hourglass_operator::api::{FINALIZER, Performer, PerformerPhase};
use k8s_openapi::api::{
    authentication::v1::{TokenRequest, TokenRequestSpec},
    core::v1::ServiceAccount,
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    config::Kubeconfig,
    runtime::wait::await_condition,
};
use serde::Deserialize as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::{
    operator_namespace::{OperatorNamespace, WITHIN, block_on},
    process::{HARNESS, MARKER, Operator},
};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../operator/charts/hourglass-operator");
const AVS: &str = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";

/// Everything a test of the running operator needs.
pub(crate) struct OperatorTest {
    pub(crate) namespace: OperatorNamespace,
    /// The rights that the chart grants the operator in the namespace: verb, group and resource.
    pub(crate) rights: BTreeSet<(String, String, String)>,
    /// The image of the components, on the node.
    pub(crate) image: &'static str,
    folder: TempDir,
}

impl OperatorTest {
    pub(crate) fn new() -> Self {
        let namespace = OperatorNamespace::new();
        let folder = tempfile::tempdir().unwrap();
        let rights = block_on(grant(&namespace));
        let image = image(&namespace);
        let test = Self { namespace, rights, image, folder };
        fs::write(test.kubeconfig(), block_on(test.account(None))).unwrap();
        test
    }

    /// Starts an operator that acts.
    pub(crate) fn operator(&self) -> Operator {
        self.operator_with(&json!({})).leads()
    }

    /// Starts an operator with more configuration.
    pub(crate) fn operator_with(&self, config: &Value) -> Operator {
        Operator::start(&self.kubeconfig(), self.namespace.name(), config)
    }

    /// Starts an operator that reaches the API server at another address.
    pub(crate) fn operator_by(&self, server: &str, config: &Value) -> Operator {
        let kubeconfig = self.folder.path().join("detour");
        fs::write(&kubeconfig, block_on(self.account(Some(server)))).unwrap();
        Operator::start(&kubeconfig, self.namespace.name(), config)
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        self.namespace.api()
    }

    /// Changes a performer.
    pub(crate) async fn patch(&self, name: &str, patch: Value) -> Performer {
        self.api::<Performer>().patch(name, &PatchParams::default(), &Patch::Merge(patch)).await.unwrap()
    }

    /// Waits until a performer meets a condition.
    pub(crate) async fn until(&self, name: &str, wanted: &str, is_wanted: impl Fn(&Performer) -> bool) -> Performer {
        let found = await_condition(self.api::<Performer>(), name, |performer: Option<&Performer>| {
            performer.is_some_and(&is_wanted)
        });
        let Ok(found) = timeout(WITHIN, found).await else {
            let last = self.api::<Performer>().get(name).await.map(|performer| performer.status);
            panic!("performer {name} is not {wanted} within {WITHIN:?}, but {last:#?}")
        };
        found.unwrap().unwrap()
    }

    /// Waits until a performer runs what its spec says.
    pub(crate) async fn until_running(&self, name: &str) -> Performer {
        self.until(name, "running", runs).await
    }

    fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    /// A kubeconfig with a token of the operator's own service account.
    async fn account(&self, server: Option<&str>) -> String {
        let spec = TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() };
        let request = TokenRequest { spec, ..TokenRequest::default() };
        let accounts = self.api::<ServiceAccount>();
        let granted = accounts.create_token_request("operator", &PostParams::default(), &request).await.unwrap();
        let whole = Kubeconfig::read_from(&self.namespace.cluster.kubeconfig).unwrap();
        let context = whole.contexts.iter().find(|context| context.name == self.namespace.cluster.context).unwrap();
        let cluster = &context.context.as_ref().unwrap().cluster;
        let cluster = whole.clusters.iter().find(|found| found.name == *cluster).unwrap().clone();
        let mut cluster = serde_json::to_value(cluster.cluster.unwrap()).unwrap();
        if let Some(server) = server {
            cluster["server"] = json!(server);
        }
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "operator",
            "clusters": [{"name": "cluster", "cluster": cluster}],
            "users": [{"name": "operator", "user": {"token": granted.status.unwrap().token}}],
            "contexts": [{"name": "operator", "context": {
                "cluster": "cluster", "user": "operator", "namespace": self.namespace.name(),
            }}],
        })
        .to_string()
    }
}

impl Drop for OperatorTest {
    /// Performers must be removed even if no operator lives that drains them.
    fn drop(&mut self) {
        block_on(async {
            let performers = self.api::<Performer>();
            for performer in performers.list(&ListParams::default()).await.unwrap() {
                let rest: Vec<_> = performer.finalizers().iter().filter(|held| *held != FINALIZER).collect();
                let patch = json!({"metadata": {"finalizers": rest}});
                let _ = performers.delete(&performer.name_any(), &DeleteParams::default()).await;
                let _ = performers.patch(&performer.name_any(), &PatchParams::default(), &Patch::Merge(patch)).await;
            }
        });
    }
}

/// Whether a performer runs what its spec says.
pub(crate) fn runs(performer: &Performer) -> bool {
    performer.status.as_ref().is_some_and(|status| {
        status.phase == PerformerPhase::Running
            && status.ready
            && status.observed_generation == performer.metadata.generation
    })
}

/// The reference performer, as a user would write it; its port is 9090.
pub(crate) fn written(test: &OperatorTest, name: &str) -> Value {
    json!({
        "apiVersion": "hourglass.eigenlayer.io/v1alpha1",
        "kind": "Performer",
        "metadata": {"name": name},
        "spec": {
            "avsAddress": AVS,
            "image": test.image,
            "imagePullPolicy": "Never",
            "config": {"grpcPort": 9090, "environment": {"GRPC_PORT": "9090", "TOKEN": MARKER}},
        },
    })
}

/// A performer that fits no node: it costs nothing to run.
pub(crate) fn written_for_nowhere(name: &str) -> Value {
    json!({
        "apiVersion": "hourglass.eigenlayer.io/v1alpha1",
        "kind": "Performer",
        "metadata": {"name": name},
        "spec": {
            "avsAddress": AVS,
            "image": "registry.invalid/none:1",
            "scheduling": {"nodeSelector": {"example.com/nowhere": "true"}},
        },
    })
}

/// Delivers the image of the components to the node, once.
fn image(namespace: &OperatorNamespace) -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        block_on(async {
            let cluster = &namespace.cluster;
            let nodes = cluster.nodes().await.unwrap();
            let engine = &cluster.machine.as_ref().unwrap().engine;
            let images = [NodeImage::components(HARNESS)];
            deliver_to_nodes(engine, &nodes, &images).await.unwrap()[0].reference.clone()
        })
    })
}

/// Gives the service account `operator` the rights that the chart gives to the operator.
async fn grant(namespace: &OperatorNamespace) -> BTreeSet<(String, String, String)> {
    let mut helm = Command::new(Tool::HELM.find().unwrap());
    helm.args(["template", "operator", CHART, "--namespace", namespace.name(), "--kube-version", KUBERNETES_VERSION]);
    helm.args(["--set", "fullnameOverride=operator"]);
    helm.args(["--set", "crds.install=false", "--set", &format!("config.watchNamespaces={{{}}}", namespace.name())]);
    let rendered = helm.output().unwrap();
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    let mut rights = BTreeSet::new();
    for document in serde_yaml::Deserializer::from_slice(&rendered.stdout) {
        let object = Value::deserialize(document).unwrap();
        match object["kind"].as_str() {
            Some("ServiceAccount") => {
                namespace.apply::<ServiceAccount>(&serde_json::from_value(object).unwrap()).await.unwrap();
            }
            Some("RoleBinding") => {
                namespace.apply::<RoleBinding>(&serde_json::from_value(object).unwrap()).await.unwrap();
            }
            Some("Role") => {
                let role: Role = serde_json::from_value(object).unwrap();
                rights.extend(named(&role));
                namespace.apply(&role).await.unwrap();
            }
            Some("ClusterRole" | "ClusterRoleBinding") => panic!("rights beyond the namespace: {object}"),
            _ => {}
        }
    }
    assert!(!rights.is_empty(), "the chart grants nothing");
    rights
}

fn named(role: &Role) -> Vec<(String, String, String)> {
    let mut rights = Vec::new();
    for rule in role.rules.iter().flatten() {
        for group in rule.api_groups.iter().flatten() {
            for resource in rule.resources.iter().flatten() {
                rights.extend(rule.verbs.iter().map(|verb| (verb.clone(), group.clone(), resource.clone())));
            }
        }
    }
    rights
}
