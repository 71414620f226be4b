//! Operations that only a development chain has: mine, warp, snapshots, set code and balances, dumps.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ethers::{
    types::{Address, Bytes, U256},
    utils::{hex, parse_ether},
};
use hourglass_component::chain::{ChainClient, Head};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::SetupError;

/// A development chain under control; clones share the connection.
#[derive(Debug, Clone)]
pub struct ChainControl {
    client: ChainClient,
}

/// A state to which a chain can be reverted once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(String);

impl ChainControl {
    /// Control of this client's node.
    pub fn new(client: ChainClient) -> Self {
        tracing::debug!(chain_id = client.chain_id(), url = client.url(), "connected to the chain");
        Self { client }
    }

    /// The connection.
    pub fn client(&self) -> &ChainClient {
        &self.client
    }

    /// The chain's id.
    pub fn chain_id(&self) -> u64 {
        self.client.chain_id()
    }

    /// Mines blocks, each a second of chain time after the one before, and returns the head.
    pub async fn mine(&self, blocks: u64) -> Result<Head, SetupError> {
        self.ask::<Value>("anvil_mine", json!([format!("{blocks:#x}"), "0x1"])).await?;
        Ok(self.client.head().await?)
    }

    /// Moves chain time forward by `by` and mines a block at that time; returns the head.
    ///
    /// With a fixed block interval `evm_increaseTime` has no effect, so the next timestamp is set.
    pub async fn warp(&self, by: Duration) -> Result<Head, SetupError> {
        let head = self.client.head().await?;
        self.warp_to(head.timestamp + by.as_secs().max(1)).await
    }

    /// Mines a block at `timestamp`, which must be later than the head's; returns the head.
    pub async fn warp_to(&self, timestamp: u64) -> Result<Head, SetupError> {
        let head = self.client.head().await?.timestamp;
        if timestamp <= head {
            return Err(SetupError::Backwards { chain_id: self.chain_id(), head, timestamp });
        }
        self.set_next_timestamp(timestamp).await?;
        self.ask::<Value>("evm_mine", json!([])).await?;
        Ok(self.client.head().await?)
    }

    /// Stores the current state.
    pub async fn snapshot(&self) -> Result<Snapshot, SetupError> {
        self.ask("evm_snapshot", json!([])).await.map(Snapshot)
    }

    /// Reverts to a state; the snapshot and all later ones are used up.
    pub async fn revert(&self, snapshot: Snapshot) -> Result<Head, SetupError> {
        let reverted: bool = self.ask("evm_revert", json!([snapshot.0])).await?;
        if !reverted {
            return Err(SetupError::Chain(hourglass_component::chain::ChainError::Answer {
                chain_id: self.chain_id(),
                what: "evm_revert".to_owned(),
                found: format!("snapshot {} is unknown or used up", snapshot.0),
            }));
        }
        self.client.forget_nonces().await;
        Ok(self.client.head().await?)
    }

    /// Mines a block for every transaction, a second of chain time each; the clock does not fall behind the wall clock.
    ///
    /// Two blocks in one wall-clock second would carry the same timestamp, and the mailbox requires that a result is
    /// later than its task.
    pub async fn mine_instantly(&self) -> Result<(), SetupError> {
        self.mine_each_transaction().await?;
        self.catch_up().await?;
        self.ask::<Value>("anvil_setBlockTimestampInterval", json!([1])).await?;
        Ok(())
    }

    /// Mines a block for every transaction from the next one on; the timestamps of blocks stay as they are set.
    pub(super) async fn mine_each_transaction(&self) -> Result<(), SetupError> {
        self.ask::<Value>("evm_setIntervalMining", json!([0])).await?;
        self.ask::<Value>("evm_setAutomine", json!([true])).await?;
        Ok(())
    }

    /// Mines nothing by itself: transactions wait for [`Self::mine`].
    pub(super) async fn hold_transactions(&self) -> Result<(), SetupError> {
        self.ask::<Value>("evm_setAutomine", json!([false])).await?;
        Ok(())
    }

    /// Mines a block every `interval`, a whole number of seconds of at least one, with or without transactions; the
    /// clock does not fall behind the wall clock.
    pub async fn mine_every(&self, interval: Duration) -> Result<(), SetupError> {
        let seconds = interval.as_secs().max(1);
        self.ask::<Value>("evm_setAutomine", json!([false])).await?;
        self.catch_up().await?;
        self.ask::<Value>("anvil_setBlockTimestampInterval", json!([seconds])).await?;
        self.ask::<Value>("evm_setIntervalMining", json!([seconds])).await?;
        Ok(())
    }

    /// Mines a block at the wall clock's time, or after the head if that is later already.
    ///
    /// A chain with a state from the cache is behind the wall clock, and its own clock is behind its head. The block is
    /// mined here, because a timestamp that waits for its block would forbid a warp to an earlier one.
    async fn catch_up(&self) -> Result<(), SetupError> {
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
        let head = self.client.head().await?;
        self.warp_to(wall.max(head.timestamp + 1)).await?;
        Ok(())
    }

    pub(super) async fn set_next_timestamp(&self, timestamp: u64) -> Result<(), SetupError> {
        self.ask::<Value>("evm_setNextBlockTimestamp", json!([timestamp])).await?;
        Ok(())
    }

    pub(super) async fn set_code(&self, address: Address, code: &Bytes) -> Result<(), SetupError> {
        self.ask::<Value>("anvil_setCode", json!([address, code])).await?;
        Ok(())
    }

    /// Gives an account enough to pay for as many transactions as a trial has.
    pub async fn fund(&self, address: Address) -> Result<(), SetupError> {
        self.set_balance(address, parse_ether(10_000).unwrap_or(U256::MAX)).await
    }

    async fn set_balance(&self, address: Address, wei: U256) -> Result<(), SetupError> {
        self.ask::<Value>("anvil_setBalance", json!([address, wei])).await?;
        Ok(())
    }

    /// The chain with its history, as `--load-state` takes it.
    pub(super) async fn dump(&self) -> Result<Vec<u8>, SetupError> {
        use std::io::Read as _;
        let packed = self.packed_state().await?;
        let fail = |reason: String| SetupError::Dump { chain_id: self.chain_id(), reason };
        let mut state = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .read_to_end(&mut state)
            .map_err(|error| fail(error.to_string()))?;
        Ok(state)
    }

    /// Loads a state, as `--load-state` would at the start; for a chain that cannot be given a file.
    pub async fn load(&self, state: &[u8]) -> Result<(), SetupError> {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        let fail = |reason: String| SetupError::Dump { chain_id: self.chain_id(), reason };
        let packed = packed.write_all(state).and_then(|()| packed.finish()).map_err(|error| fail(error.to_string()))?;
        let loaded: bool = self.ask("anvil_loadState", json!([format!("0x{}", hex::encode(packed))])).await?;
        if loaded { Ok(()) } else { Err(fail("the chain does not take the state".to_owned())) }
    }

    pub(super) async fn ask<T>(
        &self,
        method: &str,
        parameters: impl Serialize + Send + Sync + std::fmt::Debug,
    ) -> Result<T, SetupError>
    where
        T: DeserializeOwned + Serialize + std::fmt::Debug + Send,
    {
        let answer = self.client.provider().request(method, parameters).await;
        Ok(answer.map_err(|error| self.client.fail(method, error))?)
    }
}
