//! The exit codes of the command.

use std::process::ExitCode;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What the process tells its caller. In ascending order of what outweighs what: that one trial could not be run makes the
/// failure of another no less certain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ExitStatus {
    /// 0: all passed, or could not be run here.
    Passed,
    /// 3: the environment failed, and no trial.
    Environment,
    /// 1: a trial failed.
    Failed,
    /// 2: the command line or a scenario file is wrong; nothing was run.
    Usage,
    /// 130: interrupted, as a shell reports SIGINT.
    Interrupted,
}

impl ExitStatus {
    /// The status of all of them: the one that outweighs the others.
    pub fn of<T: Into<Self>>(outcomes: impl IntoIterator<Item = T>) -> Self {
        outcomes.into_iter().map(Into::into).max().unwrap_or(Self::Passed)
    }

    /// The exit code of the process.
    pub fn code(self) -> u8 {
        match self {
            Self::Passed => 0,
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Environment => 3,
            Self::Interrupted => 130,
        }
    }
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        status.code().into()
    }
}
