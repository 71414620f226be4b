//! What a contract must have for its role.

use std::collections::BTreeMap;

use hourglass_component::{
    chain::Artifact,
    document::{Pointer, Problem, Problems},
};

use super::{Contract, ContractRole};
use crate::values::Chain;

/// What `AllocationManager` calls of a registrar, and what aggregators read there.
const OF_REGISTRARS: [&str; 4] = [
    "supportsAVS(address)",
    "registerOperator(address,address,uint32[],bytes)",
    "getAvsConfig()",
    "getOperatorSocket(address)",
];

/// Adds the problems of `contracts`, which are at `at`, where two have one role.
pub(super) fn check_once(contracts: &BTreeMap<String, Contract>, at: &Pointer, problems: &mut Problems) {
    let mut roles: BTreeMap<(ContractRole, Chain), &str> = BTreeMap::new();
    for (name, contract) in contracts {
        if let Some(role) = contract.role
            && let Some(other) = roles.insert((role, contract.chain), name)
        {
            let message = format!("`{other}` and `{name}` are both the {role} of {}", contract.chain);
            problems.add(
                Problem::at_value(&at.key(name).key("role"), message)
                    .label("the second one")
                    .help("a chain has one; keep one role"),
            );
        }
    }
}

/// Adds the problem of the contract `name`, whose keys are at `at`, that cannot have its role.
pub(super) fn check(name: &str, contract: &Contract, artifact: &Artifact, at: &Pointer, problems: &mut Problems) {
    if contract.role != Some(ContractRole::AvsRegistrar) {
        return;
    }
    let at = at.key("role");
    if contract.chain != Chain::L1 {
        let message = format!("the AVS registrar `{name}` is deployed on {}", contract.chain);
        problems
            .add(Problem::at_value(&at, message).label("operators join on l1").help("add `chain: l1` to the contract"));
    }
    let missing: Vec<_> = OF_REGISTRARS.into_iter().filter(|function| !artifact.has_function(function)).collect();
    if !missing.is_empty() {
        let message = format!("`{name}` cannot be the AVS registrar: it has no {}", missing.join(", no "));
        problems.add(
            Problem::at_value(&at, message)
                .label("not in `abi` of the artefact")
                .help("name the artefact of a registrar, such as one that is derived from TaskAVSRegistrarBase"),
        );
    }
}
