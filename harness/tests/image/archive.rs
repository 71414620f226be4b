//! The archive itself: its content, and what its digest depends on.

use std::{
    collections::BTreeMap,
    fs::{self, File, FileTimes},
    io::Read as _,
    os::unix::fs::PermissionsExt as _,
    path::Path,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use hourglass_harness::image::{Image, ImageRole};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::fixtures::{TestExecutables, append, harness};

/// The digest is the identity: clocks, folders and permissions of this machine must not affect it.
pub(crate) fn the_same_files_make_the_same_image() {
    let executables = TestExecutables::new();
    let one = executables.small();
    let other = executables.path("elsewhere");
    fs::copy(&one, &other).unwrap();
    let long_ago = FileTimes::new().set_modified(UNIX_EPOCH + Duration::from_hours(1));
    File::options().write(true).open(&other).unwrap().set_times(long_ago).unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o700)).unwrap();
    let [one, other] = [one, other].map(|path| Image::make(ImageRole::Components, &path).unwrap());
    assert_eq!(one.archive_digest(), other.archive_digest());
    assert_eq!((one.reference, one.digest), (other.reference, other.digest));
}

/// A changed image must be sent: one byte is enough, and so is another role of the same executable.
pub(crate) fn another_byte_makes_another_image() {
    let executables = TestExecutables::new();
    let path = executables.small();
    let before = Image::make(ImageRole::Components, &path).unwrap();
    let role = Image::make(ImageRole::Anvil, &path).unwrap();
    append(&path, "!");
    let after = Image::make(ImageRole::Components, &path).unwrap();
    assert_ne!(before.digest, after.digest);
    assert_ne!(before.reference, after.reference);
    assert_ne!(before.digest, role.digest);
    let lower = |image: &Image| unpack(image).layers().remove(0);
    assert_eq!(lower(&before).keys().collect::<Vec<_>>(), lower(&after).keys().collect::<Vec<_>>());
}

/// Readers of both formats find complete content: every blob matches its name, and both describe the same image.
pub(crate) fn archive_is_an_oci_layout_and_a_docker_archive() {
    let executables = TestExecutables::new();
    let image = Image::make(ImageRole::Components, &executables.small()).unwrap();
    let archive = unpack(&image);
    for (path, content) in archive.0.iter().filter(|(path, _)| path.starts_with("blobs/sha256/")) {
        assert_eq!(path.strip_prefix("blobs/sha256/").unwrap(), hex::encode(Sha256::digest(content)));
    }
    assert_eq!(archive.json("oci-layout")["imageLayoutVersion"], "1.0.0");
    let entry = &archive.json("index.json")["manifests"][0];
    assert_eq!(entry["annotations"]["io.containerd.image.name"], format!("docker.io/{}", image.reference));
    let manifest = archive.blob(entry);
    let docker = &archive.json("manifest.json")[0];
    assert_eq!(docker["RepoTags"][0], image.reference.as_str());
    let path = |descriptor: &Value| descriptor["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/");
    assert_eq!(docker["Config"], path(&manifest["config"]));
    let layers: Vec<_> = manifest["layers"].as_array().unwrap().iter().map(path).collect();
    assert_eq!(docker["Layers"], Value::from(layers));
    let config = archive.blob(&manifest["config"]);
    assert_eq!(config["config"]["User"], "65532:65532");
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2, "libraries, and the executable");
    let layers = archive.layers();
    assert!(layers[0].contains_key("etc/passwd") && layers[0]["tmp"] == 0o1777, "{layers:?}");
    assert_eq!(layers[1].keys().collect::<Vec<_>>(), ["harness"]);
}

