//! Logs of pods as files of their nodes, for when the API server does not answer: the files can be read even if the
//! node has stopped.

use std::{collections::BTreeMap, io::Read as _};

use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use futures::{TryStreamExt as _, future::join_all, pin_mut};
use hourglass_engine::{Engine, EngineContext as _, EngineError};
use tokio::time::Instant;

use super::{evidence::Evidence, tail::Tail};
use crate::{ClusterMachine, Node};

/// `NAMESPACE_POD_UID/CONTAINER/RESTARTS.log`, as the kubelet lays them out.
const FOLDER: &str = "/var/log/pods";
/// How much is read of one node, in bytes.
const MOST: usize = 64 << 20;

/// The files of one container, by the number of its restarts.
type Logs = BTreeMap<u32, Tail>;

/// Collects the logs of all containers, current and previous, of these namespaces or of all.
pub(super) async fn collect(
    machine: &ClusterMachine,
    nodes: &[Node],
    namespaces: &[String],
    evidence: &Evidence,
    end: Instant,
) {
    join_all(nodes.iter().filter(|node| node.is_kubernetes()).map(|node| async {
        let name = format!("{FOLDER} of node {}", node.name);
        let Some(archive) = evidence.part(name.clone(), end, archive(&machine.engine, node)).await else { return };
        if archive.len() >= MOST {
            evidence.gap(format_args!("{name}: only the first {} are read", bytesize::ByteSize::b(MOST as u64)));
        }
        keep(&archive, namespaces, evidence);
    }))
    .await;
}

async fn archive(engine: &Engine, node: &Node) -> Result<Vec<u8>, EngineError> {
    let options = DownloadFromContainerOptionsBuilder::default().path(FOLDER).build();
    let pieces = engine.docker().download_from_container(&node.container, Some(options));
    pin_mut!(pieces);
    let mut archive = Vec::new();
    while let Some(piece) = pieces.try_next().await.context(|| format!("read {FOLDER} of node {}", node.name))? {
        archive.extend_from_slice(&piece);
        if archive.len() >= MOST {
            break;
        }
    }
    Ok(archive)
}

fn keep(archive: &[u8], namespaces: &[String], evidence: &Evidence) {
    let mut containers: BTreeMap<String, Logs> = BTreeMap::new();
    let mut archive = tar::Archive::new(archive);
    // An archive that was cut ends with an error; the entries before it are valid.
    for mut entry in archive.entries().into_iter().flatten().map_while(Result::ok) {
        let Some((kept_path, restarts)) = entry.path().ok().and_then(|path| kept_path(path.to_str()?, namespaces))
        else {
            continue;
        };
        let mut text = Vec::new();
        let _ = entry.read_to_end(&mut text);
        containers.entry(kept_path).or_default().insert(restarts, Tail::of(&text, evidence.file_limit()));
    }
    for (kept_path, mut logs) in containers {
        for kind in ["log", "previous.log"] {
            if let Some((_, log)) = logs.pop_last() {
                evidence.keep(format!("{kept_path}.{kind}"), log);
            }
        }
    }
}

/// Where the log at this path of the archive is kept, without its extension, and the number of its restart; `None` if
/// it is not a log of these namespaces.
fn kept_path(path: &str, namespaces: &[String]) -> Option<(String, u32)> {
    let mut parts = path.rsplit('/');
    let restarts = parts.next()?.strip_suffix(".log")?.parse().ok()?;
    let container = parts.next()?;
    let mut pod = parts.next()?.split('_');
    let (namespace, pod) = (pod.next()?, pod.next()?);
    let wanted = namespaces.is_empty() || namespaces.iter().any(|wanted| wanted == namespace);
    wanted.then(|| (format!("namespaces/{namespace}/pods/{pod}/{container}"), restarts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("pods/kube-system_etcd-node_0a1b/etcd/2.log", Some(("namespaces/kube-system/pods/etcd-node/etcd", 2)))]
    #[case("pods/kube-system_etcd-node_0a1b/etcd/2.log.20260101-000000.gz", None)]
    #[case("pods/other_p_0a1b/main/0.log", None)]
    #[case("pods/kube-system_etcd-node_0a1b/etcd", None)]
    fn node_logs_have_the_same_paths_as_api_logs(#[case] path: &str, #[case] expected: Option<(&str, u32)>) {
        let expected = expected.map(|(kept_path, restarts)| (kept_path.to_owned(), restarts));
        assert_eq!(kept_path(path, &["kube-system".to_owned()]), expected);
    }
}
