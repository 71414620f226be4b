//! Checks of replacements, for mistakes that are visible without a chain.

use std::{collections::BTreeSet, path::Path};

use hourglass_component::{
    chain::Artifact,
    document::{Pointer, Problem, Problems},
};
use hourglass_proto::contracts::addresses::CONTRACTS;

use super::Replacement;
use crate::{
    contracts::{Names, not_deployable, read},
    model::ScenarioDocument,
};

/// Adds every problem of the replacements of `document`, whose paths are relative to `folder`. Gives the names of their custom errors.
pub(crate) fn check(document: &ScenarioDocument, folder: &Path, problems: &mut Problems) -> BTreeSet<String> {
    let names = Names::before_deployment(document);
    let mut errors = BTreeSet::new();
    for (name, replacement) in &document.replace {
        let at = Pointer::from("/replace").key(name);
        if !CONTRACTS.iter().any(|contract| contract.key == name) {
            let message = format!("no contract of the harness is called `{name}`");
            let problem = Problem::at_key(&at, message).label("what is to be replaced");
            problems.add_misspelt(problem, name, "contracts", CONTRACTS.iter().map(|contract| contract.key));
            continue;
        }
        names.check_account(&replacement.from, &at.key("from"), problems);
        for (index, call) in replacement.calls.iter().enumerate() {
            names.check_call(call, &at.key("calls").item(index), problems);
        }
        match read(&folder.join(&replacement.artifact)) {
            Ok(artifact) => {
                check_args(name, replacement, &artifact, &names, &at, problems);
                errors.extend(artifact.errors().map(str::to_owned));
            }
            Err(reason) => problems.add(not_deployable(reason, &at.key("artifact"))),
        }
    }
    errors
}

/// Adds the problem of arguments that the constructor does not take, or that are missing.
fn check_args(
    name: &str,
    replacement: &Replacement,
    artifact: &Artifact,
    names: &Names<'_>,
    at: &Pointer,
    problems: &mut Problems,
) {
    let constructor = artifact.constructor();
    let Some(args) = replacement.args_for(name, artifact) else {
        problems.add(
            Problem::at_key(at, format!("the constructor {constructor} of the contract for `{name}` needs `args`"))
                .label("there are defaults for the public contract of release 1.8.1 alone")
                .help("add `args` with one text for each type, in the project file or in the scenario"),
        );
        return;
    };
    if let Err(error) = artifact.creation(&args, &|name| names.address_of(name)) {
        problems.add(names.misfit("args", &error, &format!("the constructor {constructor}"), &at.key("args")));
    }
}
