//! Trials in a namespace that exists already, for a user who may do nothing outside of it.

use std::{collections::BTreeSet, fs, process::Output};

use hourglass_harness::{
    cluster::{OwnNamespace, operator::OperatorRelease},
    reaper::{Labels, RunId},
};
use hourglass_test_support::{LIMIT, eventually};
use k8s_openapi::api::{
    authentication::v1::TokenRequest,
    core::v1::{ConfigMap, Namespace, Service, ServiceAccount},
    rbac::v1::{Role, RoleBinding},
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, DynamicObject, ListParams, PostParams},
    discovery::{ApiGroup, Discovery, Scope, verbs},
};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    existing::{give_anvil, harness, said},
    operator_cluster::{GONE_WITHIN, OperatorCluster, block_on},
};

const USER: &str = "user";

/// A namespace, and the kubeconfig of a user who has it.
struct Given<'a> {
    cluster: &'a OperatorCluster,
    namespace: OwnNamespace,
    kubeconfig: TempDir,
}

impl<'a> Given<'a> {
    /// `rules` are those of the user's Role.
    fn create(cluster: &'a OperatorCluster, rules: &Value) -> Self {
        let namespace = cluster.namespace();
        let metadata = json!({ "name": USER });
        let account = serde_json::from_value(json!({ "metadata": metadata })).unwrap();
        let role = serde_json::from_value(json!({ "metadata": metadata, "rules": rules })).unwrap();
        let binding = json!({
            "metadata": metadata,
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": USER },
            "subjects": [{ "kind": "ServiceAccount", "name": USER, "namespace": namespace.name() }],
        });
        let binding = serde_json::from_value(binding).unwrap();
        let (how, accounts) = (PostParams::default(), namespace.api::<ServiceAccount>());
        let token = block_on(async {
            accounts.create(&how, &account).await.unwrap();
            namespace.api::<Role>().create(&how, &role).await.unwrap();
            namespace.api::<RoleBinding>().create(&how, &binding).await.unwrap();
            accounts.create_token_request(USER, &how, &TokenRequest::default()).await.unwrap().status.unwrap().token
        });
        let text = fs::read_to_string(&cluster.lease.kubeconfig).unwrap();
        let mut kubeconfig: Value = serde_yaml::from_str(&text).unwrap();
        kubeconfig["users"][0]["user"] = json!({ "token": token });
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("kubeconfig"), serde_yaml::to_string(&kubeconfig).unwrap()).unwrap();
        Self { cluster, namespace, kubeconfig: folder }
    }

    /// Runs trials in the namespace as the user.
    fn run(&self, words: &[&str]) -> Output {
        let kubeconfig = self.kubeconfig.path().join("kubeconfig");
        let options = ["run", "--kubeconfig", kubeconfig.to_str().unwrap(), "--namespace", self.namespace.name()];
        harness(&[&options, words].concat())
    }

    /// All objects in the namespace. Events are left out, because everything causes them.
    fn objects(&self) -> BTreeSet<String> {
        block_on(async {
            let client = &self.cluster.lease.client;
            let discovered = Discovery::new(client.clone()).run_aggregated().await.unwrap();
            let kinds = discovered.groups().flat_map(ApiGroup::recommended_resources);
            let kinds = kinds.filter(|(kind, can)| {
                can.scope == Scope::Namespaced && can.supports_operation(verbs::LIST) && kind.kind != "Event"
            });
            let mut all = BTreeSet::new();
            for (kind, _) in kinds {
                let api = Api::<DynamicObject>::namespaced_with(client.clone(), self.namespace.name(), &kind);
                let listed = api.list(&ListParams::default()).await.unwrap();
                all.extend(listed.iter().map(|object| format!("{} {}", kind.plural, object.name_any())));
            }
            all
        })
    }

    fn remove(self) {
        block_on(self.namespace.remove(GONE_WITHIN)).unwrap();
    }
}

/// What the user of a team's namespace usually has.
fn everything_in_it() -> Value {
    let groups = ["", "apps", "batch", "discovery.k8s.io", "hourglass.eigenlayer.io", "rbac.authorization.k8s.io"];
    json!([{ "apiGroups": groups, "resources": ["*"], "verbs": ["*"] }])
}

