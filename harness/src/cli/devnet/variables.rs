//! What stands where in a devnet as environment variables, in the format of `.env`.

use std::fmt::Write as _;

use hourglass_runner::quoted;

use super::document::{DevnetAccount, DevnetChain, DevnetChains, DevnetDocument};

/// What every file with variables of a devnet begins with.
pub(super) const BEGINNING: &str = "# The devnet ";

/// The variables of the devnet, one line each; a shell reads them with `. FILE`.
pub(super) fn variables(devnet: &DevnetDocument) -> String {
    let mut text = format!("{BEGINNING}{}. The keys are for its chains only.\n", devnet.run);
    for (name, value) in pairs(devnet) {
        let _ = writeln!(text, "{name}={}", quoted(&value));
    }
    text
}

fn pairs(devnet: &DevnetDocument) -> Vec<(String, String)> {
    let mut pairs = vec![("HARNESS_DEVNET".to_owned(), devnet.run.clone())];
    for (prefix, chain) in [("L1", &devnet.chains.l1), ("L2", &devnet.chains.l2)] {
        let DevnetChain { rpc_url, ws_url, chain_id, .. } = chain;
        let of_chain = [("RPC_URL", rpc_url.clone()), ("WS_URL", ws_url.clone()), ("CHAIN_ID", chain_id.to_string())];
        pairs.extend(of_chain.map(|(name, value)| (format!("{prefix}_{name}"), value)));
    }
    // A contract has the same address on both chains, and L1 has all of them but the user's on L2.
    let DevnetChains { l1, l2 } = &devnet.chains;
    let on_l2 = l2.contracts.iter().filter(|(key, _)| !l1.contracts.contains_key(*key));
    pairs.extend(
        l1.contracts.iter().chain(on_l2).map(|(key, contract)| (key.to_ascii_uppercase(), contract.address.clone())),
    );
    pairs.push(("OPERATOR_SET_ID".to_owned(), devnet.operator_set.id.to_string()));
    // Tools that take one account take the one that creates tasks.
    let app = devnet.accounts.get("app");
    pairs.extend(app.map(|app| ("PRIVATE_KEY".to_owned(), app.private_key.clone())));
    for (name, account) in &devnet.accounts {
        pairs.extend(of_account(&word(name), account));
    }
    pairs.extend(devnet.aggregator.clone().map(|address| ("AGGREGATOR_ENDPOINT".to_owned(), address)));
    for operator in &devnet.operators {
        let name = word(&operator.name);
        pairs.extend(of_account(&format!("OPERATOR_{name}"), &operator.account));
        pairs.extend(operator.executor.clone().map(|address| (format!("EXECUTOR_{name}_ENDPOINT"), address)));
        pairs.extend(operator.performer.clone().map(|address| (format!("PERFORMER_{name}_ENDPOINT"), address)));
    }
    pairs
}

fn of_account(prefix: &str, account: &DevnetAccount) -> [(String, String); 2] {
    [
        (format!("{prefix}_ADDRESS"), account.address.clone()),
        (format!("{prefix}_PRIVATE_KEY"), account.private_key.clone()),
    ]
}

/// A name as a part of the name of a variable. Names of operators have lower-case letters, digits and hyphens.
fn word(name: &str) -> String {
    name.to_ascii_uppercase().replace('-', "_")
}
