//! A lock for processes of this machine that find the same images missing in the same nodes: one sends them, and the
//! others wait.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::Path,
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use hourglass_engine::Node;
use sha2::{Digest as _, Sha256};

use crate::ImageError;

/// Nodes share locks, so that no more files than this are ever created; a collision with another cluster's lock costs
/// seconds.
const LOCKS: u8 = 16;

/// This process's lock, until it is dropped or the process ends.
#[derive(Debug)]
pub(super) struct NodeLock {
    _lock: File,
}

impl NodeLock {
    /// Waits for the lock of these nodes; the caller limits the time.
    pub(super) async fn at(cache: &Path, nodes: &[&Node]) -> Result<Self, ImageError> {
        let folder = cache.join("images").join("turns");
        fs::create_dir_all(&folder).map_err(ImageError::file(&folder))?;
        let first = nodes.iter().map(|node| node.container.as_str()).min().unwrap_or_default();
        let file = folder.join(format!("{}.lock", Sha256::digest(first)[0] % LOCKS));
        let lock = File::create(&file).map_err(ImageError::file(&file))?;
        // No event tells when a lock is released.
        let pauses = ExponentialBuilder::new()
            .with_min_delay(Duration::from_millis(10))
            .with_max_delay(Duration::from_millis(200))
            .without_max_times();
        let began = Instant::now();
        let taken = || async { lock.try_lock() };
        let taken = taken.retry(pauses).when(|error| matches!(error, TryLockError::WouldBlock)).await;
        taken.map_err(io::Error::from).map_err(ImageError::file(&file))?;
        tracing::debug!(elapsed = ?began.elapsed(), "lock of the nodes taken");
        Ok(Self { _lock: lock })
    }
}
