//! Why a trial did not pass: the system under test violated an invariant, or its environment failed.

use std::{io, time::Duration};

use hourglass_base::{cache::remedy_of_cache, exhausted, exhausted_as_told, not_started};
use hourglass_chain::SetupError;
use hourglass_component::chain::{ChainError, SendError};
use hourglass_reaper::ReaperError;
use hourglass_runtime::RuntimeError;

use super::{
    FoldersError,
    performer_remedy::{READ_OUTPUT, SEPARATE, read_output, remedy_of_performer},
    verdict::Violation,
};

/// Why an environment could not be created, used or taken down.
#[derive(Debug, thiserror::Error)]
pub enum EnvironmentError {
    /// Chains.
    #[error(transparent)]
    Setup(#[from] SetupError),
    /// A component of the trial.
    #[error(transparent)]
    Runtime(#[from] RuntimeError),
    /// A request to a chain failed.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// A transaction of the harness failed.
    #[error(transparent)]
    Send(#[from] SendError),
    /// The folder of all trials.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// A file of the trial.
    #[error("failed to use {path}", path = path.display())]
    File {
        /// The file or folder.
        path: std::path::PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The trial took longer than its limit; no failure of its environment is known to be the cause.
    #[error("the trial did not end within {}: it was at: {stage}", humantime::format_duration(*limit))]
    Late {
        /// The limit.
        limit: Duration,
        /// What it was doing.
        stage: String,
        /// The last entries of its timeline by then, as text.
        last: Vec<String>,
    },
    /// The scenario needs something that the runtime does not support yet.
    #[error("{0}")]
    Unsupported(String),
}

impl EnvironmentError {
    /// Nothing has the name that a step uses. Loading makes sure that there is something.
    pub(super) fn unknown(name: &str) -> Self {
        Self::Unsupported(format!("nothing is called `{name}`"))
    }

    /// Whether it is no failure: the scenario needs something that this kind of environment does not support.
    pub(super) fn is_inapplicable(&self) -> bool {
        matches!(self, Self::Runtime(RuntimeError::Inapplicable { .. }))
    }
}

/// Why a step failed.
#[derive(Debug)]
pub(super) enum StepFailure {
    /// The system under test is to blame.
    Violation(Box<Violation>),
    /// The environment is to blame.
    Environment(EnvironmentError),
}

impl<E: Into<EnvironmentError>> From<E> for StepFailure {
    fn from(error: E) -> Self {
        Self::Environment(error.into())
    }
}

const PUSH_IMAGE: &str = "push the image where the nodes can pull it and name that with --registry, --components-image or \
                          --anvil-image, or load it into the nodes: `harness image build` makes the harness's own";
/// What the kubelet says of a container whose image a node neither has nor gets.
const NO_IMAGE: [&str; 4] = ["ErrImageNeverPull", "ImagePullBackOff", "ErrImagePull", "InvalidImageName"];
const PORT_TAKEN: &str = "end that program, run the scenario with Docker or Kubernetes, or have the performer listen on the port \
                          in GRPC_PORT and leave `port` out";
const SILENT: &str =
    "see whether the chain's process or container was stopped, and what else the machine was busy with";

/// What to do about an environment failure, if that is known.
pub fn remedy(error: &EnvironmentError) -> Option<String> {
    if let Some(text) = exhausted(error) {
        return Some(text.to_owned());
    }
    let text = match error {
        EnvironmentError::Folders(error) => return Some(error.remedy()),
        EnvironmentError::Setup(error) | EnvironmentError::Runtime(RuntimeError::Chain(error)) => {
            return remedy_of_setup(error);
        }
        EnvironmentError::Chain(error) | EnvironmentError::Send(SendError::Chain(error)) if error.is_silent() => SILENT,
        EnvironmentError::Runtime(RuntimeError::Spawn { program, source, .. })
            if program.contains(' ') && source.kind() == io::ErrorKind::NotFound =>
        {
            SEPARATE
        }
        EnvironmentError::Runtime(RuntimeError::Spawn { source, .. }) => {
            return Some(not_started(source, "the command stands in the scenario"));
        }
        EnvironmentError::Runtime(RuntimeError::Reaper(ReaperError::Spawn { source, .. })) => {
            return Some(not_started(source, "the harness starts its own executable as the supervisor"));
        }
        EnvironmentError::Runtime(RuntimeError::ChainNotReady { reason, .. }) => {
            exhausted_as_told(reason).unwrap_or_else(|| of_pod(reason))
        }
        EnvironmentError::Runtime(RuntimeError::NotReady { state, .. }) => of_pod(state),
        EnvironmentError::Runtime(RuntimeError::Workers { reason, .. }) => of_pod(reason),
        EnvironmentError::Runtime(RuntimeError::PortTaken { .. }) => PORT_TAKEN,
        EnvironmentError::Runtime(RuntimeError::Performer { how, output, .. }) => {
            return Some(remedy_of_performer(how, output));
        }
        EnvironmentError::Runtime(RuntimeError::Ended { status, output, .. }) => read_output(status, output),
        EnvironmentError::Runtime(RuntimeError::ChainEnded { .. }) => {
            "find out what has ended the chain: its output is above, and its whole log in the trial's folder"
        }
        EnvironmentError::Runtime(RuntimeError::Engine(error)) => return error.remedy().map(str::to_owned),
        EnvironmentError::Runtime(RuntimeError::EngineLost(error)) => return error.remedy().map(str::to_owned),
        EnvironmentError::Runtime(RuntimeError::Image(error)) => return error.remedy(),
        EnvironmentError::Runtime(RuntimeError::Cluster(error) | RuntimeError::ClusterLost(error)) => {
            return error.remedy();
        }
        EnvironmentError::Runtime(RuntimeError::Helm(error)) => return error.remedy(),
        EnvironmentError::Runtime(RuntimeError::Operator(error)) => return error.remedy(),
        EnvironmentError::Runtime(RuntimeError::Reach(error)) => return error.remedy(),
        _ => return None,
    };
    Some(text.to_owned())
}

/// What to do about a component that is not ready for this reason.
fn of_pod(reason: &str) -> &'static str {
    if NO_IMAGE.iter().any(|word| reason.contains(word)) { PUSH_IMAGE } else { READ_OUTPUT }
}

/// What to do about chains that cannot be set up, if that is known.
pub fn remedy_of_setup(error: &SetupError) -> Option<String> {
    if let Some(text) = exhausted(error) {
        return Some(text.to_owned());
    }
    let text = match error {
        SetupError::NotUtf8 { .. } => "name another Anvil with HARNESS_ANVIL",
        SetupError::File { path, .. } => return remedy_of_cache(path).map(str::to_owned),
        SetupError::NotFound { .. } | SetupError::NotThere { .. } => {
            "name an Anvil binary with --anvil or HARNESS_ANVIL"
        }
        SetupError::Chain(error) if error.is_silent() => SILENT,
        SetupError::Cache(error) => error.remedy(),
        SetupError::Secret { .. } => {
            "remove the file, and the next run makes another, or set HARNESS_CACHE to a folder of your own"
        }
        SetupError::NotReady { reason, .. } => exhausted_as_told(reason)
            .unwrap_or("read the chain's output above; another Anvil can be named with --anvil"),
        SetupError::Ended { .. } => {
            "see who has ended the chain, and whether the machine has enough memory; its last output is above"
        }
        SetupError::DeployScript { .. } => {
            "correct what the program says; it starts in the folder of the file that names it, and gets the context \
             document as its last argument and in HARNESS_CONTEXT_FILE"
        }
        SetupError::Spawn { source, .. } => {
            return Some(not_started(source, "--anvil or HARNESS_ANVIL names another Anvil"));
        }
        _ => return None,
    };
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("container anvil: waiting, ImagePullBackOff: Back-off pulling image", PUSH_IMAGE)]
    #[case("container anvil: waiting, ErrImageNeverPull", PUSH_IMAGE)]
    #[case("container anvil: waiting, CrashLoopBackOff", READ_OUTPUT)]
    fn a_pod_without_its_image_has_a_remedy_of_its_own(#[case] reason: &str, #[case] expected: &str) {
        let (chain_id, container, output) = (31_338, "chain-31338".to_owned(), String::new());
        let error = RuntimeError::ChainNotReady { chain_id, container, reason: reason.to_owned(), output };
        assert_eq!(remedy(&error.into()).as_deref(), Some(expected));
    }
}
