//! The files of a devnet. They hold keys: only their user may read them, and they go with the devnet.

use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
};

use hourglass_base::private;
use hourglass_component::text::safe_json;
use hourglass_reaper::DEVNET_FILE;

use super::{
    DevnetError,
    document::DevnetDocument,
    variables::{BEGINNING, variables},
};
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
    /// Opens the file and takes it from other users. Its content stays until there is another; that of a file that no
    /// devnet has written stays for good.
    pub(super) fn prepare(path: &Path) -> Result<Self, CliError> {
        let failed = |source| CliError::File { doing: "write", path: path.to_owned(), source };
        if is_foreign(path).map_err(failed)? {
            return Err(DevnetError::ForeignFile { path: path.to_owned() }.into());
        }
        let open = || -> io::Result<File> {
            let file = OpenOptions::new().create(true).write(true).truncate(false).mode(MODE).open(path)?;
            // One that exists has another mode. What is no file, such as a pipe, keeps its own.
            if file.metadata()?.is_file() {
                file.set_permissions(Permissions::from_mode(MODE))?;
            }
            Ok(file)
        };
        let file = open().map_err(failed)?;
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

/// Whether the file at `path` has a content that is none of a devnet's variables.
fn is_foreign(path: &Path) -> io::Result<bool> {
    // What is no file, such as a pipe, has no content to keep; reading it would wait for a writer.
    match fs::metadata(path) {
        Ok(metadata) if !metadata.is_file() => return Ok(false),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    }
    let mut beginning = Vec::new();
    File::open(path)?.take(BEGINNING.len() as u64).read_to_end(&mut beginning)?;
    Ok(!beginning.is_empty() && beginning != BEGINNING.as_bytes())
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A `.env` with settings of the user's is not lost.
    #[rstest::rstest]
    #[case::settings("TOKEN=mine\n", true)]
    #[case::a_comment("# The keys of the team\n", true)]
    #[case::no_text_to_lose("", false)]
    #[case::that_of_a_devnet("# The devnet r1m8jw4p9x-fmbc2888. The keys are for its chains only.\nL1=1\n", false)]
    fn a_file_of_the_user_is_refused_and_stays(#[case] content: &str, #[case] refused: bool) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, content).unwrap();
        let prepared = EnvFile::prepare(&path);
        let is_foreign = matches!(prepared, Err(CliError::Devnet(DevnetError::ForeignFile { .. })));
        assert_eq!(is_foreign, refused, "{prepared:?}");
        assert_eq!(prepared.is_err(), refused);
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }

    #[test]
    fn a_file_that_is_not_there_is_made() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("devnet.env");
        EnvFile::prepare(&path).unwrap().write("A=1\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "A=1\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
    }
}
