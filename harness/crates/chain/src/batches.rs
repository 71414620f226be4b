//! Mining in batches while many transactions wait: a node that mines each at once makes a block for every few of them, and
//! a block costs the more the larger the state is.

use std::time::Duration;

use hourglass_component::{chain::Head, timeout::timeout};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{
    sync::{oneshot, watch},
    time::{Instant, sleep},
};
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{ChainControl, SetupError};

/// So many blocks, each within [`BUSY_GAP`] of the one before, are those of many tasks; a single task makes two.
const BUSY_BLOCKS: u64 = 4;
/// The longest time between two such blocks: a block of a large state takes a tenth of a second.
const BUSY_GAP: Duration = Duration::from_millis(250);
/// From so many waiting transactions on, the next blocks are mined in batches.
const BUSY_TRANSACTIONS: u64 = 4;
/// After this time without a transaction, the node mines each at once again.
const IDLE: Duration = Duration::from_secs(1);
/// How long to wait, at least and at most, before the node is asked again whether a transaction waits; between them, a
/// quarter of the time for which none came.
const PAUSES: [Duration; 2] = [Duration::from_millis(1), Duration::from_millis(20)];
/// The part of the time for a block after which the next is requested, as a divisor: transactions that arrived meanwhile
/// are taken in first.
const GATHERING_DIVISOR: u32 = 4;
/// The seconds between blocks that the node makes by itself meanwhile, so that the chain goes on if nobody asks it to.
const FALLBACK_INTERVAL: u64 = 1;
/// How long the node may take until it mines each transaction at once again. If it hangs, it keeps its block each second.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);

/// Mines blocks of a chain in batches while many transactions wait; ends when this is dropped.
#[derive(Debug)]
pub struct BatchMiner {
    end: oneshot::Sender<()>,
    task: AbortOnDropHandle<()>,
}

/// The answer to `txpool_status`.
#[derive(Debug, Serialize, Deserialize)]
struct Waiting {
    pending: String,
}

impl BatchMiner {
    /// Begins to watch the heads of the chain, which mines each transaction at once.
    ///
    /// Must be called within a tokio runtime.
    pub fn start(chain: &ChainControl) -> Self {
        let (end, ended) = oneshot::channel();
        let chain = chain.clone();
        let task = tokio::spawn(async move { run(&chain, ended).await }.in_current_span());
        Self { end, task: AbortOnDropHandle::new(task) }
    }

    /// Ends it; from then on the node mines each transaction at once, unless it does not answer within five seconds.
    pub async fn stop(self) {
        // It may have ended with the connection.
        let _ = self.end.send(());
        if timeout(STOPPED_WITHIN, self.task).await.is_err() {
            tracing::warn!(within = ?STOPPED_WITHIN, "the node was not told in time to mine each transaction at once");
        }
    }
}

async fn run(chain: &ChainControl, mut ended: oneshot::Receiver<()>) {
    let mut heads = chain.client().heads();
    loop {
        tokio::select! {
            _ = &mut ended => return,
            busy = busy(chain, &mut heads) => if !busy { return },
        }
        let began = Instant::now();
        let mined = tokio::select! {
            _ = &mut ended => None,
            mined = mine(chain) => Some(mined),
        };
        let handed_back = at_once(chain).await;
        match mined.transpose().and_then(|mined| handed_back.map(|()| mined)) {
            Ok(Some(batches)) => tracing::info!(
                chain_id = chain.chain_id(),
                batches,
                elapsed = ?began.elapsed(),
                "many transactions were mined in batches",
            ),
            Ok(None) => return,
            Err(error) => {
                // The watch of the chains tells if it does not answer any more.
                tracing::warn!(chain_id = chain.chain_id(), %error, "transactions are no longer mined in batches");
                return;
            }
        }
    }
}

/// Waits until many transactions wait; `false` when there are no more heads.
async fn busy(chain: &ChainControl, heads: &mut watch::Receiver<Head>) -> bool {
    let (mut from, mut last) = (heads.borrow_and_update().number, Instant::now());
    while heads.changed().await.is_ok() {
        let head = heads.borrow_and_update().number;
        if last.elapsed() > BUSY_GAP {
            from = head;
        } else if head >= from + BUSY_BLOCKS {
            if waiting(chain).await.is_ok_and(|waiting| waiting >= BUSY_TRANSACTIONS) {
                return true;
            }
            from = head;
        }
        last = Instant::now();
    }
    false
}

/// Mines what waits until nothing has come for some time; returns the number of blocks.
async fn mine(chain: &ChainControl) -> Result<u64, SetupError> {
    // Ends the mining at once as well.
    chain.ask::<Value>("evm_setIntervalMining", json!([FALLBACK_INTERVAL])).await?;
    let (mut batches, mut last) = (0, Instant::now());
    while last.elapsed() < IDLE {
        if waiting(chain).await? > 0 {
            let began = Instant::now();
            chain.ask::<Value>("evm_mine", json!([])).await?;
            batches += 1;
            last = Instant::now();
            sleep((last - began) / GATHERING_DIVISOR).await;
        } else {
            let [shortest, longest] = PAUSES;
            sleep((last.elapsed() / 4).clamp(shortest, longest)).await;
        }
    }
    Ok(batches)
}

/// Makes the node mine each transaction at once again, and those that it has.
async fn at_once(chain: &ChainControl) -> Result<(), SetupError> {
    chain.mine_each_transaction().await?;
    // What came before is not mined until another transaction comes.
    if waiting(chain).await? > 0 {
        chain.ask::<Value>("evm_mine", json!([])).await?;
    }
    Ok(())
}

/// How many transactions could be in the next block.
async fn waiting(chain: &ChainControl) -> Result<u64, SetupError> {
    let Waiting { pending } = chain.ask("txpool_status", json!([])).await?;
    Ok(u64::from_str_radix(pending.trim_start_matches("0x"), 16).unwrap_or_default())
}
