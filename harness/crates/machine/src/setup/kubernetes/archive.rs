//! An archive of an image, as `docker save` writes it: its content, and a stream of it for the engine.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufRead as _, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::bufread::MultiGzDecoder;
use futures::{Stream, stream};
use serde::Deserialize;
use tokio::{sync::mpsc, task::spawn_blocking};
use tokio_util::bytes::Bytes;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
/// `zstd --long=27`, which makes a node image a third smaller; decoders refuse it by default.
const ZSTD_WINDOW: u32 = 27;
const MANIFEST: &str = "manifest.json";
/// No manifest is longer: another kind of file is not read into memory.
const MANIFEST_LIMIT: u64 = 1 << 20;
/// The size of the pieces for the connection, in bytes.
const PIECE: usize = 1 << 20;
const WAITING: usize = 4;

/// Why a file cannot be used as an archive of an image.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// It cannot be read.
    #[error("failed to read archive {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Its end is missing.
    #[error("archive {} is truncated, and ends {place}", path.display())]
    Truncated {
        /// The file.
        path: PathBuf,
        /// Where it ends, as `within layer.tar`.
        place: String,
    },
    /// It is something else, or damaged.
    #[error("failed to use archive {}: {reason}", path.display())]
    Unfit {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// It contains other images.
    #[error("archive {} holds {}, and not {image}", path.display(), held(holds))]
    OtherImage {
        /// The file.
        path: PathBuf,
        /// The expected image.
        image: String,
        /// The images in it.
        holds: Vec<String>,
    },
}

impl ArchiveError {
    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::Read { .. } => {
                "name a file that this user can read, with --node-image-archive or HARNESS_NODE_IMAGE_ARCHIVE, or none: \
                 then the image is pulled or built"
            }
            Self::Truncated { .. } => "copy or download it anew, or name none: then the image is pulled or built",
            Self::Unfit { .. } | Self::OtherImage { .. } => {
                "name an archive that `fixtures/node-image/pack` or `docker save` made of that image, or none: then it is \
                 pulled or built"
            }
        }
    }
}

/// Reads an archive to its end: it must be whole, and contain the image.
pub(super) fn inspect(path: &Path, image: &str) -> Result<(), ArchiveError> {
    let read = |source| ArchiveError::Read { path: path.to_owned(), source };
    let mut archive = tar::Archive::new(open(path).map_err(read)?);
    let mut contents = Contents::default();
    let scanned = contents.scan(&mut archive);
    let mut rest = archive.into_inner();
    // A compression format may have an end of its own, with a checksum.
    let scanned = scanned.and_then(|()| io::copy(&mut rest, &mut io::sink()).map(drop));
    if let Err(error) = scanned {
        let unpacked = matches!(rest.read(&mut [0]), Ok(1..));
        let ends = error.kind() == io::ErrorKind::UnexpectedEof || (!unpacked && !contents.names.is_empty());
        return Err(if ends {
            ArchiveError::Truncated { path: path.to_owned(), place: contents.place() }
        } else {
            ArchiveError::Unfit { path: path.to_owned(), reason: format!("it is no archive of an image ({error})") }
        });
    }
    contents.judge(path, image)
}

/// The archive, decompressed, piece by piece; a thread does the work and ends when nobody takes the pieces any more.
pub(super) fn stream(path: &Path) -> impl Stream<Item = io::Result<Bytes>> + Send + use<> {
    let path = path.to_owned();
    let (sender, mut receiver) = mpsc::channel(WAITING);
    spawn_blocking(move || {
        let mut unpacked = match open(&path) {
            Ok(unpacked) => unpacked,
            Err(error) => return drop(sender.blocking_send(Err(error))),
        };
        loop {
            let mut piece = Vec::with_capacity(PIECE);
            let taken = unpacked.by_ref().take(PIECE as u64).read_to_end(&mut piece);
            let sent = match taken {
                Ok(0) => return,
                Ok(_) => sender.blocking_send(Ok(Bytes::from(piece))),
                Err(error) => return drop(sender.blocking_send(Err(error))),
            };
            if sent.is_err() {
                return;
            }
        }
    });
    stream::poll_fn(move |context| receiver.poll_recv(context))
}

/// The content of an archive.
#[derive(Default)]
struct Contents {
    names: BTreeSet<String>,
    /// The file that was being read when the archive ended.
    unfinished: Option<String>,
    manifest: Option<Vec<u8>>,
}

/// An image in `manifest.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Manifest {
    config: String,
    repo_tags: Option<Vec<String>>,
    layers: Vec<String>,
}

impl Contents {
    fn scan(&mut self, archive: &mut tar::Archive<Box<dyn Read + Send>>) -> io::Result<()> {
        for entry in archive.entries()? {
            let mut entry = entry?;
            let name = entry.path()?.to_string_lossy().trim_start_matches("./").to_owned();
            self.unfinished = Some(name.clone());
            let size = entry.size();
            let read = if name == MANIFEST && size <= MANIFEST_LIMIT {
                let mut text = Vec::new();
                let read = entry.read_to_end(&mut text)? as u64;
                self.manifest = Some(text);
                read
            } else {
                io::copy(&mut entry, &mut io::sink())?
            };
            if read < size {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.names.insert(name);
            self.unfinished = None;
        }
        Ok(())
    }

    fn place(&self) -> String {
        match &self.unfinished {
            Some(name) => format!("within {name}"),
            None => format!("after {} files", self.names.len()),
        }
    }

    fn judge(&self, path: &Path, image: &str) -> Result<(), ArchiveError> {
        let unfit = |reason: String| ArchiveError::Unfit { path: path.to_owned(), reason };
        let manifest = self.manifest.as_ref().ok_or_else(|| unfit(format!("it has no {MANIFEST}")))?;
        let images: Vec<Manifest> =
            serde_json::from_slice(manifest).map_err(|error| unfit(format!("its {MANIFEST} says nothing: {error}")))?;
        let named = |tag: &String| tag.strip_prefix("docker.io/").unwrap_or(tag) == image;
        let wanted = images.iter().find(|candidate| candidate.repo_tags.iter().flatten().any(named));
        let Some(wanted) = wanted else {
            let holds = images.into_iter().flat_map(|image| image.repo_tags.unwrap_or_default()).collect();
            return Err(ArchiveError::OtherImage { path: path.to_owned(), image: image.to_owned(), holds });
        };
        // An archive without compression has no end of its own: it is whole if nothing is missing.
        match wanted.layers.iter().chain([&wanted.config]).find(|name| !self.names.contains(*name)) {
            Some(missing) => {
                let place = format!("before {missing}");
                Err(ArchiveError::Truncated { path: path.to_owned(), place })
            }
            None => Ok(()),
        }
    }
}

/// The decompressed archive.
fn open(path: &Path) -> io::Result<Box<dyn Read + Send>> {
    let mut file = BufReader::new(File::open(path)?);
    let start = file.fill_buf()?;
    Ok(if start.starts_with(GZIP) {
        Box::new(MultiGzDecoder::new(file))
    } else if start.starts_with(ZSTD) {
        let mut decoder = zstd::Decoder::with_buffer(file)?;
        decoder.window_log_max(ZSTD_WINDOW)?;
        Box::new(decoder)
    } else {
        Box::new(file)
    })
}

fn held(images: &[String]) -> String {
    if images.is_empty() { "an image without a name".to_owned() } else { images.join(", ") }
}

#[cfg(test)]
mod tests;
