//! Checks that the user of a context may do what trials do, before anything is created.

use futures::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::{Api, api::PostParams};

use super::GuardError;
use crate::{Cluster, ClusterError, OperatorChoice};

/// How many requests are sent at once.
const AT_ONCE: usize = 16;

/// The permissions for a kind of resource: its group, its plural, and the verbs.
type Needed = (&'static str, &'static str, &'static [&'static str]);

/// What every trial does. The harness creates namespaces, so it asks for permissions in all namespaces.
const BY_TRIALS: [Needed; 15] = [
    ("", "namespaces", &["create", "delete", "list", "watch"]),
    ("", "nodes", &["list"]),
    ("", "pods", &["create", "delete", "watch"]),
    ("", "pods/log", &["get"]),
    ("", "pods/portforward", &["create"]),
    ("", "services", &["create", "watch"]),
    ("", "configmaps", &["create", "patch"]),
    ("", "secrets", &["create", "patch", "list"]),
    ("", "serviceaccounts", &["create", "watch"]),
    ("", "events", &["list"]),
    ("apps", "deployments", &["create", "patch", "watch"]),
    ("apps", "statefulsets", &["create", "patch", "watch"]),
    ("discovery.k8s.io", "endpointslices", &["watch"]),
    ("hourglass.eigenlayer.io", "performers", &["create", "delete", "patch", "watch"]),
    ("rbac.authorization.k8s.io", "roles", &["create"]),
];
/// What trials do in a namespace that exists already, and what they do to leave it as it was.
const IN_NAMESPACE: [Needed; 17] = [
    ("", "pods", &["get", "list", "watch", "create", "patch", "delete", "deletecollection"]),
    ("", "pods/log", &["get"]),
    ("", "pods/exec", &["create"]),
    ("", "pods/portforward", &["create"]),
    ("", "services", &["get", "list", "watch", "create", "patch", "delete", "deletecollection"]),
    ("", "configmaps", &["get", "list", "watch", "create", "delete"]),
    ("", "secrets", &["get", "list", "watch", "create", "patch", "delete", "deletecollection"]),
    // Helm looks whether its objects are there.
    ("", "serviceaccounts", &["get", "create", "delete", "deletecollection"]),
    ("", "events", &["list", "watch"]),
    ("apps", "deployments", &["get", "list", "watch", "create", "patch", "delete", "deletecollection"]),
    ("apps", "deployments/scale", &["patch"]),
    ("apps", "statefulsets", &["get", "list", "watch", "create", "patch", "delete", "deletecollection"]),
    ("apps", "statefulsets/scale", &["patch"]),
    ("discovery.k8s.io", "endpointslices", &["list", "watch"]),
    // The executors get these rights from the user.
    (
        "hourglass.eigenlayer.io",
        "performers",
        &["get", "list", "watch", "create", "patch", "delete", "deletecollection"],
    ),
    ("rbac.authorization.k8s.io", "roles", &["get", "create", "delete", "deletecollection"]),
    ("rbac.authorization.k8s.io", "rolebindings", &["get", "create", "delete", "deletecollection"]),
];
/// What the installation of the operator does in addition.
const BY_INSTALLATION: [Needed; 3] = [
    ("apiextensions.k8s.io", "customresourcedefinitions", &["create", "patch", "watch"]),
    ("rbac.authorization.k8s.io", "clusterroles", &["create", "patch", "delete"]),
    ("rbac.authorization.k8s.io", "clusterrolebindings", &["create", "patch", "delete"]),
];

/// What the workers of a load take besides.
const BY_JOBS: [Needed; 2] = [("batch", "jobs", &["create", "patch", "delete", "watch"]), ("", "secrets", &["delete"])];

/// Fails with all permissions that are missing.
pub(crate) async fn permitted(cluster: &Cluster, operator: OperatorChoice) -> Result<(), ClusterError> {
    let installation: &[Needed] = match operator {
        OperatorChoice::Install => &BY_INSTALLATION,
        OperatorChoice::Existing => &[],
    };
    all(cluster, None, BY_TRIALS.iter().chain(installation)).await
}

/// Fails with all permissions that are missing in a namespace that exists already.
pub(crate) async fn permitted_in(cluster: &Cluster, namespace: &str) -> Result<(), ClusterError> {
    all(cluster, Some(namespace), IN_NAMESPACE.iter()).await
}

/// Fails if the user of an existing cluster may not have Jobs run in this namespace; few trials have any.
pub async fn permitted_jobs(cluster: &Cluster, namespace: &str) -> Result<(), ClusterError> {
    if cluster.machine.is_some() {
        return Ok(());
    }
    all(cluster, Some(namespace), BY_JOBS.iter()).await
}

async fn all(
    cluster: &Cluster,
    namespace: Option<&str>,
    needed: impl Iterator<Item = &Needed>,
) -> Result<(), ClusterError> {
    let questions = needed.flat_map(|(group, plural, verbs)| verbs.iter().map(move |verb| (*group, *plural, *verb)));
    // Collected first: the compiler does not see that the future of a stream with a closure over references is `Send`.
    let questions: Vec<_> = questions
        .map(|(group, plural, verb)| async move {
            let allowed = may(cluster, namespace, (group, plural), verb).await?;
            Ok::<_, ClusterError>((!allowed).then(|| described(group, plural, verb)))
        })
        .collect();
    let answers: Vec<_> = stream::iter(questions).buffered(AT_ONCE).try_collect().await?;
    let missing: Vec<_> = answers.into_iter().flatten().collect();
    if missing.is_empty() {
        return Ok(());
    }
    let namespace = namespace.map(str::to_owned);
    Err(GuardError::Forbidden { cluster: cluster.name.clone(), namespace, missing }.into())
}

async fn may(
    cluster: &Cluster,
    namespace: Option<&str>,
    (group, plural): (&str, &str),
    verb: &str,
) -> Result<bool, ClusterError> {
    let (resource, subresource) = match plural.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (plural, None),
    };
    let attributes = ResourceAttributes {
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        verb: Some(verb.to_owned()),
        namespace: namespace.map(str::to_owned),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..<_>::default() },
        ..SelfSubjectAccessReview::default()
    };
    let api = Api::<SelfSubjectAccessReview>::all(cluster.client.clone());
    let answer = api.create(&PostParams::default(), &review).await;
    let answer = answer.map_err(ClusterError::api(&cluster.name, "ask what its user may do"))?;
    Ok(answer.status.is_some_and(|status| status.allowed))
}

/// `create deployments.apps`
fn described(group: &str, plural: &str, verb: &str) -> String {
    if group.is_empty() { format!("{verb} {plural}") } else { format!("{verb} {plural}.{group}") }
}
