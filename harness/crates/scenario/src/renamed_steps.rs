//! Steps under their keys of the previous version.

use hourglass_component::document::{Pointer, Problem, Report, Tree};
use serde_json::Value;

use super::steps::RENAMED_STEPS;

/// The document with the current keys of all steps, and a warning for each old one.
pub(super) fn with_current_keys(tree: &Tree) -> (Tree, Vec<Report>) {
    let mut found = Vec::new();
    find(&tree.value()["steps"], &Pointer::root().key("steps"), &mut found);
    if found.is_empty() {
        return (tree.clone(), Vec::new());
    }
    let warnings = found.iter().map(|(at, new)| {
        let message = format!("the step `{}` is called `{new}` now", at.last().unwrap_or_default());
        let help = format!("write `{new}`; the old name ends with the next version");
        tree.report(Problem::at_key(at, message).label("old name").help(help))
    });
    let warnings = warnings.collect();
    (tree.with_renamed_keys(&found), warnings)
}

fn find(steps: &Value, at: &Pointer, found: &mut Vec<(Pointer, &'static str)>) {
    for (index, step) in steps.as_array().into_iter().flatten().enumerate() {
        let at = at.item(index);
        let given = RENAMED_STEPS.iter().filter(|(old, new)| step.get(old).is_some() && step.get(new).is_none());
        found.extend(given.map(|(old, new)| (at.key(old), *new)));
        find(&step["parallel"], &at.key("parallel"), found);
    }
}
