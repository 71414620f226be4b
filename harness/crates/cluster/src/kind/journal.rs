//! The journals of the nodes of a cluster that failed.

use std::{fmt::Write as _, time::Duration};

use futures::future::join_all;
use hourglass_engine::Engine;

use crate::Node;

/// A node that does not answer must not hide the error that led here.
const LIMIT: Duration = Duration::from_secs(5);
const LINES: &str = "25";

/// The end of each node's journal, indented, with a heading; a journal that cannot be read is mentioned.
pub async fn journals(engine: &Engine, nodes: &[Node]) -> String {
    let texts = join_all(nodes.iter().map(|node| async move {
        let command = ["journalctl", "--no-pager", "--output=short-precise", "--lines", LINES];
        let text = match node.command(engine, &command, LIMIT).await {
            Ok(text) => text,
            Err(error) => format!("(its journal cannot be read: {error})"),
        };
        (node.name.as_str(), text)
    }));
    let mut shown = String::new();
    for (node, text) in texts.await {
        let _ = write!(shown, "\nthe end of the journal of node {node}:");
        for line in text.lines() {
            let _ = write!(shown, "\n    {line}");
        }
    }
    shown
}
