//! Helm's records of releases in the cluster: a secret for each revision, whose labels hold its status.

use std::{collections::BTreeMap, fmt};

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Secret;
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams},
    runtime::watcher,
};

use super::{HelmError, Release};
use crate::{Cluster, ClusterError, ignore_not_found, usable::watch};

const OWNER: &str = "owner=helm";

/// The last revision of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReleaseStatus {
    /// Its number, from 1.
    pub revision: u32,
    /// Its outcome.
    pub stage: ReleaseStage,
    /// When the record was written.
    pub modified: Timestamp,
    /// The name of Helm's record.
    pub(super) record: String,
}

/// The outcome of a revision of a release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReleaseStage {
    /// The cluster has this revision.
    Deployed,
    /// It could not be installed.
    Failed,
    /// A Helm works on it, or was killed meanwhile; in Helm's words, as `pending-install`.
    Pending(String),
    /// Anything else, in Helm's words.
    Other(String),
}

impl fmt::Display for ReleaseStage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Deployed => "deployed",
            Self::Failed => "failed",
            Self::Pending(said) | Self::Other(said) => said,
        })
    }
}

/// `None` if there is no such release.
pub(super) async fn status(cluster: &Cluster, release: &Release) -> Result<Option<ReleaseStatus>, ClusterError> {
    let listed = records(cluster, release).list_metadata(&ListParams::default().labels(&selector(release))).await;
    let listed = listed.map_err(ClusterError::api(&cluster.name, format!("list the records of release {release}")))?;
    let all = listed.items.into_iter();
    Ok(all.filter_map(|record| of_labels(record.name_any(), record.labels())).max_by_key(|status| status.revision))
}

/// Waits until no Helm works on the release any more; `last` receives its latest status.
pub(super) async fn settled(
    cluster: &Cluster,
    release: &Release,
    mut last: impl FnMut(&ReleaseStatus),
) -> Result<(), ClusterError> {
    let config = watcher::Config::default().labels(&selector(release));
    watch(cluster, records(cluster, release), config, "records of Helm", |records| {
        let all = records.values().filter_map(|record| of_labels(record.name_any(), record.labels()));
        match all.max_by_key(|status| status.revision).filter(ReleaseStatus::is_pending) {
            Some(pending) => {
                last(&pending);
                None
            }
            None => Some(()),
        }
    })
    .await
}

/// Removes the record of a revision that its Helm never finished. The objects of that revision stay and still belong to
/// the release: the next installation takes them over.
pub(super) async fn forget(cluster: &Cluster, release: &Release, status: &ReleaseStatus) -> Result<(), HelmError> {
    let removed = records(cluster, release).delete(&status.record, &DeleteParams::default()).await;
    let doing = format!("remove record {}", status.record);
    Ok(ignore_not_found(removed).map(drop).map_err(ClusterError::api(&cluster.name, doing))?)
}

impl ReleaseStatus {
    /// Whether a Helm works on it, or was killed meanwhile.
    pub fn is_pending(&self) -> bool {
        matches!(self.stage, ReleaseStage::Pending(_))
    }
}

fn records(cluster: &Cluster, release: &Release) -> Api<Secret> {
    Api::namespaced(cluster.client.clone(), &release.namespace)
}

fn selector(release: &Release) -> String {
    format!("{OWNER},name={}", release.name)
}

/// `None` if it is not the record of a revision.
fn of_labels(record: String, labels: &BTreeMap<String, String>) -> Option<ReleaseStatus> {
    let revision = labels.get("version")?.parse().ok()?;
    let stage = match labels.get("status")?.as_str() {
        "deployed" => ReleaseStage::Deployed,
        "failed" => ReleaseStage::Failed,
        // A Helm that was killed during a removal does not finish either.
        said if said.starts_with("pending-") || said == "uninstalling" => ReleaseStage::Pending(said.to_owned()),
        said => ReleaseStage::Other(said.to_owned()),
    };
    let seconds = labels.get("modifiedAt").or_else(|| labels.get("createdAt"));
    let modified = seconds.and_then(|seconds| Timestamp::from_second(seconds.parse().ok()?).ok());
    Some(ReleaseStatus { revision, stage, modified: modified.unwrap_or(Timestamp::UNIX_EPOCH), record })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(labels: &[(&str, &str)]) -> Option<ReleaseStatus> {
        let labels = labels.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        of_labels("sh.helm.release.v1.r.v2".to_owned(), &labels)
    }

    #[test]
    fn a_record_gives_the_stage_of_its_release() {
        let killed = read(&[("version", "2"), ("status", "pending-install"), ("createdAt", "5"), ("owner", "helm")]);
        let killed = killed.unwrap();
        assert!(killed.is_pending());
        assert_eq!((killed.revision, killed.modified), (2, Timestamp::from_second(5).unwrap()));
        assert_eq!(killed.stage.to_string(), "pending-install");
        let done = read(&[("version", "10"), ("status", "deployed"), ("createdAt", "5"), ("modifiedAt", "7")]).unwrap();
        assert_eq!((done.stage, done.modified), (ReleaseStage::Deployed, Timestamp::from_second(7).unwrap()));
        assert!(read(&[("version", "3"), ("status", "uninstalling")]).unwrap().is_pending());
        assert!(!read(&[("version", "3"), ("status", "failed")]).unwrap().is_pending());
        assert_eq!(read(&[("name", "other")]), None);
    }
}
