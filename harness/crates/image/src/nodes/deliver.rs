//! Delivers images to nodes, each only to those that lack it.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use futures::future::try_join_all;
use hourglass_engine::{Engine, Node};

use super::{
    feed::feed,
    node_content::NodeContent,
    node_lock::NodeLock,
    wanted::{NodeImage, Wanted},
};
use crate::{ImageError, memory};

/// How long a node may take to give an image another name.
const TAGGED_WITHIN: Duration = Duration::from_secs(30);
/// How long the kubelet's side of containerd may take to notice an image; usually it takes milliseconds.
const KNOWN_WITHIN: Duration = Duration::from_secs(15);

/// An image on a node, for pods with [`PullPolicy::Never`](super::PullPolicy::Never).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredToNode {
    /// The node.
    pub node: String,
    /// The image's name in pods.
    pub reference: String,
    /// Whether it had to be sent.
    pub sent: bool,
}

/// Makes sure that each of these nodes has each of these images, by content: an image that a node has is not sent
/// again, and one that several lack is streamed into all of them at once. Returns an entry for each image and node, in
/// their order.
pub async fn deliver_to_nodes(
    engine: &Engine,
    nodes: &[Node],
    images: &[NodeImage],
) -> Result<Vec<DeliveredToNode>, ImageError> {
    deliver_to_nodes_in(&memory::cache()?, engine, nodes, images).await
}

/// Does the same as [`deliver_to_nodes`] with another cache folder.
pub async fn deliver_to_nodes_in(
    cache: &Path,
    engine: &Engine,
    nodes: &[Node],
    images: &[NodeImage],
) -> Result<Vec<DeliveredToNode>, ImageError> {
    let nodes: Vec<_> = nodes.iter().filter(|node| node.is_kubernetes()).collect();
    let mut wanted = try_join_all(images.iter().map(|image| Wanted::find(cache, engine, image))).await?;
    let mut held = ask(engine, &nodes, &wanted).await?;
    let complete = |held: &[NodeContent]| wanted.iter().all(|image| held.iter().all(|held| held.has(image)));
    let mut turn = None;
    if !complete(&held) {
        turn = Some(NodeLock::at(cache, &nodes).await?);
        held = ask(engine, &nodes, &wanted).await?;
    }
    let mut delivered = Vec::new();
    for image in &mut wanted {
        let lacking = lacking(engine, &nodes, &held, image).await?;
        if !lacking.is_empty() {
            let began = Instant::now();
            send(cache, engine, &lacking, image).await?;
            tracing::info!(image = image.reference, nodes = lacking.len(), elapsed = ?began.elapsed(), "image loaded onto nodes");
        }
        delivered.extend(nodes.iter().map(|node| DeliveredToNode {
            node: node.name.clone(),
            reference: image.reference.clone(),
            sent: lacking.iter().any(|lacking| lacking.name == node.name),
        }));
    }
    drop(turn);
    Ok(delivered)
}

async fn ask(engine: &Engine, nodes: &[&Node], wanted: &[Wanted]) -> Result<Vec<NodeContent>, ImageError> {
    try_join_all(nodes.iter().map(|node| NodeContent::ask(engine, node, wanted))).await
}

/// The nodes to which an image must be sent: a node that has it under another name gets the new name.
async fn lacking<'a>(
    engine: &Engine,
    nodes: &[&'a Node],
    held: &[NodeContent],
    image: &Wanted,
) -> Result<Vec<&'a Node>, ImageError> {
    let without = nodes.iter().zip(held).filter(|(_, held)| !held.has(image));
    let looked = without.map(|(node, held)| async {
        let Some(there) = held.content_of(image) else { return Ok(Some(*node)) };
        let tag = ["ctr", "--namespace", "k8s.io", "images", "tag", "--force", there, &image.name];
        node.command(engine, &tag, TAGGED_WITHIN).await?;
        Ok::<_, ImageError>(None)
    });
    Ok(try_join_all(looked).await?.into_iter().flatten().collect())
}

/// Sends an image, and waits until the kubelet's side of each containerd knows it: the kubelet would tell an earlier
/// pod that the image is missing, and retry much later.
async fn send(cache: &Path, engine: &Engine, nodes: &[&Node], image: &mut Wanted) -> Result<(), ImageError> {
    let archive = image.archive(cache, engine).await?;
    let image = &*image;
    let held = feed(engine, nodes, image, archive).await?;
    let late = nodes.iter().zip(held).filter(|(_, held)| !held.has(image));
    try_join_all(late.map(|(node, _)| known(engine, node, image))).await?;
    Ok(())
}

async fn known(engine: &Engine, node: &Node, image: &Wanted) -> Result<(), ImageError> {
    let not_held = || ImageError::NotHeld { node: node.name.clone(), reference: image.reference.clone() };
    // Only the kubelet's side is notified.
    let pauses = ExponentialBuilder::new()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_millis(500))
        .with_total_delay(Some(KNOWN_WITHIN))
        .without_max_times();
    let look = || async {
        let held = NodeContent::ask(engine, node, std::slice::from_ref(image)).await?;
        if held.has(image) { Ok(()) } else { Err(not_held()) }
    };
    look.retry(pauses).when(|error| matches!(error, ImageError::NotHeld { .. })).await
}
