//! Detects that a chain does not answer any more. A stopped process and a paused container close no connection and send
//! nothing, so only a request distinguishes them from a chain on which nothing happens.

use std::time::Duration;

use hourglass_component::{
    chain::{ChainClient, ChainError},
    timeout::timeout,
};
use tokio::time::sleep;

use hourglass_runtime::Chains;

/// How often each chain is asked for its id.
const EVERY: Duration = Duration::from_secs(2);
/// How long a chain may be silent. This is longer than a stall on a busy machine, and counts only while the harness
/// runs: after a pause of the whole machine, the chains have this time again.
const SILENCE: Duration = Duration::from_secs(15);
/// How long a chain may take to answer a single request, which finds out who is to blame for a step that did not end.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// Returns only when a chain has not answered for 15 s.
pub(super) async fn lost(chains: &Chains) -> ChainError {
    tokio::select! {
        error = lost_chain(chains.l1.client()) => error,
        error = lost_chain(chains.l2.client()) => error,
    }
}

/// Whether both chains answer now.
pub(super) async fn answer(chains: &Chains) -> Result<(), ChainError> {
    let asked = |client| answers_within(client, LOOK_WITHIN);
    tokio::try_join!(asked(chains.l1.client().clone()), asked(chains.l2.client().clone())).map(drop)
}

async fn answers_within(client: ChainClient, within: Duration) -> Result<(), ChainError> {
    timeout(within, client.answers()).await.unwrap_or_else(|_| Err(silent(&client, within)))
}

async fn lost_chain(client: &ChainClient) -> ChainError {
    loop {
        let mut last = None;
        let answered = async {
            while let Err(error) = client.answers().await {
                if error.is_answer() {
                    break;
                }
                last = Some(error);
                sleep(EVERY).await;
            }
        };
        if timeout(SILENCE, answered).await.is_err() {
            tracing::warn!(chain_id = client.chain_id(), silence = ?SILENCE, "the chain does not answer any more");
            // A refused connection tells more than silence.
            return last.unwrap_or_else(|| silent(client, SILENCE));
        }
        sleep(EVERY).await;
    }
}

fn silent(client: &ChainClient, within: Duration) -> ChainError {
    ChainError::Silent {
        chain_id: client.chain_id(),
        url: client.url().to_owned(),
        what: "its id".to_owned(),
        method: "eth_chainId".to_owned(),
        within,
    }
}
