//! What a trial leaves behind.

use hourglass_runtime::Invariant;

use super::{Aftermath, Finding};

pub(super) const NOTHING_LEFT: Invariant = Invariant {
    name: "nothing of the trial is left",
    meaning: "Every process, container and object of the trial ends when it is told to, and nothing that a component has \
              started outlives it.",
};

pub(super) fn nothing_left(aftermath: &Aftermath<'_>) -> Vec<Finding> {
    if aftermath.leaks.is_empty() {
        return Vec::new();
    }
    let seen: Vec<_> = aftermath.leaks.iter().map(|leak| leak.what.as_str()).collect();
    vec![Finding::new("everything ends when it is told to", seen.join("; "))]
}
