//! The order in which contracts are deployed.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use hourglass_component::{
    chain::{Artifact, Function},
    keys::Address,
};

use super::{Contract, proxy::creates};

/// The names in such an order that each comes after those that the arguments of its constructor and of its initialiser name; or a name in a cycle, or
/// behind one. A contract without an artefact has no references.
pub(super) fn order<'a>(
    contracts: &'a BTreeMap<String, Contract>,
    artifacts: &BTreeMap<&str, Artifact>,
) -> Result<Vec<&'a str>, &'a str> {
    let references = |name: &str, contract| {
        artifacts.get(name).map(|artifact| references(contract, artifact, contracts)).unwrap_or_default()
    };
    let mut missing: BTreeMap<&str, BTreeSet<String>> =
        contracts.iter().map(|(name, contract)| (name.as_str(), references(name, contract))).collect();
    let mut order = Vec::new();
    while !missing.is_empty() {
        let ready = missing.iter().find(|(_, needs)| needs.iter().all(|name| order.contains(&name.as_str())));
        let Some(name) = ready.map(|(name, _)| *name) else {
            return Err(missing.keys().next().copied().unwrap_or_default());
        };
        missing.remove(name);
        order.push(name);
    }
    Ok(order)
}

/// The contracts that the arguments of the constructor and of the initialiser name.
fn references(contract: &Contract, artifact: &Artifact, contracts: &BTreeMap<String, Contract>) -> BTreeSet<String> {
    let named = RefCell::new(BTreeSet::new());
    let note = |name: &str| {
        named.borrow_mut().extend(creates(name, contracts).map(str::to_owned));
        Some(Address::zero())
    };
    // What does not fit is a problem that the checks report.
    let _ = artifact.creation(&contract.args, &note);
    let initialize = contract.initialize.as_ref();
    if let Some((initialize, Ok(function))) = initialize.map(|of| (of, Function::parse(&of.function))) {
        let _ = function.call(&initialize.args, &note);
    }
    named.into_inner()
}
