//! The locks for installing and using the operator of a cluster.
//!
//! They are always taken in this order: gate, use. An exclusive holder of the gate gets exclusive use when the current
//! users are done; nobody new comes in before.

use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, ResourceExt as _};

use crate::{
    Cluster, ClusterError, ClusterFolders, Progress,
    lease::{LockFile, Locked},
};

/// The folder of the locks of existing clusters; no cluster of the harness can have this name.
const OF_OTHERS: &str = "_existing";
/// A namespace that every cluster has exactly once.
const SYSTEM: &str = "kube-system";

pub(super) struct OperatorLocks {
    gate: LockFile,
    usage: LockFile,
}

/// The operator, as long as this is held.
#[derive(Debug)]
pub(super) struct Gated {
    gate: Locked,
    usage: Locked,
}

impl OperatorLocks {
    /// The locks of a cluster of the harness are in its folder. Those of an existing one are on this machine, by the
    /// identity that its API server gives.
    pub(super) async fn of(cluster: &Cluster) -> Result<Self, ClusterError> {
        let own = cluster.machine.as_ref().and_then(|_| cluster.kubeconfig.parent());
        let folder = match own {
            Some(folder) => folder.to_owned(),
            None => ClusterFolders::locate()?.root().join(OF_OTHERS).join(identity(cluster).await?),
        };
        let file = |kind: &str| LockFile::new(folder.join(format!("operator.{kind}")));
        Ok(Self { gate: file("gate"), usage: file("use") })
    }

    /// Together with others that use it.
    pub(super) async fn shared(&self, progress: &Progress<'_>) -> Result<Gated, ClusterError> {
        let gate = if let Some(gate) = self.gate.try_shared()? {
            gate
        } else {
            progress("waiting for another trial that installs the operator");
            self.gate.shared().await?
        };
        Ok(Gated { gate, usage: self.use_shared(progress).await? })
    }

    /// Exclusively.
    pub(super) async fn alone(&self, progress: &Progress<'_>) -> Result<Gated, ClusterError> {
        let gate = self.gate.exclusive().await?;
        let usage = if let Some(usage) = self.usage.try_exclusive()? {
            usage
        } else {
            progress("waiting for trials that use the operator");
            self.usage.exclusive().await?
        };
        Ok(Gated { gate, usage })
    }

    /// Exclusively; `None` if somebody holds it.
    pub(super) fn try_alone(&self) -> Result<Option<Gated>, ClusterError> {
        let Some(gate) = self.gate.try_exclusive()? else { return Ok(None) };
        Ok(self.usage.try_exclusive()?.map(|usage| Gated { gate, usage }))
    }

    /// Lets others use it as well.
    pub(super) async fn share(&self, gated: Gated, progress: &Progress<'_>) -> Result<Locked, ClusterError> {
        let Gated { gate, usage } = gated;
        drop(usage);
        // Behind the gate nobody can have come in between.
        let shared = self.use_shared(progress).await?;
        drop(gate);
        Ok(shared)
    }

    async fn use_shared(&self, progress: &Progress<'_>) -> Result<Locked, ClusterError> {
        if let Some(usage) = self.usage.try_shared()? {
            return Ok(usage);
        }
        progress("waiting for a trial that has the operator alone");
        self.usage.shared().await
    }
}

impl Gated {
    /// Lets others through the gate.
    pub(super) fn used(self) -> Locked {
        let Self { gate, usage } = self;
        drop(gate);
        usage
    }
}

async fn identity(cluster: &Cluster) -> Result<String, ClusterError> {
    let found = Api::<Namespace>::all(cluster.client.clone()).get(SYSTEM).await;
    let found = found.map_err(ClusterError::api(&cluster.name, format!("look at namespace {SYSTEM}")))?;
    Ok(found.uid().unwrap_or_else(|| found.name_any()))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const SOON: Duration = Duration::from_millis(50);
    const QUIET: &Progress<'static> = &|_| {};

    fn locks() -> (tempfile::TempDir, OperatorLocks) {
        let folder = tempfile::tempdir().unwrap();
        let file = |kind: &str| LockFile::new(folder.path().join(kind));
        let locks = OperatorLocks { gate: file("gate"), usage: file("use") };
        (folder, locks)
    }

    /// A trial whose operator is replaced during the trial tests something else.
    #[tokio::test]
    async fn an_operator_in_use_is_not_replaced() {
        let (_folder, locks) = locks();
        let user = locks.shared(QUIET).await.unwrap().used();
        assert!(timeout(SOON, locks.alone(QUIET)).await.is_err());
        drop(user);
        timeout(Duration::from_secs(10), locks.alone(QUIET)).await.unwrap().unwrap();
    }

    /// Successive trials must not keep a process that needs another operator waiting for ever.
    #[tokio::test]
    async fn a_waiter_for_exclusive_use_lets_no_new_user_in() {
        let (_folder, locks) = locks();
        let user = locks.shared(QUIET).await.unwrap().used();
        let waiting = locks.gate.exclusive().await.unwrap();
        assert!(timeout(SOON, locks.shared(QUIET)).await.is_err());
        drop(waiting);
        timeout(Duration::from_secs(10), locks.shared(QUIET)).await.unwrap().unwrap();
        drop(user);
    }

    #[tokio::test]
    async fn the_installer_shares_the_operator() {
        let (_folder, locks) = locks();
        let alone = locks.alone(QUIET).await.unwrap();
        assert!(locks.try_alone().unwrap().is_none());
        let first = locks.share(alone, QUIET).await.unwrap();
        let second = locks.shared(QUIET).await.unwrap().used();
        assert!(locks.try_alone().unwrap().is_none());
        drop((first, second));
        assert!(locks.try_alone().unwrap().is_some());
    }
}
