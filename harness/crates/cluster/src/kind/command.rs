//! Runs kind's command and watches it: kind alone waits four minutes for a kubelet that keeps restarting.

use std::{collections::HashMap, path::Path, process::Stdio, time::Duration};

use bollard::{
    container::LogOutput,
    exec::{StartExecOptions, StartExecResults},
    models::{EventMessage, ExecConfig},
    query_parameters::EventsOptionsBuilder,
};
use futures::{StreamExt as _, TryStreamExt as _, stream::FuturesUnordered};
use hourglass_base::reach_loopback_directly;
use hourglass_component::timeout::timeout;
use hourglass_engine::{Engine, EngineContext as _, KIND_CLUSTER_LABEL};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

use super::creation_processes::MAKER_VARIABLE;
use crate::{ClusterError, ClusterFolder, ClusterName, Progress};

/// How long kind may take: minutes for several nodes on a busy machine.
const MADE_WITHIN: Duration = Duration::from_mins(20);
/// How often a kubelet may end before its node is given up. While a node starts, it does once or twice.
const RESTARTS: u32 = 6;
/// How many of kind's last lines are shown when it fails.
const SHOWN: usize = 12;

/// The outcome of kind's command.
pub(super) enum Outcome {
    /// The cluster exists; it need not be usable yet.
    Made,
    /// kind gave up.
    Failed { status: String, output: String },
    /// The kubelet of a node keeps restarting.
    Kubelet { node: String, restarts: u32 },
}

/// Runs `kind create cluster`, which keeps the nodes of a failure for diagnosis.
pub(super) async fn create(
    engine: &Engine,
    program: &Path,
    name: &ClusterName,
    folder: &ClusterFolder,
    progress: &Progress<'_>,
) -> Result<Outcome, ClusterError> {
    let kind_name = name.in_kind();
    // The watch begins before kind does, so that no node is missed.
    tracing::info!(cluster = %name, "running kind to make the cluster");
    let kubelets = failing_kubelet(engine, &kind_name);
    let mut child = command(engine, program, &kind_name, folder).spawn().map_err(ClusterError::file("run", program))?;
    let finished = async {
        let output = follow(&mut child, progress).await;
        let status = child.wait().await.map_err(ClusterError::file("run", program))?;
        Ok::<_, ClusterError>((status, output))
    };
    tokio::select! {
        finished = timeout(MADE_WITHIN, finished) => {
            let Ok(finished) = finished else {
                let status = format!("no end within {}", humantime::format_duration(MADE_WITHIN));
                return Ok(Outcome::Failed { status, output: String::new() });
            };
            let (status, output) = finished?;
            Ok(if status.success() { Outcome::Made } else { Outcome::Failed { status: status.to_string(), output } })
        }
        (node, restarts) = kubelets => Ok(Outcome::Kubelet { node, restarts }),
    }
}

