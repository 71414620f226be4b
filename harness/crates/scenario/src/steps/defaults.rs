//! What steps leave out and share.

use hourglass_component::document::Duration;

/// The name of a task that no step names otherwise.
pub(super) fn default_task() -> String {
    "task".to_owned()
}

pub(super) const fn one() -> u32 {
    1
}

/// Of steps that do something rather than wait for something; the slowest runtime needs some seconds.
pub(super) const fn default_action_within() -> Duration {
    Duration::from_secs(60)
}

/// Of steps that wait for something.
pub(super) const fn default_within() -> Duration {
    Duration::from_secs(10)
}
