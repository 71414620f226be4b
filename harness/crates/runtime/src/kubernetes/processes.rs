//! Signals to the processes of a pod, sent by its node: the kubelet can only end a container in order.

use std::time::Duration;

use hourglass_cluster::{Cluster, ClusterError, ClusterMachine};
use k8s_openapi::api::core::v1::Pod;

use super::pods::containers;

/// How long a node may take; the command itself gives up sooner.
const WITHIN: Duration = Duration::from_secs(20);
/// The exit code of the command if there is no process.
const NONE: i64 = 3;

/// Sends the first argument's signal to all processes of the containers whose ids are the other arguments, and waits
/// for its effect: until all are stopped, or until none is left.
const SIGNAL: &str = r#"
signal=$1; shift
processes() {
  for id; do grep -ls "$id" /proc/[0-9]*/cgroup; done | sed 's|/proc/\([0-9]*\)/cgroup|\1|'
}
live() {
  for process in $(processes "$@"); do
    state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$process/status" 2>/dev/null) || continue
    case $state in ''|Z|X) ;; *) echo "$process $state" ;; esac
  done
}
found=$(live "$@" | sed 's/ .*//')
[ -n "$found" ] || exit 3
for turn in $(seq 200); do
  kill -s "$signal" $found 2>/dev/null
  case $signal in
    KILL) left=$(live "$@") ;;
    STOP) left=$(live "$@" | grep -v ' [Tt]$') ;;
    *) left= ;;
  esac
  [ -z "$left" ] && exit 0
  found=$(echo "$left" | sed 's/ .*//')
  sleep 0.02
done
echo "$left" >&2
exit 4
"#;

/// A signal to processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Stop,
    Continue,
    Kill,
}

impl Signal {
    const fn name(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Continue => "CONT",
            Self::Kill => "KILL",
        }
    }
}

/// Why processes did not get a signal.
#[derive(Debug, thiserror::Error)]
pub(super) enum SignalError {
    #[error("it is not running")]
    NotRunning,
    #[error("its processes do not heed {signal}: {processes}")]
    Unheeded { signal: &'static str, processes: String },
    #[error("its node {0:?} is not there")]
    NoNode(String),
    #[error("nodes of a cluster that others made are out of reach; use one of the harness's own")]
    OutOfReach,
    #[error("{}", hourglass_component::causes::with_causes(.0))]
    Cluster(#[from] ClusterError),
}

/// Sends a signal to all processes of a pod. Fails if there is none, and in clusters whose nodes are out of reach.
pub(super) async fn signal(signal: Signal, pod: &Pod, cluster: &Cluster) -> Result<(), SignalError> {
    let ClusterMachine { engine, .. } = cluster.machine.as_ref().ok_or(SignalError::OutOfReach)?;
    let ids: Vec<_> = containers(pod)
        .filter_map(|status| status.container_id.as_deref()?.rsplit_once("://"))
        .map(|(_, id)| id)
        .collect();
    let node_name = pod.spec.as_ref().and_then(|spec| spec.node_name.clone()).unwrap_or_default();
    if ids.is_empty() {
        return Err(SignalError::NotRunning);
    }
    let node = cluster.nodes().await?.into_iter().find(|node| node.name == node_name);
    let node = node.ok_or(SignalError::NoNode(node_name))?;
    let command: Vec<_> = ["sh", "-c", SIGNAL, "sh", signal.name()].into_iter().chain(ids).collect();
    let executed = node.execute(engine, &command, WITHIN).await.map_err(ClusterError::from)?;
    match executed.code {
        0 => Ok(()),
        NONE => Err(SignalError::NotRunning),
        _ => Err(SignalError::Unheeded { signal: signal.name(), processes: executed.complaint() }),
    }
}
