//! The events of a run.

use std::time::Duration;

use jiff::Timestamp;

use super::{parity::Parity, verdict::TrialReport};

/// An event that the runner reports while it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The run begins; once, before everything else.
    RunStarted {
        /// The time on the wall clock.
        started: Timestamp,
        /// The names of all trials of the run.
        trials: Vec<String>,
    },
    /// A trial begins.
    TrialStarted {
        /// Its name.
        trial: String,
    },
    /// A trial begins another activity.
    TrialProgress {
        /// Its name.
        trial: String,
        /// What it does or waits for, in a few words.
        message: String,
    },
    /// A trial has ended.
    TrialFinished(Box<TrialReport>),
    /// No further trial is started, because one has failed; once at most.
    Stopped {
        /// The trial that failed.
        trial: String,
    },
    /// The trials of a scenario on several runtimes were compared; after the trials.
    ParityJudged(Parity),
    /// The run has ended; once, after everything else.
    RunFinished {
        /// How long it took.
        duration: Duration,
    },
}
