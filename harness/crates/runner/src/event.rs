//! What a run tells while it goes on.

use std::time::Duration;

use jiff::Timestamp;

use super::{parity::Parity, verdict::TrialReport};

/// What the runner tells while it runs.
#[derive(Debug, Clone, PartialEq)]
pub enum RunEvent {
    /// The run begins; once, before everything else.
    RunStarted {
        /// When, on the wall clock.
        started: Timestamp,
        /// The names of all trials of the run.
        trials: Vec<String>,
    },
    /// A trial begins.
    TrialStarted {
        /// Its name.
        trial: String,
    },
    /// A trial does something else than before.
    TrialProgress {
        /// Its name.
        trial: String,
        /// What it does or waits for, in a few words.
        message: String,
    },
    /// A trial has ended.
    TrialFinished(Box<TrialReport>),
    /// The trials of a scenario on several runtimes were compared; after the trials.
    ParityJudged(Parity),
    /// The run has ended; once, after everything else.
    RunFinished {
        /// How long it took.
        duration: Duration,
    },
}
