//! Why a command failed, how that is shown, and with which exit code.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
};

use hourglass_base::{ExitStatus, cache::remedy_of_cache, exhausted};
use hourglass_bundle::BundleError;
use hourglass_chain::SetupError;
use hourglass_cluster::{ClusterError, operator::OperatorError};
use hourglass_component::{
    document::DocumentError,
    text::{painted, safe},
};
use hourglass_image::ImageError;
use hourglass_machine::{open_files::TooFewFiles, setup::KubernetesSetupError, threads::TooFewThreads};
use hourglass_project::{PrepareError, init::InitError, watch::WatchError};
use hourglass_reaper::ReaperError;
use hourglass_report::{RecordsError, ReportError, takes_colour};
use hourglass_runner::{FoldersError, remedy_of_setup};
use hourglass_scenario::ScenarioError;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use super::{DevnetError, OutputError, ShowError};

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Scenarios: their files, or their selection.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A configuration file.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The operator's configuration file.
    #[error(transparent)]
    Operator(#[from] hourglass_operator::ConfigError),
    /// Arguments or variables with a valid syntax that make no sense.
    #[error("{0}")]
    Usage(String),
    /// A requirement of trials is missing.
    #[error("failed to prepare the environment")]
    Environment(#[source] Box<dyn Error + Send + Sync>),
    /// A component ended with an error.
    #[error("the {component} ended with an error")]
    Component {
        /// The component.
        component: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The variable that selects the harness's own records.
    #[error(transparent)]
    Records(#[from] RecordsError),
    /// Processes of a run.
    #[error(transparent)]
    Reaper(#[from] ReaperError),
    /// An image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The requirements of clusters.
    #[error(transparent)]
    KubernetesSetup(Box<KubernetesSetupError>),
    /// A cluster.
    #[error(transparent)]
    Cluster(#[from] ClusterError),
    /// The operator of a cluster.
    #[error(transparent)]
    ClusterOperator(#[from] OperatorError),
    /// A report file.
    #[error(transparent)]
    Report(#[from] ReportError),
    /// A report that is to be shown.
    #[error(transparent)]
    Show(#[from] ShowError),
    /// A devnet, or a task in it.
    #[error(transparent)]
    Devnet(#[from] DevnetError),
    /// The harness executable cannot be found.
    #[error("failed to find the harness's own executable")]
    Executable(#[source] io::Error),
    /// A file or folder of the user's, or the harness's own.
    #[error("failed to {doing} {path}", path = path.display())]
    File {
        /// What the operation was, as `remove`.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// The folder of all trials.
    #[error(transparent)]
    Folders(#[from] FoldersError),
    /// The machine allows fewer open files than trials need.
    #[error(transparent)]
    OpenFiles(#[from] TooFewFiles),
    /// The system lets fewer threads start than the command needs.
    #[error(transparent)]
    Threads(#[from] TooFewThreads),
    /// SIGINT or SIGTERM came before there was anything to end.
    #[error("interrupted while the environment was prepared")]
    Interrupted,
    /// A port cannot be listened on.
    #[error("failed to serve on port {port}")]
    Serve {
        /// The port.
        port: u16,
        /// What the system answered.
        source: io::Error,
    },
    /// The asynchronous runtime does not start.
    #[error("failed to start the threads that the command needs")]
    Scheduler(#[source] io::Error),
    /// The result cannot be serialized as JSON.
    #[error("failed to write what was found as JSON")]
    Render(#[from] serde_json::Error),
    /// Output cannot be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// The commands that a project file names.
    #[error(transparent)]
    Prepare(#[from] PrepareError),
    /// A new project.
    #[error(transparent)]
    Init(#[from] InitError),
    /// Files that are watched.
    #[error(transparent)]
    Watch(#[from] WatchError),
    /// An archive of evidence.
    #[error(transparent)]
    Bundle(#[from] BundleError),
}

impl From<KubernetesSetupError> for CliError {
    fn from(error: KubernetesSetupError) -> Self {
        Self::KubernetesSetup(Box::new(error))
    }
}

impl CliError {
    /// The exit status of this kind of failure.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Scenario(_)
            | Self::Document(_)
            | Self::Operator(_)
            | Self::Usage(_)
            | Self::Records(_)
            | Self::Init(_)
            | Self::Cluster(ClusterError::Idle { .. } | ClusterError::Unknown { .. }) => ExitStatus::Usage,
            Self::Interrupted => ExitStatus::Interrupted,
            Self::Show(error) => error.status(),
            Self::Devnet(error) => error.status(),
            Self::Report(error) if error.is_usage() => ExitStatus::Usage,
            _ => ExitStatus::Environment,
        }
    }

    /// What to do about it, if that is known.
    fn remedy(&self) -> Option<String> {
        if let Some(text) = exhausted(self) {
            return Some(text.to_owned());
        }
        match self {
            Self::Environment(error) => error.downcast_ref::<SetupError>().and_then(remedy_of_setup),
            Self::Folders(error) => Some(error.remedy()),
            Self::Records(error) => Some(error.remedy().to_owned()),
            Self::OpenFiles(error) => Some(error.remedy()),
            Self::Threads(error) => Some(error.remedy().to_owned()),
            Self::Prepare(error) => Some(error.remedy()),
            Self::Init(error) => Some(error.remedy()),
            Self::Watch(error) => Some(error.remedy().to_owned()),
            Self::File { path, .. } => remedy_of_cache(path).map(str::to_owned),
            Self::Scenario(error) => error.help().map(|help| help.to_string()),
            Self::Image(error) => error.remedy(),
            Self::KubernetesSetup(error) => error.remedy(),
            Self::Cluster(error) => error.remedy(),
            Self::ClusterOperator(error) => error.remedy(),
            Self::Report(error) => error.remedy().map(str::to_owned),
            Self::Show(error) => error.remedy().map(str::to_owned),
            Self::Devnet(error) => error.remedy().map(str::to_owned),
            _ => None,
        }
    }

    /// Whether the reader of the output is gone, which is no failure.
    pub(super) fn is_closed_output(&self) -> bool {
        matches!(self, Self::Output(OutputError(error)) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Shows it on standard error: problems in files at their positions, anything else with its causes.
    pub fn show(&self) {
        // If writing to standard error fails, nothing can report it.
        let colour = takes_colour(&io::stderr());
        let text = self.text(colour);
        let text = if colour { painted(&text) } else { safe(&text) };
        let _ = io::stderr().write_all(text.as_bytes());
    }

    /// What [`CliError::show`] writes.
    pub(super) fn text(&self, colour: bool) -> String {
        match self {
            Self::Scenario(ScenarioError::Invalid(broken)) => {
                broken.iter().map(|error| document(error, colour)).collect()
            }
            Self::Document(error) => document(error, colour),
            _ => sentence(self, self.remedy()),
        }
    }
}

/// The problems of a file at their positions, or why it has none to show.
fn document(error: &DocumentError, colour: bool) -> String {
    if error.reports().is_empty() {
        return sentence(error, exhausted(error).map(str::to_owned));
    }
    let theme = if colour { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
    let mut text = String::new();
    match GraphicalReportHandler::new_themed(theme).with_links(false).render_report(&mut text, error) {
        Ok(()) => text,
        Err(_) => sentence(error, None),
    }
}

/// An error with its causes and its remedy; each is a line.
fn sentence(error: &dyn Error, remedy: Option<String>) -> String {
    let mut text = format!("error: {error}\n");
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = writeln!(text, "  because: {error}");
        cause = error.source();
    }
    if let Some(remedy) = remedy {
        let _ = writeln!(text, "  remedy: {remedy}");
    }
    text
}

#[cfg(test)]
#[path = "error_tests.rs"]
mod tests;
