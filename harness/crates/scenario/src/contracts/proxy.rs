//! Proxies in front of contracts, and their admins.

use std::collections::BTreeMap;

use hourglass_component::{
    chain::Artifact,
    document::{Pointer, Problem, Problems},
};

use super::{Contract, ContractCall, Names};

/// What follows the name of a contract in that of the admin of its proxy.
const ADMIN_SUFFIX: &str = "_proxy_admin";

/// The names of the admins of the proxies of `contracts`.
pub(super) fn admins(contracts: &BTreeMap<String, Contract>) -> impl Iterator<Item = String> {
    let behind = contracts.iter().filter(|(_, contract)| contract.proxy.is_some());
    behind.map(|(name, _)| format!("{name}{ADMIN_SUFFIX}"))
}

/// The contract whose deployment creates what is called `name`: itself, or the one of whose proxy it is the admin.
pub(super) fn creates<'a>(name: &'a str, contracts: &BTreeMap<String, Contract>) -> Option<&'a str> {
    if contracts.contains_key(name) {
        return Some(name);
    }
    let behind = name.strip_suffix(ADMIN_SUFFIX)?;
    contracts.get(behind).is_some_and(|contract| contract.proxy.is_some()).then_some(behind)
}

/// Adds the problems of the proxy of the contract `name`, whose keys are at `at`.
pub(super) fn check(name: &str, contract: &Contract, names: &Names<'_>, at: &Pointer, problems: &mut Problems) {
    if contract.proxy.is_none() {
        for (key, is_given) in
            [("initialize", contract.initialize.is_some()), ("proxy_admin", contract.proxy_admin.is_some())]
        {
            if is_given {
                problems.add(
                    Problem::at_key(&at.key(key), format!("`{key}` is given for a contract without a proxy"))
                        .label("without effect")
                        .help("add `proxy: transparent`; what configures a contract without a proxy stands in `calls`"),
                );
            }
        }
        return;
    }
    let admin = format!("{name}{ADMIN_SUFFIX}");
    if names.is_deployed_by_user(&admin) {
        problems.add(
            Problem::at_key(at, format!("`{admin}` is the name of the admin of a proxy and of another contract"))
                .label("the contract behind the proxy")
                .help("rename one of the contracts"),
        );
    }
    if let Some(account) = &contract.proxy_admin {
        names.check_account(account, &at.key("proxy_admin"), problems);
    }
    let Some(initialize) = &contract.initialize else {
        problems.add(
            Problem::at_key(&at.key("proxy"), format!("the proxy of `{name}` has no `initialize`"))
                .label("its storage would be empty: what the constructor stores stays in the contract behind it")
                .help("add `initialize: {function: \"initialize(address)\", args: [avs]}` with the function of this contract"),
        );
        return;
    };
    let call = ContractCall {
        function: initialize.function.clone(),
        args: initialize.args.clone(),
        from: contract.from.clone(),
    };
    names.check_function(&call, &at.key("initialize"), problems);
}

/// Adds the problem of an initialiser that the contract does not have.
pub(super) fn check_function(contract: &Contract, artifact: &Artifact, at: &Pointer, problems: &mut Problems) {
    let Some(initialize) = contract.initialize.as_ref().filter(|_| contract.proxy.is_some()) else { return };
    let at = at.key("initialize").key("function");
    if !problems.touch(&at) && !artifact.has_function(&initialize.function) {
        problems.add(
            Problem::at_value(&at, format!("the contract has no function `{}`", initialize.function))
                .label("not in `abi` of the artefact")
                .help(
                    "write its signature as in the contract; structs are tuples, such as `((address,uint32),uint16)`",
                ),
        );
    }
}
