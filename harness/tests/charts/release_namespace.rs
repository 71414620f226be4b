//! The namespaces of releases: they admit only pods that Pod Security calls restricted.

use std::{fmt::Debug, ops::Deref, path::Path, time::Duration};

use hourglass_harness::cluster::{Cluster, ClusterSpec};
use hourglass_test_support::{OwnCluster, Shared, SharedGuard, TestNamespace, block_on, deliver_components_to};
use k8s_openapi::api::{
    authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec},
    core::v1::Namespace,
};
use kube::{
    Api, Client, Resource, ResourceExt as _,
    api::{ApiResource, DynamicObject, Patch, PatchParams, PostParams},
    core::GroupVersionKind,
    discovery::{Scope, pinned_kind},
    runtime::wait::await_condition,
};
use serde::{Deserialize as _, Serialize, de::DeserializeOwned};
use serde_json::json;
use serde_yaml::Value;
use tokio::time::timeout;

use crate::helm::{Chart, helm, text};

/// Longer than any awaited event takes on a busy machine.
pub(crate) const WITHIN: Duration = Duration::from_mins(2);

static OWN: Shared<OwnCluster> = Shared::new();

/// A cluster of these tests' own, for one test at a time: a cluster has one definition of Performer, and a test here
/// may replace it. Every test removes the definition at its end.
pub(crate) fn own_cluster() -> SharedGuard<'static, OwnCluster> {
    OWN.lock(|| OwnCluster::create(&ClusterSpec::default()))
}

/// Removes the cluster.
pub(crate) fn tear_down() {
    OWN.tear_down();
}

/// A namespace that is removed when this is dropped, and the image of the releases in it.
pub(crate) struct ReleaseNamespace {
    namespace: TestNamespace,
    image: (String, String),
}

impl ReleaseNamespace {
    pub(crate) fn of(cluster: &Cluster) -> Self {
        let namespace = TestNamespace::create(cluster, "kubernetes::charts");
        let restricted = json!({ "metadata": { "labels": { "pod-security.kubernetes.io/enforce": "restricted" } } });
        let image = block_on(async {
            let namespaces = Api::<Namespace>::all(cluster.client.clone());
            let patched = namespaces.patch(namespace.name(), &PatchParams::default(), &Patch::Merge(restricted)).await;
            patched.unwrap();
            deliver_components_to(cluster, Path::new(env!("CARGO_BIN_EXE_harness"))).await
        });
        let (repository, tag) = image.rsplit_once(':').unwrap();
        let image = (repository.to_owned(), tag.to_owned());
        Self { namespace, image }
    }

    /// The image of all components, by the name that pods use.
    pub(crate) fn image(&self) -> String {
        format!("{}:{}", self.image.0, self.image.1)
    }

    /// Values for that image. Its tag may look like a number.
    pub(crate) fn image_values(&self) -> [String; 3] {
        let policy = self.cluster.pull_policy();
        [
            format!("--set=image.repository={}", self.image.0),
            format!("--set-string=image.tag={}", self.image.1),
            format!("--set=image.pullPolicy={policy}"),
        ]
    }

    /// The output of Helm, which must succeed.
    #[track_caller]
    pub(crate) fn helm<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> String {
        let (done, said) = self.try_helm(arguments);
        assert!(done, "{said}");
        said
    }

    /// Whether Helm succeeded, and its output.
    pub(crate) fn try_helm<S: AsRef<str>>(&self, arguments: impl IntoIterator<Item = S>) -> (bool, String) {
        let arguments: Vec<_> = arguments.into_iter().map(|argument| argument.as_ref().to_owned()).collect();
        let mut command = helm(&arguments);
        command.args(["--namespace", self.name(), "--kube-context", &self.cluster.context]);
        let output = command.arg("--kubeconfig").arg(&self.cluster.kubeconfig).output().unwrap();
        (output.status.success(), format!("helm {arguments:?}\n{}{}", text(&output.stdout), text(&output.stderr)))
    }

    /// Installs a chart, or upgrades its release, with the image of the components and additional values.
    #[track_caller]
    pub(crate) fn release(&self, verb: &str, name: &str, chart: Chart, values: &[&str]) {
        self.release_of(&chart.folder(), verb, name, values);
    }

    /// The same with a chart in another folder.
    #[track_caller]
    pub(crate) fn release_of(&self, folder: &Path, verb: &str, name: &str, values: &[&str]) {
        let image = self.image_values();
        let arguments = [verb, name, folder.to_str().unwrap()].into_iter();
        self.helm(arguments.chain(image.iter().map(String::as_str)).chain(values.iter().copied()));
    }

