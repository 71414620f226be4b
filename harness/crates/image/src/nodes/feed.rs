//! Streams one archive into the containerd of several nodes at once: it is read once and stored nowhere.

use std::{pin::pin, time::Duration};

use bollard::{
    container::LogOutput,
    exec::{StartExecOptions, StartExecResults},
    models::ExecConfig,
};
use futures::{
    Stream, TryStreamExt as _,
    future::{Either, join_all, select},
};
use hourglass_engine::{Engine, EngineContext as _, EngineError, Node};
use tokio::{
    io::AsyncWriteExt as _,
    sync::mpsc::{Receiver, Sender, channel},
    time::timeout,
};
use tokio_util::bytes::Bytes;

use super::{
    node_content::{LIST, NodeContent, SNAPSHOTTER, filters},
    wanted::Wanted,
};
use crate::ImageError;

/// How many pieces a fast node may be ahead of a slow one.
const AHEAD: usize = 4;
/// How long one image may take; the largest in use take a minute.
const SENT_WITHIN: Duration = Duration::from_mins(10);
/// Imports an archive of the image whose name is the first argument; with [`LIST`], then lists the images that match
/// the other arguments.
///
/// From an archive for several platforms only the node's own is imported, since an engine need not have the others that
/// it names. If the name belonged to another image, it has the label by which the kubelet's side knows that it has
/// processed it: the label is removed, so that the new image is processed.
const IMPORT: &str = r#"ctr --namespace k8s.io images import --snapshotter "$snapshotter" - >&2 || exit
ctr --namespace k8s.io images label "$1" io.cri-containerd.image= >&2 || exit
shift
"#;

/// Streams an archive into each of these nodes; returns their content of this image afterwards, in their order.
pub(super) async fn feed(
    engine: &Engine,
    nodes: &[&Node],
    wanted: &Wanted,
    archive: impl Stream<Item = Result<Bytes, EngineError>>,
) -> Result<Vec<NodeContent>, ImageError> {
    let (mouths, imports): (Vec<_>, Vec<_>) = nodes
        .iter()
        .map(|node| {
            let (mouth, pieces) = channel(AHEAD);
            (mouth, import(engine, node, wanted, pieces))
        })
        .unzip();
    // If the archive breaks off, the nodes' ends are dropped unfinished: containerd never sees a whole archive.
    let imports = async { Ok(join_all(imports).await) };
    let ((), imported) = tokio::try_join!(spread(archive, mouths), imports)?;
    imported.into_iter().collect()
}

/// Passes each piece to all nodes that still accept any.
async fn spread(
    archive: impl Stream<Item = Result<Bytes, EngineError>>,
    mouths: Vec<Sender<Bytes>>,
) -> Result<(), EngineError> {
    let mut archive = pin!(archive);
    while let Some(piece) = archive.try_next().await? {
        let taken = join_all(mouths.iter().map(|mouth| mouth.send(piece.clone()))).await;
        // The nodes themselves report the reason.
        if taken.iter().all(Result::is_err) {
            break;
        }
    }
    Ok(())
}

async fn import(
    engine: &Engine,
    node: &Node,
    wanted: &Wanted,
    pieces: Receiver<Bytes>,
) -> Result<NodeContent, ImageError> {
    let Wanted { reference, .. } = wanted;
    let late = |_| ImageError::NodeLate { node: node.name.clone(), reference: reference.clone(), within: SENT_WITHIN };
    let doing = || format!("bring image {reference} to node {}", node.name);
    let ended = timeout(SENT_WITHIN, run(engine, node, wanted, pieces)).await.map_err(late)?;
    let ended = ended.context(doing)?;
    if ended.code == 0 {
        return Ok(NodeContent::read(&ended.stdout));
    }
    // Lines before the last one are progress.
    let said = ended.stderr.trim().lines().last().unwrap_or_default().trim_start_matches("ctr: ");
    Err(ImageError::of_import(&node.name, reference, said.to_owned()))
}

#[derive(Default)]
struct Ended {
    code: i64,
    stdout: String,
    stderr: String,
}

async fn run(
    engine: &Engine,
    node: &Node,
    wanted: &Wanted,
    mut pieces: Receiver<Bytes>,
) -> Result<Ended, bollard::errors::Error> {
    let script = format!("{SNAPSHOTTER}{IMPORT}{LIST}");
    let command = ["sh", "-c", &script, "sh", &wanted.name].map(str::to_owned).into_iter().chain(filters(wanted));
    let config = ExecConfig {
        cmd: Some(command.collect()),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        ..ExecConfig::default()
    };
    let docker = engine.docker();
    let id = docker.create_exec(&node.container, config).await?.id;
    let mut ended = Ended::default();
    if let StartExecResults::Attached { mut output, mut input } =
        docker.start_exec(&id, None::<StartExecOptions>).await?
    {
        let write = pin!(async move {
            while let Some(piece) = pieces.recv().await {
                input.write_all(&piece).await?;
            }
            // Only this direction of the connection ends, and with it the command's standard input.
            input.shutdown().await?;
            Ok::<_, std::io::Error>(input)
        });
        let read = pin!(async {
            while let Some(piece) = output.try_next().await? {
                match piece {
                    LogOutput::StdErr { message } => ended.stderr.push_str(&String::from_utf8_lossy(&message)),
                    LogOutput::StdOut { message } | LogOutput::Console { message } => {
                        ended.stdout.push_str(&String::from_utf8_lossy(&message));
                    }
                    LogOutput::StdIn { .. } => {}
                }
            }
            Ok::<_, bollard::errors::Error>(())
        });
        // A command that ends early accepts nothing more, and reports why.
        match select(write, read).await {
            Either::Left((_, read)) => read.await?,
            Either::Right((read, _)) => read?,
        }
    }
    // If the engine does not report how the command ended, the command counts as failed.
    ended.code = docker.inspect_exec(&id).await?.exit_code.unwrap_or(-1);
    Ok(ended)
}
