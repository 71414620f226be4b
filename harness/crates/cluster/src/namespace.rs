//! Namespaces of the harness: created for a trial or for probes, awaited, removed, and found again when their owner is
//! gone.

use std::{collections::BTreeMap, path::Path, time::Duration};

use futures::future::join_all;
use hourglass_reaper::{DEVNET_FILE, Labels, OWNER_FILE, Owner, RUN_LABEL, RunId, rounded};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{Namespace, ServiceAccount};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, ObjectMeta, PostParams},
    runtime::watcher,
};
use tokio::time::timeout;

use super::{
    Cluster, ClusterError,
    answers::{ignore_not_found, is_conflict},
    given,
    hold::remove_hold_finalizers,
    usable::watch,
};

/// How long the service account of a new namespace may take.
const USABLE_WITHIN: Duration = Duration::from_secs(30);
/// The longest value that Kubernetes takes for a label.
const LONGEST_VALUE: usize = 63;

/// A namespace of the harness. Dropping this keeps the namespace: [`Self::remove`] removes it, and [`sweep_namespaces`]
/// finds those that were not removed.
#[derive(Debug)]
#[must_use = "it stays in the cluster until it is removed"]
pub struct OwnNamespace {
    cluster: Cluster,
    name: String,
    /// The run that has claimed it, if it existed before.
    claimed_by: Option<RunId>,
}

impl OwnNamespace {
    /// Creates one with a unique name, and waits until pods can be created in it: until its service account exists.
    pub async fn create(cluster: &Cluster, labels: &Labels) -> Result<Self, ClusterError> {
        let (labels, annotations, prefix) = {
            let (own, annotations) = metadata_of(labels.to_map());
            (own, annotations, format!("hourglass-{}-", labels.run))
        };
        let namespace = Namespace {
            metadata: ObjectMeta {
                generate_name: Some(prefix),
                labels: Some(labels),
                annotations: Some(annotations),
                ..ObjectMeta::default()
            },
            ..Namespace::default()
        };
        let api = Api::<Namespace>::all(cluster.client.clone());
        let created = api.create(&PostParams::default(), &namespace).await;
        let name = created.map_err(ClusterError::api(&cluster.name, "create a namespace"))?.name_any();
        let own = Self { cluster: cluster.clone(), name, claimed_by: None };
        tracing::info!(cluster = cluster.name, namespace = own.name, "namespace created");
        if let Err(error) = own.usable().await {
            // Nobody else knows of it; the error that led here is the one to report.
            let _ = delete(&own.cluster, &own.name).await;
            return Err(error);
        }
        Ok(own)
    }

    /// A namespace that exists already, for this run alone: another trial that has it is awaited, and one with workloads of
    /// others is refused. It is never removed; [`Self::leave`] removes what the run has made there.
    pub async fn claim(cluster: &Cluster, name: &str, labels: &Labels) -> Result<Self, ClusterError> {
        given::claim(cluster, name, labels).await?;
        tracing::info!(cluster = cluster.name, namespace = name, "namespace claimed");
        Ok(Self { cluster: cluster.clone(), name: name.to_owned(), claimed_by: Some(labels.run.clone()) })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it existed before the run, and stays.
    pub fn is_given(&self) -> bool {
        self.claimed_by.is_some()
    }

    /// The API for objects of one kind in it.
    pub fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        Api::namespaced(self.cluster.client.clone(), &self.name)
    }

    /// Removes it with all that is in it, and waits until it is gone. A namespace that is gone already is no error; if
    /// it stays, the error says what holds it.
    pub async fn remove(self, within: Duration) -> Result<(), ClusterError> {
        if self.is_given() {
            return self.leave().await;
        }
        remove(&self.cluster, &self.name, within).await
    }

    /// Requests its removal and does not wait: the control plane delays that for five seconds, whatever is in it. Call
    /// this when everything in it is gone.
    ///
    /// In a namespace that existed before, waits until all that the run has made there is gone.
    pub async fn leave(self) -> Result<(), ClusterError> {
        if let Some(run) = &self.claimed_by {
            return given::clear(&self.cluster, &self.name, run).await;
        }
        delete(&self.cluster, &self.name).await.map(drop)
    }

