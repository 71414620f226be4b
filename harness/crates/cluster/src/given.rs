//! A namespace that exists already, for users who may create none: a trial claims it, has it for itself, and leaves it
//! without anything that it made.
//!
//! The claim is a `ConfigMap` with the labels of the run. All objects of the run have the label of the run, but for Helm's
//! records and what the operator makes of Performers. A namespace with workloads of others is refused, so that these are of
//! the run as well.

use std::{collections::HashMap, fmt::Debug, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use hourglass_operator::api::{PERFORMER_LABEL, Performer};
use hourglass_reaper::{Labels, RUN_LABEL, RunId};
use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{
        apps::v1::{DaemonSet, Deployment, StatefulSet},
        batch::v1::Job,
        core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount},
        rbac::v1::{Role, RoleBinding},
    },
};
use kube::{
    Api, Resource, ResourceExt,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams, Preconditions},
    core::PartialObjectMeta,
    runtime::watcher,
};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use super::{
    Cluster, ClusterError, ignore_not_found, is_conflict, is_forbidden,
    namespace::{metadata_of, orphaned},
    remove_hold_finalizers,
    usable::watch,
};

/// The name of the claim.
const CLAIM: &str = "hourglass-harness";
/// How long a trial waits for the one that has the namespace.
const FREE_WITHIN: Duration = Duration::from_mins(30);
/// How long what a run left may take to be gone.
const GONE_WITHIN: Duration = Duration::from_secs(30);
/// The records of the release of executors.
const RECORDS: &str = "owner=helm,name=executor";
/// Names of Secrets that a trial writes; one of others must not be replaced.
const SECRETS: [&str; 2] = ["aggregator", "executor"];
/// The beginning of the names of Secrets with the files of performers.
pub const SECRETS_OF_PERFORMERS: &str = "performer-files-";

/// Claims a namespace for a run. A claim of a run that is gone is taken over, with what the run left; another trial is awaited.
pub(super) async fn claim(cluster: &Cluster, namespace: &str, labels: &Labels) -> Result<(), ClusterError> {
    let deadline = Instant::now() + FREE_WITHIN;
    while !create_claim(cluster, namespace, labels).await? {
        let Some((claim, holder)) = claimed(cluster, namespace).await? else { continue };
        if let Some(why) = orphaned(&holder, true, Timestamp::now()) {
            tracing::info!(namespace, run = holder.run.as_str(), why, "removing what a run has left");
            clear(cluster, namespace, &holder.run).await?;
            continue;
        }
        tracing::info!(namespace, run = holder.run.as_str(), "waiting for the trial that has the namespace");
        let by_name = watcher::Config::default().fields(&format!("metadata.name={CLAIM}"));
        let api = Api::<ConfigMap>::namespaced(cluster.client.clone(), namespace);
        let free = watch(cluster, api, by_name, "ConfigMaps", |claims| {
            let is_there = claims.values().any(|other| other.metadata.uid == claim.metadata.uid);
            (!is_there).then_some(())
        });
        let Ok(free) = timeout(deadline.saturating_duration_since(Instant::now()), free).await else {
            let (namespace, trial) = (namespace.to_owned(), holder.trial);
            return Err(ClusterError::NamespaceBusy {
                namespace,
                trial,
                run: holder.run.to_string(),
                within: FREE_WITHIN,
            });
        };
        free?;
    }
    let found = workloads_of_others(cluster, namespace).await;
    if !matches!(&found, Ok(found) if found.is_empty()) {
        // The error that led here is the one to report.
        let _ = release(cluster, namespace, &labels.run).await;
    }
    let found = found?;
    if found.is_empty() {
        Ok(())
    } else {
        Err(ClusterError::NamespaceOccupied { namespace: namespace.to_owned(), found })
    }
}

/// Removes what a run made in a namespace, and then its claim; waits until all is gone.
pub(super) async fn clear(cluster: &Cluster, namespace: &str, run: &RunId) -> Result<(), ClusterError> {
    let look = || async {
        match clear_once(cluster, namespace, run).await {
            Ok(left) if left.is_empty() => Ok(()),
            Ok(left) => Err(Left::There(left)),
            Err(error) => Err(Left::Failed(error)),
        }
    };
    // Objects of several kinds end one after the other; no event tells that the last is gone.
    let pauses = ExponentialBuilder::default()
        .with_min_delay(Duration::from_millis(50))
        .with_max_delay(Duration::from_secs(1))
        .with_total_delay(Some(GONE_WITHIN))
        .without_max_times();
    let cleared = look.retry(pauses).when(|left| matches!(left, Left::There(_))).await;
    cleared.map_err(|left| match left {
        Left::Failed(error) => error,
        Left::There(left) => {
            ClusterError::NamespaceNotCleared { namespace: namespace.to_owned(), within: GONE_WITHIN, left }
        }
    })
}

