//! The requirements of clusters that this machine meets, besides the engine.

use std::{collections::HashMap, fmt, process::Stdio, time::Duration};

use bollard::query_parameters::ListContainersOptionsBuilder;
use bytesize::ByteSize;
use hourglass_cluster::{
    ClusterError, ClusterFolders, ClusterName, FoundTool, NODE_IMAGE, Stage, Tool, ToolError, kind::node_image_id,
};
use hourglass_engine::{Engine, EngineContext as _, KIND_CLUSTER_LABEL};
use serde::Deserialize;
use tokio::{process::Command, time::timeout};

use super::{Known, Unknown};

const KUBECTL: &str = "kubectl";
const KUBECTL_LIMIT: Duration = Duration::from_secs(5);

/// The requirements of clusters.
#[derive(Debug)]
pub struct KubernetesFacts {
    /// kind, or why there is no usable one.
    pub kind: Result<FoundTool, ToolError>,
    /// Helm, likewise.
    pub helm: Result<FoundTool, ToolError>,
    /// The version of kubectl, as `v1.34.4`; `None` if there is none.
    pub kubectl: Known<Option<String>>,
    /// The node image in the engine; `None` without an engine.
    pub node_image: Option<Result<Option<NodeImage>, ClusterError>>,
    /// Clusters whose creation or removal nobody finishes.
    pub abandoned: Known<AbandonedClusters>,
}

/// A node image that an engine has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeImage {
    /// Its id in the engine, as `sha256:…`.
    pub id: String,
    /// Its size in bytes, unpacked.
    pub size: u64,
}

/// Clusters whose creation or removal nobody finishes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AbandonedClusters {
    /// Clusters whose maker or remover is gone.
    pub unfinished: Vec<ClusterName>,
    /// Clusters with a name of the harness that have nodes and no folder, by their names in kind. Another cache may
    /// know them.
    pub unknown: Vec<String>,
}

impl KubernetesFacts {
    /// Inspects this machine.
    pub(super) async fn look() -> Self {
        let engine = async {
            let engine = Engine::connect().await.ok()?;
            let image = NodeImage::look(&engine, NODE_IMAGE).await;
            Some((image, kind_clusters(&engine).await))
        };
        let (kind, helm, kubectl, engine) =
            tokio::join!(Tool::KIND.check(), Tool::HELM.check(), kubectl(KUBECTL.as_ref()), engine);
        let (node_image, in_kind) = engine.unzip();
        let in_kind = in_kind.unwrap_or_else(|| Ok(Vec::new()));
        let untold = |error: ClusterError| Unknown::Untold(error.to_string());
        let abandoned = in_kind.and_then(|names| AbandonedClusters::look(&ClusterFolders::locate()?, names));
        Self { kind, helm, kubectl, node_image, abandoned: abandoned.map_err(untold) }
    }
}

impl NodeImage {
    /// The image of this name; an error if it is not a node image.
    pub async fn look(engine: &Engine, image: &str) -> Result<Option<Self>, ClusterError> {
        let id = match node_image_id(engine, image).await {
            Err(ClusterError::NoNodeImage { .. }) => return Ok(None),
            id => id?,
        };
        let inspected = engine.docker().inspect_image(&id).await.context(|| format!("inspect image {image}"))?;
        Ok(Some(Self { id, size: inspected.size.and_then(|size| size.try_into().ok()).unwrap_or_default() }))
    }
}

impl fmt::Display for NodeImage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.id.strip_prefix("sha256:").unwrap_or(&self.id);
        write!(formatter, "{}, {}", id.get(..12).unwrap_or(id), ByteSize(self.size))
    }
}

impl AbandonedClusters {
    /// The abandoned clusters among those of these folders and those that kind knows.
    pub(super) fn look(folders: &ClusterFolders, in_kind: Vec<String>) -> Result<Self, ClusterError> {
        let mut abandoned = Self::default();
        for name in folders.names()? {
            let Some(state) = folders.folder_of(&name).state()? else { continue };
            let at_work = state.owner.as_ref().is_some_and(hourglass_reaper::Owner::is_alive);
            if state.stage != Stage::Usable && !at_work {
                abandoned.unfinished.push(name);
            }
        }
        let known = |name: &ClusterName| folders.folder_of(name).path().exists();
        let unknown = in_kind.into_iter().filter(|name| ClusterName::from_kind(name).is_some_and(|name| !known(&name)));
        abandoned.unknown = unknown.collect();
        Ok(abandoned)
    }
}

