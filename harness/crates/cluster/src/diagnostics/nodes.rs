//! The evidence of nodes. They are containers of the engine, and their journal is read inside them.

use bollard::query_parameters::{InspectContainerOptions, LogsOptionsBuilder};
use futures::{TryStreamExt as _, future::join_all, pin_mut};
use hourglass_engine::{Engine, EngineContext as _, EngineError};
use tokio::time::Instant;

use super::{evidence::Evidence, tail::Tail};
use crate::{ClusterError, ClusterMachine, Node};

/// How many of the last lines of a journal are read; a node that has run for days has hundreds of megabytes.
const LINES: usize = 10_000;
/// Writes the last lines of the journal, of one unit if it is named, but no more bytes than requested.
const JOURNAL: &str = r#"set -o pipefail
journalctl --no-pager --output=short-precise --lines="$0" ${2:+--unit="$2"} | tail --bytes="$1""#;
const JOURNALS: [(&str, Option<&str>); 3] =
    [("journal", None), ("containerd", Some("containerd")), ("kubelet", Some("kubelet"))];

/// Collects the evidence of all nodes; returns what is wrong with their containers.
pub(super) async fn collect(
    machine: &ClusterMachine,
    nodes: &[Node],
    evidence: &Evidence,
    end: Instant,
) -> Vec<String> {
    join_all(nodes.iter().map(|node| of_node(&machine.engine, node, evidence, end)))
        .await
        .into_iter()
        .flatten()
        .collect()
}

async fn of_node(engine: &Engine, node: &Node, evidence: &Evidence, end: Instant) -> Option<String> {
    let name = &node.name;
    let console = evidence.part(format!("console of node {name}"), end, console(engine, node, evidence));
    let state = evidence.part(format!("state of node {name}"), end, state(engine, node, evidence));
    let journals = async {
        if node.running {
            join_all(JOURNALS.map(|(file, unit)| async move {
                let read = journal(engine, node, file, unit, evidence, end);
                evidence.part(format!("{file} of node {name}"), end, read).await
            }))
            .await;
        } else {
            evidence.gap(format_args!("journals of node {name}: nothing can be asked inside it while it does not run"));
        }
    };
    let ((), _, state) = tokio::join!(journals, console, state);
    state.filter(|state| state != "running").map(|state| format!("node {name}: its container is {state}"))
}

async fn journal(
    engine: &Engine,
    node: &Node,
    file: &str,
    unit: Option<&str>,
    evidence: &Evidence,
    end: Instant,
) -> Result<(), ClusterError> {
    // One byte more than is kept tells whether there was more.
    let (lines, bytes) = (LINES.to_string(), (evidence.file_limit() + 1).to_string());
    let mut command = vec!["bash", "-c", JOURNAL, &lines, &bytes];
    command.extend(unit);
    let text = node.command(engine, &command, end - Instant::now()).await?;
    let mut tail = Tail::of(text.as_bytes(), evidence.file_limit());
    if text.len() > evidence.file_limit() || text.lines().count() >= LINES {
        tail.begins_late();
    }
    evidence.keep(format!("nodes/{}/{file}.log", node.name), tail);
    Ok(())
}

/// The output of systemd and of the entry point: it exists before the journal does, and remains when the node does not
/// run.
async fn console(engine: &Engine, node: &Node, evidence: &Evidence) -> Result<(), EngineError> {
    let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&LINES.to_string()).build();
    let pieces = engine.docker().logs(&node.container, Some(options));
    pin_mut!(pieces);
    let mut tail = Tail::new(evidence.file_limit());
    while let Some(piece) = pieces.try_next().await.context(|| format!("read the console of node {}", node.name))? {
        tail.push(&piece.into_bytes());
    }
    evidence.keep(format!("nodes/{}/console.log", node.name), tail);
    Ok(())
}

/// Returns the state as the engine calls it.
async fn state(engine: &Engine, node: &Node, evidence: &Evidence) -> Result<String, EngineError> {
    let inspected = engine.docker().inspect_container(&node.container, None::<InspectContainerOptions>).await;
    let state = inspected.context(|| format!("inspect node {}", node.name))?.state.unwrap_or_default();
    // The state is plain data, which can always be serialized.
    let text = serde_yaml::to_string(&state).unwrap_or_default();
    evidence.keep_text(format!("nodes/{}/state.yaml", node.name), &text);
    Ok(state.status.map(|status| status.to_string()).unwrap_or_default())
}