pub(crate) fn trials_leave_a_given_namespace_as_it_was() {
    let cluster = OperatorCluster::take();
    give_anvil(&cluster);
    drop(block_on(OperatorRelease::ensure(&cluster.lease, &cluster.request(), &|_| {})).unwrap());
    let given = Given::create(&cluster, &everything_in_it());
    let before = given.objects();
    // Two trials, one after the other, though a machine with several processors would run both at once.
    let output = given.run(&["kubernetes::square", "kubernetes::square_on_l1"]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("2 passed, 0 failed"), "{told}");
    // What is deleted in the background is gone a moment later.
    let left = || match given.objects() {
        objects if objects == before => Ok(()),
        objects => Err(objects.symmetric_difference(&before).cloned().collect::<Vec<_>>()),
    };
    assert_eq!(eventually(LIMIT, left), Ok(()), "{told}");

    // A trial that others would feel is not begun.
    let output = given.run(&["kubernetes::pods_limited"]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(told.contains("`set_pod_quota` limits all pods of the namespace"), "{told}");
    assert!(told.contains("others made namespace"), "{told}");
    given.remove();
}

pub(crate) fn a_given_namespace_with_workloads_of_others_is_refused() {
    let cluster = OperatorCluster::take();
    give_anvil(&cluster);
    drop(block_on(OperatorRelease::ensure(&cluster.lease, &cluster.request(), &|_| {})).unwrap());
    let given = Given::create(&cluster, &everything_in_it());
    let service: Service =
        serde_json::from_value(json!({ "metadata": { "name": "web" }, "spec": { "ports": [{ "port": 80 }] } }))
            .unwrap();
    block_on(given.namespace.api::<Service>().create(&PostParams::default(), &service)).unwrap();
    let before = given.objects();
    let output = given.run(&["kubernetes::square"]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    for expected in ["it has what others made: Service web", "no workloads"] {
        assert!(told.contains(expected), "{expected:?} is not in: {told}");
    }
    assert_eq!(given.objects(), before);
    given.remove();
}

/// Everything that is missing is listed at once, and nothing is created.
pub(crate) fn missing_rights_in_a_given_namespace_are_listed() {
    let cluster = OperatorCluster::take();
    let rules = json!([{ "apiGroups": ["", "apps"], "resources": ["*"], "verbs": ["get", "list", "watch"] }]);
    let given = Given::create(&cluster, &rules);
    let before = given.objects();
    let output = given.run(&["kubernetes::square"]);
    let told = said(&output);
    assert_eq!(output.status.code(), Some(3), "{told}");
    let namespace = format!("failed to use namespace {} of cluster", given.namespace.name());
    let rights =
        ["may not create pods", "nor patch deployments/scale.apps", "nor create performers.hourglass", "a Role bound"];
    for expected in rights.into_iter().chain([namespace.as_str()]) {
        assert!(told.contains(expected), "{expected:?} is not in: {told}");
    }
    assert!(!told.contains("nor list pods"), "what the user may do is listed: {told}");
    assert_eq!(given.objects(), before);
    given.remove();
}

/// A trial waits for another one; what a trial has left that was killed is removed.
pub(crate) fn a_given_namespace_has_one_trial_at_a_time() {
    let cluster = OperatorCluster::take();
    let theirs = cluster.as_of_others();
    let namespace = cluster.namespace();
    let labels = |trial: &str| Labels::new(RunId::generate(), trial);
    let first = block_on(OwnNamespace::claim(&theirs, namespace.name(), &labels("first"))).unwrap();
    let second = labels("second");
    block_on(async {
        let mut waiting = Box::pin(OwnNamespace::claim(&theirs, namespace.name(), &second));
        let too_early = tokio::time::timeout(std::time::Duration::from_secs(2), &mut waiting).await;
        assert!(too_early.is_err(), "two trials have one namespace");
        first.leave().await.unwrap();
        drop(waiting.await.unwrap());
    });
    // Its owner is gone, and has left a Service.
    let claims = namespace.api::<ConfigMap>();
    block_on(async {
        claims.delete("hourglass-harness", &DeleteParams::default()).await.unwrap();
        let mut gone = labels("gone");
        gone.owner.as_mut().unwrap().started = 1;
        drop(OwnNamespace::claim(&theirs, namespace.name(), &gone).await.unwrap());
        let label = json!({ "hourglass-harness/run": gone.run.as_str() });
        let service = json!({ "metadata": { "name": "l1", "labels": label }, "spec": { "ports": [{ "port": 80 }] } });
        let service: Service = serde_json::from_value(service).unwrap();
        namespace.api().create(&PostParams::default(), &service).await.unwrap();
        let third = OwnNamespace::claim(&theirs, namespace.name(), &labels("third")).await.unwrap();
        assert!(namespace.api::<Service>().get_opt("l1").await.unwrap().is_none(), "what a killed trial left is there");
        third.leave().await.unwrap();
        assert!(claims.get_opt("hourglass-harness").await.unwrap().is_none(), "the claim is there");
        let kept = cluster.all::<Namespace>().get_opt(namespace.name()).await.unwrap();
        assert!(kept.is_some_and(|namespace| namespace.metadata.deletion_timestamp.is_none()));
    });
    block_on(namespace.remove(GONE_WITHIN)).unwrap();
}
