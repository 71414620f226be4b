//! A step that is ready to run, and its position in its file.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::steps::StepKind;

/// One step, ready to run.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Step {
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
    /// What the author calls it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it stands in its file.
    pub location: Location,
}

impl Step {
    /// All steps, including each of those that run concurrently.
    pub fn all_in(steps: &[Self]) -> Vec<&Self> {
        let each = steps.iter().flat_map(|step| match &step.kind {
            StepKind::Parallel(branches) => Self::all_in(branches),
            _ => vec![step],
        });
        each.collect()
    }
}

/// A place in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
pub struct Location {
    /// The file.
    #[serde(serialize_with = "path")]
    #[schemars(with = "String")]
    pub path: Arc<Path>,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

fn path<S: Serializer>(path: &Arc<Path>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().serialize(serializer)
}
