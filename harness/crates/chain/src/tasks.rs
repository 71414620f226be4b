//! Tasks from the app's side: creates them, and reads their status from the mailbox.

use ethers::{contract::EthLogDecode as _, types::H256};
use hourglass_component::{
    chain::{OperatorSetId, Receipt, SendError, TaskStatus},
    keys::EcdsaKey,
};
use hourglass_proto::contracts::{
    addresses as at,
    bindings::{OperatorSet, TaskCreatedFilter, TaskMailbox, TaskParams},
};

use super::{ChainControl, SetupError};

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
        })
    })
}
