//! The definition of Performer in a cluster.

use std::time::Duration;

use hourglass_operator::api::{GROUP, PLURAL, VERSION};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::{Api, ResourceExt as _, api::DeleteParams, runtime::watcher};
use tokio::time::timeout;

use super::{NAME, NAMESPACE, OperatorError, ready::Seen};
use crate::{Cluster, ClusterError, ignore_not_found, usable::watch};

const ESTABLISHED_WITHIN: Duration = Duration::from_secs(30);
/// How long the API server may take to remove the definition: it first removes, and counts, the objects of its kind.
const GONE_WITHIN: Duration = Duration::from_secs(30);
/// How Helm marks what it installs.
const RELEASE_NAME: &str = "meta.helm.sh/release-name";
const RELEASE_NAMESPACE: &str = "meta.helm.sh/release-namespace";

/// `performers.hourglass.eigenlayer.io`
pub(super) fn name() -> String {
    format!("{PLURAL}.{GROUP}")
}

pub(super) fn api(cluster: &Cluster) -> Api<CustomResourceDefinition> {
    Api::all(cluster.client.clone())
}

/// The definition as it is, if it exists.
pub(super) async fn find(cluster: &Cluster) -> Result<Option<CustomResourceDefinition>, ClusterError> {
    let found = api(cluster).get_opt(&name()).await;
    found.map_err(ClusterError::api(&cluster.name, format!("look for definition {}", name())))
}

/// The definition as it is, if it exists; one that is being removed is awaited within the time limit.
pub(super) async fn find_settled(cluster: &Cluster) -> Result<Option<CustomResourceDefinition>, ClusterError> {
    match find(cluster).await? {
        Some(found) if found.metadata.deletion_timestamp.is_some() => {
            gone(cluster, &found).await?;
            find(cluster).await
        }
        found => Ok(found),
    }
}

/// Requests the removal of a definition and waits until it is gone; returns whether it is.
pub(super) async fn remove(cluster: &Cluster, crd: &CustomResourceDefinition) -> Result<bool, ClusterError> {
    let removed = ignore_not_found(api(cluster).delete(&name(), &DeleteParams::default()).await);
    match removed.map_err(ClusterError::api(&cluster.name, format!("remove definition {}", name())))? {
        None => Ok(true),
        Some(_) => gone(cluster, crd).await,
    }
}

/// Waits until a definition that is being removed is gone; returns whether it is.
async fn gone(cluster: &Cluster, crd: &CustomResourceDefinition) -> Result<bool, ClusterError> {
    let by_name = watcher::Config::default().fields(&format!("metadata.name={}", name()));
    let gone = watch(cluster, api(cluster), by_name, "definitions", |definitions| {
        // A new definition may have got the name since.
        definitions.values().all(|found| found.metadata.uid != crd.metadata.uid).then_some(())
    });
    timeout(GONE_WITHIN, gone).await.map_or(Ok(false), |gone| gone.map(|()| true))
}

pub(super) fn is_established(crd: &CustomResourceDefinition) -> bool {
    let conditions = crd.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Established" && condition.status == "True")
}

/// Whether the harness's release created it; it stays when the release is removed.
pub(super) fn is_ours(crd: &CustomResourceDefinition) -> bool {
    let marks = crd.annotations();
    let mark = |key: &str| marks.get(key).map(String::as_str);
    mark(RELEASE_NAME) == Some(NAME) && mark(RELEASE_NAMESPACE) == Some(NAMESPACE)
}

/// Why the release cannot take this definition over.
pub(super) fn unfit_to_install(crd: &CustomResourceDefinition) -> Option<String> {
    if crd.metadata.deletion_timestamp.is_some() {
        let finalizers = crd.finalizers().join(", ");
        return Some(format!("it is being removed, which waits for its finalizers ({finalizers})"));
    }
    if !is_ours(crd) {
        let marks = crd.annotations();
        let whose = match (marks.get(RELEASE_NAMESPACE), marks.get(RELEASE_NAME)) {
            (Some(namespace), Some(name)) => format!("Helm release {namespace}/{name} has installed it"),
            _ => "the harness did not install it".to_owned(),
        };
        return Some(format!("{whose}; it has {}", versions(crd)));
    }
    // The API server refuses to drop a version that objects may be stored in.
    let stored = crd.status.as_ref().and_then(|status| status.stored_versions.as_ref());
    let other = stored.into_iter().flatten().find(|version| *version != VERSION)?;
    Some(format!("objects of its version {other} are stored, which this harness does not know"))
}

