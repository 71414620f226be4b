//! kubeadm's patches for the pods of a control plane, as files in a folder.

use std::{fs, path::Path};

use serde_json::json;

use crate::ClusterError;

/// The path of the folder inside the node of the control plane.
pub(super) const IN_NODE: &str = "/kind/harness-patches";
/// The programs of a control plane that work while pods come and go. They use more memory to save processor time: their
/// live heaps are small, so with Go's default setting they collect garbage many times a second whenever they have work.
const PROGRAMS: [&str; 3] = ["etcd", "kube-apiserver", "kube-controller-manager"];
/// How much may be allocated before a garbage collection, in percent of the live heap.
const GOGC: &str = "400";
/// From this size on, garbage is collected as often as needed to stay below it.
const GOMEMLIMIT: &str = "1GiB";

/// Writes the patches to this folder.
pub(super) fn write(folder: &Path) -> Result<(), ClusterError> {
    fs::create_dir_all(folder).map_err(ClusterError::file("make", folder))?;
    for program in PROGRAMS {
        let env = json!([{ "name": "GOGC", "value": GOGC }, { "name": "GOMEMLIMIT", "value": GOMEMLIMIT }]);
        let patch = json!({ "spec": { "containers": [{ "name": program, "env": env }] } });
        let file = folder.join(format!("{program}+strategic.json"));
        fs::write(&file, patch.to_string()).map_err(ClusterError::file("write", &file))?;
    }
    Ok(())
}
