//! Checks of the replacements of reference components, for mistakes that are visible without a run.

use hourglass_base::ProgramSource;
use hourglass_component::{
    document::{Pointer, Problem, Problems},
    variables::RefusedVariable,
};

use super::model::{Component, ScenarioDocument};
use super::values::RuntimeKind;

/// Adds every problem of the components of `document`.
pub(super) fn check(document: &ScenarioDocument, problems: &mut Problems) {
    let at = Pointer::from("/components");
    let components = &document.components;
    let named = [
        ("performer", &components.performer),
        ("executor", &components.executor),
        ("aggregator", &components.aggregator),
    ];
    for (name, component) in named {
        environment(component, name == "performer", &at.key(name), problems);
        command(component, &at.key(name), problems);
    }
    let runtimes = document.runtimes.as_deref().unwrap_or(&RuntimeKind::ALL);
    let from_command = |kind: &RuntimeKind| kind.capabilities().programs == ProgramSource::Command;
    let on_processes = runtimes.iter().any(from_command) && !problems.touch(&Pointer::from("/runtimes"));
    let operators = Pointer::from("/topology/operators");
    for (index, operator) in document.topology.operators.iter().enumerate() {
        let at = operators.item(index).key("performer");
        environment(&operator.performer, true, &at, problems);
        command(&operator.performer, &at, problems);
        let merged = components.performer.overlaid_with(&operator.performer);
        if on_processes && operator.performer.image.is_some() {
            image_alone(&merged, &at.key("image"), problems);
        }
    }
    if !on_processes {
        return;
    }
    // If every operator has a command of its own, none is needed for all.
    let performers = || document.topology.operators.iter().filter(|operator| operator.performer.image.is_none());
    if performers().any(|operator| operator.performer.command.is_none()) {
        image_alone(&components.performer, &at.key("performer").key("image"), problems);
    }
    image_alone(&components.executor, &at.key("executor").key("image"), problems);
    image_alone(&components.aggregator, &at.key("aggregator").key("image"), problems);
}

/// A performer's variables must not collide with those that executors set. No component may set variables that the
/// harness uses to find and end processes, or names and values that the system refuses.
fn environment(component: &Component, is_performer: bool, at: &Pointer, problems: &mut Problems) {
    let at = at.key("environment");
    for (name, value) in &component.environment {
        let refused = RefusedVariable::of(name).filter(|refused| {
            is_performer || matches!(refused, RefusedVariable::Malformed | RefusedVariable::OfTheHarness)
        });
        if let Some(refused) = refused {
            problems.add(
                Problem::at_key(&at.key(name), format!("the variable `{}` {refused}", name.escape_default()))
                    .label("may not be set")
                    .help(if refused == RefusedVariable::OfTheExecutor {
                        "take it away; a performer reads it and does as it says"
                    } else {
                        "take it away"
                    }),
            );
        } else if value.contains('\0') {
            problems.add(nul(&at.key(name)));
        }
    }
}

fn command(component: &Component, at: &Pointer, problems: &mut Problems) {
    for (index, argument) in component.command.iter().flatten().enumerate() {
        if argument.contains('\0') {
            problems.add(nul(&at.key("command").item(index)));
        }
    }
}

/// The system ends arguments and variables at a NUL.
fn nul(at: &Pointer) -> Problem {
    Problem::at_value(at, "no program can be given a text with a NUL character").label("has one").help("take it out")
}

fn image_alone(component: &Component, at: &Pointer, problems: &mut Problems) {
    if component.image.is_some() && component.command.is_none() {
        problems.add(Problem::at_key(at, "the process runtime has no images").label("not for processes").help(
            "add a `command` for processes, or say `runtimes: [docker, kubernetes]`, and why in `runtimes_because`",
        ));
    }
}
