//! The Secret that has the files of a performer. Its executor names it in the Performer, and the operator mounts it.

use std::collections::BTreeMap;

use hourglass_cluster::SECRETS_OF_PERFORMERS;
use hourglass_reaper::Labels;
use hourglass_scenario::ComponentRef;
use k8s_openapi::{ByteString, api::core::v1::Secret};
use serde_json::{Value, json};

use super::{config::metadata, trial_namespace::TrialNamespace};
use crate::{ExecutorSpec, PerformerSpec, RuntimeError, performer_files};

/// Creates the Secrets of the performers that have files.
pub(super) async fn create(
    specs: &[ExecutorSpec],
    labels: &Labels,
    trial_namespace: &TrialNamespace,
) -> Result<(), RuntimeError> {
    for (ordinal, spec) in specs.iter().enumerate() {
        for (index, performer) in
            spec.performers.iter().enumerate().filter(|(_, spec)| !spec.performer.files.is_empty())
        {
            trial_namespace.apply::<Secret>(&secret(&name(ordinal, index), performer, labels)).await?;
        }
    }
    Ok(())
}

/// The files of a performer in the configuration of its executor, which has this ordinal; `index` is that of the performer there.
pub(super) fn references(ordinal: usize, index: usize, spec: &PerformerSpec) -> Vec<Value> {
    let secret = name(ordinal, index);
    let named = performer_files::of(spec)
        .enumerate()
        .map(|(index, (path, _))| json!({ "path": path, "secretKeyRef": { "name": secret, "key": key(index) } }));
    named.collect()
}

fn secret(name: &str, spec: &PerformerSpec, labels: &Labels) -> Value {
    let component = ComponentRef::Performer(spec.name.clone());
    let (labels, annotations) = metadata(labels, Some(&component));
    let files = performer_files::of(spec).enumerate();
    let data: BTreeMap<_, _> =
        files.map(|(index, (_, file))| (key(index), ByteString(file.bytes().to_owned()))).collect();
    json!({ "metadata": { "name": name, "labels": labels, "annotations": annotations }, "data": data })
}

/// A namespace that has a Secret of others with such a name is refused.
fn name(ordinal: usize, index: usize) -> String {
    format!("{SECRETS_OF_PERFORMERS}{ordinal}-{index}")
}

/// A path is no key of a Secret.
fn key(index: usize) -> String {
    format!("file-{index}")
}
