//! The chains of a devnet, as a user of its tasks has them.

use std::{
    fs::{File, TryLockError},
    path::Path,
    time::Duration,
};

use backon::{ExponentialBuilder, Retryable as _};
use hourglass_base::private;
use hourglass_chain::{ChainControl, NewTask, POLL_INTERVAL};
use hourglass_component::{
    chain::{ChainClient, OperatorSetId, TaskInfo, TaskStatus},
    keys::{EcdsaKey, H256},
    timeout::timeout,
};
use hourglass_scenario::Chain;

use crate::cli::devnet::{DevnetError, document::DevnetDocument};

/// The file in the folder of a devnet that a process locks while it creates a task: two would use the same nonce.
const LOCK: &str = "task.lock";
/// How long another process may create its task.
const LOCKED_WITHIN: Duration = Duration::from_secs(30);
/// How long to wait before a lock is tried again: at first, and at most.
const PAUSES: [Duration; 2] = [Duration::from_millis(10), Duration::from_millis(500)];
/// The account that creates tasks.
const ACCOUNT: &str = "app";

/// One chain of a devnet.
pub(super) struct TaskClient<'a> {
    devnet: &'a DevnetDocument,
    client: ChainClient,
}

impl<'a> TaskClient<'a> {
    /// Connects to a chain of the devnet.
    pub(super) async fn connect(devnet: &'a DevnetDocument, chain: Chain) -> Result<Self, DevnetError> {
        let at = devnet.chain(chain);
        Ok(Self { devnet, client: ChainClient::connect(&at.rpc_url, at.chain_id, POLL_INTERVAL).await? })
    }

    /// Creates a task, and waits until it is mined.
    pub(super) async fn create(&self, payload: Vec<u8>) -> Result<H256, DevnetError> {
        let invalid = || DevnetError::Key { devnet: self.devnet.run.clone(), account: ACCOUNT };
        let key = |name: &str| EcdsaKey::from_hex(&self.devnet.accounts.get(name)?.private_key).ok();
        let (app, avs) = (key(ACCOUNT).ok_or_else(invalid)?, key("avs").ok_or_else(invalid)?);
        let set = OperatorSetId { avs: avs.address(), id: self.devnet.operator_set.id };
        let _lock = lock(self.devnet).await?;
        let created = ChainControl::new(self.client.clone()).create_task(&app, &NewTask { set, payload }).await?;
        Ok(created.task)
    }

    /// The task as it is now; `None` if the mailbox does not know it.
    pub(super) async fn info(&self, task: H256) -> Result<Option<TaskInfo>, DevnetError> {
        Ok(self.client.task_info(task).await?)
    }

    /// The task when it has ended, or as it is when the time is up.
    pub(super) async fn ended(&self, task: H256, within: Duration) -> Result<Option<TaskInfo>, DevnetError> {
        let mut heads = self.client.heads();
        let ending = async {
            loop {
                let info = self.info(task).await?;
                if info.as_ref().is_none_or(|info| info.status != TaskStatus::Created) || heads.changed().await.is_err()
                {
                    return Ok(info);
                }
            }
        };
        match timeout(within, ending).await {
            Ok(ended) => ended,
            Err(_) => self.info(task).await,
        }
    }
}

/// The right to create a task, until this is dropped.
async fn lock(devnet: &DevnetDocument) -> Result<File, DevnetError> {
    let path = Path::new(&devnet.folder).join(LOCK);
    let failed = |source| DevnetError::Lock { path: path.clone(), source };
    let file = private::append(&path).map_err(failed)?;
    let try_lock = || async { file.try_lock() };
    // There is no event for a file lock, and a thread that waits for one cannot be interrupted.
    let pauses = ExponentialBuilder::default().with_min_delay(PAUSES[0]).with_max_delay(PAUSES[1]);
    let is_held = |error: &TryLockError| matches!(error, TryLockError::WouldBlock);
    let locked = timeout(LOCKED_WITHIN, try_lock.retry(pauses.without_max_times()).when(is_held)).await;
    match locked {
        Ok(Ok(())) => Ok(file),
        Ok(Err(error)) => Err(failed(error.into())),
        Err(_) => Err(DevnetError::Locked { devnet: devnet.run.clone(), path, within: LOCKED_WITHIN }),
    }
}