/// An executable without dynamic libraries needs none in the image; with them, the loader is included.
pub(crate) fn static_executable_needs_no_libraries() {
    let executables = TestExecutables::new();
    let lower = |path: &Path| unpack(&Image::make(ImageRole::Anvil, path).unwrap()).layers().remove(0);
    let dynamic = lower(&executables.small());
    let has = |name: &str| dynamic.keys().any(|path| path.rsplit('/').next().unwrap().starts_with(name));
    assert!(has("libc.") && has("ld-"), "{dynamic:?}");
    let fixed = lower(&executables.fixed());
    let others: Vec<_> = fixed.keys().filter(|path| !path.starts_with("etc") && *path != "tmp").collect();
    assert!(others.is_empty(), "{others:?}");
}

/// An executable for another architecture makes an image for that architecture, on any machine.
pub(crate) fn the_architecture_is_that_of_the_executable() {
    let executables = TestExecutables::new();
    let (path, name) = executables.foreign();
    let image = Image::make(ImageRole::Components, &path).unwrap();
    assert_eq!(image.architecture, name);
    let archive = unpack(&image);
    assert_eq!(archive.json("index.json")["manifests"][0]["platform"]["architecture"], name);
}

/// The Anvil on PATH may be npm's script, which no image without Node.js can run.
pub(crate) fn a_script_is_no_image() {
    let executables = TestExecutables::new();
    let path = executables.path("anvil");
    fs::write(&path, "#!/usr/bin/env node\n").unwrap();
    let error = Image::make(ImageRole::Anvil, &path).unwrap_err();
    assert!(error.to_string().contains("it is a script"), "{error}");
    assert!(error.remedy().unwrap().contains("HARNESS_ANVIL"));
}

/// `harness image build` writes the image that a run delivers.
pub(crate) fn the_command_writes_the_same_archive() {
    let executables = TestExecutables::new();
    let (program, output) = (executables.small(), executables.path("image.tar"));
    let mut command = Command::new(harness());
    command.args(["image", "build", "components", "--executable"]).arg(&program).arg("--output").arg(&output);
    let outcome = command.output().unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stderr));
    let image = Image::make(ImageRole::Components, &program).unwrap();
    let said = String::from_utf8(outcome.stdout).unwrap();
    assert!(said.contains(&image.reference) && said.contains(&image.digest), "{said}");
    let written = fs::read(&output).unwrap();
    assert_eq!(format!("sha256:{}", hex::encode(Sha256::digest(&written))), image.archive_digest());
    assert_eq!(written.len() as u64, image.size());
}

/// Files of an archive by their paths.
struct Unpacked(BTreeMap<String, Vec<u8>>);

fn unpack(image: &Image) -> Unpacked {
    let mut bytes = Vec::new();
    image.write_to(&mut bytes).unwrap();
    let mut archive = tar::Archive::new(bytes.as_slice());
    let files = archive.entries().unwrap().map(|entry| {
        let mut entry = entry.unwrap();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).unwrap();
        (entry.path().unwrap().to_str().unwrap().to_owned(), content)
    });
    Unpacked(files.filter(|(path, _)| !path.ends_with('/') && !path.ends_with("sha256") && path != "blobs").collect())
}

impl Unpacked {
    fn json(&self, path: &str) -> Value {
        serde_json::from_slice(&self.0[path]).unwrap()
    }

    fn blob(&self, descriptor: &Value) -> Value {
        self.json(&descriptor["digest"].as_str().unwrap().replace("sha256:", "blobs/sha256/"))
    }

    /// The paths in each layer, the lowest first, with their permissions.
    fn layers(&self) -> Vec<BTreeMap<String, u32>> {
        let layers = self.json("manifest.json")[0]["Layers"].clone();
        let layer = |name: &Value| {
            let mut archive = tar::Archive::new(self.0[name.as_str().unwrap()].as_slice());
            let entries = archive.entries().unwrap().map(Result::unwrap);
            let modes = entries.map(|entry| {
                let path = entry.path().unwrap().to_str().unwrap().trim_end_matches('/').to_owned();
                (path, entry.header().mode().unwrap())
            });
            modes.collect()
        };
        layers.as_array().unwrap().iter().map(layer).collect()
    }
}
