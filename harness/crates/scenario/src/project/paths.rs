//! Paths of a project file as scenarios in other folders need them: joined with the folder of the project.

use std::path::Path;

use serde_json::Value;

use super::super::model::Components;

/// Joins the paths of components with the folder. Files of performers were read by the checks of the project, and need no path
/// any more.
pub(super) fn of_components(components: &mut Components, folder: &Path) {
    for component in [&mut components.performer, &mut components.executor, &mut components.aggregator] {
        if let Some(build) = &mut component.build {
            build.context = folder.join(&build.context);
        }
        if let Some(file) = &mut component.environment_from {
            *file = folder.join(&*file);
        }
    }
}

/// Joins the paths of the performers in `topology` with the folder. What is no path is a problem that is told elsewhere.
pub(super) fn of_operators(topology: &mut Value, folder: &Path) {
    for avs in topology.get_mut("avss").and_then(Value::as_array_mut).into_iter().flatten() {
        of_operators(avs, folder);
    }
    let join = |path: &mut Value| {
        if let Value::String(path) = path {
            *path = folder.join(&*path).to_string_lossy().into_owned();
        }
    };
    let operators = topology.get_mut("operators").and_then(Value::as_array_mut);
    for performer in operators.into_iter().flatten().filter_map(|operator| operator.get_mut("performer")) {
        for pointer in ["/build/context", "/environment_from"] {
            performer.pointer_mut(pointer).map(join);
        }
        let files = performer.get_mut("files").and_then(Value::as_object_mut);
        files.into_iter().flat_map(serde_json::Map::values_mut).for_each(join);
    }
}
