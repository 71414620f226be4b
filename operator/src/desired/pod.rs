//! The pod template.

use std::collections::BTreeMap;

use k8s_openapi::{
    api::core::v1::{EmptyDirVolumeSource, LocalObjectReference, PodSpec, PodTemplateSpec, Volume},
    apimachinery::pkg::apis::meta::v1::ObjectMeta,
};
use sha2::{Digest as _, Sha256};

use super::{References, container, files, labels, named, node, security, unless_empty};
use crate::api::{Performer, REFERENCES_ANNOTATION, TEMPLATE_ANNOTATION};

/// Seconds from SIGTERM to SIGKILL, the same as for an executor's container in the `docker` mode.
const GRACE: i64 = 10;
/// The volume at `/tmp`, the only writable path.
pub(super) const SCRATCH: &str = "tmp";

/// The template. Its annotation [`TEMPLATE_ANNOTATION`] distinguishes its pods from those of every other template.
pub(super) fn template(performer: &Performer, references: &References) -> PodTemplateSpec {
    let mut annotations = BTreeMap::new();
    annotations.extend(references.digest(performer).map(|digest| (REFERENCES_ANNOTATION.to_owned(), digest)));
    let mut template = PodTemplateSpec {
        metadata: Some(ObjectMeta {
            annotations: unless_empty(annotations.clone()),
            labels: Some(labels::of(performer)),
            ..ObjectMeta::default()
        }),
        spec: Some(spec(performer)),
    };
    annotations.insert(TEMPLATE_ANNOTATION.to_owned(), digest(&template));
    template.metadata.get_or_insert_default().annotations = Some(annotations);
    template
}

fn spec(performer: &Performer) -> PodSpec {
    let scheduling = performer.spec.scheduling.clone().unwrap_or_default();
    let config = performer.spec.config.as_ref();
    let service_account_name = config.and_then(|config| named(config.service_account_name.as_deref()));
    PodSpec {
        priority_class_name: named(scheduling.priority_class_name.as_deref()),
        runtime_class_name: named(scheduling.runtime_class.as_deref()),
        affinity: scheduling.affinity,
        // A spec that names an account wants its token to be mounted; the account itself may say otherwise.
        automount_service_account_token: service_account_name.is_none().then_some(false),
        containers: vec![container::of(performer)],
        // No variables for all Services of the namespace, which nobody asked for.
        enable_service_links: Some(false),
        image_pull_secrets: unless_empty(pull_secrets(performer)),
        node_selector: unless_empty(node::selector(performer)),
        security_context: Some(security::of_pod(performer)),
        service_account_name,
        termination_grace_period_seconds: Some(GRACE),
        tolerations: unless_empty(scheduling.tolerations),
        volumes: Some([vec![scratch()], files::volumes(performer)].concat()),
        ..PodSpec::default()
    }
}

fn scratch() -> Volume {
    Volume { empty_dir: Some(EmptyDirVolumeSource::default()), name: SCRATCH.to_owned(), ..Volume::default() }
}

/// Each secret once: a pod identifies them by name.
fn pull_secrets(performer: &Performer) -> Vec<LocalObjectReference> {
    let mut secrets: Vec<LocalObjectReference> = Vec::new();
    for secret in &performer.spec.image_pull_secrets {
        if !secrets.contains(secret) {
            secrets.push(secret.clone());
        }
    }
    secrets
}

fn digest(template: &PodTemplateSpec) -> String {
    // Maps of strings and lists can always be written as JSON.
    let text = serde_json::to_vec(template).unwrap_or_default();
    let mut digest = format!("{:x}", Sha256::digest(text));
    digest.truncate(16);
    digest
}
