//! The files of a performer: a volume for each secret, and a mount for each file.

use k8s_openapi::api::core::v1::{SecretVolumeSource, Volume, VolumeMount};

use crate::api::Performer;

/// The volumes of its secrets.
pub(super) fn volumes(performer: &Performer) -> Vec<Volume> {
    let secrets = secrets(performer).into_iter().enumerate();
    let volume = |(index, name): (usize, &str)| Volume {
        name: volume_name(index),
        // Each user can read what is in it, whatever user the image names.
        secret: Some(SecretVolumeSource { secret_name: Some(name.to_owned()), ..SecretVolumeSource::default() }),
        ..Volume::default()
    };
    secrets.map(volume).collect()
}

/// The mounts of its files. A mount of one key leaves what the image has beside it.
pub(super) fn mounts(performer: &Performer) -> Vec<VolumeMount> {
    let secrets = secrets(performer);
    let mount = |file: &crate::api::PerformerFile| VolumeMount {
        mount_path: file.path.clone(),
        name: volume_name(secrets.iter().position(|name| *name == file.secret_key_ref.name).unwrap_or_default()),
        read_only: Some(true),
        sub_path: Some(file.secret_key_ref.key.clone()),
        ..VolumeMount::default()
    };
    performer.spec.files.iter().map(mount).collect()
}

/// Each secret once, in the order of the files.
fn secrets(performer: &Performer) -> Vec<&str> {
    let mut secrets = Vec::new();
    for file in &performer.spec.files {
        let name = file.secret_key_ref.name.as_str();
        if !secrets.contains(&name) {
            secrets.push(name);
        }
    }
    secrets
}

fn volume_name(index: usize) -> String {
    format!("files-{index}")
}
