//! Copies the configuration of a component, and the files that an executor gives to its performer, into its container before
//! it starts.
//!
//! The configuration holds a key. A mounted file of this machine would have to be readable by the container's user, and
//! so by every user of the machine; a volume belongs to the engine. The file goes into a volume because the root file
//! system of the reference components is read-only, and the engine enforces that for uploads as well.

use std::{collections::HashMap, iter};

use bollard::{
    body_full,
    models::{Mount, MountType, MountVolumeOptions},
    query_parameters::UploadToContainerOptionsBuilder,
};
use hourglass_engine::EngineContext as _;
use hourglass_scenario::{ComponentRef, PerformerFile};
use serde_json::Value;
use tar::{Builder, EntryType, Header};

use super::context::DockerContext;
use crate::{RuntimeError, configuration};

/// The path of the configuration in a component's container.
pub(super) const CONFIG: &str = "/etc/hourglass/config.yaml";
const FOLDER: &str = "/etc/hourglass";
const FILE: &str = "config.yaml";
/// The user that the image sets must be able to read it; no other users are in the container.
const MODE: u32 = 0o444;

/// The volume for the configuration; it is removed with its container.
pub(super) fn volume(labels: HashMap<String, String>) -> Mount {
    Mount {
        target: Some(FOLDER.to_owned()),
        typ: Some(MountType::VOLUME),
        volume_options: Some(MountVolumeOptions { labels: Some(labels), ..MountVolumeOptions::default() }),
        ..Mount::default()
    }
}

/// The path in an executor's container of a file for its performer.
pub(super) fn path_of_file(index: usize) -> String {
    format!("{FOLDER}/{}", name_of_file(index))
}

fn name_of_file(index: usize) -> String {
    format!("files/{index}")
}

/// Copies the configuration and the files into a container that was created with [`volume`] and has not started.
pub(super) async fn upload(
    id: &str,
    component: &ComponentRef,
    config: &Value,
    files: &[PerformerFile],
    context: &DockerContext,
) -> Result<(), RuntimeError> {
    let doing = || format!("upload the configuration of {component}");
    let archive = archive(&configuration::document(config), files);
    let archive = archive.map_err(|source| RuntimeError::File { path: CONFIG.into(), source })?;
    let options = UploadToContainerOptionsBuilder::new().path(FOLDER).build();
    let docker = context.engine.docker();
    let uploaded = docker.upload_to_container(id, Some(options), body_full(archive.into())).await;
    Ok(uploaded.context(doing)?)
}

fn archive(text: &str, files: &[PerformerFile]) -> std::io::Result<Vec<u8>> {
    let files = files.iter().enumerate().map(|(index, file)| (name_of_file(index), file.bytes()));
    let mut archive = Builder::new(Vec::new());
    for (name, bytes) in iter::once((FILE.to_owned(), text.as_bytes())).chain(files) {
        let mut header = Header::new_gnu();
        header.set_entry_type(EntryType::Regular);
        header.set_mode(MODE);
        header.set_size(bytes.len() as u64);
        archive.append_data(&mut header, name, bytes)?;
    }
    archive.into_inner()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn the_configuration_is_readable_by_any_image_user() {
        let bytes = archive("{}\n", &[]).unwrap();
        let mut archive = tar::Archive::new(bytes.as_slice());
        let mut entries = archive.entries().unwrap();
        let mut file = entries.next().unwrap().unwrap();
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        assert_eq!((file.path().unwrap().to_str(), file.header().mode().unwrap()), (Some(FILE), MODE));
        assert_eq!(text, "{}\n");
        assert!(entries.next().is_none());
    }
}