/// The names in kind of the clusters that have nodes in this engine, each once.
async fn kind_clusters(engine: &Engine) -> Result<Vec<String>, ClusterError> {
    let filters = HashMap::from([("label".to_owned(), vec![KIND_CLUSTER_LABEL.to_owned()])]);
    let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
    let containers = engine.docker().list_containers(Some(options)).await.context(|| "list nodes".to_owned())?;
    let names = containers.into_iter().filter_map(|container| container.labels?.remove(KIND_CLUSTER_LABEL));
    let mut names: Vec<_> = names.collect();
    names.sort();
    names.dedup();
    Ok(names)
}

/// The version that a kubectl reports; `None` if there is none.
async fn kubectl(program: &std::path::Path) -> Known<Option<String>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Versions {
        client_version: ClientVersion,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct ClientVersion {
        git_version: String,
    }
    let mut command = Command::new(program);
    command.args(["version", "--client", "--output=json"]).stdin(Stdio::null()).kill_on_drop(true);
    let output = match timeout(KUBECTL_LIMIT, command.output()).await {
        Err(_) => return Err(Unknown::Late(KUBECTL_LIMIT)),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Ok(output) => output.map_err(|error| Unknown::Untold(error.to_string()))?,
    };
    let versions: Versions = serde_json::from_slice(&output.stdout)
        .map_err(|_| Unknown::Untold(format!("{KUBECTL} ended with {} and says no version", output.status)))?;
    Ok(Some(versions.client_version.git_version))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use hourglass_cluster::{ClusterSpec, ClusterState};
    use hourglass_reaper::Owner;
    use jiff::Timestamp;

    use super::*;

    /// A cluster that is being made is no leftover, and neither is one that waits for trials.
    #[test]
    fn unfinished_clusters_without_a_maker_are_abandoned() {
        let root = tempfile::tempdir().unwrap();
        let folders = ClusterFolders::below(root.path());
        let alive = Owner::current();
        let dead = alive.clone().map(|owner| Owner { started: owner.started + 1, ..owner });
        for (name, stage, owner) in [
            ("being-made", Stage::Creating, &alive),
            ("half-made", Stage::Creating, &dead),
            ("half-removed", Stage::Deleting, &dead),
            ("of-nobody", Stage::Creating, &None),
            ("warm", Stage::Usable, &dead),
        ] {
            let name: ClusterName = name.parse().unwrap();
            let spec = ClusterSpec::default();
            let state = ClusterState {
                fingerprint: spec.fingerprint("sha256:1"),
                spec,
                node_image_id: "sha256:1".to_owned(),
                network: name.in_kind(),
                stage,
                owner: owner.clone(),
                created: Timestamp::now(),
                started: BTreeMap::new(),
                engine: None,
                idle: None,
                name: name.clone(),
            };
            folders.folder_of(&name).keep(&state).unwrap();
        }
        let in_kind = ["hourglass-warm", "hourglass-lost", "somebodys"].map(str::to_owned).to_vec();
        let abandoned = AbandonedClusters::look(&folders, in_kind).unwrap();
        let unfinished: Vec<_> = abandoned.unfinished.iter().map(ClusterName::as_str).collect();
        assert_eq!(unfinished, ["half-made", "half-removed", "of-nobody"]);
        assert_eq!(abandoned.unknown, ["hourglass-lost"]);
    }

    #[tokio::test]
    async fn a_missing_kubectl_is_none() {
        assert_eq!(kubectl("/nowhere/kubectl".as_ref()).await, Ok(None));
        assert!(matches!(kubectl("/bin/true".as_ref()).await, Err(Unknown::Untold(_))));
    }
}
