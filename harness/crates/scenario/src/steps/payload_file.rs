//! A payload that is the content of a file.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use hourglass_component::document::{Pointer, Problem, Problems};
use hourglass_proto::limits::MAX_PAYLOAD;
use serde::{Deserialize, Serialize};

use super::check::ScenarioFolder;
use crate::bounded_file;

/// A file whose bytes are a payload. They are read when its scenario is loaded; copies have the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub struct PayloadFile {
    /// As it is written.
    written: PathBuf,
    content: Arc<OnceLock<Content>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Content {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl PayloadFile {
    /// The file; as it is written until its scenario is loaded.
    pub fn path(&self) -> &Path {
        self.content.get().map_or(&self.written, |content| &content.path)
    }

    /// The payload; `None` until its scenario is loaded.
    pub fn bytes(&self) -> Option<&[u8]> {
        Some(&self.content.get()?.bytes)
    }

    /// Reads the file, and adds the problem if it cannot be a payload.
    pub(super) fn read(&self, folder: ScenarioFolder<'_>, at: &Pointer, problems: &mut Problems) {
        let ScenarioFolder::At(folder) = folder else {
            problems.add(
                Problem::at_key(at, "a scenario that the executable embeds has no files beside it")
                    .label("names a file")
                    .help("give the bytes with `payload_hex`"),
            );
            return;
        };
        let path = folder.join(&self.written);
        let problem = match bounded_file::read(&path, MAX_PAYLOAD as u64) {
            Ok(bytes) if bytes.is_empty() => Problem::at_value(at, "the mailbox refuses tasks with an empty payload")
                .label("an empty file")
                .help("`expect_rejected` with `error: PayloadIsEmpty` tests that"),
            Ok(bytes) => {
                self.content.get_or_init(|| Content { path, bytes });
                return;
            }
            Err(error) => Problem::at_value(at, format!("failed to read {}: {error}", path.display()))
                .label("cannot be a payload")
                .help(format!(
                    "name a file of at most {MAX_PAYLOAD} bytes; the path is relative to the folder of this file"
                )),
        };
        problems.add(problem);
    }
}

impl From<PathBuf> for PayloadFile {
    fn from(written: PathBuf) -> Self {
        Self { written, content: Arc::default() }
    }
}

impl From<PayloadFile> for PathBuf {
    fn from(file: PayloadFile) -> Self {
        file.path().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::{Loader, Step, StepKind};

    const FILES: [(&str, &[u8]); 2] = [("bytes.bin", &[0xff, 0x00, 0x7f, b'\n']), ("empty", &[])];

    /// The first step of a scenario in a folder with files, or the problems of the scenario.
    fn first_step(name: &str, keys: &str) -> Result<Step, String> {
        let root = tempfile::tempdir().unwrap();
        for (name, bytes) in FILES {
            fs::write(root.path().join(name), bytes).unwrap();
        }
        fs::write(root.path().join("large"), vec![1; MAX_PAYLOAD + 1]).unwrap();
        fs::create_dir(root.path().join("scenarios")).unwrap();
        let text = format!(
            "name: own\ndescription: A test's own.\nsteps:\n  - create_task: {{{keys}}}\n  - expect_verified: {{}}\n"
        );
        let path = if name.contains(':') { name.into() } else { root.path().join(name) };
        let loaded = Loader::new().unwrap().parse(&path, text);
        let shown = |text: String| text.replace(&format!("{}/", root.path().display()), "");
        match loaded {
            Ok(file) => Ok(file.variants[0].scenario.steps[0].clone()),
            Err(error) => Err(shown(error.reports()[0].one_line())),
        }
    }

    #[test]
    fn the_payload_is_the_content_of_the_file_as_it_is() {
        let step = first_step("scenarios/own.yaml", "payload_file: ../bytes.bin").unwrap();
        let StepKind::CreateTask(task) = &step.kind else { panic!("{step:?}") };
        assert_eq!(task.payload_bytes(), FILES[0].1);
        // Plans and the folders of trials name the file so that it is found from elsewhere.
        let shown = serde_json::to_value(&step).unwrap()["create_task"]["payload_file"].clone();
        assert!(shown.as_str().unwrap().ends_with("/scenarios/../bytes.bin"), "{shown}");
    }

    #[rstest::rstest]
    #[case::none("payload_file: ../none", "own.yaml:4:33: failed to read scenarios/../none: No such file")]
    #[case::folder("payload_file: ..", "own.yaml:4:33: failed to read scenarios/..: it is no ordinary file")]
    #[case::device("payload_file: /dev/zero", "own.yaml:4:33: failed to read /dev/zero: it is no ordinary file")]
    #[case::large(
        "payload_file: ../large",
        "own.yaml:4:33: failed to read scenarios/../large: it has more than 1572863 bytes"
    )]
    #[case::empty("payload_file: ../empty", "own.yaml:4:33: the mailbox refuses tasks with an empty payload")]
    #[case::nameless("payload_file: ''", "own.yaml:4:33: expected")]
    #[case::two("payload: a, payload_file: ../bytes.bin", "own.yaml:4:31: both `payload` and `payload_file` are given")]
    fn what_cannot_be_a_payload_does_not_load(#[case] keys: &str, #[case] problem: &str) {
        let error = first_step("scenarios/own.yaml", keys).unwrap_err();
        assert!(error.contains(problem), "{error}");
    }

    #[test]
    fn an_embedded_scenario_has_no_files() {
        let error = first_step("builtin:/own.yaml", "payload_file: bytes.bin").unwrap_err();
        assert!(error.contains("a scenario that the executable embeds has no files beside it"), "{error}");
    }
}
