//! An image as one archive that is both an OCI layout and valid input of `docker load`.
//!
//! Formats: OCI image specification 1.0 (image layout, manifest, configuration), and the `manifest.json` of
//! `docker save`. containerd reads the former, engines before version 25 the latter.

use std::{
    io::{self, Write},
    path::Path,
};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::bytes::Bytes;

use super::{
    IMAGE_LABEL, ImageError, ImageRole, RootFilesystem,
    layer::{Archive, Parts, layer},
    memory::{Identity, Memory},
    rootfs::USER,
};

/// Part of every image, so it must not depend on a clock.
const CREATED: &str = "1970-01-01T00:00:00Z";
/// How many digits of the digest the tag has.
const TAG_LENGTH: usize = 16;
const CONFIG_TYPE: &str = "application/vnd.oci.image.config.v1+json";
const LAYER_TYPE: &str = "application/vnd.oci.image.layer.v1.tar";
const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";

/// An image in memory, named by its digest.
#[derive(Debug, Clone)]
pub struct Image {
    /// Its name, as `hourglass-harness/components:0123456789abcdef`.
    pub reference: String,
    /// The digest of its configuration, as `sha256:…`; the id in most engines.
    pub digest: String,
    /// Its architecture, as `amd64`.
    pub architecture: &'static str,
    pub(super) layers: Vec<String>,
    manifest: String,
    archive: Parts,
}

impl Image {
    /// The image for `role`, with this executable; blocks while the executable is read and hashed.
    pub fn make(role: ImageRole, executable: &Path) -> Result<Self, ImageError> {
        Self::of(&RootFilesystem::collect(role, executable)?)
    }

    /// Does the same as [`Self::make`], and returns its sources as well.
    pub(super) fn make_with_memory(role: ImageRole, executable: &Path) -> Result<(Self, Memory), ImageError> {
        let filesystem = RootFilesystem::collect(role, executable)?;
        let image = Self::of(&filesystem)?;
        let memory = Memory::of(image.identity(), filesystem.sources);
        Ok((image, memory))
    }

    /// The image with these files.
    pub fn of(filesystem: &RootFilesystem) -> Result<Self, ImageError> {
        let role = filesystem.role;
        let layers = [layer(&filesystem.system)?, layer(&filesystem.program)?].map(Blob::from);
        let digests: Vec<_> = layers.iter().map(|layer| format!("sha256:{}", layer.digest)).collect();
        let config = Blob::of_json(&config(filesystem, &digests));
        let tag = &config.digest[..TAG_LENGTH];
        let reference = format!("{}:{tag}", role.repository());
        let manifest = Blob::of_json(&json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": config.descriptor(CONFIG_TYPE),
            "layers": layers.iter().map(|layer| layer.descriptor(LAYER_TYPE)).collect::<Vec<_>>(),
        }));
        let index = json!({
            "schemaVersion": 2,
            "mediaType": INDEX_TYPE,
            "manifests": [index_entry(&manifest, filesystem.architecture, &reference, tag)],
        });
        let docker = json!([{
            "Config": config.path(),
            "RepoTags": [&reference],
            "Layers": layers.iter().map(Blob::path).collect::<Vec<_>>(),
        }]);
        let digest = format!("sha256:{}", config.digest);
        let manifest_digest = format!("sha256:{}", manifest.digest);
        let mut blobs = Vec::from(layers);
        blobs.extend([config, manifest]);
        let archive = archive(blobs, &index, &docker)?;
        Ok(Self {
            reference,
            digest,
            architecture: filesystem.architecture,
            layers: digests,
            manifest: manifest_digest,
            archive,
        })
    }

    /// The size of its archive in bytes.
    pub fn size(&self) -> u64 {
        self.archive.size
    }

    /// Writes the archive.
    pub fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        self.archive.parts.iter().try_for_each(|part| out.write_all(part))
    }

    /// The digest of the archive as `sha256:…`.
    pub fn archive_digest(&self) -> String {
        format!("sha256:{}", self.archive.digest())
    }

    pub(super) fn into_parts(self) -> Vec<Bytes> {
        self.archive.parts
    }

    pub(super) fn identity(&self) -> Identity {
        Identity {
            reference: self.reference.clone(),
            digest: self.digest.clone(),
            manifest: self.manifest.clone(),
            layers: self.layers.clone(),
        }
    }
}

/// Content that is named by its digest.
struct Blob {
    digest: String,
    content: Parts,
}

impl From<Parts> for Blob {
    fn from(content: Parts) -> Self {
        Self { digest: content.digest(), content }
    }
}

impl Blob {
    fn of_json(value: &Value) -> Self {
        let content = bytes(value);
        Self { digest: hex::encode(Sha256::digest(&content)), content: content.into() }
    }

    fn path(&self) -> String {
        format!("blobs/sha256/{}", self.digest)
    }

    fn descriptor(&self, media_type: &str) -> Value {
        json!({ "mediaType": media_type, "digest": format!("sha256:{}", self.digest), "size": self.content.size })
    }
}

fn config(filesystem: &RootFilesystem, layers: &[String]) -> Value {
    let role = filesystem.role;
    let port = format!("{}/tcp", role.port());
    let history = |by: &str| json!({ "created": CREATED, "created_by": by });
    json!({
        "created": CREATED,
        "architecture": filesystem.architecture,
        "os": "linux",
        "config": {
            "User": USER,
            "ExposedPorts": { port: {} },
            "Env": ["PATH=/"],
            "Entrypoint": role.entrypoint(),
            "Cmd": role.command(),
            "WorkingDir": "/",
            "Labels": {
                IMAGE_LABEL: role.name(),
                "org.opencontainers.image.title": format!("Hourglass Harness: {role}"),
                "org.opencontainers.image.version": env!("CARGO_PKG_VERSION"),
            },
        },
        "rootfs": { "type": "layers", "diff_ids": layers },
        "history": [history("users, certificates, libraries"), history(role.program())],
    })
}

fn index_entry(manifest: &Blob, architecture: &str, reference: &str, tag: &str) -> Value {
    let mut entry = manifest.descriptor(MANIFEST_TYPE);
    entry["platform"] = json!({ "architecture": architecture, "os": "linux" });
    // containerd reads the name from the former, other readers of layouts the tag from the latter.
    entry["annotations"] = json!({
        "io.containerd.image.name": format!("docker.io/{reference}"),
        "org.opencontainers.image.ref.name": tag,
    });
    entry
}

fn archive(mut blobs: Vec<Blob>, index: &Value, docker: &Value) -> Result<Parts, ImageError> {
    let mut archive = Archive::default();
    archive.file(Path::new("oci-layout"), 0o644, bytes(&json!({ "imageLayoutVersion": "1.0.0" })).into())?;
    archive.folder(Path::new("blobs"), 0o755)?;
    archive.folder(Path::new("blobs/sha256"), 0o755)?;
    blobs.sort_by(|one, two| one.digest.cmp(&two.digest));
    for blob in blobs {
        archive.file(Path::new(&blob.path()), 0o644, blob.content)?;
    }
    archive.file(Path::new("index.json"), 0o644, bytes(index).into())?;
    archive.file(Path::new("manifest.json"), 0o644, bytes(docker).into())?;
    Ok(archive.finish())
}

fn bytes(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}
