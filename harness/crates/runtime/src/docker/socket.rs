//! The engine's socket, as a component that creates containers gets it.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::PathBuf,
};

use hourglass_engine::EngineAddress;

use crate::RuntimeError;

/// A socket, and the user and group that may use it.
#[derive(Debug, Clone)]
pub(super) struct EngineSocket {
    /// Its path on the machine of the engine.
    pub path: PathBuf,
    /// The group to join.
    pub group: Option<u32>,
    /// The user to run as, if the group may not use it: only its owner may use the socket of a rootless engine.
    pub user: Option<u32>,
}

const GROUP_MAY_USE: u32 = 0o060;

impl EngineSocket {
    /// The socket of this engine, which must be on this machine: containers mount it.
    pub(super) fn of(address: &EngineAddress) -> Result<Self, RuntimeError> {
        let path = address.socket().ok_or_else(|| RuntimeError::Unsupported {
            runtime: "docker",
            reason: format!(
                "executors make their performers through the engine's socket, and {address} is none of this machine; let \
                 DOCKER_HOST name a socket"
            ),
        })?;
        // Mounting a symbolic link would mount the link's own folder.
        let path = fs::canonicalize(path).map_err(|source| RuntimeError::File { path: path.to_owned(), source })?;
        let metadata = fs::metadata(&path).map_err(|source| RuntimeError::File { path: path.clone(), source })?;
        let for_group = metadata.permissions().mode() & GROUP_MAY_USE == GROUP_MAY_USE;
        let (group, user) = if for_group { (Some(metadata.gid()), None) } else { (None, Some(metadata.uid())) };
        Ok(Self { path, group, user })
    }
}
