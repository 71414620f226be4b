//! The reports of a run that go to files, pipes or standard output.

use std::path::{Path, PathBuf};

use super::{RunReport, Target, json, junit};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file cannot be written there.
    #[error("failed to write the report {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// Standard output was closed by whoever started this process.
    #[error("failed to write the report {path} to standard output: it is closed", path = path.display())]
    Closed {
        /// As it was given.
        path: PathBuf,
    },
    /// The report has no form in this format.
    #[error("failed to render the report {path}", path = path.display())]
    Render {
        /// The file.
        path: PathBuf,
        /// What the format does not take.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The path cannot mean a file.
    #[error("failed to write the report {path:?}: {reason}")]
    Destination {
        /// As it was given.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The file is one that the run reads.
    #[error("failed to write the report {path}: it is the scenario file {scenario}", path = path.display(), scenario = scenario.display())]
    Scenario {
        /// As it was given.
        path: PathBuf,
        /// The scenario.
        scenario: PathBuf,
    },
    /// Both reports would go to one place.
    #[error("failed to write the reports {path} and {other}: they are one and the same file", path = path.display(), other = other.display())]
    Twice {
        /// The JSON report.
        path: PathBuf,
        /// The `JUnit` report.
        other: PathBuf,
    },
}

impl ReportError {
    /// Whether the command line is to blame, and not what the system has there.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Destination { .. } | Self::Scenario { .. } | Self::Twice { .. })
    }

    /// What to do about it, where that is known.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Destination { .. } => Some("name a file; `-` is standard output"),
            Self::Scenario { .. } => Some("name another file, or the scenario would be gone"),
            Self::Twice { .. } => Some("give each report a file of its own"),
            Self::Closed { .. } => {
                Some("leave standard output open, or name a file; `/dev/null` takes what nobody reads")
            }
            Self::Write { .. } | Self::Render { .. } => None,
        }
    }
}

/// Where the reports of a run go, as far as they are asked for and can be written.
#[derive(Debug, Default)]
pub struct Reports {
    junit: Option<Target>,
    json: Option<Target>,
}

impl Reports {
    /// Finds out where they go, before there is anything to report; and why one of them cannot be written, over one of these
    /// scenario files among others.
    pub fn prepare(junit: Option<&Path>, json: Option<&Path>, scenarios: &[&Path]) -> (Self, Vec<ReportError>) {
        let mut errors = Vec::new();
        let prepared = |path: &Path| {
            let target = Target::prepare(path)?;
            match scenarios.iter().find(|scenario| target.is_file(scenario)) {
                Some(scenario) => {
                    Err(ReportError::Scenario { path: path.to_owned(), scenario: scenario.to_path_buf() })
                }
                None => Ok(target),
            }
        };
        let mut target = |path: Option<&Path>| match prepared(path?) {
            Ok(target) => Some(target),
            Err(error) => {
                errors.push(error);
                None
            }
        };
        let mut reports = Self { junit: target(junit), json: target(json) };
        if let Self { junit: Some(junit), json: Some(json) } = &reports
            && let Err(error) = json.differs_from(junit)
        {
            errors.push(error);
            reports = Self::default();
        }
        (reports, errors)
    }

    /// Whether one of them goes to standard output, so that what people read must stand elsewhere.
    pub fn take_output(&self) -> bool {
        [&self.junit, &self.json].into_iter().flatten().any(Target::is_output)
    }

    /// Writes them; one that cannot be written does not keep the other from it.
    ///
    /// `command` is what runs a trial when its name is added.
    pub fn write(&self, run: &RunReport, command: &str) -> Vec<ReportError> {
        let junit = self.junit.as_ref().map(|target| junit::write(target, run, command));
        let json = self.json.as_ref().map(|target| json::write(target, run));
        [junit, json].into_iter().flatten().filter_map(Result::err).collect()
    }
}
