//! Why a command could not be done, how that is shown, and with which exit code.

use std::{
    error::Error,
    fmt::Write as _,
    io::{self, Write as _},
};

use hourglass_component::document::DocumentError;
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};

use crate::{
    cluster::{ClusterError, operator::OperatorError},
    image::ImageError,
    machine::setup::KubernetesSetupError,
    reaper::ReaperError,
    report::ReportError,
    runner::verdict::ExitStatus,
    scenario::ScenarioError,
};

/// Why a command could not be done.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// Scenarios: their files, or which are meant.
    #[error(transparent)]
    Scenario(#[from] ScenarioError),
    /// A configuration file.
    #[error(transparent)]
    Document(#[from] DocumentError),
    /// The operator's configuration file.
    #[error(transparent)]
    Operator(#[from] hourglass_operator::ConfigError),
    /// Arguments or variables that fit the syntax and make no sense.
    #[error("{0}")]
    Usage(String),
    /// What trials need is not to be had.
    #[error("prepare the environment")]
    Environment(#[source] Box<dyn Error + Send + Sync>),
    /// A component ended with an error.
    #[error("run the {component}")]
    Component {
        /// Which one.
        component: &'static str,
        /// Why.
        source: Box<dyn Error + Send + Sync>,
    },
    /// Processes of a run.
    #[error(transparent)]
    Reaper(#[from] ReaperError),
    /// An image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// What clusters need.
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
    /// Our own executable cannot be found.
    #[error("find the harness's own executable")]
    Executable(#[source] io::Error),
    /// Output cannot be written.
    #[error("write output")]
    Output(#[from] io::Error),
}

impl From<KubernetesSetupError> for CliError {
    fn from(error: KubernetesSetupError) -> Self {
        Self::KubernetesSetup(Box::new(error))
    }
}

impl CliError {
    /// The exit status that says what kind of failure this is.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Scenario(_)
            | Self::Document(_)
            | Self::Operator(_)
            | Self::Usage(_)
            | Self::Cluster(ClusterError::Idle { .. }) => ExitStatus::Usage,
            _ => ExitStatus::Environment,
        }
    }

    /// What to do about it, where that is known.
    fn remedy(&self) -> Option<String> {
        match self {
            Self::Image(error) => error.remedy(),
            Self::KubernetesSetup(error) => error.remedy(),
            Self::Cluster(error) => error.remedy(),
            Self::ClusterOperator(error) => error.remedy(),
            _ => None,
        }
    }

    /// Whether the reader of our output is gone, which is no failure.
    pub(super) fn is_closed_output(&self) -> bool {
        let closed = |error: &io::Error| error.kind() == io::ErrorKind::BrokenPipe;
        match self {
            Self::Output(error) | Self::Scenario(ScenarioError::Write(error)) => closed(error),
            _ => false,
        }
    }

    /// Shows it on standard error: problems in files at their places, anything else with what caused it.
    pub fn show(&self) {
        let mut text = String::new();
        let diagnostics: Vec<&dyn Diagnostic> = match self {
            Self::Scenario(ScenarioError::Invalid(broken)) => broken.iter().map(|error| error as _).collect(),
            Self::Scenario(error) => vec![error],
            Self::Document(error) => vec![error],
            _ => Vec::new(),
        };
        for diagnostic in &diagnostics {
            let theme = if console::colors_enabled_stderr() {
                GraphicalTheme::unicode()
            } else {
                GraphicalTheme::unicode_nocolor()
            };
            let handler = GraphicalReportHandler::new_themed(theme).with_links(false);
            if handler.render_report(&mut text, *diagnostic).is_err() {
                text.push_str(&diagnostic.to_string());
            }
        }
        if diagnostics.is_empty() {
            text = format!("error: failed to {self}\n");
            let mut cause = self.source();
            while let Some(error) = cause {
                let _ = writeln!(text, "  because: {error}");
                cause = error.source();
            }
            if let Some(remedy) = self.remedy() {
                let _ = writeln!(text, "  remedy: {remedy}");
            }
        }
        // Nowhere to say that nothing can be said.
        let _ = io::stderr().write_all(text.as_bytes());
    }
}