enum Left {
    There(Vec<String>),
    Failed(ClusterError),
}

/// Requests the removal of what a run made; returns what is still there. Nothing is done unless the run has the namespace.
pub(super) async fn clear_once(cluster: &Cluster, namespace: &str, run: &RunId) -> Result<Vec<String>, ClusterError> {
    match claimed(cluster, namespace).await? {
        Some((_, holder)) if holder.run == *run => {}
        _ => return Ok(Vec::new()),
    }
    let of_run = format!("{RUN_LABEL}={run}");
    let own = Own { cluster, namespace, selector: &of_run };
    let background = DeleteParams::background();
    let at_once = DeleteParams::default().grace_period(0);
    // First what creates pods; the operator ends those of Performers.
    own.delete::<Performer>(&background).await?;
    own.delete::<StatefulSet>(&background).await?;
    own.delete::<Deployment>(&background).await?;
    own.delete_if_allowed::<Job>(&background).await?;
    remove_hold_finalizers(cluster, namespace).await?;
    own.delete::<Pod>(&at_once).await?;
    own.delete::<Service>(&background).await?;
    own.delete::<Secret>(&background).await?;
    Own { selector: RECORDS, ..own }.delete::<Secret>(&background).await?;
    own.delete::<ServiceAccount>(&background).await?;
    own.delete::<RoleBinding>(&background).await?;
    own.delete::<Role>(&background).await?;
    let mut left = own.names::<Performer>().await?;
    left.extend(own.names::<Pod>().await?);
    left.extend(Own { selector: PERFORMER_LABEL, ..own }.names::<Pod>().await?);
    left.extend(own.end_orphans::<Deployment>().await?);
    left.extend(own.end_orphans::<Pod>().await?);
    left.extend(own.end_orphans::<Service>().await?);
    left.sort();
    left.dedup();
    if left.is_empty() {
        release(cluster, namespace, run).await?;
    }
    Ok(left)
}

/// Returns whether the claim was made; another run may have one.
async fn create_claim(cluster: &Cluster, namespace: &str, labels: &Labels) -> Result<bool, ClusterError> {
    let (labels, annotations) = metadata_of(labels.to_map());
    let metadata = ObjectMeta {
        name: Some(CLAIM.to_owned()),
        labels: Some(labels),
        annotations: Some(annotations),
        ..ObjectMeta::default()
    };
    let claim = ConfigMap { metadata, ..ConfigMap::default() };
    let api = Api::<ConfigMap>::namespaced(cluster.client.clone(), namespace);
    match api.create(&PostParams::default(), &claim).await {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) => Ok(false),
        Err(error) => Err(ClusterError::api(&cluster.name, format!("claim namespace {namespace}"))(error)),
    }
}

/// The claim, with the labels of the run that has it.
async fn claimed(cluster: &Cluster, namespace: &str) -> Result<Option<(ConfigMap, Labels)>, ClusterError> {
    let api = Api::<ConfigMap>::namespaced(cluster.client.clone(), namespace);
    let found = api.get_opt(CLAIM).await;
    let doing = format!("look who has claimed namespace {namespace}");
    let Some(claim) = found.map_err(ClusterError::api(&cluster.name, doing))? else { return Ok(None) };
    let map: HashMap<_, _> =
        claim.labels().iter().chain(claim.annotations()).map(|(k, v)| (k.clone(), v.clone())).collect();
    let Some(labels) = Labels::from_map(&map) else {
        let found = vec![format!("ConfigMap {CLAIM}")];
        return Err(ClusterError::NamespaceOccupied { namespace: namespace.to_owned(), found });
    };
    Ok(Some((claim, labels)))
}

async fn release(cluster: &Cluster, namespace: &str, run: &RunId) -> Result<(), ClusterError> {
    let Some((claim, _)) = claimed(cluster, namespace).await?.filter(|(_, holder)| holder.run == *run) else {
        return Ok(());
    };
    let preconditions = Some(Preconditions { uid: claim.uid(), ..Preconditions::default() });
    let api = Api::<ConfigMap>::namespaced(cluster.client.clone(), namespace);
    let deleted = api.delete(CLAIM, &DeleteParams { preconditions, ..DeleteParams::default() }).await;
    match ignore_not_found(deleted) {
        Err(error) if is_conflict(&error) => Ok(()),
        done => done.map(drop).map_err(ClusterError::api(&cluster.name, format!("release namespace {namespace}"))),
    }
}

