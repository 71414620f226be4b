//! The namespace of the harness's operator.

use std::time::Duration;

use k8s_openapi::api::core::v1::Namespace;
use kube::{
    Api, ResourceExt as _,
    api::{ObjectMeta, PostParams},
};

use super::{NAMESPACE, OperatorError, conflicts::instead};
use crate::{Cluster, ClusterError, is_conflict, namespace};

/// How long a removal of the namespace may take.
const GONE_WITHIN: Duration = Duration::from_mins(1);
/// The label of the harness's own namespace. It belongs to no run, so that it stays when runs end.
const MAKER: [(&str, &str); 1] = [("hourglass-harness/part", "operator")];
/// The operator needs nothing that this level refuses.
const SECURITY: [(&str, &str); 1] = [("pod-security.kubernetes.io/enforce", "restricted")];

/// Creates the namespace if it does not exist; one that is being removed is awaited.
pub(super) async fn ensure(cluster: &Cluster) -> Result<(), OperatorError> {
    if let Some(found) = find(cluster).await? {
        if found.metadata.deletion_timestamp.is_none() {
            return ours(cluster, &found);
        }
        namespace::remove(cluster, NAMESPACE, GONE_WITHIN).await?;
    }
    let labels = MAKER.into_iter().chain(SECURITY).map(|(key, value)| (key.to_owned(), value.to_owned()));
    let metadata =
        ObjectMeta { name: Some(NAMESPACE.to_owned()), labels: Some(labels.collect()), ..ObjectMeta::default() };
    let namespace = Namespace { metadata, ..Namespace::default() };
    let fail = || ClusterError::api(&cluster.name, format!("create namespace {NAMESPACE}"));
    match api(cluster).create(&PostParams::default(), &namespace).await {
        Ok(_) => Ok(()),
        // Another machine was faster.
        Err(error) if is_conflict(&error) => match find(cluster).await? {
            Some(found) => ours(cluster, &found),
            None => Err(fail()(error).into()),
        },
        Err(error) => Err(fail()(error).into()),
    }
}

/// Whether it exists and the harness created it.
pub(super) async fn is_there(cluster: &Cluster) -> Result<bool, ClusterError> {
    Ok(find(cluster).await?.is_some_and(|found| is_ours(&found)))
}

/// Removes it, if the harness created it, and waits until it is gone.
pub(super) async fn remove(cluster: &Cluster) -> Result<(), ClusterError> {
    if is_there(cluster).await? {
        namespace::remove(cluster, NAMESPACE, GONE_WITHIN).await?;
    }
    Ok(())
}

async fn find(cluster: &Cluster) -> Result<Option<Namespace>, ClusterError> {
    let found = api(cluster).get_opt(NAMESPACE).await;
    found.map_err(ClusterError::api(&cluster.name, format!("look for namespace {NAMESPACE}")))
}

fn ours(cluster: &Cluster, found: &Namespace) -> Result<(), OperatorError> {
    if is_ours(found) {
        return Ok(());
    }
    let remedy = instead(cluster, &format!("kubectl delete namespace {NAMESPACE}"));
    Err(OperatorError::NamespaceTaken { cluster: cluster.name.clone(), namespace: NAMESPACE.to_owned(), remedy })
}

fn is_ours(namespace: &Namespace) -> bool {
    MAKER.iter().all(|(key, value)| namespace.labels().get(*key).is_some_and(|found| found == value))
}

fn api(cluster: &Cluster) -> Api<Namespace> {
    Api::all(cluster.client.clone())
}
