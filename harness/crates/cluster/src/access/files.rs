//! The files of a kubeconfig: one, or several that are read as one, as kubectl does.

use std::{
    env,
    ffi::OsStr,
    io,
    path::{Path, PathBuf, absolute},
};

use kube::config::Kubeconfig;
use rustix::io::Errno;

use super::ClusterError;

const KUBECONFIG_VARIABLE: &str = "KUBECONFIG";

/// What `KUBECONFIG` names, a file or a list of files, else the file in the user's folder.
pub(crate) fn of_user() -> PathBuf {
    let named = env::var_os(KUBECONFIG_VARIABLE).unwrap_or_default();
    listed(&named).unwrap_or_else(|| etcetera::home_dir().unwrap_or_default().join(".kube").join("config"))
}

/// The files of a list without its empty parts, as absolute paths: programs that receive the list have other working
/// folders.
fn listed(list: &OsStr) -> Option<PathBuf> {
    let named = env::split_paths(list).filter(|path| !path.as_os_str().is_empty());
    let named: Vec<_> = named.map(|path| absolute(&path).unwrap_or(path)).collect();
    // Parts that were split at colons contain none, so joining them cannot fail.
    env::join_paths(&named).ok().filter(|joined| !joined.is_empty()).map(PathBuf::from)
}

/// The files that a kubeconfig consists of: itself, or those that it lists like `KUBECONFIG`.
pub(crate) fn files(kubeconfig: &Path) -> Vec<PathBuf> {
    // The name of a file may contain a colon.
    if kubeconfig.exists() {
        return vec![kubeconfig.to_owned()];
    }
    env::split_paths(kubeconfig).filter(|path| !path.as_os_str().is_empty()).collect()
}

/// The content of all files; if several name the same thing, the first counts. Files that do not exist are skipped,
/// unless none exists.
pub(crate) fn merged(kubeconfig: &Path) -> Result<Kubeconfig, ClusterError> {
    let fail = |path: &Path, source: Box<dyn std::error::Error + Send + Sync>| ClusterError::Kubeconfig {
        path: path.to_owned(),
        context: None,
        source,
    };
    let files = files(kubeconfig);
    let mut there = files.iter().filter(|file| !is_missing(file)).peekable();
    if there.peek().is_none() {
        return Err(fail(kubeconfig, io::Error::from(Errno::NOENT).into()));
    }
    there.try_fold(Kubeconfig::default(), |before, file| {
        let mut read = Kubeconfig::read_from(file).map_err(|error| fail(file, error.into()))?;
        read.current_context = read.current_context.filter(|context| !context.is_empty());
        before.merge(read).map_err(|error| fail(file, error.into()))
    })
}

fn is_missing(file: &Path) -> bool {
    file.metadata().is_err_and(|error| error.kind() == io::ErrorKind::NotFound)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn kubeconfig(context: &str, server: &str) -> String {
        format!(
            "clusters: [{{name: c, cluster: {{server: \"{server}\"}}}}]\n\
             contexts: [{{name: {context}, context: {{cluster: c}}}}]\n"
        )
    }

    /// As kubectl reads the same list.
    #[test]
    fn in_a_list_of_kubeconfigs_the_first_definition_wins() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("empty"), "").unwrap();
        fs::write(path("a"), kubeconfig("of-a", "https://a") + "current-context: \"\"\n").unwrap();
        fs::write(path("b"), kubeconfig("of-b", "https://b") + "current-context: of-b\n").unwrap();
        let list = format!(
            ":{}:{}:{}::{}:",
            path("nowhere").display(),
            path("empty").display(),
            path("a").display(),
            path("b").display()
        );
        let read = merged(&listed(OsStr::new(&list)).unwrap()).unwrap();
        let contexts: Vec<_> = read.contexts.iter().map(|named| named.name.as_str()).collect();
        assert_eq!(contexts, ["of-a", "of-b"]);
        assert_eq!(
            read.current_context.as_deref(),
            Some("of-b"),
            "an empty current context hides that of another file"
        );
        let server = read.clusters[0].cluster.as_ref().unwrap().server.as_deref();
        assert_eq!((read.clusters.len(), server), (1, Some("https://a")));
    }

    #[test]
    fn a_broken_kubeconfig_is_named_in_the_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        fs::write(path("a"), kubeconfig("of-a", "https://a")).unwrap();
        fs::write(path("broken"), "contexts: [").unwrap();
        let error = merged(&env::join_paths([path("a"), path("broken")]).map(PathBuf::from).unwrap()).unwrap_err();
        assert!(error.to_string().ends_with(&format!("use kubeconfig {}", path("broken").display())), "{error}");
    }

    #[test]
    fn a_list_without_existing_files_is_an_error() {
        let error = merged(Path::new("/nowhere/a:/nowhere/b")).unwrap_err();
        assert_eq!(error.to_string(), "failed to use kubeconfig /nowhere/a:/nowhere/b");
    }

    #[test]
    fn a_file_whose_name_has_a_colon_is_one_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lab:one");
        fs::write(&path, kubeconfig("lab", "https://a")).unwrap();
        assert_eq!(merged(&path).unwrap().contexts.len(), 1);
    }

    #[test]
    fn an_empty_list_names_no_kubeconfig() {
        assert_eq!(listed(OsStr::new("")), None);
        assert_eq!(listed(OsStr::new("::")), None);
    }
}