    async fn usable(&self) -> Result<(), ClusterError> {
        let by_name = watcher::Config::default().fields("metadata.name=default");
        let there = watch(&self.cluster, self.api::<ServiceAccount>(), by_name, "service accounts", |accounts| {
            (!accounts.is_empty()).then_some(())
        });
        timeout(USABLE_WITHIN, there).await.map_err(|_| ClusterError::NamespaceNotUsable {
            namespace: self.name.clone(),
            within: USABLE_WITHIN,
            state: "its service account `default` is not there".to_owned(),
        })?
    }
}

/// Labels and annotations of a Kubernetes object for these keys and values: values that Kubernetes accepts as labels
/// are labels, and the rest, such as paths and names with `/` or `::`, are annotations.
pub fn metadata_of(
    map: impl IntoIterator<Item = (String, String)>,
) -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    map.into_iter().partition(|(_, value)| is_label_value(value))
}

fn is_label_value(value: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let ends = [value.bytes().next(), value.bytes().last()];
    value.len() <= LONGEST_VALUE
        && value.bytes().all(inner)
        && ends.into_iter().flatten().all(|byte| byte.is_ascii_alphanumeric())
}

/// A namespace of a run.
#[derive(Debug, Clone)]
pub struct FoundNamespace {
    /// Its name.
    pub name: String,
    /// The labels of its run.
    pub labels: Labels,
    /// Why nobody needs it any more, as "its owner, process 12, is gone"; `None` if somebody may.
    pub orphaned: Option<String>,
}

/// The result of removing a namespace that nobody needed.
#[derive(Debug)]
pub struct RemovedNamespace {
    /// The namespace.
    pub found: FoundNamespace,
    /// Whether it is gone.
    pub removed: Result<(), ClusterError>,
}

/// The namespaces of all runs in a cluster.
pub async fn namespaces_of_runs(cluster: &Cluster) -> Result<Vec<FoundNamespace>, ClusterError> {
    let api = Api::<Namespace>::all(cluster.client.clone());
    let listed = api.list(&ListParams::default().labels(RUN_LABEL)).await;
    let listed = listed.map_err(ClusterError::api(&cluster.name, "list the namespaces of runs"))?;
    let now = Timestamp::now();
    // Clusters of the harness belong to this machine; several machines may use an existing one.
    let shared = cluster.machine.is_none();
    Ok(listed.into_iter().filter_map(|namespace| FoundNamespace::of(namespace, shared, now)).collect())
}

/// Whether no run has a namespace in a cluster. Namespaces that are being removed are awaited; one that is not gone in
/// time is an error.
pub(super) async fn free_of_runs(cluster: &Cluster, within: Duration) -> Result<bool, ClusterError> {
    let api = Api::<Namespace>::all(cluster.client.clone());
    let of_runs = watcher::Config::default().labels(RUN_LABEL);
    let mut last = None;
    let free = watch(cluster, api, of_runs, "namespaces", |namespaces| {
        last = namespaces.values().next().cloned();
        let is_used = namespaces.values().any(|namespace| namespace.metadata.deletion_timestamp.is_none());
        if is_used { Some(false) } else { namespaces.is_empty().then_some(true) }
    });
    match (timeout(within, free).await, last) {
        (Ok(free), _) => free,
        (Err(_), None) => Ok(true),
        (Err(_), Some(namespace)) => {
            let held_by = held_by(&namespace);
            Err(ClusterError::NamespaceStuck { namespace: namespace.name_any(), within, held_by })
        }
    }
}

/// Removes the namespaces that nobody needs any more, concurrently, each within the time given.
pub async fn sweep_namespaces(cluster: &Cluster, within: Duration) -> Result<Vec<RemovedNamespace>, ClusterError> {
    let found = namespaces_of_runs(cluster).await?.into_iter().filter(|found| found.orphaned.is_some());
    let removals = found.map(|found| async {
        let removed = remove(cluster, &found.name, within).await;
        RemovedNamespace { found, removed }
    });
    Ok(join_all(removals).await)
}

