//! Objects of others in a cluster that the harness's operator would collide with, or that are used instead.

use hourglass_operator::api::{GROUP, VERSION};
use k8s_openapi::api::apps::v1::Deployment;
use kube::{Api, ResourceExt as _, api::ListParams};

use super::{NAME, NAME_LABEL, NAMESPACE, OperatorError, crd, ready::is_available};
use crate::{Cluster, ClusterError, ignore_not_found, is_forbidden};

/// The command that removes the definition of Performer.
const REMOVAL: &str = "kubectl delete crd performers.hourglass.eigenlayer.io";

/// Fails if the harness's operator would work against another one. Returns whether the definition of Performer exists.
pub(super) async fn refuse(cluster: &Cluster) -> Result<bool, OperatorError> {
    let (definition, others) = tokio::try_join!(crd::find_settled(cluster), operators(cluster))?;
    if let Some(found) = &definition
        && let Some(reason) = crd::unfit_to_install(found)
    {
        let remedy = if crd::is_ours(found) { removed(REMOVAL) } else { instead(cluster, REMOVAL) };
        return Err(unfit(cluster, reason, remedy));
    }
    let Some(other) = others.iter().find(|deployment| deployment.namespace().as_deref() != Some(NAMESPACE)) else {
        return Ok(definition.is_some());
    };
    let (namespace, name) = (other.namespace().unwrap_or_default(), other.name_any());
    let remedy = instead(cluster, &format!("kubectl delete deployment {name} --namespace {namespace}"));
    Err(OperatorError::Other { cluster: cluster.name.clone(), found: namespaced_name(other), remedy })
}

/// The remedy for an object that others created.
pub(super) fn instead(cluster: &Cluster, removal: &str) -> String {
    if cluster.machine.is_none() {
        format!("choose --operator existing to use the operator that runs there; else remove it with `{removal}`")
    } else {
        format!("have a new cluster after `harness down {}`, or remove it with `{removal}`", cluster.name)
    }
}

fn removed(removal: &str) -> String {
    format!("remove it with `{removal}`; Performers go with it")
}

fn unfit(cluster: &Cluster, reason: String, remedy: String) -> OperatorError {
    OperatorError::Crd { cluster: cluster.name.clone(), crd: crd::name(), reason, remedy }
}

/// Checks that an operator of others runs; `None` if the user may not look. Then the definition of Performer must be known.
pub(super) async fn accept_hidden(cluster: &Cluster) -> Result<Option<Deployment>, OperatorError> {
    match accept(cluster).await {
        Err(OperatorError::Cluster(error)) if is_refused(&error) => {}
        found => return found.map(Some),
    }
    // Every user may ask which kinds there are.
    let known = cluster.client.list_api_group_resources(&format!("{GROUP}/{VERSION}")).await;
    let known = ignore_not_found(known).map_err(ClusterError::api(&cluster.name, "ask for the kinds of objects"))?;
    if known.is_some() {
        return Ok(None);
    }
    let reason = format!("there is no definition {}", crd::name());
    Err(OperatorError::None { cluster: cluster.name.clone(), reason })
}

fn is_refused(error: &ClusterError) -> bool {
    matches!(error, ClusterError::Api { source, .. } if is_forbidden(source))
}

/// Checks that an operator of others runs, with a definition that it and the harness understand.
pub(super) async fn accept(cluster: &Cluster) -> Result<Deployment, OperatorError> {
    let (definition, found) = tokio::try_join!(crd::find(cluster), operators(cluster))?;
    let none = |reason: String| OperatorError::None { cluster: cluster.name.clone(), reason };
    let definition = definition.ok_or_else(|| none(format!("there is no definition {}", crd::name())))?;
    if let Some(reason) = crd::unfit_to_use(&definition) {
        let remedy = format!("have one installed that knows it, or choose --operator install and {}", removed(REMOVAL));
        return Err(unfit(cluster, reason, remedy));
    }
    let names: Vec<_> = found.iter().map(namespaced_name).collect();
    match found.into_iter().find(is_available) {
        Some(available) => Ok(available),
        None if names.is_empty() => Err(none(format!("no Deployment has label {NAME_LABEL}={NAME}"))),
        None => Err(none(format!("Deployment {} is not available", names.join(", ")))),
    }
}

async fn operators(cluster: &Cluster) -> Result<Vec<Deployment>, ClusterError> {
    let all = Api::<Deployment>::all(cluster.client.clone());
    let listed = all.list(&ListParams::default().labels(&format!("{NAME_LABEL}={NAME}"))).await;
    Ok(listed.map_err(ClusterError::api(&cluster.name, "look for operators"))?.items)
}

fn namespaced_name(deployment: &Deployment) -> String {
    format!("{}/{}", deployment.namespace().unwrap_or_default(), deployment.name_any())
}
