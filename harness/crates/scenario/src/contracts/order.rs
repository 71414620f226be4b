//! The order in which contracts are deployed.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use hourglass_component::keys::Address;

use super::{Contract, read};

/// The names in such an order that each comes after those that its constructor's arguments name; or a name in a circle.
pub(super) fn order(contracts: &BTreeMap<String, Contract>, folder: &Path) -> Result<Vec<String>, String> {
    let mut missing: BTreeMap<&str, BTreeSet<String>> =
        contracts.iter().map(|(name, contract)| (name.as_str(), references(contract, contracts, folder))).collect();
    let mut order: Vec<String> = Vec::new();
    while !missing.is_empty() {
        let ready = missing.iter().find(|(_, needs)| needs.iter().all(|name| order.contains(name)));
        let Some(name) = ready.map(|(name, _)| *name) else {
            return Err(missing.keys().next().copied().unwrap_or_default().to_owned());
        };
        missing.remove(name);
        order.push(name.to_owned());
    }
    Ok(order)
}

/// The contracts that the constructor's arguments name.
fn references(contract: &Contract, contracts: &BTreeMap<String, Contract>, folder: &Path) -> BTreeSet<String> {
    let named = RefCell::new(BTreeSet::new());
    let note = |name: &str| {
        if contracts.contains_key(name) {
            named.borrow_mut().insert(name.to_owned());
        }
        Some(Address::zero())
    };
    if let Ok(artifact) = read(&folder.join(&contract.artifact)) {
        let _ = artifact.creation(&contract.args, &note);
    }
    named.into_inner()
}