/// What a trial would disturb, or be disturbed by.
async fn workloads_of_others(cluster: &Cluster, namespace: &str) -> Result<Vec<String>, ClusterError> {
    let all = Own { cluster, namespace, selector: "" };
    let mut found = all.names::<Performer>().await?;
    found.extend(all.names::<StatefulSet>().await?);
    found.extend(all.names::<Deployment>().await?);
    found.extend(all.names_if_allowed::<DaemonSet>().await?);
    found.extend(all.names::<Pod>().await?);
    found.extend(all.names::<Service>().await?);
    // That of the API server, in the namespace `default`.
    found.retain(|name| name != "Service kubernetes");
    let secrets = all.names::<Secret>().await?.into_iter();
    found.extend(secrets.filter(|name| {
        let name = name.strip_prefix("Secret ").unwrap_or_default();
        SECRETS.contains(&name) || name.starts_with(SECRETS_OF_PERFORMERS)
    }));
    found.extend(Own { selector: RECORDS, ..all }.names::<Secret>().await?);
    Ok(found)
}

/// Objects in a namespace, by their labels.
#[derive(Clone, Copy)]
struct Own<'a> {
    cluster: &'a Cluster,
    namespace: &'a str,
    selector: &'a str,
}

impl Own<'_> {
    async fn delete<K>(&self, how: &DeleteParams) -> Result<(), ClusterError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let api = Api::<K>::namespaced(self.cluster.client.clone(), self.namespace);
        let deleted = api.delete_collection(how, &ListParams::default().labels(self.selector)).await;
        let doing = format!("delete what a run has of kind {} in namespace {}", K::kind(&()), self.namespace);
        match ignore_not_found(deleted) {
            Err(error) if is_conflict(&error) => Ok(()),
            done => done.map(drop).map_err(ClusterError::api(&self.cluster.name, doing)),
        }
    }

    /// Deletes those whose Performer is gone, and returns them. The garbage collector does it too, but it may take as long as
    /// half a minute, and the next trial would find them.
    async fn end_orphans<K>(&self) -> Result<Vec<String>, ClusterError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let all = Own { selector: "", ..*self };
        let kind = K::kind(&());
        let mut orphans = all.metadata::<K>().await?;
        orphans.retain(|object| performer_of(object).is_some());
        if orphans.is_empty() {
            return Ok(Vec::new());
        }
        let performers: Vec<_> = all.metadata::<Performer>().await?.iter().filter_map(ResourceExt::uid).collect();
        orphans.retain(|object| performer_of(object).is_some_and(|uid| !performers.iter().any(|there| there == uid)));
        let api = Api::<K>::namespaced(self.cluster.client.clone(), self.namespace);
        let mut names = Vec::new();
        for orphan in orphans {
            let name = orphan.name_any();
            let preconditions = Some(Preconditions { uid: orphan.uid(), ..Preconditions::default() });
            let how = DeleteParams { preconditions, ..DeleteParams::background() };
            let doing = format!("delete {kind} {}/{name}", self.namespace);
            match ignore_not_found(api.delete(&name, &how).await) {
                Err(error) if is_conflict(&error) => {}
                done => done.map(drop).map_err(ClusterError::api(&self.cluster.name, doing))?,
            }
            names.push(format!("{kind} {name}"));
        }
        Ok(names)
    }

    /// A user who may not delete them has not made any.
    async fn delete_if_allowed<K>(&self, how: &DeleteParams) -> Result<(), ClusterError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        self.delete::<K>(how).await.or_else(unless_forbidden)
    }

    /// Their kinds and names.
    async fn names<K>(&self) -> Result<Vec<String>, ClusterError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let kind = K::kind(&());
        Ok(self.metadata::<K>().await?.iter().map(|object| format!("{kind} {}", object.name_any())).collect())
    }

    async fn metadata<K>(&self) -> Result<Vec<PartialObjectMeta<K>>, ClusterError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        let api = Api::<K>::namespaced(self.cluster.client.clone(), self.namespace);
        let listed = api.list_metadata(&ListParams::default().labels(self.selector)).await;
        let doing = format!("list what is of kind {} in namespace {}", K::kind(&()), self.namespace);
        let listed = ignore_not_found(listed).map_err(ClusterError::api(&self.cluster.name, doing))?;
        Ok(listed.map(|listed| listed.items).unwrap_or_default())
    }

    async fn names_if_allowed<K>(&self) -> Result<Vec<String>, ClusterError>
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()> + Clone + DeserializeOwned + Debug,
    {
        self.names::<K>().await.or_else(unless_forbidden)
    }
}

/// The uid of the Performer that an object belongs to.
fn performer_of(object: &impl ResourceExt) -> Option<&str> {
    let mut owners = object.owner_references().iter();
    owners.find(|owner| owner.kind == Performer::kind(&())).map(|owner| owner.uid.as_str())
}

fn unless_forbidden<T: Default>(error: ClusterError) -> Result<T, ClusterError> {
    match &error {
        ClusterError::Api { source, .. } if is_forbidden(source) => Ok(T::default()),
        _ => Err(error),
    }
}
