//! Values that stand for the hash of a task: `task/NAME`.

use hourglass_component::document::Pointer;

const PREFIX: &str = "task/";

/// `values` with hashes in place of those that stand for the hash of a task; where `hash_of` knows no such task, they stay as
/// they are.
pub(crate) fn with_task_hashes(values: &[String], hash_of: &dyn Fn(&str) -> Option<String>) -> Vec<String> {
    let value = |text: &String| text.strip_prefix(PREFIX).and_then(hash_of).unwrap_or_else(|| text.clone());
    values.iter().map(value).collect()
}

/// The tasks whose hashes `values` stand for, each with its place; the values are at `at`.
pub(crate) fn tasks_in<'a>(values: &'a [String], at: &Pointer) -> Vec<(&'a str, Pointer)> {
    let tasks = values.iter().enumerate();
    tasks.filter_map(|(index, value)| Some((value.strip_prefix(PREFIX)?, at.item(index)))).collect()
}

/// A hash for checks: the type of a value does not depend on the task.
#[expect(clippy::unnecessary_wraps, reason = "it stands in for a search")]
pub(crate) fn any_hash(_task: &str) -> Option<String> {
    Some(format!("0x{}", "0".repeat(64)))
}
