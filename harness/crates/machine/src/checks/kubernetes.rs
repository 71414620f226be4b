//! The requirements of clusters: kind, Helm, a node image, space for nodes, and no abandoned clusters.

use bytesize::ByteSize;
use hourglass_base::{Check, Topic};
use hourglass_cluster::{ClusterError, FoundTool, KUBERNETES_VERSION, NODE_IMAGE, ToolError, kind::NODE_DISK};

use super::{CLUSTERS, NONE, programs::parts};
use crate::{AbandonedClusters, Known, KubernetesFacts, NodeImage};

const KIND: Topic = Topic { name: "kind", needed_by: CLUSTERS };
const HELM: Topic = Topic { name: "helm", needed_by: CLUSTERS };
const KUBECTL: Topic = Topic { name: "kubectl", needed_by: NONE };
const IMAGE: Topic = Topic { name: "node-image", needed_by: CLUSTERS };
const NODES: Topic = Topic { name: "kubernetes-nodes", needed_by: CLUSTERS };
const CLUSTERS_LEFT: Topic = Topic { name: "clusters", needed_by: NONE };

const SETUP: &str = "`harness setup kubernetes` loads, pulls or builds it";
/// Measured: a new node uses this much memory, and 210 MiB of the engine's disk, twice that with the images of trials.
const NODE_MEMORY: u64 = 484 << 20;
/// With fewer, trials with several nodes cannot run, or only one at a time.
const NODES_ENOUGH: u64 = 3;

pub(super) fn all(facts: &Known<KubernetesFacts>) -> Vec<Check> {
    let facts = match facts {
        Ok(facts) => facts,
        Err(unknown) => return vec![KIND.missing(unknown.to_string(), "see whether `kind version` answers")],
    };
    let mut checks = vec![tool(KIND, &facts.kind), tool(HELM, &facts.helm), kubectl(&facts.kubectl)];
    checks.extend(facts.node_image.as_ref().map(node_image));
    checks.push(clusters(&facts.abandoned));
    checks
}

/// How many nodes fit; `None` if the engine's disk is unknown.
pub(super) fn nodes(memory: &Known<u64>, disk: Option<u64>) -> Option<Check> {
    let (memory, disk) = (*memory.as_ref().ok()?, disk?);
    let room = (memory / NODE_MEMORY).min(disk / NODE_DISK);
    let each = format!("each uses {} of memory and {} of disk", ByteSize(NODE_MEMORY), ByteSize(NODE_DISK));
    let finding = match room {
        1 => format!("room for 1; {each}"),
        room => format!("room for {room}; {each}"),
    };
    let remedy = "end what uses memory, free disk (`docker system df` says what uses it), or give the machine more";
    Some(match room {
        0 => NODES.missing(finding, remedy),
        room if room < NODES_ENOUGH => NODES.warning(finding, remedy),
        _ => NODES.ok(finding),
    })
}

fn tool(topic: Topic, found: &Result<FoundTool, ToolError>) -> Check {
    match found {
        Ok(found) => topic.ok(format!("{} at {}", found.version, found.path.display())),
        Err(error @ ToolError::NotFound { .. }) => topic.missing("not found", error.remedy()),
        Err(error) => topic.missing(error.to_string(), error.remedy()),
    }
}

/// People inspect clusters with it; the harness itself does not use it.
fn kubectl(version: &Known<Option<String>>) -> Check {
    let version = match version {
        Ok(Some(version)) => version,
        Ok(None) => return KUBECTL.ok("not found; nothing here needs it"),
        Err(unknown) => return KUBECTL.unknown(unknown),
    };
    let minor = |version: &str| parts(version.trim_start_matches('v')).get(1).copied();
    match (minor(version), minor(KUBERNETES_VERSION)) {
        (Some(theirs), Some(nodes)) if theirs.abs_diff(nodes) > 1 => KUBECTL.warning(
            format!("{version}, while nodes have {KUBERNETES_VERSION}: more than one minor version apart"),
            format!(
                "use one of {KUBERNETES_VERSION}, or that of a node (`docker exec NODE kubectl`), to look into clusters"
            ),
        ),
        _ => KUBECTL.ok(format!("{version}, for nodes of {KUBERNETES_VERSION}")),
    }
}

fn node_image(image: &Result<Option<NodeImage>, ClusterError>) -> Check {
    match image {
        Ok(Some(image)) => IMAGE.ok(format!("{NODE_IMAGE}, {image}")),
        Ok(None) => IMAGE.missing(format!("the engine does not have {NODE_IMAGE}"), SETUP),
        Err(error @ ClusterError::NotANodeImage { image, .. }) => {
            IMAGE.missing(error.to_string(), format!("remove it (`docker image rm {image}`); {SETUP}"))
        }
        Err(error) => IMAGE.missing(error.to_string(), error.remedy().unwrap_or_else(|| SETUP.to_owned())),
    }
}

