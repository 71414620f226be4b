//! Images of executables that have changed since.

use std::{collections::HashMap, path::Path, time::Duration};

use bollard::query_parameters::{ListImagesOptionsBuilder, RemoveImageOptions};
use hourglass_engine::{Engine, EngineContext as _};
use hourglass_reaper::LIFETIME;
use jiff::Timestamp;

use super::{
    IMAGE_LABEL, ImageError, ImageRole, build,
    memory::{self, Memory},
};

/// The harness's images in the engine, by name, that belong to no current executable of this machine and were delivered
/// longer ago than a trial may last, and those that it built for a user and that no trial has used for as long.
pub async fn superseded(engine: &Engine) -> Result<Vec<String>, ImageError> {
    superseded_in(&memory::cache()?, engine, LIFETIME).await
}

/// Does the same as [`superseded`] with another cache folder and age.
pub async fn superseded_in(cache: &Path, engine: &Engine, older: Duration) -> Result<Vec<String>, ImageError> {
    let current = Memory::all(cache);
    let filters = HashMap::from([("label", vec![IMAGE_LABEL])]);
    let options = ListImagesOptionsBuilder::default().filters(&filters).build();
    let images = engine.docker().list_images(Some(options)).await.context(|| "list images".to_owned())?;
    // A user's image that is based on one of the harness's has its label and another name.
    let repositories: Vec<_> =
        ImageRole::ALL.into_iter().map(ImageRole::repository).chain([build::REPOSITORY]).collect();
    let ours = |name: &str| repositories.contains(&name.rsplit_once(':').unwrap_or_default().0);
    let names = images.into_iter().flat_map(|image| image.repo_tags).filter(|name| ours(name));
    let mut superseded = Vec::new();
    for name in names.filter(|name| !current.iter().any(|image| image.reference == *name)) {
        if age(engine, &name).await?.is_some_and(|age| age >= older) {
            superseded.push(name);
        }
    }
    Ok(superseded)
}

/// Removes names from images, and with the last name the image; an image that a container uses stays.
pub async fn remove(engine: &Engine, names: &[String]) -> Result<(), ImageError> {
    for name in names {
        let removed = engine.docker().remove_image(name, None::<RemoveImageOptions>, None).await;
        match removed.context(|| format!("remove image {name}")) {
            Err(error) if error.is_not_found() || error.is_conflict() => {}
            removed => drop(removed?),
        }
    }
    Ok(())
}

/// How long ago it was delivered; `None` if it is gone or the engine does not report it.
async fn age(engine: &Engine, name: &str) -> Result<Option<Duration>, ImageError> {
    let image = match engine.docker().inspect_image(name).await.context(|| format!("inspect image {name}")) {
        Err(error) if error.is_not_found() => return Ok(None),
        image => image?,
    };
    // The type of the time depends on features that other crates enable; as text it is always RFC 3339.
    let metadata = image.metadata.and_then(|metadata| serde_json::to_value(metadata).ok());
    let tagged = metadata.and_then(|metadata| metadata["LastTagTime"].as_str()?.parse::<Timestamp>().ok());
    Ok(tagged.map(|tagged| hourglass_base::age(tagged, Timestamp::now())))
}
