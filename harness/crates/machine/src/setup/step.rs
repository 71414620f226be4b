//! One step, as it is reported before it is done.

use std::fmt;

/// The state of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is nothing to do.
    Done,
    /// It is being done.
    Doing,
    /// It would be done, if this were no rehearsal.
    Would,
    /// The harness must not do it.
    Left,
}

impl State {
    /// The word at the beginning of the line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Doing => "doing",
            Self::Would => "would",
            Self::Left => "left",
        }
    }
}

/// A step of a setup.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Its state.
    pub state: State,
    /// What it does, as `start dockerd`.
    pub what: String,
    /// Why, or why there is nothing to do.
    pub why: String,
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:<5}  {}: {}", self.state.as_str(), self.what, self.why)
    }
}
