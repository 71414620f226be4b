//! The errors of a test's calls.

use std::{error::Error, fmt, io, sync::Arc};

use hourglass_chain::SetupError;
use hourglass_component::{causes::with_causes, document::DocumentError};
use hourglass_report::failure_text_with;
use hourglass_runner::{
    FoldersError, remedy_of_setup,
    verdict::{TrialReport, Verdict, Violation},
};
use miette::{GraphicalReportHandler, GraphicalTheme};

use crate::ExecutableError;

/// Why an environment could not be started, or what in it was not as expected.
///
/// `Debug` shows the same text as `Display`, and for scenario errors the positions: it is what a test that returns the
/// error prints.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// # use hourglass_api::Chain;
/// let task = env.create_task(Chain::L2, "0x04").await?;
/// if let Err(error) = task.expect_verified().result("0x11").await {
///     let failure = error.failure().expect("the result is another");
///     assert_eq!(failure.violations().len(), 1);
/// }
/// # Ok(())
/// # }
/// ```
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum HarnessError {
    /// The builder or a step has something that a scenario cannot have; the error is the one of a scenario file.
    #[error(transparent)]
    Scenario(DocumentError),
    /// There is no `harness` executable.
    #[error(transparent)]
    Executable(#[from] ExecutableError),
    /// There is no Anvil.
    #[error("{}{}", with_causes(.0), remedied(remedy_of_setup(.0)))]
    Anvil(#[from] SetupError),
    /// The folder of all trials cannot be used.
    #[error("{}{}", with_causes(.0), remedied(Some(.0.remedy())))]
    Folders(#[from] FoldersError),
    /// No threads could be started for the environment.
    #[error("failed to start threads for the environment")]
    Threads(#[source] Arc<io::Error>),
    /// A step, an expectation, an invariant or the environment failed.
    #[error(transparent)]
    Failed(Box<Failure>),
    /// The environment has no such component.
    #[error("there is no component `{name}`; the components are {}", known.join(", "))]
    UnknownComponent {
        /// The name that was given.
        name: String,
        /// The existing names.
        known: Vec<String>,
    },
    /// The environment was finished before.
    #[error("the environment has been finished, and nothing of it is left")]
    Finished,
    /// The harness has a defect.
    #[error("the thread of the environment has ended without a report")]
    Panicked,
}

impl HarnessError {
    /// The failure, if it is one of a step, an expectation, an invariant or the environment.
    pub fn failure(&self) -> Option<&Failure> {
        if let Self::Failed(failure) = self { Some(failure) } else { None }
    }
}

impl fmt::Debug for HarnessError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scenario(error) => {
                let handler = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor());
                writeln!(formatter, "{error}")?;
                handler.render_report(formatter, error)
            }
            // The text begins with spaces, which align it with its own lines.
            Self::Failed(failure) => write!(formatter, "\n{failure}"),
            Self::Threads(error) => write!(formatter, "{self}: {error}"),
            Self::Executable(error) => formatter.write_str(&with_causes(error)),
            _ => fmt::Display::fmt(self, formatter),
        }
    }
}

/// A failure with its evidence. `Display` is the block that the terminal shows: expected, seen, timeline, folder.
///
/// ```
/// # use hourglass_api::HarnessError;
/// # use std::path::Path;
/// fn evidence(error: &HarnessError) -> Option<&Path> {
///     Some(&error.failure()?.report().directory)
/// }
/// ```
#[derive(Clone, PartialEq)]
pub struct Failure {
    report: TrialReport,
    again: String,
}

impl Failure {
    pub(crate) fn new(report: TrialReport, again: String) -> Self {
        Self { report, again }
    }

    /// The report of the trial at the time of the failure.
    pub fn report(&self) -> &TrialReport {
        &self.report
    }

    /// What was not as expected; empty if the environment failed.
    pub fn violations(&self) -> &[Violation] {
        if let Verdict::Failed { violations } = &self.report.verdict { violations } else { &[] }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&failure_text_with(&self.report, &self.again))
    }
}

impl fmt::Debug for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

impl Error for Failure {}

fn remedied(remedy: Option<String>) -> String {
    remedy.map(|remedy| format!("; {remedy}")).unwrap_or_default()
}
