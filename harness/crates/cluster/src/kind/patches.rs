//! What kubeadm changes in the pods of a control plane, as files that it is given in a folder.

use std::{fs, path::Path};

use serde_json::json;

use crate::ClusterError;

/// Where a control plane's node has the folder.
pub(super) const IN_NODE: &str = "/kind/harness-patches";
/// The programs of a control plane that work while pods come and go. Each is given memory for processor time: their live
/// heaps are small, so that at Go's own setting they collect garbage many times a second whenever there is something to do.
const PROGRAMS: [&str; 3] = ["etcd", "kube-apiserver", "kube-controller-manager"];
/// How much may be allocated before garbage is collected, in percent of what is live.
const GOGC: &str = "400";
/// From here on it is collected as often as it takes to stay below.
const GOMEMLIMIT: &str = "1GiB";

/// Writes them to this folder.
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
