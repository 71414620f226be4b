//! Thaws frozen processes of a killed node. On cgroup v1, runc freezes a pod's processes for a moment when it starts
//! them. If the node is killed in that moment, they stay frozen and cannot end, and so the node cannot end either.

use std::{
    convert::Infallible,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use tokio::time::sleep;

/// The freezer of cgroup v1; on version 2, a killed process ends even if it is frozen.
const FREEZER: &str = "/sys/fs/cgroup/freezer";
/// Containers are a few levels below, depending on the engine's cgroup driver.
const DEPTH: usize = 3;
const PAUSE: Duration = Duration::from_millis(250);

/// Thaws repeatedly whatever is frozen inside a container, since no event reports it; never returns. Does nothing if
/// this user may not, or if the engine is on another machine.
pub(super) async fn keep_thawing(container: &str) -> Infallible {
    loop {
        sleep(PAUSE).await;
        if let Some(folder) = folder_of(Path::new(FREEZER), container, DEPTH) {
            thaw(&folder);
        }
    }
}

fn folder_of(below: &Path, container: &str, depth: usize) -> Option<PathBuf> {
    let is_it = |folder: &PathBuf| folder.file_name().is_some_and(|name| name.to_string_lossy().contains(container));
    let folders = folders(below);
    let found = folders.iter().find(|folder| is_it(folder)).cloned();
    found.or_else(|| folders.iter().filter(|_| depth > 1).find_map(|folder| folder_of(folder, container, depth - 1)))
}

fn thaw(folder: &Path) {
    let state = folder.join("freezer.state");
    if fs::read_to_string(&state).is_ok_and(|state| state.trim() != "THAWED") {
        let _ = fs::write(&state, "THAWED");
    }
    for inner in folders(folder) {
        thaw(&inner);
    }
}

fn folders(below: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(below).into_iter().flatten().filter_map(Result::ok);
    entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir())).map(|entry| entry.path()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only the processes of the node may be thawed: others may have paused theirs.
    #[test]
    fn only_frozen_cgroups_of_the_container_are_thawed() {
        let root = tempfile::tempdir().unwrap();
        let state = |folder: &str, state: &str| {
            let folder = root.path().join(folder);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("freezer.state"), state).unwrap();
            folder.join("freezer.state")
        };
        let pod = state("docker/0a1b/kubelet.slice/pod", "FROZEN\n");
        let freezing = state("docker/0a1b/kubelet.slice/other", "FREEZING\n");
        let foreign = state("docker/2c3d", "FROZEN\n");
        thaw(&folder_of(root.path(), "0a1b", DEPTH).unwrap());
        let read = |path: &Path| fs::read_to_string(path).unwrap();
        assert_eq!((read(&pod), read(&freezing)), ("THAWED".to_owned(), "THAWED".to_owned()));
        assert_eq!(read(&foreign), "FROZEN\n");
        assert_eq!(folder_of(root.path(), "4e5f", DEPTH), None);
    }
}
