//! Checks that a schema cannot express: names that must exist, values that must fit together.

use std::path::Path;

use hourglass_component::document::{Pointer, Problem, Problems};

use super::allowed_errors::{compile, matches_everything, shortened};
use super::limits::no_time;
use super::model::ScenarioDocument;
use super::resolve::folder_of;
use super::select::BUILTIN;
use super::steps::ScenarioFolder;
use super::values::Curve;
use super::{
    check_avss, check_components, check_limits, check_performers, check_runtimes, check_steps, contracts,
    deploy_scripts, fees, own_programs, replace,
};

/// Adds every problem of `document`, which was read from the file at `path`, and to `warnings` what is probably not meant.
pub(super) fn check(document: &ScenarioDocument, path: &Path, problems: &mut Problems, warnings: &mut Problems) {
    let root = Pointer::root();
    name(document, path, &root.key("name"), problems);
    variables(document, &root, problems);
    topology(document, &root.key("topology"), problems);
    own_programs::check(document, warnings);
    if document.timeout.is_some_and(|timeout| timeout.is_zero()) {
        problems.add(no_time(&root.key("timeout"), "timeout"));
    }
    check_components::check(document, path, problems);
    check_performers::check(document, path, problems);
    check_runtimes::check(document, "scenario", problems);
    let mut errors = contracts::check(document, folder_of(path), problems);
    errors.extend(replace::check(document, folder_of(path), problems));
    deploy_scripts::check(document, folder_of(path), problems);
    let is_embedded = path.starts_with(BUILTIN);
    let folder = if is_embedded { ScenarioFolder::Embedded } else { ScenarioFolder::At(folder_of(path)) };
    check_steps::check(document, &errors, folder, problems, warnings);
    for (index, expression) in document.invariants.allowed_errors.iter().enumerate() {
        let at = root.key("invariants").key("allowed_errors").item(index);
        match compile(expression) {
            Err(reason) => problems.add(
                Problem::at_value(
                    &at,
                    format!("`{}` is not a regular expression that can be used", shortened(expression)),
                )
                .label(reason)
                .help("a backslash before a character takes it literally; repetitions of repetitions become large"),
            ),
            Ok(compiled) if matches_everything(&compiled) => warnings.add(
                Problem::at_value(&at, format!("`{}` allows every error", shortened(expression)))
                    .label("matches any text")
                    .help("name the errors that may be logged"),
            ),
            Ok(_) => {}
        }
    }
}

fn name(document: &ScenarioDocument, path: &Path, at: &Pointer, problems: &mut Problems) {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    if document.name != stem {
        problems.add(
            Problem::at_value(at, format!("the scenario `{}` stands in a file called `{stem}`", document.name))
                .label("differs from the file's name")
                .help(format!("call the scenario `{stem}`, or the file `{}.yaml`", document.name)),
        );
    }
}

fn variables(document: &ScenarioDocument, root: &Pointer, problems: &mut Problems) {
    let at = |section: &str, name: &str| root.key(section).key(name);
    let variables = document.variables.keys().map(|name| ("variables", name));
    for (section, name) in variables.chain(document.matrix.keys().map(|name| ("matrix", name))) {
        let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
        if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(fits) {
            problems.add(
                Problem::at_key(&at(section, name), format!("`{name}` cannot be the name of a variable"))
                    .label("not a name")
                    .help("use lowercase letters, digits and `_`, a letter first"),
            );
        }
    }
    for name in document.matrix.keys().filter(|name| document.variables.contains_key(*name)) {
        problems.add(
            Problem::at_key(&at("matrix", name), format!("`{name}` is in `variables` and in `matrix`"))
                .label("also in `variables`")
                .help("keep one of the two"),
        );
    }
    for (name, value) in document.without_fault.iter().flatten() {
        let at = at("without_fault", name);
        match document.variables.get(name) {
            None => problems.add_misspelt(
                Problem::at_key(&at, format!("`without_fault` sets an unknown variable `{name}`"))
                    .label("not in `variables`"),
                name,
                "known variables",
                document.variables.keys().map(String::as_str),
            ),
            Some(fault) if fault == value => problems.add(
                Problem::at_value(&at, format!("`without_fault` leaves `{name}` as it is"))
                    .label("the same value as in `variables`")
                    .help("give the value with which there is no fault"),
            ),
            Some(_) => {}
        }
    }
}

pub(super) fn topology(document: &ScenarioDocument, at: &Pointer, problems: &mut Problems) {
    let topology = &document.topology;
    let further = topology.avss.iter().enumerate();
    let curves = further.filter_map(|(index, avs)| Some((at.key("avss").item(index), avs.curve?)));
    for (at, _) in curves.chain([(at.clone(), topology.curve)]).filter(|(_, curve)| *curve == Curve::Bn254) {
        problems.add(
            Problem::at_value(&at.key("curve"), "the curve `bn254` is not supported yet")
                .label("not supported yet")
                .help("use `ecdsa`"),
        );
    }
    check_limits::chain_times(topology, at, problems);
    check_avss::check(topology, at, problems);
    fees::check(document, at, problems);
}
