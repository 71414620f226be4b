//! Contexts of the docker command: the engine that it uses if no variable names one.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;
use sha2::{Digest as _, Sha256};

/// The variable that names the folder of the docker command's configuration.
const CONFIG_VARIABLE: &str = "DOCKER_CONFIG";
/// The variable that names a context.
const CONTEXT_VARIABLE: &str = "DOCKER_CONTEXT";
/// The docker command's name for the engine of this machine.
const DEFAULT: &str = "default";

/// A context other than the default one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Context {
    /// Its name and origin, as `lab, which DOCKER_CONTEXT names`.
    pub(super) name: String,
    /// Its address, as `unix:///run/lab.sock`; else why it has none.
    pub(super) host: Result<String, String>,
}

/// The context that the docker command uses; `None` for the default one.
pub(super) fn current() -> Option<Context> {
    let named = |name| env::var(name).ok().filter(|value| !value.is_empty());
    let folder = env::var_os(CONFIG_VARIABLE).filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let of_user = || etcetera::home_dir().unwrap_or_else(|_| "/".into()).join(".docker");
    let folder = folder.unwrap_or_else(of_user);
    chosen(named(CONTEXT_VARIABLE), &folder)
}

fn chosen(variable: Option<String>, folder: &Path) -> Option<Context> {
    let file = folder.join("config.json");
    let (name, by) = match variable {
        Some(name) => (name, CONTEXT_VARIABLE.to_owned()),
        None => match current_in(&file) {
            Ok(name) => (name?, file.display().to_string()),
            Err(reason) => return Some(Context { name: format!("in {}", file.display()), host: Err(reason) }),
        },
    };
    let host = if name == DEFAULT { return None } else { host_of(&name, folder) };
    Some(Context { name: format!("{name}, which {by} names"), host })
}

fn current_in(file: &Path) -> Result<Option<String>, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Configuration {
        #[serde(default)]
        current_context: String,
    }
    let text = match fs::read(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("it cannot be read: {error}")),
    };
    let read: Configuration = serde_json::from_slice(&text).map_err(|error| format!("it is no JSON: {error}"))?;
    Ok(Some(read.current_context).filter(|name| !name.is_empty()))
}

fn host_of(name: &str, folder: &Path) -> Result<String, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Meta {
        #[serde(default)]
        endpoints: Endpoints,
    }
    #[derive(Default, Deserialize)]
    struct Endpoints {
        docker: Option<Endpoint>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Endpoint {
        #[serde(default)]
        host: String,
    }
    let folder = folder.join("contexts").join("meta").join(hex::encode(Sha256::digest(name)));
    let file = folder.join("meta.json");
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err("there is no such context".to_owned()),
        Err(error) => return Err(format!("{} cannot be read: {error}", file.display())),
    };
    let meta: Meta =
        serde_json::from_slice(&text).map_err(|error| format!("{} is no context: {error}", file.display()))?;
    let host = meta.endpoints.docker.map(|endpoint| endpoint.host).filter(|host| !host.is_empty());
    host.ok_or_else(|| format!("{} names no engine", file.display()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    /// The configuration of a docker command with a context called `lab`.
    fn configured(current: &str, meta: &str) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("config.json"), current).unwrap();
        // The SHA-256 of its name.
        let of_lab = folder.path().join("contexts/meta").join(LAB_DIGEST);
        fs::create_dir_all(&of_lab).unwrap();
        fs::write(of_lab.join("meta.json"), meta).unwrap();
        folder
    }

    const LAB_DIGEST: &str = "a51146d38077ff992eba84cf1d5e9b249073503eb74868699016153b031a38f7";
    const LAB: &str = r#"{"Name":"lab","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///run/lab.sock"}}}"#;

    #[rstest::rstest]
    #[case::none("{}", None, None)]
    #[case::current(r#"{"currentContext":"lab"}"#, None, Some(Ok("unix:///run/lab.sock")))]
    #[case::variable("{}", Some("lab"), Some(Ok("unix:///run/lab.sock")))]
    #[case::default(r#"{"currentContext":"default"}"#, None, None)]
    #[case::variable_before_configuration(r#"{"currentContext":"lab"}"#, Some("default"), None)]
    #[case::unknown(r#"{"currentContext":"lap"}"#, None, Some(Err("there is no such context")))]
    #[case::broken("{", None, Some(Err("it is no JSON")))]
    fn the_context_is_that_of_the_docker_command(
        #[case] configuration: &str,
        #[case] variable: Option<&str>,
        #[case] expected: Option<Result<&str, &str>>,
    ) {
        let folder = configured(configuration, LAB);
        let found = chosen(variable.map(str::to_owned), folder.path()).map(|context| context.host);
        match (found, expected) {
            (Some(Err(found)), Some(Err(expected))) => assert!(found.starts_with(expected), "{found}"),
            (found, expected) => assert_eq!(found, expected.map(|host| host.map(str::to_owned).map_err(str::to_owned))),
        }
    }

    #[rstest::rstest]
    #[case::no_engine(r#"{"Name":"lab","Endpoints":{"kubernetes":{}}}"#, "names no engine")]
    #[case::broken("{", "is no context")]
    fn a_context_without_an_engine_is_refused(#[case] meta: &str, #[case] expected: &str) {
        let folder = configured("{}", meta);
        let reason = chosen(Some("lab".to_owned()), folder.path()).unwrap().host.unwrap_err();
        assert!(reason.contains(expected), "{reason}");
    }

    #[test]
    fn without_a_configuration_there_is_no_context() {
        assert_eq!(chosen(None, Path::new("/nowhere")), None);
    }
}
