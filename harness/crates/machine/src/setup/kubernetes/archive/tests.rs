//! Archives of two small files, whole and not.

use std::{fs, io::Write as _};

use futures::TryStreamExt as _;
use tempfile::TempDir;

use super::*;

const IMAGE: &str = "kindest/node:v9.9.9";

/// A tar as `docker save` writes it: the manifest last, after what it names.
fn tar_of(tag: &str) -> Vec<u8> {
    let manifest = format!(r#"[{{"Config":"config.json","RepoTags":["{tag}"],"Layers":["layer.tar"]}}]"#);
    // A layer that does not compress well, so that the packed archive is cut in the middle of it.
    let layer: Vec<u8> = (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in [("config.json", b"{}".as_slice()), ("layer.tar", &layer), (MANIFEST, manifest.as_bytes())] {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        archive.append_data(&mut header, name, text).unwrap();
    }
    archive.into_inner().unwrap()
}

#[derive(Debug, Clone, Copy)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
}

fn packed(tar: &[u8], packing: Packing) -> Vec<u8> {
    match packing {
        Packing::Plain => tar.to_vec(),
        Packing::Gzip => {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(tar).unwrap();
            encoder.finish().unwrap()
        }
        Packing::Zstd => {
            let mut encoder = zstd::Encoder::new(Vec::new(), 3).unwrap();
            encoder.window_log(ZSTD_WINDOW).unwrap();
            encoder.long_distance_matching(true).unwrap();
            encoder.include_checksum(true).unwrap();
            encoder.write_all(tar).unwrap();
            encoder.finish().unwrap()
        }
    }
}

fn file(content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("archive");
    fs::write(&path, content).unwrap();
    (folder, path)
}

fn inspected(content: &[u8]) -> Result<(), ArchiveError> {
    let (_folder, path) = file(content);
    inspect(&path, IMAGE)
}

#[rstest::rstest]
#[tokio::test]
async fn every_compression_is_accepted_and_streamed_decompressed(
    #[values(Packing::Plain, Packing::Gzip, Packing::Zstd)] packing: Packing,
) {
    let tar = tar_of(IMAGE);
    let (_folder, path) = file(&packed(&tar, packing));
    inspect(&path, IMAGE).unwrap();
    let pieces: Vec<Bytes> = stream(&path).try_collect().await.unwrap();
    assert!(pieces.concat() == tar, "what the engine gets is not the archive");
}

/// Wherever it ends: within a file, between two, or before the checksum of the compression.
#[rstest::rstest]
fn a_truncated_archive_is_reported_as_truncated(
    #[values(Packing::Plain, Packing::Gzip, Packing::Zstd)] packing: Packing,
    #[values(20, 50, 90)] percent: usize,
) {
    let whole = packed(&tar_of(IMAGE), packing);
    let error = inspected(&whole[..whole.len() * percent / 100]).unwrap_err();
    assert!(matches!(error, ArchiveError::Truncated { .. }), "{error}");
}

#[test]
fn an_archive_without_its_last_byte_is_truncated() {
    for packing in [Packing::Gzip, Packing::Zstd] {
        let whole = packed(&tar_of(IMAGE), packing);
        let error = inspected(&whole[..whole.len() - 1]).unwrap_err();
        assert!(matches!(error, ArchiveError::Truncated { .. }), "{packing:?}: {error}");
    }
}

/// A tar that ends between two files looks whole: the files that the manifest names must be there.
#[test]
fn a_tar_without_its_layer_is_truncated() {
    let manifest = format!(r#"[{{"Config":"config.json","RepoTags":["{IMAGE}"],"Layers":["layer.tar"]}}]"#);
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(manifest.len() as u64);
    archive.append_data(&mut header, MANIFEST, manifest.as_bytes()).unwrap();
    let error = inspected(&archive.into_inner().unwrap()[..1024]).unwrap_err().to_string();
    assert!(error.ends_with("/archive is truncated, and ends before layer.tar"), "{error}");
}

#[rstest::rstest]
#[case::text(b"not an archive, only words, and more than a block of them ".repeat(20), "it is no archive of an image")]
#[case::other_image(tar_of("alpine:3"), " holds alpine:3, and not kindest/node:v9.9.9")]
#[case::no_image(tar::Builder::new(Vec::new()).into_inner().unwrap(), "it has no manifest.json")]
fn files_of_other_formats_are_reported(#[case] content: Vec<u8>, #[case] says: &str) {
    let error = inspected(&content).unwrap_err();
    assert!(error.to_string().contains(says), "{error}");
    assert!(error.remedy().contains("fixtures/node-image/pack"), "{}", error.remedy());
}

#[test]
fn a_missing_archive_is_named_in_the_error() {
    let error = inspect(Path::new("/nowhere/node.tar"), IMAGE).unwrap_err();
    assert_eq!(error.to_string(), "failed to read archive /nowhere/node.tar");
    assert!(error.remedy().contains("--node-image-archive"));
}

/// Current engines name the registry too.
#[test]
fn an_image_name_with_its_registry_matches() {
    inspected(&tar_of(&format!("docker.io/{IMAGE}"))).unwrap();
}