/// Why the operator that exists cannot be used with this definition.
pub(super) fn unfit_to_use(crd: &CustomResourceDefinition) -> Option<String> {
    let served = crd.spec.versions.iter().any(|version| version.name == VERSION && version.served);
    if !served {
        return Some(format!("it does not serve version {VERSION}, but has {}", versions(crd)));
    }
    (!is_established(crd)).then(|| "the API server has not taken it in".to_owned())
}

/// Waits until the API server serves Performers.
pub(super) async fn established(cluster: &Cluster) -> Result<(), OperatorError> {
    let (name, within) = (name(), ESTABLISHED_WITHIN);
    let seen = Seen::new("it is not there");
    let by_name = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let there = watch(cluster, api(cluster), by_name, "definitions", |definitions| {
        let crd = definitions.values().next()?;
        seen.set(conditions(crd));
        is_established(crd).then_some(())
    });
    let Ok(established) = timeout(within, there).await else {
        let (cluster, crd, state) = (cluster.name.clone(), name, seen.last());
        return Err(OperatorError::CrdNotEstablished { cluster, crd, within, state });
    };
    Ok(established?)
}

/// `version v1alpha1`, `versions v1alpha1 and v1beta1`
fn versions(crd: &CustomResourceDefinition) -> String {
    let names: Vec<_> = crd.spec.versions.iter().map(|version| version.name.as_str()).collect();
    match names.as_slice() {
        [one] => format!("version {one}"),
        several => format!("versions {}", several.join(" and ")),
    }
}

fn conditions(crd: &CustomResourceDefinition) -> String {
    let conditions = crd.status.as_ref().and_then(|status| status.conditions.as_ref());
    let said: Vec<_> = conditions
        .into_iter()
        .flatten()
        .map(|condition| {
            let message = condition.message.clone().unwrap_or_default();
            format!("{} {}: {message}", condition.type_, condition.status)
        })
        .collect();
    if said.is_empty() { "it has no conditions yet".to_owned() } else { said.join("; ") }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn crd(annotations: &Value, versions: &[&str], stored: &[&str]) -> CustomResourceDefinition {
        let schema = json!({ "openAPIV3Schema": { "type": "object" } });
        let versions: Vec<_> = versions
            .iter()
            .map(|name| json!({ "name": name, "served": true, "storage": true, "schema": schema }))
            .collect();
        serde_json::from_value(json!({
            "metadata": { "name": name(), "annotations": annotations },
            "spec": {
                "group": GROUP, "scope": "Namespaced", "versions": versions,
                "names": { "kind": "Performer", "plural": PLURAL },
            },
            "status": { "storedVersions": stored, "conditions": [{ "type": "Established", "status": "True" }] },
        }))
        .unwrap()
    }

    fn ours() -> Value {
        json!({ RELEASE_NAME: NAME, RELEASE_NAMESPACE: NAMESPACE })
    }

    #[test]
    fn only_a_crd_of_our_release_is_taken_over() {
        assert_eq!(unfit_to_install(&crd(&ours(), &[VERSION], &[VERSION])), None);
        let by_hand = unfit_to_install(&crd(&json!({}), &[VERSION], &[])).unwrap();
        assert_eq!(by_hand, "the harness did not install it; it has version v1alpha1");
        let by_helm = json!({ RELEASE_NAME: "op", RELEASE_NAMESPACE: "avs" });
        let by_helm = unfit_to_install(&crd(&by_helm, &["v1", VERSION], &[])).unwrap();
        assert_eq!(by_helm, "Helm release avs/op has installed it; it has versions v1 and v1alpha1");
    }

    /// Otherwise Helm would show a message of the API server that names neither.
    #[test]
    fn a_later_version_of_our_crd_is_not_overwritten() {
        let later = unfit_to_install(&crd(&ours(), &[VERSION, "v1"], &[VERSION, "v1"])).unwrap();
        assert!(later.contains("version v1 are stored"), "{later}");
    }

    #[test]
    fn a_crd_of_others_is_used_if_it_serves_our_version() {
        assert_eq!(unfit_to_use(&crd(&json!({}), &[VERSION, "v1"], &[])), None);
        let other = unfit_to_use(&crd(&json!({}), &["v2"], &[])).unwrap();
        assert_eq!(other, "it does not serve version v1alpha1, but has version v2");
        let mut fresh = crd(&json!({}), &[VERSION], &[]);
        fresh.status = None;
        assert!(unfit_to_use(&fresh).is_some());
    }
}
