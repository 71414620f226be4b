//! Brings a user's image from its registry into the engine.

use std::time::{Duration, Instant};

use bollard::{errors::Error, query_parameters::CreateImageOptionsBuilder};
use futures::{Stream, StreamExt as _};
use hourglass_engine::{Engine, EngineContext as _};
use tokio::time::timeout;

use super::{
    ImageError,
    registry::{credentials, registry_of},
    require::with_tag,
};

/// When an image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullWhen {
    /// Where the engine does not have it.
    Missing,
    /// Every time.
    Always,
}

/// How long a registry may send nothing.
const SILENCE: Duration = Duration::from_mins(2);
/// How long a pull may take.
const PULL_WITHIN: Duration = Duration::from_mins(30);

/// Pulls an image that `component` needs, with the user's credentials for its registry.
pub async fn pull(engine: &Engine, reference: &str, component: &str, when: PullWhen) -> Result<(), ImageError> {
    if when == PullWhen::Missing {
        match engine.docker().inspect_image(reference).await.context(|| format!("inspect image {reference}")) {
            Err(error) if error.is_not_found() => {}
            found => return Ok(found.map(drop)?),
        }
    }
    let began = Instant::now();
    let credentials = credentials(registry_of(reference)).await?;
    // Without a tag, the engine would pull all of them.
    let options = CreateImageOptionsBuilder::default().from_image(&with_tag(reference)).build();
    let progress = engine.docker().create_image(Some(options), None, credentials);
    let failed =
        |reason| ImageError::NotPulled { reference: reference.to_owned(), component: component.to_owned(), reason };
    drain(progress).await.map_err(failed)?;
    tracing::info!(image = reference, elapsed = ?began.elapsed(), "image pulled");
    Ok(())
}

/// Reads the progress to its end; the engine reports an error in it.
async fn drain<T>(progress: impl Stream<Item = Result<T, Error>>) -> Result<(), String> {
    let reading = async {
        let mut progress = Box::pin(progress);
        loop {
            match timeout(SILENCE, progress.next()).await {
                Ok(None) => return Ok(()),
                Ok(Some(Ok(_))) => {}
                Ok(Some(Err(error))) => return Err(said(error)),
                Err(_) => return Err(format!("nothing came for {}", humantime::format_duration(SILENCE))),
            }
        }
    };
    let late = |_| Err(format!("it took longer than {}", humantime::format_duration(PULL_WITHIN)));
    timeout(PULL_WITHIN, reading).await.unwrap_or_else(late)
}

/// What the engine itself says.
pub(super) fn said(error: Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message,
        Error::DockerStreamError { error } => error,
        error => error.to_string(),
    }
}
