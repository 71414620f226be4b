//! Delivers an image to an engine, unless the engine has it.

use std::{
    path::{Path, PathBuf},
    time::Instant,
};

use bollard::{
    body_stream,
    models::ImageInspect,
    query_parameters::{ImportImageOptionsBuilder, TagImageOptionsBuilder},
};
use futures::{TryStreamExt as _, stream};
use hourglass_base::blocking;
use hourglass_engine::{Engine, EngineContext as _};
use tokio_util::bytes::Bytes;

use super::{
    Image, ImageError, ImageRole,
    memory::{self, Identity, Memory},
};

/// How many bytes are passed to the connection at a time.
const PIECE: usize = 1 << 20;

/// An image in the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveredImage {
    /// Its name, as `hourglass-harness/components:0123456789abcdef`.
    pub reference: String,
    /// Its id in the engine, as `sha256:…`.
    pub id: String,
    /// Whether it had to be sent.
    pub sent: bool,
}

/// The image of all reference components, from the harness's executable.
pub async fn deliver_components(engine: &Engine, executable: &Path) -> Result<DeliveredImage, ImageError> {
    deliver_in(&memory::cache()?, engine, ImageRole::Components, executable).await
}

/// The image of Anvil.
pub async fn deliver_anvil(engine: &Engine, anvil: &Path) -> Result<DeliveredImage, ImageError> {
    deliver_in(&memory::cache()?, engine, ImageRole::Anvil, anvil).await
}

/// Delivers the image for `role`, with another cache folder.
pub async fn deliver_in(
    cache: &Path,
    engine: &Engine,
    role: ImageRole,
    executable: &Path,
) -> Result<DeliveredImage, ImageError> {
    let executable = std::path::absolute(executable).map_err(ImageError::file(executable))?;
    if let Some(known) = Memory::recall(cache, role, &executable)
        && let Some(id) = id_of(engine, &known).await?
    {
        tracing::debug!(image = known.reference, "the engine has the image");
        return Ok(DeliveredImage { reference: known.reference, id, sent: false });
    }
    let image = make(cache, role, executable).await?;
    load(engine, image).await
}

/// The name of the harness's image for this executable. The image is built if the name is not known, and delivered
/// nowhere.
pub async fn name_of(role: ImageRole, executable: &Path) -> Result<String, ImageError> {
    let cache = memory::cache()?;
    let executable = std::path::absolute(executable).map_err(ImageError::file(executable))?;
    match Memory::recall(&cache, role, &executable) {
        Some(known) => Ok(known.reference),
        None => Ok(make(&cache, role, executable).await?.reference),
    }
}

/// Builds the image and stores its name; the executable's path is absolute.
pub(super) async fn make(cache: &Path, role: ImageRole, executable: PathBuf) -> Result<Image, ImageError> {
    let (cache, began) = (cache.to_owned(), Instant::now());
    let image = blocking(move || {
        let (image, memory) = Image::make_with_memory(role, &executable)?;
        memory.keep(&cache, role, &executable)?;
        Ok::<_, ImageError>(image)
    })
    .await?;
    tracing::info!(image = image.reference, elapsed = ?began.elapsed(), "image built");
    Ok(image)
}

/// Sends an image to the engine, unless it has it.
pub async fn load(engine: &Engine, image: Image) -> Result<DeliveredImage, ImageError> {
    let identity = image.identity();
    let reference = identity.reference.clone();
    if let Some(id) = id_of(engine, &identity).await? {
        return Ok(DeliveredImage { reference, id, sent: false });
    }
    let began = Instant::now();
    let options = ImportImageOptionsBuilder::default().quiet(true).build();
    let body = body_stream(stream::iter(pieces(image.into_parts())));
    let answers = engine.docker().import_image(options, body, None);
    let loaded: Result<Vec<_>, _> = answers.try_collect().await;
    loaded.context(|| format!("load image {reference}"))?;
    tracing::info!(image = reference, elapsed = ?began.elapsed(), "image loaded into the engine");
    date(engine, &reference).await?;
    match id_of(engine, &identity).await? {
        Some(id) => Ok(DeliveredImage { reference, id, sent: true }),
        None => Err(ImageError::NotTaken { reference }),
    }
}

/// An engine records when a name was given and not when an image was loaded: the name is given once more, so that
/// [`superseded`](super::superseded) knows its age.
pub(super) async fn date(engine: &Engine, reference: &str) -> Result<(), ImageError> {
    let (repository, tag) = reference.rsplit_once(':').unwrap_or((reference, "latest"));
    let options = TagImageOptionsBuilder::default().repo(repository).tag(tag).build();
    match engine.docker().tag_image(reference, Some(options)).await.context(|| format!("name image {reference}")) {
        // The caller checks next what became of it.
        Err(error) if error.is_not_found() => Ok(()),
        named => Ok(named?),
    }
}

/// The engine's id of it, if the engine has it.
async fn id_of(engine: &Engine, wanted: &Identity) -> Result<Option<String>, ImageError> {
    let reference = &wanted.reference;
    match engine.docker().inspect_image(reference).await.context(|| format!("inspect image {reference}")) {
        Ok(image) if is_it(&image, wanted) => Ok(Some(image.id.unwrap_or_default())),
        Err(error) if !error.is_not_found() => Err(error.into()),
        _ => Ok(None),
    }
}

/// Another image may have the name. The id is the configuration's digest in the engine's own store, and the manifest's
/// in containerd's: the layers are the same in both.
fn is_it(image: &ImageInspect, wanted: &Identity) -> bool {
    let layers = image.root_fs.as_ref().and_then(|filesystem| filesystem.layers.as_ref());
    image.id.as_ref() == Some(&wanted.digest) || layers == Some(&wanted.layers)
}

/// The pieces of an archive for a connection.
pub(super) fn pieces(parts: Vec<Bytes>) -> impl Iterator<Item = Bytes> {
    parts.into_iter().flat_map(|mut part| {
        std::iter::from_fn(move || {
            let length = part.len().min(PIECE);
            (length > 0).then(|| part.split_to(length))
        })
    })
}
