//! Components of an environment, and the actions of a test on them.

use std::{panic::Location, sync::Arc};

use crate::{Action, session::Session, step::PendingStep};

/// A component of an environment, as `executor/alice`.
///
/// ```no_run
/// # use hourglass_api::{HarnessError, TestEnvironment};
/// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
/// let executor = env.component("executor/alice")?;
/// executor.pause().await?;
/// executor.resume().await?;
/// executor.kill().await?;
/// executor.restart().await?;
/// # Ok(())
/// # }
/// ```
///
/// A fault that the runtime does not support is refused as in a scenario: `disconnect` needs Docker or Kubernetes; pods,
/// nodes and partitions need Kubernetes.
#[derive(Debug, Clone)]
pub struct ComponentHandle {
    session: Arc<Session>,
    name: String,
}

impl ComponentHandle {
    pub(crate) fn new(session: &Arc<Session>, name: &str) -> Self {
        Self { session: Arc::clone(session), name: name.to_owned() }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Kills it at once, without a chance to clean up. It must be running.
    #[track_caller]
    pub fn kill(&self) -> Action {
        self.action("kill", Location::caller())
    }

    /// Starts it again, after stopping it if it runs, and waits until it is ready.
    #[track_caller]
    pub fn restart(&self) -> Action {
        self.action("restart", Location::caller())
    }

    /// Pauses it: its processes are stopped, its connections stay open.
    #[track_caller]
    pub fn pause(&self) -> Action {
        self.action("pause", Location::caller())
    }

    /// Resumes it after [`Self::pause`].
    #[track_caller]
    pub fn resume(&self) -> Action {
        self.action("resume", Location::caller())
    }

    /// Disconnects it from the network: it continues to run and reaches no other component.
    #[track_caller]
    pub fn disconnect(&self) -> Action {
        self.action("disconnect", Location::caller())
    }

    /// Connects it to the network again after [`Self::disconnect`], and waits until it is ready.
    #[track_caller]
    pub fn reconnect(&self) -> Action {
        self.action("reconnect", Location::caller())
    }

    /// Prevents it from connecting to another component, by a network policy.
    ///
    /// ```no_run
    /// # use hourglass_api::{HarnessError, TestEnvironment};
    /// # async fn example(env: &TestEnvironment) -> Result<(), HarnessError> {
    /// let (executor, performer) = (env.component("executor/alice")?, env.component("performer/alice")?);
    /// executor.partition_from(&performer).await?;
    /// executor.heal_to(&performer).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn partition_from(&self, other: &Self) -> Action {
        self.between("partition", other, Location::caller())
    }

    /// Allows it to connect to the other component again after [`Self::partition_from`].
    #[track_caller]
    pub fn heal_to(&self, other: &Self) -> Action {
        self.between("heal", other, Location::caller())
    }

    /// Deletes its pods at once; their controller creates new ones.
    #[track_caller]
    pub fn delete_pod(&self) -> Action {
        self.action("delete_pod", Location::caller())
    }

    /// Cordons its node, and evicts the environment's pods from it. Needs
    /// [`HarnessBuilder::exclusive_cluster`](crate::HarnessBuilder::exclusive_cluster).
    #[track_caller]
    pub fn drain_node(&self) -> Action {
        self.action("drain_node", Location::caller())
    }

    fn action(&self, kind: &'static str, location: &'static Location<'static>) -> Action {
        Action(PendingStep::new(&self.session, kind, location).with("component", self.name.as_str().into()))
    }

    fn between(&self, kind: &'static str, other: &Self, location: &'static Location<'static>) -> Action {
        let step = PendingStep::new(&self.session, kind, location);
        Action(step.with("from", self.name.as_str().into()).with("to", other.name.as_str().into()))
    }
}