    /// The objects of a release, as Helm recorded them.
    pub(crate) fn manifest(&self, release: &str) -> Vec<Value> {
        let said = self.helm(["get", "manifest", release]);
        let documents = said.split_once('\n').unwrap().1;
        let objects = serde_yaml::Deserializer::from_str(documents);
        let objects = objects.map(|object| Value::deserialize(object).unwrap());
        objects.filter(|object| !object.is_null()).collect()
    }
}

impl Deref for ReleaseNamespace {
    type Target = TestNamespace;

    fn deref(&self) -> &TestNamespace {
        &self.namespace
    }
}

/// Waits until this holds for an object, and returns the object.
#[track_caller]
pub(crate) fn until<K>(api: &Api<K>, name: &str, what: &str, holds: impl Fn(&K) -> bool + Send) -> K
where
    K: Resource + Clone + Debug + Send + Serialize + DeserializeOwned + 'static,
{
    let awaited = await_condition(api.clone(), name, |object: Option<&K>| object.is_some_and(&holds));
    if let Ok(object) = block_on(async { timeout(WITHIN, awaited).await }) {
        return object.unwrap().unwrap();
    }
    let last = block_on(api.get_opt(name)).unwrap();
    let status = last.map(|object| serde_json::to_value(object).unwrap()["status"].take());
    panic!("{name} is not {what} within {WITHIN:?}: {status:#?}")
}

/// Waits until an object is gone.
#[track_caller]
pub(crate) fn until_gone<K>(api: Api<K>, name: &str)
where
    K: Resource + Clone + Debug + Send + DeserializeOwned + 'static,
{
    let gone = await_condition(api, name, |object: Option<&K>| object.is_none());
    let outcome = block_on(async { timeout(WITHIN, gone).await });
    assert!(outcome.is_ok(), "{name} is still there after {WITHIN:?}");
    outcome.unwrap().unwrap();
}

/// The API for objects of this kind; nothing if the cluster does not know the kind.
pub(crate) fn api_of(client: &Client, object: &Value, otherwise: &str) -> Option<Api<DynamicObject>> {
    let (version, kind) = (object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap());
    let (group, version) = version.split_once('/').unwrap_or(("", version));
    let (resource, capabilities): (ApiResource, _) =
        block_on(pinned_kind(client, &GroupVersionKind::gvk(group, version, kind))).ok()?;
    let namespace = object["metadata"]["namespace"].as_str().unwrap_or(otherwise);
    Some(match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => Api::namespaced_with(client.clone(), namespace, &resource),
    })
}

/// The objects that still exist, by kind and name.
pub(crate) fn left(namespace: &ReleaseNamespace, manifest: &[Value]) -> Vec<String> {
    let there = |object: &&Value| {
        let api = api_of(&namespace.cluster.client, object, namespace.name()).unwrap();
        block_on(api.get_opt(object["metadata"]["name"].as_str().unwrap())).unwrap().is_some()
    };
    let left = manifest.iter().filter(there);
    left.map(|object| format!("{} {}", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap()))
        .collect()
}

/// An object's name and uid, which distinguish it from another object with its name.
pub(crate) fn identity<K: Resource>(object: &K) -> (String, Option<String>) {
    (object.name_any(), object.uid())
}

/// Whether a service account, given by namespace and name, may do this, in one namespace or in all.
pub(crate) fn may(
    cluster: &Cluster,
    (home, account): (&str, &str),
    verb: &str,
    (group, resource): (&str, &str),
    namespace: Option<&str>,
) -> bool {
    let review = SubjectAccessReview {
        spec: SubjectAccessReviewSpec {
            user: Some(format!("system:serviceaccount:{home}:{account}")),
            resource_attributes: Some(ResourceAttributes {
                verb: Some(verb.to_owned()),
                group: Some(group.to_owned()),
                resource: Some(resource.to_owned()),
                namespace: namespace.map(str::to_owned),
                ..ResourceAttributes::default()
            }),
            ..SubjectAccessReviewSpec::default()
        },
        ..SubjectAccessReview::default()
    };
    let reviews = Api::<SubjectAccessReview>::all(cluster.client.clone());
    block_on(reviews.create(&PostParams::default(), &review)).unwrap().status.unwrap().allowed
}