impl FoundNamespace {
    fn of(namespace: Namespace, shared: bool, now: Timestamp) -> Option<Self> {
        let name = namespace.name_any();
        let ObjectMeta { labels, annotations, .. } = namespace.metadata;
        let map = labels.into_iter().chain(annotations).flatten().collect();
        let labels = Labels::from_map(&map)?;
        Some(Self { name, orphaned: orphaned(&labels, shared, now), labels })
    }
}

/// Why nobody needs an object with these labels. The state of an owner on another machine is unknown here, so only the
/// time decides.
pub(super) fn orphaned(labels: &Labels, shared: bool, now: Timestamp) -> Option<String> {
    let is_devnet = labels.folder.as_deref().is_some_and(|folder| folder.join(DEVNET_FILE).exists());
    // Its namespace goes with its folder.
    if let Some(expires) = labels.expires.filter(|expires| *expires <= now && !is_devnet) {
        return Some(format!("expired {} ago", rounded(expires, now)));
    }
    let owner = labels.owner.as_ref()?;
    let elsewhere = shared && Owner::current().is_some_and(|current| current.boot != owner.boot);
    if elsewhere || owner.is_alive() || labels.folder.as_deref().is_some_and(is_kept) {
        return None;
    }
    Some(format!("its owner, process {}, is gone", owner.pid))
}

/// Whether a trial was kept on purpose: its folder exists and has no owner.
fn is_kept(folder: &Path) -> bool {
    folder.is_dir() && !folder.join(OWNER_FILE).exists()
}

/// Removes a namespace and waits until it is gone; one that does not exist is no error.
pub(super) async fn remove(cluster: &Cluster, name: &str, within: Duration) -> Result<(), ClusterError> {
    let Some(removed) = delete(cluster, name).await? else { return Ok(()) };
    // Pods that a fault holds would stay for ever.
    remove_hold_finalizers(cluster, name).await?;
    let api = Api::<Namespace>::all(cluster.client.clone());
    let by_name = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let mut last = removed.clone();
    let gone = watch(cluster, api, by_name, "namespaces", |namespaces| {
        // A new namespace may have got the name since.
        let same = namespaces.values().find(|namespace| namespace.metadata.uid == removed.metadata.uid);
        same.map(|namespace| last.clone_from(namespace)).is_none().then_some(())
    });
    match timeout(within, gone).await {
        Ok(gone) => gone,
        Err(_) => Err(ClusterError::NamespaceStuck { namespace: name.to_owned(), within, held_by: held_by(&last) }),
    }
}

/// Requests its removal; returns it as it is then, `None` if it does not exist.
async fn delete(cluster: &Cluster, name: &str) -> Result<Option<Namespace>, ClusterError> {
    let api = Api::<Namespace>::all(cluster.client.clone());
    let fail = || ClusterError::api(&cluster.name, format!("delete namespace {name}"));
    tracing::info!(cluster = cluster.name, namespace = name, "deleting the namespace");
    match ignore_not_found(api.delete(name, &DeleteParams::background()).await) {
        Ok(None) => Ok(None),
        Ok(Some(_)) => api.get_opt(name).await.map_err(fail()),
        // It is being removed already.
        Err(error) if is_conflict(&error) => api.get_opt(name).await.map_err(fail()),
        Err(error) => Err(fail()(error)),
    }
}

