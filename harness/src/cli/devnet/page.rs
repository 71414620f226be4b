//! What stands where in a devnet, for people.

use std::fmt::Write as _;

use hourglass_runner::quoted;

use super::{
    document::{DevnetAccount, DevnetChains, DevnetDocument},
    files::ENV_FILE,
};

/// The width of names.
const NAMES: usize = 26;

/// The page about the devnet.
pub(super) fn page(devnet: &DevnetDocument) -> String {
    let mut text = format!("devnet {} is ready: {}\n", devnet.run, devnet.trial);
    section(&mut text, "chains", "");
    for (name, chain) in [("l1", &devnet.chains.l1), ("l2", &devnet.chains.l2)] {
        line(&mut text, name, &format!("{}  chain id {}", chain.rpc_url, chain.chain_id));
    }
    section(&mut text, "contracts", "on both chains, those marked l1 or l2 on one of them");
    let DevnetChains { l1, l2 } = &devnet.chains;
    for (key, contract) in &l1.contracts {
        let mark = if l2.contracts.contains_key(key) { "" } else { "  l1" };
        line(&mut text, &contract.name, &format!("{}{mark}", contract.address));
    }
    for (_, contract) in l2.contracts.iter().filter(|(key, _)| !l1.contracts.contains_key(*key)) {
        line(&mut text, &contract.name, &format!("{}  l2", contract.address));
    }
    section(&mut text, "accounts", "funded on both chains; the keys are for these chains only");
    for (name, account) in &devnet.accounts {
        line(&mut text, name, &shown(account));
    }
    let set = &devnet.operator_set;
    let about = format!("set {} of AVS {}, threshold {} basis points", set.id, set.avs, set.threshold);
    section(&mut text, "operators", &about);
    for operator in &devnet.operators {
        line(&mut text, &operator.name, &format!("{}  weight {}", shown(&operator.account), operator.weight));
    }
    section(&mut text, "components", "");
    let unknown = || "unknown".to_owned();
    line(&mut text, "aggregator", &devnet.aggregator.clone().unwrap_or_else(unknown));
    for operator in &devnet.operators {
        line(&mut text, &format!("executor/{}", operator.name), &operator.executor.clone().unwrap_or_else(unknown));
        line(&mut text, &format!("performer/{}", operator.name), &operator.performer.clone().unwrap_or_else(unknown));
    }
    for (name, value) in &devnet.surroundings {
        line(&mut text, name, value);
    }
    section(&mut text, "folder", &format!("{} (logs, devnet.json, {ENV_FILE})", devnet.folder));
    next(&mut text, devnet);
    text
}

/// The commands to try.
fn next(text: &mut String, devnet: &DevnetDocument) {
    section(text, "next", "");
    line(text, "create a task", "harness task call 0x04");
    let file = quoted(&format!("{}/{ENV_FILE}", devnet.folder));
    line(text, "variables of a shell", &format!("set -a; . {file}; set +a"));
    if devnet.kept {
        line(text, "end it", &format!("harness down {}", devnet.run));
        if let Some(until) = devnet.keep_until {
            line(text, "", &format!("`harness gc` may end it from {until} on"));
        }
    } else {
        line(text, "end it", "Ctrl-C here");
    }
}

fn section(text: &mut String, name: &str, about: &str) {
    let _ = writeln!(text, "\n{name}{}{about}", if about.is_empty() { "" } else { ": " });
}

fn line(text: &mut String, name: &str, value: &str) {
    let _ = writeln!(text, "  {name:NAMES$}  {value}");
}

fn shown(account: &DevnetAccount) -> String {
    format!("{}  key {}", account.address, account.private_key)
}
