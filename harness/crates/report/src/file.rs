//! The reports of a run that go to files, pipes or standard output.

use std::path::{Path, PathBuf};

use super::{RunReport, Target, html, json, junit};

/// Why a report could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The file cannot be written.
    #[error("failed to write the report {path}", path = path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system answered.
        source: std::io::Error,
    },
    /// Standard output was closed before this process started.
    #[error("failed to write the report {path} to standard output: it is closed", path = path.display())]
    Closed {
        /// The path as given.
        path: PathBuf,
    },
    /// The report cannot be represented in this format.
    #[error("failed to render the report {path}", path = path.display())]
    Render {
        /// The file.
        path: PathBuf,
        /// The format's error.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The path cannot be that of a file.
    #[error("failed to write the report {path:?}: {reason}")]
    Destination {
        /// The path as given.
        path: PathBuf,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The run reads this file.
    #[error("failed to write the report {path}: it is the scenario file {scenario}", path = path.display(), scenario = scenario.display())]
    Scenario {
        /// The path as given.
        path: PathBuf,
        /// The scenario.
        scenario: PathBuf,
    },
    /// Two reports would be written to the same file.
    #[error("failed to write the reports {path} and {other}: they are one and the same file", path = path.display(), other = other.display())]
    Twice {
        /// One report.
        path: PathBuf,
        /// The other.
        other: PathBuf,
    },
}

impl ReportError {
    /// Whether the command line is wrong, rather than the state of the system.
    pub fn is_usage(&self) -> bool {
        matches!(self, Self::Destination { .. } | Self::Scenario { .. } | Self::Twice { .. })
    }

    /// What to do about it, if that is known.
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

/// The destinations of a run's reports, as far as they are requested and can be written.
#[derive(Debug, Default)]
pub struct Reports {
    junit: Option<Target>,
    json: Option<Target>,
    html: Option<Target>,
}

/// The paths of a run's reports, as given; `-` is standard output.
#[derive(Debug, Default, Clone, Copy)]
pub struct ReportPaths<'a> {
    /// The `JUnit` report.
    pub junit: Option<&'a Path>,
    /// The JSON report.
    pub json: Option<&'a Path>,
    /// The HTML report.
    pub html: Option<&'a Path>,
}

impl Reports {
    /// Determines the destinations before there is anything to report; also returns why one of them cannot be written,
    /// for example over one of these scenario files.
    pub fn prepare(paths: ReportPaths<'_>, scenarios: &[&Path]) -> (Self, Vec<ReportError>) {
        let mut errors = Vec::new();
        let mut target = |path: Option<&Path>| match Target::prepare_beside(path?, scenarios) {
            Ok(target) => Some(target),
            Err(error) => {
                errors.push(error);
                None
            }
        };
        let mut reports = Self { junit: target(paths.junit), json: target(paths.json), html: target(paths.html) };
        let twice = reports.pairs().into_iter().find_map(|(one, other)| one.differs_from(other).err());
        if let Some(error) = twice {
            errors.push(error);
            reports = Self::default();
        }
        (reports, errors)
    }

    /// Whether one of them goes to standard output, so that text for people must go elsewhere.
    pub fn take_output(&self) -> bool {
        self.targets().into_iter().any(Target::is_output)
    }

    /// Writes them; a failure of one does not prevent the others.
    ///
    /// `command` runs a trial when its name is appended.
    pub fn write(&self, run: &RunReport, command: &str) -> Vec<ReportError> {
        let junit = self.junit.as_ref().map(|target| junit::write(target, run, command));
        let json = self.json.as_ref().map(|target| json::write(target, run));
        let html = self.html.as_ref().map(|target| html::write(target, run, command));
        [junit, json, html].into_iter().flatten().filter_map(Result::err).collect()
    }

    fn targets(&self) -> Vec<&Target> {
        [&self.junit, &self.json, &self.html].into_iter().flatten().collect()
    }

    /// Each two of the destinations, the later one first.
    fn pairs(&self) -> Vec<(&Target, &Target)> {
        let targets = self.targets();
        let mut pairs = Vec::new();
        for (index, later) in targets.iter().enumerate() {
            pairs.extend(targets[..index].iter().map(|earlier| (*later, *earlier)));
        }
        pairs
    }
}
