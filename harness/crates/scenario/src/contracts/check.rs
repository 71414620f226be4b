//! Checks of contracts, for mistakes that are visible without a chain.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use hourglass_component::{
    document::{Pointer, Problem, Problems},
    variables::RefusedVariable,
};
use hourglass_proto::contracts::addresses::CONTRACTS;

use super::{ACCOUNTS, Contract, ContractRole, Names, order::order, read};
use crate::{model::ScenarioDocument, values::Chain};

/// Adds every problem of the contracts of `document`, whose paths are relative to `folder`. Gives the names of their custom errors.
pub(crate) fn check(document: &ScenarioDocument, folder: &Path, problems: &mut Problems) -> BTreeSet<String> {
    let at = Pointer::from("/contracts");
    let names = Names::of(document);
    let mut errors = BTreeSet::new();
    let mut roles: BTreeMap<(ContractRole, Chain), &str> = BTreeMap::new();
    for (name, contract) in &document.contracts {
        let at = at.key(name);
        check_name(name, &at, problems);
        errors.extend(check_contract(contract, folder, &names, &at, problems));
        if let Some(role) = contract.role
            && let Some(other) = roles.insert((role, contract.chain), name)
        {
            let message = format!("`{other}` and `{name}` are both the {role} of {}", contract.chain);
            problems.add(
                Problem::at_value(&at.key("role"), message)
                    .label("the second one")
                    .help("a chain has one; keep one role"),
            );
        }
    }
    if let Err(name) = order(&document.contracts, folder)
        && !problems.touch(&at)
    {
        let message = format!("`{name}` needs the address of a contract that needs its own");
        problems.add(
            Problem::at_value(&at.key(&name).key("args"), message)
                .label("a circle")
                .help("pass one of the addresses with `calls`, after both are deployed"),
        );
    }
    errors
}

fn check_name(name: &str, at: &Pointer, problems: &mut Problems) {
    let fits = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    let variable = name.to_uppercase();
    let problem = if !name.starts_with(|letter: char| letter.is_ascii_lowercase()) || !name.chars().all(fits) {
        Problem::at_key(at, format!("`{name}` cannot be the name of a contract"))
            .label("not a name")
            .help("use lowercase letters, digits and `_`, a letter first")
    } else if CONTRACTS.iter().any(|contract| contract.key == name) || ACCOUNTS.contains(&name) {
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

/// Gives the names of the contract's custom errors.
fn check_contract(
    contract: &Contract,
    folder: &Path,
    names: &Names<'_>,
    at: &Pointer,
    problems: &mut Problems,
) -> Vec<String> {
    names.check_account(&contract.from, &at.key("from"), problems);
    for (index, call) in contract.calls.iter().enumerate() {
        names.check_call(call, &at.key("calls").item(index), problems);
    }
    match read(&folder.join(&contract.artifact)) {
        Err(reason) => {
            problems
                .add(Problem::at_value(&at.key("artifact"), reason).label("not a contract that can be deployed").help(
                "name the JSON file that `forge build` writes for the contract; paths start at the folder of this file",
            ));
            Vec::new()
        }
        Ok(artifact) => {
            if let Err(error) = artifact.creation(&contract.args, &|name| names.address_of(name)) {
                let of = format!("the constructor {}", artifact.constructor());
                problems.add(names.misfit(&error, &of, &at.key("args")));
            }
            artifact.errors().map(str::to_owned).collect()
        }
    }
}
