//! Loads the node image from an archive.

use std::path::Path;

use bollard::{
    body_try_stream,
    query_parameters::{ImportImageOptionsBuilder, RemoveImageOptionsBuilder},
};
use futures::TryStreamExt as _;
use hourglass_base::blocking;
use hourglass_cluster::{ClusterError, kind::node_image_id};
use hourglass_engine::{Engine, EngineContext as _};

use super::{ArchiveError, KubernetesSetupError, archive};

/// Loads an archive of a node image into the engine, without a temporary file: a tar as `docker save` writes it, plain
/// or compressed with gzip or zstd. Returns the engine's id of the image.
///
/// The archive is read to its end before the engine gets any of it: a truncated archive or one of another image leaves
/// nothing there. Neither does an image that is not a node image. Must not be called for an image that the engine has
/// already.
pub async fn load_archive(engine: &Engine, path: &Path, image: &str) -> Result<String, KubernetesSetupError> {
    inspected(path, image).await?;
    let options = ImportImageOptionsBuilder::default().quiet(true).build();
    let answers = engine.docker().import_image(options, body_try_stream(archive::stream(path)), None);
    let loaded: Result<Vec<_>, _> = answers.try_collect().await;
    loaded.context(|| format!("load {image} from {}", path.display()))?;
    fit(engine, image).await
}

/// Checks that an archive is whole and contains this image.
pub(super) async fn inspected(path: &Path, image: &str) -> Result<(), ArchiveError> {
    let (path, image) = (path.to_owned(), image.to_owned());
    blocking(move || archive::inspect(&path, &image)).await
}

/// The id of an image that the engine has just got; an image that is not a node image is removed.
pub(super) async fn fit(engine: &Engine, image: &str) -> Result<String, KubernetesSetupError> {
    let id = node_image_id(engine, image).await;
    if matches!(id, Err(ClusterError::NotANodeImage { .. })) {
        let options = RemoveImageOptionsBuilder::default().build();
        let removed = engine.docker().remove_image(image, Some(options), None).await;
        removed.context(|| format!("remove image {image}"))?;
    }
    Ok(id?)
}
