//! Tasks from the app's side: creates them, and reads their status from the mailbox.

use std::collections::{BTreeMap, BTreeSet};

use ethers::{
    contract::EthLogDecode as _,
    providers::Middleware as _,
    types::{H256, Log},
};
use futures::{StreamExt as _, TryStreamExt as _, stream};
use hourglass_component::{
    chain::{OperatorSetId, Receipt, SendError, TaskStatus},
    keys::EcdsaKey,
};
use hourglass_proto::contracts::{
    addresses as at,
    bindings::{OperatorSet, TaskCreatedFilter, TaskMailbox, TaskParams, TaskVerifiedFilter},
};

use super::{ChainControl, SetupError};

/// How many blocks are requested at a time.
const AT_ONCE: usize = 8;

/// A task to create.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewTask {
    /// The executor operator set that it is for.
    pub set: OperatorSetId,
    /// The payload for the performers.
    pub payload: Vec<u8>,
}

/// A task on its chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRecord {
    /// Hash of the task.
    pub task: H256,
    /// Block of its creation.
    pub block_number: u64,
    /// Last second of chain time in which a result counts.
    pub deadline: u64,
    /// Gas of the transaction that created it.
    pub gas: Option<u64>,
}

impl ChainControl {
    /// Creates a task and waits until it is mined.
    pub async fn create_task(&self, app: &EcdsaKey, task: &NewTask) -> Result<TaskRecord, SendError> {
        let mailbox = TaskMailbox::new(at::TASK_MAILBOX, self.client().provider().clone());
        let call = mailbox.create_task(TaskParams {
            refund_collector: app.address(),
            executor_operator_set: OperatorSet::from(task.set),
            payload: task.payload.clone().into(),
        });
        let data = call.tx.data().cloned().unwrap_or_default();
        let receipt = self.client().account(app).send(self.client(), "create a task", at::TASK_MAILBOX, data).await?;
        created(&receipt).ok_or_else(|| {
            SendError::Chain(hourglass_component::chain::ChainError::Answer {
                chain_id: self.chain_id(),
                what: "createTask".to_owned(),
                found: format!("transaction {:?} has no TaskCreated event", receipt.transaction_hash),
            })
        })
    }

    /// The gas of verifying the tasks that were verified in these blocks. Tasks of one transaction have equal shares.
    pub async fn verification_gas(&self, blocks: BTreeSet<u64>) -> Result<BTreeMap<H256, u64>, SetupError> {
        let provider = self.client().provider();
        let receipts = stream::iter(blocks).map(|block| provider.get_block_receipts(block)).buffer_unordered(AT_ONCE);
        let receipts: Vec<_> =
            receipts.try_collect().await.map_err(|error| self.client().fail("the receipts of a block", error))?;
        let of_transaction = |receipt: &Receipt| {
            let verified: Vec<_> = receipt.logs.iter().filter_map(verified).collect();
            let share = receipt.gas_used.map(|gas| gas.as_u64() / verified.len().max(1) as u64);
            verified.into_iter().filter_map(move |task| Some((task, share?))).collect::<Vec<_>>()
        };
        Ok(receipts.iter().flatten().flat_map(of_transaction).collect())
    }

    /// The mailbox's status of a task, now.
    pub async fn task_status(&self, task: H256) -> Result<TaskStatus, SetupError> {
        Ok(self.client().task_status(task).await?)
    }
}

fn created(receipt: &Receipt) -> Option<TaskRecord> {
    receipt.logs.iter().find_map(|log| {
        let event = TaskCreatedFilter::decode_log(&log.clone().into()).ok()?;
        Some(TaskRecord {
            task: H256(event.task_hash),
            block_number: log.block_number?.as_u64(),
            deadline: event.task_deadline.min(u64::MAX.into()).as_u64(),
            gas: receipt.gas_used.map(|gas| gas.as_u64()),
        })
    })
}

fn verified(log: &Log) -> Option<H256> {
    let event = TaskVerifiedFilter::decode_log(&log.clone().into()).ok()?;
    (log.address == at::TASK_MAILBOX).then_some(H256(event.task_hash))
}
