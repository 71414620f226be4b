//! Checks of what stands in place of the reference components: what needs no run to be known wrong.

use hourglass_component::{
    document::{Pointer, Problem, Problems},
    variables::SET_BY_EXECUTORS,
};

use super::model::{Component, ScenarioDocument};
use super::values::RuntimeKind;

/// Adds every problem of the components of `document`.
pub(super) fn check(document: &ScenarioDocument, problems: &mut Problems) {
    let at = Pointer::from("/components");
    let components = &document.components;
    reserved(&components.performer, &at.key("performer"), problems);
    let runtimes = document.runtimes.as_deref().unwrap_or(&RuntimeKind::ALL);
    let on_processes = runtimes.contains(&RuntimeKind::Process) && !problems.touch(&Pointer::from("/runtimes"));
    let operators = Pointer::from("/topology/operators");
    for (index, operator) in document.topology.operators.iter().enumerate() {
        let at = operators.item(index).key("performer");
        reserved(&operator.performer, &at, problems);
        let merged = components.performer.overlaid_with(&operator.performer);
        if on_processes && operator.performer.image.is_some() {
            image_alone(&merged, &at.key("image"), problems);
        }
    }
    if !on_processes {
        return;
    }
    // An operator of its own command needs none for all.
    let performers = || document.topology.operators.iter().filter(|operator| operator.performer.image.is_none());
    if performers().any(|operator| operator.performer.command.is_none()) {
        image_alone(&components.performer, &at.key("performer").key("image"), problems);
    }
    image_alone(&components.executor, &at.key("executor").key("image"), problems);
    image_alone(&components.aggregator, &at.key("aggregator").key("image"), problems);
}

/// Where a performer listens and for whom it works is what its executor tells it.
fn reserved(performer: &Component, at: &Pointer, problems: &mut Problems) {
    for name in performer.environment.keys().filter(|name| SET_BY_EXECUTORS.contains(&name.as_str())) {
        problems.add(
            Problem::at_key(&at.key("environment").key(name), format!("the executor sets `{name}` itself"))
                .label("reserved")
                .help("take it away; a performer reads it and does as it says"),
        );
    }
}

fn image_alone(component: &Component, at: &Pointer, problems: &mut Problems) {
    if component.image.is_some() && component.command.is_none() {
        problems.add(Problem::at_key(at, "the process runtime has no images").label("not for processes").help(
            "add a `command` for processes, or say `runtimes: [docker, kubernetes]`, and why in `runtimes_because`",
        ));
    }
}
