//! Checks that the engine has a user's image and can run it.

use std::cmp::Ordering;

use bollard::{models::ImageInspect, query_parameters::ListImagesOptionsBuilder};
use hourglass_engine::{Engine, EngineContext as _};

use super::ImageError;

/// How similar two names must be for one to be a probable misspelling of the other.
const LIKENESS: f64 = 0.8;

/// Checks that the engine has this image, and that it is for the engine's architecture; `component` needs it.
pub async fn require(engine: &Engine, reference: &str, component: &str) -> Result<(), ImageError> {
    required(engine, reference, component).await.map(drop)
}

/// Does the same, and returns the engine's description of it.
pub(super) async fn required(engine: &Engine, reference: &str, component: &str) -> Result<ImageInspect, ImageError> {
    let found = engine.docker().inspect_image(reference).await.context(|| format!("inspect image {reference}"));
    let image = match found {
        Err(error) if error.is_not_found() => {
            let nearest = nearest(engine, reference).await?;
            return Err(ImageError::NotFound {
                reference: reference.to_owned(),
                component: component.to_owned(),
                nearest,
            });
        }
        found => found?,
    };
    let architecture = image.architecture.as_deref().unwrap_or_default();
    if architecture.is_empty() || engine.architecture().is_empty() || architecture == engine.architecture() {
        return Ok(image);
    }
    Err(ImageError::OtherArchitecture {
        reference: reference.to_owned(),
        component: component.to_owned(),
        image: architecture.to_owned(),
        engine: engine.architecture().to_owned(),
    })
}

async fn nearest(engine: &Engine, reference: &str) -> Result<Option<String>, ImageError> {
    let options = ListImagesOptionsBuilder::default().build();
    let images = engine.docker().list_images(Some(options)).await.context(|| "list images".to_owned())?;
    let names: Vec<_> = images.into_iter().flat_map(|image| image.repo_tags).collect();
    Ok(most_alike(reference, &names).map(str::to_owned))
}

fn most_alike<'a>(reference: &str, names: &'a [String]) -> Option<&'a str> {
    let wanted = with_tag(reference);
    let likeness = |name: &'a String| (strsim::jaro_winkler(&wanted, name), name.as_str());
    let alike = names.iter().map(likeness).filter(|(likeness, _)| *likeness >= LIKENESS);
    let best = alike.max_by(|one, two| one.0.partial_cmp(&two.0).unwrap_or(Ordering::Equal).then(two.1.cmp(one.1)));
    best.map(|(_, name)| name)
}

/// The name as the engine lists it.
pub(super) fn with_tag(reference: &str) -> String {
    let last = reference.rsplit('/').next().unwrap_or(reference);
    if last.contains([':', '@']) { reference.to_owned() } else { format!("{reference}:latest") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("my-avs/performer", Some("my-avs/performer:v2"))]
    #[case("my-avs/preformer:v2", Some("my-avs/performer:v2"))]
    #[case("localhost:5000/my-avs/performer", None)]
    #[case("redis", None)]
    fn the_most_similar_name_is_suggested(#[case] reference: &str, #[case] expected: Option<&str>) {
        let names = ["my-avs/performer:v2", "debian:bookworm-slim", "<none>:<none>"].map(str::to_owned);
        assert_eq!(most_alike(reference, &names), expected);
    }
}
