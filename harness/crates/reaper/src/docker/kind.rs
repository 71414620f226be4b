//! The objects of an engine as a kind of resource to sweep.

use std::{cell::RefCell, collections::BTreeSet, future::Future, io, time::Duration};

use hourglass_engine::{Engine, EngineAddress, EngineError};
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use super::{objects::LabelledNetwork, removal::pass};
use crate::{Kind, LeakedResource, ReaperError, RunId};

/// Containers, networks and volumes with a run's label, and the unlabelled containers on its networks: all are removed
/// by force.
///
/// It has a connection and a runtime of its own, created when they are first needed and again after a failure. Must not
/// be used from within an asynchronous task.
#[derive(Debug)]
pub struct EngineObjects {
    address: EngineAddress,
    connection: RefCell<Option<Connection>>,
    /// All networks of the run that were seen so far.
    networks: RefCell<BTreeSet<LabelledNetwork>>,
}

#[derive(Debug)]
pub(super) struct Connection {
    engine: Engine,
    runtime: Runtime,
}

/// The time limit of one pass; an engine that hangs is asked again after it.
const PASS_LIMIT: Duration = Duration::from_secs(20);

impl EngineObjects {
    /// The objects in the engine at this address, which need not answer yet.
    pub fn at(address: EngineAddress) -> Self {
        Self { address, connection: RefCell::default(), networks: RefCell::default() }
    }
}

impl Kind for EngineObjects {
    fn sweep(&self, run: &RunId) -> Result<Vec<LeakedResource>, ReaperError> {
        let fail = |source| ReaperError::Engine { run: run.clone(), source: Box::new(source) };
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::to(&self.address).map_err(ReaperError::Runtime)?.map_err(fail)?,
        };
        let networks = &mut self.networks.borrow_mut();
        let pass = pass(&connection.engine, run, networks);
        let found = connection.within_limit(&self.address, pass).map_err(fail)?;
        self.connection.replace(Some(connection));
        Ok(found)
    }
}

impl Connection {
    pub(super) fn to(address: &EngineAddress) -> io::Result<Result<Self, EngineError>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let engine = runtime.block_on(Engine::connect_to(address.clone()));
        Ok(engine.map(|engine| Self { engine, runtime }))
    }

    pub(super) fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Runs a few calls within a time limit, in case the engine hangs.
    pub(super) fn within_limit<T>(
        &self,
        address: &EngineAddress,
        work: impl Future<Output = Result<T, EngineError>>,
    ) -> Result<T, EngineError> {
        let silent = |_| EngineError::Silent { address: address.clone(), within: PASS_LIMIT };
        self.runtime.block_on(async { timeout(PASS_LIMIT, work).await }).map_err(silent)?
    }
}
