//! Why a report cannot be shown.

use std::{io, path::PathBuf};

use hourglass_base::{ExitStatus, StoredError};

/// Why a report cannot be shown.
#[derive(Debug, thiserror::Error)]
pub enum ShowError {
    /// No trial was kept.
    #[error("there is no kept trial below {root}", root = root.display())]
    NoneKept {
        /// The folder of all trials.
        root: PathBuf,
    },
    /// No folder has this name.
    #[error("there is no run {name} below {root}", root = root.display())]
    Unknown {
        /// The name as given.
        name: String,
        /// The folder of all trials.
        root: PathBuf,
    },
    /// Several folders begin so.
    #[error("there are {count} runs whose ids begin with {name}: {runs}", runs = runs.join(", "))]
    Ambiguous {
        /// The name as given.
        name: String,
        /// How many.
        count: usize,
        /// The latest of them.
        runs: Vec<String>,
    },
    /// The trial has not ended, or an earlier version ran it.
    #[error("the folder {folder} of run {run} has no report", folder = folder.display())]
    NoReport {
        /// The run.
        run: String,
        /// Its folder.
        folder: PathBuf,
    },
    /// The report has no such trial.
    #[error("the report has no trial {name}; it has {known}", known = listed(known))]
    NoTrial {
        /// The name as given.
        name: String,
        /// The trials that it has.
        known: Vec<String>,
    },
    /// The format is for one trial, and the report has none or several.
    #[error("the report does not have exactly one trial; it has {known}", known = listed(known))]
    WhichTrial {
        /// The trials that it has.
        known: Vec<String>,
    },
    /// A file cannot be read, or is not a report.
    #[error(transparent)]
    Stored(#[from] StoredError),
    /// The entries of the trial are gone.
    #[error("trial {trial} has no timeline at {path}", path = path.display())]
    NoTimeline {
        /// The trial.
        trial: String,
        /// Where it would be.
        path: PathBuf,
    },
    /// The format is for the terminal, or the output is.
    #[error("the option --open has nothing to open: {reason}")]
    NothingToOpen {
        /// Why not.
        reason: &'static str,
    },
    /// There is no desktop.
    #[error("failed to open {path}: there is no display", path = path.display())]
    NoDisplay {
        /// The file.
        path: PathBuf,
    },
    /// The desktop's opener does not start.
    #[error("failed to open {path} with {opener}", path = path.display())]
    Opener {
        /// The file.
        path: PathBuf,
        /// The program.
        opener: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

/// The names of at most ten trials.
fn listed(names: &[String]) -> String {
    const LISTED: usize = 10;
    match names.len() {
        0 => "none".to_owned(),
        count if count > LISTED => format!("{} and {} more", names[..LISTED].join(", "), count - LISTED),
        _ => names.join(", "),
    }
}

impl ShowError {
    /// The exit status of this kind of failure.
    pub fn status(&self) -> ExitStatus {
        match self {
            Self::Opener { .. } | Self::Stored(StoredError::Read { .. }) => ExitStatus::Environment,
            _ => ExitStatus::Usage,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::NoneKept { .. } => {
                Some("run a scenario; the folder of a trial that fails stays, and `--keep always` keeps every folder")
            }
            Self::Unknown { .. } => Some("`harness runs list` lists the runs; the folder may have been removed"),
            Self::Ambiguous { .. } => Some("give more of the id"),
            Self::NoReport { .. } => Some("wait for the end of the trial, or name a trial that this version ran"),
            Self::NoTrial { .. } | Self::WhichTrial { .. } => Some("choose one of the trials with --trial NAME"),
            Self::Stored(error) => error.remedy(),
            Self::NoTimeline { .. } => Some("choose a trial whose folder was kept; `--keep always` keeps every folder"),
            Self::NothingToOpen { .. } => Some("choose a format that is a file, such as --format html"),
            Self::NoDisplay { .. } => {
                Some("open the file on a desktop; a display is named by DISPLAY or WAYLAND_DISPLAY")
            }
            Self::Opener { .. } => Some("open the file by hand, or install xdg-utils"),
        }
    }
}
