//! Builds a user's image from a Dockerfile, with the engine's own builder, unless the engine has the image of the same
//! content.
//!
//! [`mod@context`] packs the files, [`ignore`] says which, [`dockerfile`] finds the images that the build begins with,
//! and [`log`] keeps the end of its output.

mod context;
mod dockerfile;
mod error;
mod ignore;
mod log;

use std::{
    collections::{BTreeMap, HashMap},
    fs,
    path::PathBuf,
    time::{Duration, Instant},
};

use bollard::{
    auth::DockerCredentials, body_try_stream, models::BuildInfo, query_parameters::BuildImageOptionsBuilder,
};
use context::Context;
pub use error::BuildError;
use futures::StreamExt as _;
use hourglass_base::blocking;
use hourglass_engine::{Engine, EngineContext as _};
use log::LastLines;
use sha2::{Digest as _, Sha256};
use tokio::{sync::Mutex, time::timeout};
use tokio_util::io::ReaderStream;

use super::{
    IMAGE_LABEL, ImageError,
    deliver::date,
    pull::said,
    registry::{credentials, registry_of},
};

/// The name of built images without their tag.
pub(super) const REPOSITORY: &str = "hourglass-harness/build";
/// The value of [`IMAGE_LABEL`] of built images.
const ROLE: &str = "build";
/// How many digits of the digest are the tag.
const TAG_LENGTH: usize = 16;
/// The engine's status code for a name that is none of an image.
const BAD_REQUEST: u16 = 400;
/// How long a build may take.
const BUILD_WITHIN: Duration = Duration::from_mins(30);

/// Trials that need one image wait for the trial that builds it.
static BUILDING: Mutex<()> = Mutex::const_new(());

/// What an image is built from.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BuildSource {
    /// The folder whose files are sent to the engine.
    pub context: PathBuf,
    /// The Dockerfile, relative to the context and inside of it.
    pub dockerfile: String,
    /// The stage that is built, if it is not the last.
    pub target: Option<String>,
    /// The values of `ARG`s.
    pub args: BTreeMap<String, String>,
}

/// The name of the image that is built from `source` for `component`. It is built if the engine has none that was built
/// from the same content of the context, Dockerfile, target, arguments, and images that the Dockerfile begins with.
pub async fn build(engine: &Engine, source: &BuildSource, component: &str) -> Result<String, ImageError> {
    let path = source.context.join(&source.dockerfile);
    let text = fs::read_to_string(&path).map_err(|source| BuildError::File { path, source })?;
    let packed = source.clone();
    let context = blocking(move || Context::pack(&packed.context, &packed.dockerfile)).await?;
    let bases = dockerfile::bases(&text);
    let _building = BUILDING.lock().await;
    let mut digest = Sha256::new();
    // The debug format quotes strings, so that different sources are never written alike.
    digest.update(format!("{} {:?} {:?} {:?}", context.digest, source.dockerfile, source.target, source.args));
    for base in &bases {
        digest.update(format!(" {base:?} {:?}", id_of(engine, base).await?));
    }
    let reference = format!("{REPOSITORY}:{}", &hex::encode(digest.finalize())[..TAG_LENGTH]);
    if id_of(engine, &reference).await?.is_some() {
        tracing::debug!(image = reference, component, "the engine has the image of this build");
    } else {
        let began = Instant::now();
        tracing::info!(image = reference, component, context = %source.context.display(), bytes = context.bytes, "building");
        run(engine, source, component, context, &reference, credentials_for(&bases).await?).await?;
        tracing::info!(image = reference, component, elapsed = ?began.elapsed(), "image built");
    }
    // The time of its last use.
    date(engine, &reference).await?;
    Ok(reference)
}

async fn run(
    engine: &Engine,
    source: &BuildSource,
    component: &str,
    context: Context,
    reference: &str,
    credentials: HashMap<String, DockerCredentials>,
) -> Result<(), ImageError> {
    let arguments: HashMap<_, _> = source.args.clone().into_iter().collect();
    let options = BuildImageOptionsBuilder::new()
        .dockerfile(&source.dockerfile)
        .t(reference)
        .target(source.target.as_deref().unwrap_or_default())
        .buildargs(&arguments)
        .labels(&HashMap::from([(IMAGE_LABEL, ROLE)]))
        .rm(true)
        .forcerm(true)
        .build();
    let archive = ReaderStream::new(tokio::fs::File::from_std(context.archive));
    let mut progress = engine.docker().build_image(options, Some(credentials), Some(body_try_stream(archive)));
    let mut log = LastLines::default();
    let reading = async {
        while let Some(step) = progress.next().await {
            let BuildInfo { stream, status, .. } = step.map_err(said)?;
            log.push(stream.as_deref().unwrap_or_default());
            log.push(&status.map(|status| format!("{status}\n")).unwrap_or_default());
        }
        Ok::<_, String>(())
    };
    let late = |_| Err(format!("it took longer than {}", humantime::format_duration(BUILD_WITHIN)));
    // An engine stops a build whose client has gone.
    let built = timeout(BUILD_WITHIN, reading).await.unwrap_or_else(late);
    let failed = |reason: String, log: LastLines| {
        let path = source.context.join(&source.dockerfile);
        let component = component.to_owned();
        ImageError::from(BuildError::Failed { component, path, reason: reason.trim().to_owned(), log: log.into_text() })
    };
    match built {
        Ok(()) if id_of(engine, reference).await?.is_some() => Ok(()),
        Ok(()) => Err(failed("the engine reports no error and has no image".to_owned(), log)),
        Err(reason) => Err(failed(reason, log)),
    }
}

/// The user's credentials for the registries of these images.
async fn credentials_for(
    images: impl IntoIterator<Item = &String>,
) -> Result<HashMap<String, DockerCredentials>, ImageError> {
    let mut known = HashMap::new();
    for registry in images.into_iter().map(|image| registry_of(image)) {
        if !known.contains_key(registry)
            && let Some(found) = credentials(registry).await?
        {
            known.insert(registry.to_owned(), found);
        }
    }
    Ok(known)
}

async fn id_of(engine: &Engine, image: &str) -> Result<Option<String>, ImageError> {
    match engine.docker().inspect_image(image).await.context(|| format!("inspect image {image}")) {
        // What is no name of an image is reported by the builder, with its line.
        Err(error) if error.is_not_found() || error.status() == Some(BAD_REQUEST) => Ok(None),
        found => Ok(found?.id),
    }
}
