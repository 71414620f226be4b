//! The images that nodes must have, and their sources.

use std::path::{Path, PathBuf};

use bollard::models::ImageInspect;
use futures::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use hourglass_engine::{Engine, EngineContext as _, EngineError};
use tokio_util::bytes::Bytes;

use super::name::whole;
use crate::{
    Image, ImageError, ImageRole,
    deliver::{make, pieces},
    memory::{Identity, Memory},
    require::required,
};

/// An image that nodes must have.
#[derive(Debug, Clone)]
pub enum NodeImage {
    /// An image of the harness, built from an executable of this machine; the engine need not have it.
    Made {
        /// What it is for.
        role: ImageRole,
        /// The executable.
        executable: PathBuf,
    },
    /// An image of the engine, by a name with a tag.
    OfEngine {
        /// Its name in pods.
        reference: String,
        /// The component that needs it, for the error about a missing image.
        component: String,
    },
}

impl NodeImage {
    /// The image of all reference components, from the harness's executable.
    pub fn components(executable: impl Into<PathBuf>) -> Self {
        Self::Made { role: ImageRole::Components, executable: executable.into() }
    }

    /// The image of Anvil.
    pub fn anvil(anvil: impl Into<PathBuf>) -> Self {
        Self::Made { role: ImageRole::Anvil, executable: anvil.into() }
    }

    /// A user's image; `component` needs it.
    pub fn of_engine(reference: impl Into<String>, component: impl Into<String>) -> Self {
        Self::OfEngine { reference: reference.into(), component: component.into() }
    }
}

/// An image with a known name.
#[derive(Debug)]
pub(super) struct Wanted {
    /// Its name in pods.
    pub(super) reference: String,
    /// Its name in containerd.
    pub(super) name: String,
    /// The digest of its configuration, or its id in the engine.
    pub(super) id: String,
    /// The digest of its manifest, if it is known; the engine may write another one for each export of an image.
    pub(super) manifest: Option<String>,
    pub(super) source: Source,
}

#[derive(Debug)]
pub(super) enum Source {
    /// In memory.
    Image(Image),
    /// It was built before, and none of its sources has changed.
    Remembered(ImageRole, PathBuf),
    /// The engine's export.
    Engine,
}

impl Wanted {
    /// Determines the name of an image; builds the image if the name is not known otherwise.
    pub(super) async fn find(cache: &Path, engine: &Engine, image: &NodeImage) -> Result<Self, ImageError> {
        match image {
            NodeImage::Made { role, executable } => {
                let executable = std::path::absolute(executable).map_err(ImageError::file(executable))?;
                match Memory::recall(cache, *role, &executable) {
                    Some(known) => Ok(Self::ours(known, Source::Remembered(*role, executable))),
                    None => Self::make(cache, *role, executable).await,
                }
            }
            NodeImage::OfEngine { reference, component } => {
                let found = required(engine, reference, component).await?;
                Self::of_engine(reference, found)
            }
        }
    }

    /// Its archive, in pieces. An image of which only the name was stored is built, and may differ.
    pub(super) async fn archive(
        &mut self,
        cache: &Path,
        engine: &Engine,
    ) -> Result<BoxStream<'static, Result<Bytes, EngineError>>, ImageError> {
        if let Source::Remembered(role, executable) = &self.source {
            *self = Self::make(cache, *role, executable.clone()).await?;
        }
        let reference = self.reference.clone();
        Ok(match &self.source {
            Source::Image(image) => stream::iter(pieces(image.clone().into_parts())).map(Ok).boxed(),
            Source::Remembered(..) | Source::Engine => {
                let export = engine.docker().export_image(&reference);
                export.map(move |piece| piece.context(|| format!("export image {reference}"))).boxed()
            }
        })
    }

    async fn make(cache: &Path, role: ImageRole, executable: PathBuf) -> Result<Self, ImageError> {
        let image = make(cache, role, executable).await?;
        Ok(Self::ours(image.identity(), Source::Image(image)))
    }

    fn ours(identity: Identity, source: Source) -> Self {
        let Identity { reference, digest, manifest, .. } = identity;
        Self { name: whole(&reference), reference, id: digest, manifest: Some(manifest), source }
    }

    fn of_engine(reference: &str, found: ImageInspect) -> Result<Self, ImageError> {
        let name = whole(reference);
        // The engine exports only names with tags.
        let named = found.repo_tags.iter().flatten().any(|tag| whole(tag) == name);
        if !named {
            return Err(ImageError::NoName { reference: reference.to_owned() });
        }
        let id = found.id.unwrap_or_default();
        Ok(Self { reference: reference.to_owned(), name, id, manifest: None, source: Source::Engine })
    }
}