fn clusters(abandoned: &Known<AbandonedClusters>) -> Check {
    let AbandonedClusters { unfinished, unknown } = match abandoned {
        Ok(abandoned) => abandoned,
        Err(unknown) => return CLUSTERS_LEFT.unknown(unknown),
    };
    let mut findings = Vec::new();
    let mut remedies = Vec::new();
    if !unfinished.is_empty() {
        let names: Vec<_> = unfinished.iter().map(ToString::to_string).collect();
        findings.push(format!("nobody finishes making or removing {}", names.join(", ")));
        remedies.push("`harness gc` removes what nobody is at".to_owned());
    }
    if let Some(first) = unknown.first() {
        findings.push(format!("nothing is known here of {}", unknown.join(", ")));
        remedies.push(format!("unless another HARNESS_CACHE knows it, `kind delete cluster --name {first}`"));
    }
    if findings.is_empty() {
        return CLUSTERS_LEFT.ok("none that nobody is at");
    }
    CLUSTERS_LEFT.warning(findings.join("; "), remedies.join("; "))
}

#[cfg(test)]
mod tests {
    use Verdict::{Missing, Ok as Fine, Warning};
    use hourglass_base::Verdict;
    use hourglass_cluster::Tool;

    use super::*;
    use crate::Unknown;

    const MIB: u64 = 1 << 20;

    fn found() -> FoundTool {
        FoundTool { path: "/opt/kind".into(), version: "0.33.0".to_owned() }
    }

    fn old() -> ToolError {
        ToolError::TooOld { tool: Tool::KIND, path: "/opt/kind".into(), found: "0.20.0".to_owned() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what is judged may be unknown")]
    fn of(version: &str) -> Known<Option<String>> {
        Ok(Some(version.to_owned()))
    }

    fn image() -> NodeImage {
        NodeImage { id: "sha256:0123456789abcdef".to_owned(), size: 400 * MIB }
    }

    fn unfit() -> ClusterError {
        ClusterError::NotANodeImage { image: NODE_IMAGE.to_owned(), reason: "it is empty".to_owned() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "what is judged may be unknown")]
    fn left(unfinished: &[&str], unknown: &[&str]) -> Known<AbandonedClusters> {
        let unfinished = unfinished.iter().map(|name| name.parse().unwrap()).collect();
        Ok(AbandonedClusters { unfinished, unknown: unknown.iter().map(|name| (*name).to_owned()).collect() })
    }

    fn room(memory: u64, disk: u64) -> Check {
        nodes(&Ok(memory * MIB), Some(disk * MIB)).unwrap()
    }

    #[rstest::rstest]
    #[case::kind(tool(KIND, &Ok(found())), Fine, "0.33.0 at /opt/kind")]
    #[case::no_kind(tool(KIND, &Err(ToolError::NotFound { tool: Tool::KIND })), Missing, "not found")]
    #[case::old_kind(tool(KIND, &Err(old())), Missing, "it is version 0.20.0, and at least 0.27 is needed")]
    #[case::kubectl(kubectl(&of("v1.35.0")), Fine, "v1.35.0, for nodes of v1.34.4")]
    #[case::kubectl_before(kubectl(&of("v1.33.9+k3s1")), Fine, "v1.33.9+k3s1")]
    #[case::old_kubectl(kubectl(&of("v1.32.4")), Warning, "more than one minor version apart")]
    #[case::new_kubectl(kubectl(&of("v1.36.0")), Warning, "more than one minor version apart")]
    #[case::no_kubectl(kubectl(&Ok(None)), Fine, "nothing here needs it")]
    #[case::silent_kubectl(kubectl(&Err(Unknown::Untold("no".to_owned()))), Warning, "not known")]
    #[case::image(node_image(&Ok(Some(image()))), Fine, "kindest/node:v1.34.4, 0123456789ab, 400.0 MiB")]
    #[case::no_image(node_image(&Ok(None)), Missing, "the engine does not have kindest/node:v1.34.4")]
    #[case::no_node(node_image(&Err(unfit())), Missing, "as a node image: it is empty")]
    #[case::no_memory(room(483, 9999), Missing, "room for 0; each uses 484.0 MiB of memory")]
    #[case::no_disk(room(9999, 100), Missing, "room for 0")]
    #[case::little_memory(room(600, 9999), Warning, "room for 1;")]
    #[case::room(room(1500, 9999), Fine, "room for 3;")]
    #[case::nothing_left(clusters(&left(&[], &[])), Fine, "none that nobody is at")]
    #[case::half_made(clusters(&left(&["one", "two"], &[])), Warning, "nobody finishes making or removing one, two")]
    #[case::unknown(clusters(&left(&[], &["hourglass-lost"])), Warning, "nothing is known here of hourglass-lost")]
    fn each_kubernetes_finding_has_its_verdict(#[case] check: Check, #[case] verdict: Verdict, #[case] says: &str) {
        assert_eq!(check.verdict, verdict, "{check:?}");
        assert!(check.finding.contains(says), "{check:?}");
        let unknown = check.finding.starts_with("not known");
        assert_eq!(check.remedy.is_none(), verdict == Fine || unknown, "a finding without a remedy: {check:?}");
    }

    /// If kind is missing, the finding must name the one command that helps, not another check.
    #[test]
    fn the_remedy_for_missing_programs_is_one_command() {
        let missing = [
            tool(KIND, &Err(old())),
            tool(HELM, &Err(ToolError::NotFound { tool: Tool::HELM })),
            node_image(&Ok(None)),
        ];
        for check in missing {
            assert_eq!(check.needed_by, CLUSTERS, "{check:?}");
            assert!(check.remedy.as_ref().is_some_and(|text| text.contains("`harness setup kubernetes`")), "{check:?}");
        }
    }
}
