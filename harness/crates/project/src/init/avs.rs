//! A repository made from the public AVS template: what its context file says about the devnet, and the project file
//! that follows.
//!
//! The template's performer listens on port 8080 whatever its environment says.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use super::{NewFile, deploy_scripts};

/// The file that describes the devnet: operator sets, who is in them, and the limits of tasks.
pub(super) const CONTEXT: &str = ".hourglass/context/devnet.yaml";
/// The time for a task, in seconds, where the context says nothing.
const TASK_SLA: u64 = 120;
const PORT: u16 = 8080;

/// Why the repository's description cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AvsError {
    /// The file cannot be read.
    #[error("failed to read {path}", path = path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is not what the template has there.
    #[error("failed to read {path}: it is not the context of an AVS", path = path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_yaml::Error,
    },
}

impl AvsError {
    pub(super) fn remedy(&self) -> String {
        match self {
            Self::Read { .. } => "see whose it is".to_owned(),
            Self::Parse { .. } => {
                "correct it: `operatorSets`, `executor.operators` and `mailbox.taskSla` are read".to_owned()
            }
        }
    }
}

/// What is read of the context file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Context {
    operator_sets: Vec<OperatorSet>,
    executor: Group,
    mailbox: Mailbox,
    /// Whether the repository can build an image.
    #[serde(skip)]
    has_dockerfile: bool,
    /// The key `deploy_scripts` of the project file; empty if the repository has no such scripts.
    #[serde(skip)]
    deploy_scripts: String,
}

#[derive(Debug, Deserialize)]
struct OperatorSet {
    id: u64,
    #[serde(default)]
    curve_type: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Group {
    operator_set_id: u64,
    operators: Vec<Member>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Member {
    /// `executor:9090`
    socket: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Mailbox {
    task_sla: Option<u64>,
}

impl Context {
    /// Reads the context of the repository in `folder`.
    pub(super) fn read(folder: &Path) -> Result<Self, AvsError> {
        let path = folder.join(CONTEXT);
        match fs::read_to_string(&path) {
            Ok(text) => {
                let read = serde_yaml::from_str(&text).map_err(|source| AvsError::Parse { path, source });
                read.map(|context: Self| Self {
                    has_dockerfile: folder.join("Dockerfile").is_file(),
                    deploy_scripts: deploy_scripts::section(folder),
                    ..context
                })
            }
            Err(source) => Err(AvsError::Read { path, source }),
        }
    }

    /// What the project file cannot say.
    pub(super) fn notices(&self) -> Vec<String> {
        let mut notices = Vec::new();
        if !self.has_dockerfile {
            notices.push(
                "there is no Dockerfile: in Docker and Kubernetes, give the performer an `image`, or a `build`"
                    .to_owned(),
            );
        }
        if !self.deploy_scripts.is_empty() {
            notices.push(
                "the scripts of .devkit deploy the contracts of the trials, and call forge, cast, jq, yq and make: `harness doctor` \
                 says which of them are missing"
                    .to_owned(),
            );
        }
        if self.is_bn254() {
            notices.push(format!(
                "{CONTEXT} has BN254 as the curve of the executors' operator set, which the harness does not support yet: the project file has ECDSA"
            ));
        }
        if self.names().len() > 1 {
            notices.push(format!(
                "{CONTEXT} has {} executors, and the template's performer always listens on port {PORT}: as processes, one of them can run; the project file has the first",
                self.names().len()
            ));
        }
        notices
    }

    /// The project file and three scenarios.
    pub(super) fn files(&self) -> Vec<NewFile> {
        let operator = self.names().swap_remove(0);
        let scenario = |name: &str, text: &str| NewFile::new(format!("scenarios/{name}.yaml"), text);
        vec![
            NewFile::new("harness.yaml", self.project()),
            scenario("answers", include_str!("../../templates/avs/answers.yaml")),
            scenario(
                "executor_down",
                &include_str!("../../templates/avs/executor_down.yaml").replace("@operator@", &operator),
            ),
            scenario("payloads", include_str!("../../templates/avs/payloads.yaml")),
        ]
    }

    fn project(&self) -> String {
        let mut text = String::from(
            "\
# yaml-language-server: $schema=.harness/project.json
# What the scenarios have in common. Paths start at the folder of this file.
scenarios: scenarios
prepare:
  - run: [go, build, -o, bin/performer, ./cmd]
components:
  performer:
    # As a process.
    command: [bin/performer]
",
        );
        if self.has_dockerfile {
            text.push_str("    # In Docker and Kubernetes.\n    build: {context: .}\n");
        }
        // Writing to a string does not fail.
        let _ = write!(
            text,
            "    # It listens there whatever GRPC_PORT says.\n    port: {PORT}\n# From {CONTEXT}.\ntopology:\n  curve: ecdsa\n  task_sla: {}s\n  operators:\n    - {{name: {}}}\n",
            self.mailbox.task_sla.unwrap_or(TASK_SLA),
            self.names()[0]
        );
        text + &self.deploy_scripts
    }

    fn is_bn254(&self) -> bool {
        let set = self.operator_sets.iter().find(|set| set.id == self.executor.operator_set_id);
        set.is_some_and(|set| ["bn254", "bls"].contains(&set.curve_type.to_lowercase().as_str()))
    }

    /// The names of the executors, from their sockets; at least one.
    fn names(&self) -> Vec<String> {
        let mut taken = BTreeSet::new();
        let mut names = Vec::new();
        for member in &self.executor.operators {
            let host = member.socket.rsplit_once(':').map_or(&*member.socket, |(host, _)| host);
            let wanted = name_of(host);
            let mut name = wanted.clone();
            for number in 2.. {
                if taken.insert(name.clone()) {
                    break;
                }
                name = format!("{wanted}-{number}");
            }
            names.push(name);
        }
        if names.is_empty() { vec!["executor".to_owned()] } else { names }
    }
}

/// The name of an operator: lowercase letters, digits and hyphens, a letter first, at most 36 characters.
fn name_of(host: &str) -> String {
    let name: String = host
        .to_lowercase()
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '-' })
        .skip_while(|letter| !letter.is_ascii_lowercase())
        .take(36)
        .collect();
    if name.is_empty() { "executor".to_owned() } else { name }
}
