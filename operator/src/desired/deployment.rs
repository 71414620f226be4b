//! The Deployment: Kubernetes itself replaces and reschedules pods and keeps earlier templates.

use k8s_openapi::{
    api::apps::v1::{Deployment, DeploymentSpec, DeploymentStrategy, RollingUpdateDeployment},
    apimachinery::pkg::{apis::meta::v1::LabelSelector, util::intstr::IntOrString},
};

use super::{References, labels, metadata, pod};
use crate::api::Performer;

/// Earlier templates to which a user can roll back.
const REVISIONS: i32 = 3;
/// Seconds after which a roll-out without progress counts as stuck: the time that a container has to answer its first
/// probe, and as much again for its node and image.
const PROGRESS_DEADLINE: i32 = 600;

/// The Deployment of `performer`, whose environment refers to secrets and config maps in the versions of `references`.
///
/// The pod of a new template must be ready before the previous one is stopped.
pub fn deployment(performer: &Performer, references: &References) -> Deployment {
    let mut metadata = metadata(performer);
    metadata.labels.get_or_insert_default().extend(labels::version(performer));
    Deployment {
        metadata,
        spec: Some(DeploymentSpec {
            progress_deadline_seconds: Some(PROGRESS_DEADLINE),
            replicas: Some(1),
            revision_history_limit: Some(REVISIONS),
            selector: LabelSelector { match_labels: Some(labels::selector(performer)), ..LabelSelector::default() },
            strategy: Some(DeploymentStrategy {
                rolling_update: Some(RollingUpdateDeployment {
                    max_surge: Some(IntOrString::Int(1)),
                    max_unavailable: Some(IntOrString::Int(0)),
                }),
                type_: Some("RollingUpdate".to_owned()),
            }),
            template: pod::template(performer, references),
            ..DeploymentSpec::default()
        }),
        status: None,
    }
}