fn command(engine: &Engine, program: &Path, kind_name: &str, folder: &ClusterFolder) -> Command {
    let mut command = Command::new(program);
    command.args(["create", "cluster", "--retain", "--name", kind_name, "--config"]).arg(folder.kind_config());
    command.arg("--kubeconfig").arg(folder.kubeconfig());
    command.env("KIND_EXPERIMENTAL_PROVIDER", "docker").env("KIND_EXPERIMENTAL_DOCKER_NETWORK", kind_name);
    // The user's kubeconfig is neither changed nor read.
    command.env_remove("KUBECONFIG");
    // If this process is killed, kind goes on: the removal of the cluster finds kind by this variable.
    command.env(MAKER_VARIABLE, folder.path());
    // Otherwise kind would take the engine of the context.
    command.env_remove("DOCKER_CONTEXT").envs(engine.address().variable());
    // kind passes proxies on to the nodes, which pull images through them.
    reach_loopback_directly(command.as_std_mut());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// Passes on kind's progress messages; returns its last lines, indented.
async fn follow(child: &mut Child, progress: &Progress<'_>) -> String {
    let Some(stderr) = child.stderr.take() else { return String::new() };
    let mut lines = BufReader::new(stderr).lines();
    let mut last = Vec::new();
    while let Ok(Some(line)) = lines.next_line().await {
        let text = line.trim();
        // `• Preparing nodes 📦  ...`, and later the same with a tick.
        if let Some(doing) = text.strip_prefix('•') {
            let plain = doing.trim().trim_end_matches('.').trim().trim_end_matches(|letter: char| !letter.is_ascii());
            progress(&format!("kind: {}", plain.trim()));
        }
        if !text.is_empty() {
            last.push(format!("    {}", line.trim_end()));
        }
    }
    last.split_off(last.len().saturating_sub(SHOWN)).join("\n")
}

/// Returns only when a kubelet has ended too often, with its node.
async fn failing_kubelet(engine: &Engine, kind_name: &str) -> (String, u32) {
    let filters = HashMap::from([
        ("type".to_owned(), vec!["container".to_owned()]),
        ("event".to_owned(), vec!["start".to_owned()]),
        ("label".to_owned(), vec![format!("{KIND_CLUSTER_LABEL}={kind_name}")]),
    ]);
    let mut events = Box::pin(engine.docker().events(Some(EventsOptionsBuilder::default().filters(&filters).build())));
    let mut kubelets = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(Ok(event)) = events.next() => {
                if let Some((container, node)) = started(event) {
                    kubelets.push(follow_kubelet(engine, container, node));
                }
            }
            Some(ended) = kubelets.next() => {
                if let Some(failing) = ended {
                    return failing;
                }
            }
            // The engine sends no more events: kind itself will report what is wrong.
            else => std::future::pending().await,
        }
    }
}

fn started(event: EventMessage) -> Option<(String, String)> {
    let actor = event.actor?;
    let name = actor.attributes.as_ref()?.get("name").cloned()?;
    Some((actor.id?, name))
}

/// Reads a node's journal until its kubelet has ended too often; `None` if the journal ends first.
async fn follow_kubelet(engine: &Engine, container: String, node: String) -> Option<(String, u32)> {
    // The journal appears a moment after the node's first process, and a reader that began before it never sees it: the
    // script waits until the journal holds a line.
    let script = "until [ -n \"$(journalctl --quiet --lines 1 2>/dev/null)\" ]; do sleep 0.2; done; \
                  exec journalctl --follow --lines all --unit kubelet --output cat";
    let config = ExecConfig {
        cmd: Some(["bash", "-c", script].map(str::to_owned).to_vec()),
        attach_stdout: Some(true),
        ..ExecConfig::default()
    };
    let docker = engine.docker();
    let doing = || format!("follow the kubelet of node {node}");
    let id = docker.create_exec(&container, config).await.context(doing).ok()?.id;
    let StartExecResults::Attached { mut output, .. } =
        docker.start_exec(&id, None::<StartExecOptions>).await.context(doing).ok()?
    else {
        return None;
    };
    let mut text = String::new();
    while let Ok(Some(LogOutput::StdOut { message } | LogOutput::Console { message })) = output.try_next().await {
        text.push_str(&String::from_utf8_lossy(&message));
        while let Some(end) = text.find('\n') {
            let line: String = text.drain(..=end).collect();
            if let Some(restarts) = restarts_in(&line).filter(|restarts| *restarts >= RESTARTS) {
                return Some((node, restarts));
            }
        }
    }
    None
}

/// systemd's `kubelet.service: Scheduled restart job, restart counter is at 3.`
fn restarts_in(line: &str) -> Option<u32> {
    let (_, count) = line.split_once("restart counter is at ")?;
    count.trim().trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("kubelet.service: Scheduled restart job, restart counter is at 12.\n", Some(12))]
    #[case("Started kubelet.service - kubelet: The Kubernetes Node Agent.\n", None)]
    fn restarts_are_parsed_from_systemd_messages(#[case] line: &str, #[case] restarts: Option<u32>) {
        assert_eq!(restarts_in(line), restarts);
    }
}
