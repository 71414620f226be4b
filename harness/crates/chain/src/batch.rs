//! Transactions of the set-up that are mined together.

use std::sync::Arc;

use ethers::{abi::Detokenize, contract::builders::ContractCall};
use hourglass_component::chain::{Account, Node, Posted};
use hourglass_proto::signature::EcdsaKey;

use super::{ChainControl, SetupError, send::target};

/// Transactions for one block: blocks make up most of a state's size, and one for each transaction would be forty.
pub(super) struct Batch<'a> {
    pub(super) chain: &'a ChainControl,
    posted: Vec<(Account, Posted)>,
}

/// More than any transaction of the set-up takes; a fixed limit needs no state to estimate it on.
const GAS: u64 = 3_000_000;

impl<'a> Batch<'a> {
    pub(super) async fn begin(chain: &'a ChainControl) -> Result<Self, SetupError> {
        chain.hold_transactions().await?;
        Ok(Self { chain, posted: Vec::new() })
    }

    pub(super) fn node(&self) -> Arc<Node> {
        self.chain.client().provider().clone()
    }

    pub(super) async fn add<M, T: Detokenize>(
        &mut self,
        key: &EcdsaKey,
        what: &str,
        call: ContractCall<M, T>,
    ) -> Result<(), SetupError> {
        let account = self.chain.client().account(key);
        let (to, data) = target(&call);
        let posted = account.post(self.chain.client(), what, to, data, GAS).await?;
        self.posted.push((account, posted));
        Ok(())
    }

    /// Mines the block and checks that every transaction in it succeeded.
    pub(super) async fn mine(self) -> Result<(), SetupError> {
        self.chain.mine(1).await?;
        for (account, posted) in self.posted {
            account.outcome(self.chain.client(), posted).await?;
        }
        self.chain.mine_instantly().await
    }
}
