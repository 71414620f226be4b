//! Both chains of a failed trial, while they answer: what happened on them, and their states.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use hourglass_base::private;
use hourglass_chain::ChainControl;
use hourglass_component::{causes::with_causes, text::safe_json, timeout::timeout};
use hourglass_runtime::Chains;
use hourglass_scenario::Chain;

/// The folder of the chains' evidence, in the trial's folder.
const FOLDER: &str = "chains";
/// How long a chain may take to tell what happened.
const HISTORY_WITHIN: Duration = Duration::from_secs(3);
/// How long a chain may take to give its state.
const STATE_WITHIN: Duration = Duration::from_secs(2);
/// How many bytes a packed state may have.
const STATE_LIMIT: usize = 8 << 20;
/// How many blocks from before the steps are told: the set-up of the operators.
const BEFORE: u64 = 16;

/// Writes `chains/l1.json` and `chains/l2.json`, and the states beside them; `start` has the heads of L1 and L2 when the
/// steps began. What a chain does not give is a remark; what cannot be written is left out.
pub(crate) async fn keep_chains(chains: &Chains, start: [u64; 2], folder: &Path) {
    let into = folder.join(FOLDER);
    if private::create_folders(&into).is_err() {
        return;
    }
    let [l1, l2] = start.map(|start| start.saturating_sub(BEFORE));
    tokio::join!(keep(Chain::L1, &chains.l1, l1, &into), keep(Chain::L2, &chains.l2, l2, &into));
}

async fn keep(chain: Chain, control: &ChainControl, from: u64, folder: &Path) {
    let mut history = control.history(from, Instant::now() + HISTORY_WITHIN).await;
    // A chain that has not told its head would take all of the time again.
    if history.head.is_some() {
        match timeout(STATE_WITHIN, control.packed_state()).await {
            Ok(Ok(state)) if state.len() <= STATE_LIMIT => {
                // The trial detects a full disk itself.
                let _ = private::write(&folder.join(format!("{chain}.state.json.gz")), state);
            }
            Ok(Ok(state)) => history.remarks.push(format!("the state is left out: it has {} bytes", state.len())),
            Ok(Err(error)) => history.remarks.push(format!("the state is left out: {}", with_causes(&error))),
            Err(_) => history.remarks.push("the state is left out: it was not given in time".to_owned()),
        }
    }
    let text = safe_json(&history).map(|history| format!("{history:#}\n")).unwrap_or_default();
    let _ = private::write(&folder.join(format!("{chain}.json")), text);
}