/// What holds a namespace that is being removed, from its conditions.
fn held_by(namespace: &Namespace) -> String {
    let own = namespace.finalizers().iter().map(|finalizer| format!("it has finalizer {finalizer}"));
    let status = namespace.status.as_ref().and_then(|status| status.conditions.as_ref());
    let conditions = status.into_iter().flatten().filter(|condition| condition.status == "True");
    let said = conditions.map(|condition| {
        let message = condition.message.clone().unwrap_or_default();
        format!("{}: {}", condition.type_, message.trim_end())
    });
    let all: Vec<_> = own.chain(said).collect();
    if all.is_empty() {
        "its content is being removed, and nothing says what is left".to_owned()
    } else {
        all.join("; ")
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use hourglass_reaper::{BOOT_ID_LABEL, FOLDER_LABEL, OWNER_PID_LABEL, TRIAL_LABEL};

    use super::*;

    fn labels() -> Labels {
        Labels::new(RunId::generate(), "kubernetes::square").in_folder(Path::new("/runs/r"))
    }

    /// Kubernetes refuses the whole object for one invalid label, and the sweep needs all of them back.
    #[test]
    fn values_that_are_no_labels_are_annotations_and_both_are_read() {
        let written = labels();
        let (own, annotations) = metadata_of(written.to_map());
        assert!([RUN_LABEL, OWNER_PID_LABEL, BOOT_ID_LABEL].iter().all(|key| own.contains_key(*key)), "{own:?}");
        assert_eq!(annotations.keys().map(String::as_str).collect::<Vec<_>>(), [FOLDER_LABEL, TRIAL_LABEL]);
        let metadata =
            ObjectMeta { labels: Some(own), annotations: Some(annotations), name: Some("n".into()), ..<_>::default() };
        let namespace = Namespace { metadata, ..Namespace::default() };
        let found = FoundNamespace::of(namespace, false, Timestamp::now()).unwrap();
        assert_eq!((&found.labels.owner, found.labels.trial.as_str()), (&written.owner, "kubernetes::square"));
        assert_eq!(found.labels.folder, Some(PathBuf::from("/runs/r")));
        assert!(found.orphaned.is_none(), "what a living process made would be removed: {found:?}");
    }

    #[rstest::rstest]
    #[case::empty("", true)]
    #[case::number("12", true)]
    #[case::uuid("f81d4fae-7dec-11d0-a765-00a0c91e6bf6", true)]
    #[case::path("/runs/r", false)]
    #[case::trial("kubernetes::square", false)]
    #[case::hyphen_first("-a", false)]
    #[case::dot_last("a.", false)]
    #[case::blank("a b", false)]
    #[case::letters_of_others("größe", false)]
    fn label_values_are_recognized_as_by_kubernetes(#[case] value: &str, #[case] label: bool) {
        assert_eq!(is_label_value(value), label);
        assert!(!is_label_value(&"a".repeat(64)));
    }

    #[test]
    fn only_orphaned_namespaces_are_swept() {
        let now = Timestamp::now();
        let gone = |boot: Option<&str>| {
            let current = Owner::current().unwrap();
            let boot = boot.map_or_else(|| current.boot.clone(), str::to_owned);
            Labels { owner: Some(Owner { started: 1, boot, ..current }), ..labels() }
        };
        assert!(orphaned(&labels(), false, now).is_none(), "its owner lives");
        assert!(orphaned(&gone(None), true, now).is_some_and(|why| why.contains("is gone")));
        assert!(orphaned(&gone(Some("another")), false, now).is_some(), "the machine was started anew");
        assert!(orphaned(&gone(Some("another")), true, now).is_none(), "its owner may live on another machine");
        let expired = Labels { expires: Some(now - jiff::SignedDuration::from_hours(2)), ..labels() };
        assert_eq!(orphaned(&expired, true, now).as_deref(), Some("expired 2h ago"));
        let folder = tempfile::tempdir().unwrap();
        let kept = Labels { folder: Some(folder.path().to_owned()), ..gone(None) };
        assert!(orphaned(&kept, false, now).is_none(), "it was kept on purpose");
        let devnet = Labels { folder: kept.folder.clone(), ..expired };
        assert!(orphaned(&devnet, false, now).is_some());
        std::fs::write(folder.path().join(DEVNET_FILE), "{}").unwrap();
        assert!(orphaned(&devnet, false, now).is_none(), "a devnet has no limit");
    }
}
