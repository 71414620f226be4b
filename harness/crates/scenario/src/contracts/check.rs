//! Checks of contracts, for mistakes that are visible without a chain.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use hourglass_component::{
    chain::Artifact,
    document::{Pointer, Problem, Problems},
    variables::RefusedVariable,
};

use super::{ACCOUNTS, Contract, Names, names::is_of_the_harness, order::order, proxy, read_all, roles};
use crate::model::ScenarioDocument;

/// Adds every problem of the contracts of `document`, whose paths are relative to `folder`. Gives the names of their custom errors.
pub(crate) fn check(document: &ScenarioDocument, folder: &Path, problems: &mut Problems) -> BTreeSet<String> {
    let at = Pointer::from("/contracts");
    let names = Names::of(document);
    let (mut errors, mut artifacts) = (BTreeSet::new(), BTreeMap::new());
    let mut read = read_all(&document.contracts, folder);
    roles::check_once(&document.contracts, &at, problems);
    for (name, contract) in &document.contracts {
        let at = at.key(name);
        check_name(name, &at, problems);
        check_transactions(contract, &names, &at, problems);
        proxy::check(name, contract, &names, &at, problems);
        match read.remove(name.as_str()) {
            Some(Ok(artifact)) => {
                check_args(contract, &artifact, &names, &at, problems);
                proxy::check_function(contract, &artifact, &at, problems);
                roles::check(name, contract, &artifact, &at, problems);
                errors.extend(artifact.errors().map(str::to_owned));
                artifacts.insert(name.as_str(), artifact);
            }
            Some(Err(reason)) => problems.add(not_deployable(reason, &at.key("artifact"))),
            None => {}
        }
    }
    if let Err(name) = order(&document.contracts, &artifacts)
        && !problems.touch(&at)
    {
        let message = format!("`{name}` needs the address of a contract that needs its own");
        problems.add(
            Problem::at_value(&at.key(name).key("args"), message)
                .label("a cyclic dependency")
                .help("pass one of the addresses with `calls`, after both are deployed"),
        );
    }
    errors
}

/// The problem of an artefact, named at `at`, that cannot be deployed.
pub(crate) fn not_deployable(reason: String, at: &Pointer) -> Problem {
    Problem::at_value(at, reason)
        .label("not a contract that can be deployed")
        .help("name the JSON file that `forge build` writes for the contract; paths start at the folder of this file")
}

fn check_name(name: &str, at: &Pointer, problems: &mut Problems) {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let variable = name.to_uppercase();
    let problem = if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(fits) {
        Problem::at_key(at, format!("`{name}` cannot be the name of a contract"))
            .label("not a name")
            .help("use lowercase letters, digits and `_`, a letter first")
    } else if is_of_the_harness(name) || ACCOUNTS.contains(&name) {
        Problem::at_key(at, format!("`{name}` is the name of something of the harness"))
            .label("taken")
            .help("give the contract another name")
    } else if let Some(refused) = RefusedVariable::of(&variable) {
        let message = format!("`{name}` cannot be the name of a contract: performers get its address as {variable}");
        Problem::at_key(at, message).label(format!("that {refused}")).help("give the contract another name")
    } else {
        return;
    };
    problems.add(problem);
}

/// Adds the problems of the accounts and calls of a contract.
fn check_transactions(contract: &Contract, names: &Names<'_>, at: &Pointer, problems: &mut Problems) {
    names.check_account(&contract.from, &at.key("from"), problems);
    for (index, call) in contract.calls.iter().enumerate() {
        names.check_call(call, &at.key("calls").item(index), problems);
    }
}

/// Adds the problem of arguments that the constructor does not take.
fn check_args(contract: &Contract, artifact: &Artifact, names: &Names<'_>, at: &Pointer, problems: &mut Problems) {
    if let Err(error) = artifact.creation(&contract.args, &|name| names.address_of(name)) {
        let of = format!("the constructor {}", artifact.constructor());
        problems.add(names.misfit("args", &error, &of, &at.key("args")));
    }
}
