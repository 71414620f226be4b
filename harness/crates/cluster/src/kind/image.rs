//! Checks that the engine has the node image, and that it is one.

use hourglass_engine::{Engine, EngineContext as _};

use crate::ClusterError;

/// What every image of kind starts with.
const ENTRY_POINT: &str = "/usr/local/bin/entrypoint";

/// The engine's id of a node image; the error names the image if it is missing or not made by kind.
pub async fn node_image_id(engine: &Engine, image: &str) -> Result<String, ClusterError> {
    let inspected = match engine.docker().inspect_image(image).await.context(|| format!("inspect image {image}")) {
        Err(error) if error.is_not_found() => return Err(ClusterError::NoNodeImage { image: image.to_owned() }),
        inspected => inspected?,
    };
    let not_a_node = |reason: String| ClusterError::NotANodeImage { image: image.to_owned(), reason };
    let entry = inspected.config.as_ref().and_then(|config| config.entrypoint.clone()).unwrap_or_default();
    if entry.first().map(String::as_str) != Some(ENTRY_POINT) {
        return Err(not_a_node(format!("it does not start with {ENTRY_POINT}, as kind's do")));
    }
    let architecture = inspected.architecture.unwrap_or_default();
    if !architecture.is_empty() && architecture != engine.architecture() {
        return Err(not_a_node(format!("it is for {architecture}, and the engine runs {}", engine.architecture())));
    }
    Ok(inspected.id.unwrap_or_default())
}
