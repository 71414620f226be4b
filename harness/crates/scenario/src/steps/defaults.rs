//! Shared defaults of steps.

use hourglass_component::document::Duration;

/// The default name of a task.
pub(super) fn default_task() -> String {
    "task".to_owned()
}

pub(super) const fn one() -> u32 {
    1
}

/// For steps that perform an action rather than wait; the slowest runtime needs some seconds.
pub(super) const fn default_action_within() -> Duration {
    Duration::from_secs(60)
}

/// For steps that wait.
pub(super) const fn default_within() -> Duration {
    Duration::from_secs(10)
}
