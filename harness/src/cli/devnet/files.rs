//! The files of a devnet. They hold keys: only their user may read them, and they go with the devnet.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use hourglass_base::private;
use hourglass_component::text::safe_json;
use hourglass_reaper::DEVNET_FILE;

use super::{document::DevnetDocument, variables::variables};
use crate::cli::CliError;

/// The file with variables in the folder of a devnet.
pub(super) const ENV_FILE: &str = "devnet.env";
/// Where the document is written before it appears whole.
const ASIDE: &str = ".devnet.json";
/// The mode of files with keys.
const MODE: u32 = 0o600;

/// The file that `--env-file` names. It is opened before anything is started: if that fails, nothing is.
#[derive(Debug)]
pub(super) struct EnvFile {
    path: PathBuf,
    file: File,
}

impl EnvFile {
    /// Opens the file and takes it from other users. Its content stays until there is another.
    pub(super) fn prepare(path: &Path) -> Result<Self, CliError> {
        let open = || -> io::Result<File> {
            let file = OpenOptions::new().create(true).write(true).truncate(false).mode(MODE).open(path)?;
            // One that exists has another mode. What is no file, such as a pipe, keeps its own.
            if file.metadata()?.is_file() {
                file.set_permissions(Permissions::from_mode(MODE))?;
            }
            Ok(file)
        };
        let file = open().map_err(|source| CliError::File { doing: "write", path: path.to_owned(), source })?;
        Ok(Self { path: path.to_owned(), file })
    }

    fn write(mut self, text: &str) -> Result<(), CliError> {
        let mut replace = || -> io::Result<()> {
            if self.file.metadata()?.is_file() {
                self.file.set_len(0)?;
            }
            self.file.write_all(text.as_bytes())
        };
        replace().map_err(|source| CliError::File { doing: "write", path: self.path.clone(), source })
    }
}

/// Writes the files of a devnet that stands.
pub(super) fn write(devnet: &DevnetDocument, folder: &Path, env_file: Option<EnvFile>) -> Result<(), CliError> {
    let text = variables(devnet);
    write_private(&folder.join(ENV_FILE), &text)?;
    if let Some(file) = env_file {
        file.write(&text)?;
    }
    // Last: it marks the folder as that of a devnet, which others may use now.
    let (aside, path) = (folder.join(ASIDE), folder.join(DEVNET_FILE));
    write_private(&aside, &format!("{}\n", serde_json::to_string_pretty(&safe_json(devnet)?)?))?;
    fs::rename(&aside, &path).map_err(|source| CliError::File { doing: "write", path, source })
}

/// Removes the keys of a devnet whose folder stays as evidence.
pub(super) fn remove(folder: &Path) -> Result<(), CliError> {
    for path in [DEVNET_FILE, ENV_FILE, ASIDE].map(|name| folder.join(name)) {
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                return Err(CliError::File { doing: "remove", path, source });
            }
            _ => {}
        }
    }
    Ok(())
}

fn write_private(path: &Path, text: &str) -> Result<(), CliError> {
    private::write(path, text).map_err(|source| CliError::File { doing: "write", path: path.to_owned(), source })
}
