//! The image of the probes' pods.

use std::path::PathBuf;

use hourglass_engine::Engine;
use hourglass_image::{ImageError, NodeImage, deliver_components, deliver_to_nodes};

use crate::{Cluster, ClusterError};

/// The image of the probes' pods; it must hold the harness at `/harness`, as the image of the components does.
#[derive(Debug, Clone)]
pub enum ProbeImage {
    /// The image of the components, built from this executable and delivered to engine and nodes; for clusters of the
    /// harness.
    Components(PathBuf),
    /// An image that the nodes have or can pull.
    Named(String),
}

/// Why there is no image.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoImage {
    #[error(transparent)]
    Image(#[from] ImageError),
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    #[error("others made the cluster, and its nodes take no images from here")]
    Foreign,
}

impl NoImage {
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::Image(error) => error.remedy(),
            Self::Cluster(error) => error.remedy(),
            Self::Foreign => None,
        }
        .unwrap_or_else(|| {
            "name an image of the components that its nodes can pull, with --probe-image (`harness image build components` \
             makes one)"
                .to_owned()
        })
    }
}

impl ProbeImage {
    /// Delivers it to all nodes and to the engine; returns its name.
    pub(super) async fn deliver(&self, cluster: &Cluster) -> Result<String, NoImage> {
        match (self, &cluster.machine) {
            (Self::Named(name), _) => Ok(name.clone()),
            (Self::Components(executable), Some(machine)) => {
                let nodes = machine.nodes().await.map_err(ImageError::from)?;
                let image = [NodeImage::components(executable)];
                let (in_engine, _) = tokio::try_join!(to_engine(&machine.engine, executable), async {
                    Ok::<_, NoImage>(deliver_to_nodes(&machine.engine, &nodes, &image).await?)
                })?;
                Ok(in_engine)
            }
            (Self::Components(_), None) => Err(NoImage::Foreign),
        }
    }
}

/// Besides the pods on the nodes, a container outside the cluster runs from it.
async fn to_engine(engine: &Engine, executable: &std::path::Path) -> Result<String, NoImage> {
    Ok(deliver_components(engine, executable).await?.reference)
}
