//! One step, as it is told before it is done.

use std::fmt;

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// There is nothing to do.
    Done,
    /// It is being done.
    Doing,
    /// It would be done, were this no rehearsal.
    Would,
    /// It is not ours to do.
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
    /// What becomes of it.
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
