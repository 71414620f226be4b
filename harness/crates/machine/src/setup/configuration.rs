//! The engine's configuration file: written if there is none, and never changed if there is one.

use std::{fs, io, path::Path};

use serde_json::{Value, json};

use super::DockerSetupError;

const NAME: &str = "bounded";

/// The default runtime in the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Configuration {
    /// There is no file.
    Absent,
    /// The default runtime is the wrapper.
    Ours,
    /// Somebody else configured the default runtime.
    Foreign,
}

/// Reads the file.
pub(super) fn look(path: &Path, wrapper: &Path) -> Result<Configuration, DockerSetupError> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Configuration::Absent),
        Err(error) => return Err(DockerSetupError::file("read", path)(error)),
    };
    let broken = |source| DockerSetupError::BrokenConfiguration { path: path.to_owned(), source };
    let value: Value = serde_json::from_slice(&text).map_err(broken)?;
    let runtime = value["default-runtime"].as_str().map(|name| &value["runtimes"][name]["path"]);
    let ours = runtime.and_then(Value::as_str).is_some_and(|path| Path::new(path) == wrapper);
    Ok(if ours { Configuration::Ours } else { Configuration::Foreign })
}

/// Writes the file.
pub(super) fn write(path: &Path, wrapper: &Path) -> Result<(), DockerSetupError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(DockerSetupError::file("make", folder))?;
    }
    // Never overwrites a file that somebody created in the meantime.
    let file = fs::File::create_new(path).map_err(DockerSetupError::file("write", path))?;
    let text = serde_json::to_writer_pretty(&file, &keys(wrapper)).map_err(io::Error::from);
    text.and_then(|()| io::Write::write_all(&mut &file, b"\n")).map_err(DockerSetupError::file("write", path))
}

/// The keys that make the wrapper the default runtime.
pub(super) fn keys(wrapper: &Path) -> Value {
    json!({ "runtimes": { NAME: { "path": wrapper } }, "default-runtime": NAME })
}

#[cfg(test)]
mod tests {
    use super::*;

    const WRAPPER: &str = "/usr/local/bin/runc-bounded";

    fn looked(text: &str) -> Result<Configuration, DockerSetupError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("daemon.json");
        fs::write(&path, text).unwrap();
        look(&path, Path::new(WRAPPER))
    }

    #[rstest::rstest]
    #[case::merged(
        r#"{"debug": true, "runtimes": {"mine": {"path": "/usr/local/bin/runc-bounded"}}, "default-runtime": "mine"}"#,
        Configuration::Ours
    )]
    #[case::empty("{}", Configuration::Foreign)]
    #[case::not_the_default(
        r#"{"runtimes": {"bounded": {"path": "/usr/local/bin/runc-bounded"}}}"#,
        Configuration::Foreign
    )]
    #[case::another(
        r#"{"runtimes": {"nvidia": {"path": "nvidia-container-runtime"}}, "default-runtime": "nvidia"}"#,
        Configuration::Foreign
    )]
    #[case::no_object("[1]", Configuration::Foreign)]
    fn a_configuration_with_the_wrapper_is_ours(#[case] text: &str, #[case] expected: Configuration) {
        assert_eq!(looked(text).unwrap(), expected);
    }

    #[test]
    fn a_broken_configuration_is_named_in_the_error() {
        let error = looked("{\"debug\": true,}").unwrap_err().to_string();
        assert!(error.contains("daemon.json: it is no JSON"), "{error}");
    }

    #[test]
    fn the_written_configuration_is_ours_and_written_once() {
        let folder = tempfile::tempdir().unwrap();
        let (path, wrapper) = (folder.path().join("etc/docker/daemon.json"), Path::new(WRAPPER));
        assert_eq!(look(&path, wrapper).unwrap(), Configuration::Absent);
        write(&path, wrapper).unwrap();
        assert_eq!(look(&path, wrapper).unwrap(), Configuration::Ours);
        fs::write(&path, "{\"debug\": true}").unwrap();
        assert!(write(&path, wrapper).is_err(), "somebody's file was overwritten");
        assert_eq!(fs::read_to_string(&path).unwrap(), "{\"debug\": true}");
    }
}
