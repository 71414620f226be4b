//! Checks of the replacements of reference components, for mistakes that are visible without a run.

use std::collections::BTreeMap;
use std::path::Path;

use hourglass_base::ProgramSource;
use hourglass_component::{
    document::{Pointer, Problem, Problems},
    variables::RefusedVariable,
};

use super::avs::Member;
use super::environment_file;
use super::model::{Component, ScenarioDocument};
use super::resolve::folder_of;
use super::values::RuntimeKind;

/// Adds every problem of the components of `document`.
pub(super) fn check(document: &ScenarioDocument, path: &Path, problems: &mut Problems) {
    let folder = folder_of(path);
    let at = Pointer::from("/components");
    let components = &document.components;
    let named = [
        ("performer", &components.performer),
        ("executor", &components.executor),
        ("aggregator", &components.aggregator),
    ];
    for (name, component) in named {
        environment(component, name == "performer", &at.key(name), problems);
        environment_from(component, name == "performer", folder, &at.key(name), problems);
        command(component, &at.key(name), problems);
    }
    let runtimes = document.runtimes.as_deref().unwrap_or(&RuntimeKind::ALL);
    let from_command = |kind: &RuntimeKind| kind.capabilities().programs == ProgramSource::Command;
    let on_processes = runtimes.iter().any(from_command) && !problems.touch(&Pointer::from("/runtimes"));
    let members = document.topology.members_at(&Pointer::from("/topology"));
    for Member { at, operator, .. } in &members {
        let at = at.key("performer");
        environment(&operator.performer, true, &at, problems);
        environment_from(&operator.performer, true, folder, &at, problems);
        command(&operator.performer, &at, problems);
        let merged = components.performer.overlaid_with(&operator.performer);
        if on_processes {
            image_alone(&merged, &operator.performer, &at, problems);
        }
    }
    if !on_processes {
        return;
    }
    // If every operator has a command of its own, none is needed for all.
    let mut performers = members.iter().map(|member| &member.operator.performer).filter(|own| !has_image(own));
    if performers.any(|own| own.command.is_none() && own.address.is_none()) {
        image_alone(&components.performer, &components.performer, &at.key("performer"), problems);
    }
    image_alone(&components.executor, &components.executor, &at.key("executor"), problems);
    image_alone(&components.aggregator, &components.aggregator, &at.key("aggregator"), problems);
}

/// A performer's variables must not collide with those that executors set. No component may set variables that the
/// harness uses to find and end processes, or names and values that the system refuses.
fn environment(component: &Component, is_performer: bool, at: &Pointer, problems: &mut Problems) {
    variables(&component.environment, is_performer, &at.key("environment"), problems);
}

/// The same for the variables at `at`.
pub(super) fn variables(
    environment: &BTreeMap<String, String>,
    is_performer: bool,
    at: &Pointer,
    problems: &mut Problems,
) {
    for (name, value) in environment {
        if let Some(refused) = refused(name, is_performer) {
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

fn refused(name: &str, is_performer: bool) -> Option<RefusedVariable> {
    RefusedVariable::of(name)
        .filter(|refused| is_performer || matches!(refused, RefusedVariable::Malformed | RefusedVariable::OfTheHarness))
}

/// The same for the variables of a file.
fn environment_from(component: &Component, is_performer: bool, folder: &Path, at: &Pointer, problems: &mut Problems) {
    let Some(file) = &component.environment_from else { return };
    let at = at.key("environment_from");
    match environment_file::read(&folder.join(file)) {
        Err(reason) => problems.add(
            Problem::at_value(&at, reason)
                .label("cannot be read")
                .help("write `NAME=value` lines; the path is relative to the folder of this file"),
        ),
        Ok(variables) => {
            for (name, refused) in variables.keys().filter_map(|name| Some((name, refused(name, is_performer)?))) {
                problems.add(
                    Problem::at_value(&at, format!("the variable `{}` of this file {refused}", name.escape_default()))
                        .label("has a variable that may not be set")
                        .help("take it out of the file"),
                );
            }
        }
    }
}

fn command(component: &Component, at: &Pointer, problems: &mut Problems) {
    for (index, argument) in component.command.iter().flatten().enumerate() {
        let at = at.key("command").item(index);
        if argument.contains('\0') {
            problems.add(nul(&at));
        }
        if index == 0 && argument.is_empty() {
            problems.add(
                Problem::at_value(&at, "a command begins with its program, and this one has none")
                    .label("is empty")
                    .help("name the program, as in `command: [node, performer.mjs]`"),
            );
        }
    }
}

/// The system ends arguments and variables at a NUL.
fn nul(at: &Pointer) -> Problem {
    Problem::at_value(at, "no program can be given a text with a NUL character").label("has one").help("take it out")
}

fn has_image(component: &Component) -> bool {
    component.image.is_some() || component.build.is_some()
}

/// Adds a problem of a component, given at `at` as `given`, that is started from images only.
fn image_alone(component: &Component, given: &Component, at: &Pointer, problems: &mut Problems) {
    let key = if given.build.is_some() { "build" } else { "image" };
    if has_image(given) && component.command.is_none() {
        problems.add(
            Problem::at_key(&at.key(key), "the process runtime has no images").label("not for processes").help(
                "add a `command` for processes, or say `runtimes: [docker, kubernetes]`, and why in `runtimes_because`",
            ),
        );
    }
}
