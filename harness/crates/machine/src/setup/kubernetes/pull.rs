//! Pulls the node image from a registry.

use std::time::Duration;

use bollard::{errors::Error as CallError, query_parameters::CreateImageOptionsBuilder};
use futures::StreamExt as _;
use hourglass_cluster::ClusterError;
use hourglass_engine::{Engine, EngineContext as _};
use tokio::time::timeout;

use super::{KubernetesSetupError, load::fit};

/// How long a registry may take to answer. If packets are dropped, an engine itself would try for minutes.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long a pull may go on without progress.
const NEWS_WITHIN: Duration = Duration::from_mins(1);

/// The result of a pull.
pub(super) enum Pulled {
    /// The engine has the image.
    Done,
    /// It is not available there, for this reason.
    Not(String),
}

/// Pulls an image that the engine does not have.
pub(super) async fn pull(engine: &Engine, image: &str) -> Result<Pulled, KubernetesSetupError> {
    let (name, tag) = image.rsplit_once(':').unwrap_or((image, "latest"));
    let options = CreateImageOptionsBuilder::default().from_image(name).tag(tag).build();
    // Dropping it makes the engine give up as well.
    let mut news = Box::pin(engine.docker().create_image(Some(options), None, None));
    let mut limit = ANSWER_WITHIN;
    loop {
        match timeout(limit, news.next()).await {
            Ok(None) => break,
            Ok(Some(Ok(_))) => limit = NEWS_WITHIN,
            Ok(Some(Err(error))) => return refused(error, image),
            Err(_) => {
                let late = humantime::format_duration(limit);
                return Ok(Pulled::Not(format!("no registry answers within {late}")));
            }
        }
    }
    match fit(engine, image).await {
        Ok(_) => Ok(Pulled::Done),
        Err(KubernetesSetupError::Cluster(error @ ClusterError::NotANodeImage { .. })) => {
            Ok(Pulled::Not(error.to_string()))
        }
        Err(error) => Err(error),
    }
}

fn refused(error: CallError, image: &str) -> Result<Pulled, KubernetesSetupError> {
    match error {
        CallError::DockerResponseServerError { message: reason, .. }
        | CallError::DockerStreamError { error: reason } => Ok(Pulled::Not(reason.trim().replace('\n', " "))),
        error => Ok(Err(error).context(|| format!("pull {image}"))?),
    }
}
