//! The engine's things as a kind of thing to sweep.

use std::{cell::RefCell, collections::BTreeSet, io, time::Duration};

use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use super::{objects::LabelledNetwork, removal::pass};
use crate::{
    engine::{Engine, EngineAddress, EngineError},
    reaper::{Kind, Leftover, ReaperError, RunId},
};

/// Containers, networks and volumes that carry a run's label, and the unlabelled containers on its networks: all are
/// removed by force.
///
/// It has a connection and a runtime of its own, made when they are first needed and anew after a failure. Must not be
/// used from within an asynchronous task.
#[derive(Debug)]
pub struct EngineObjects {
    address: EngineAddress,
    connection: RefCell<Option<Connection>>,
    /// All networks of the run that were seen.
    networks: RefCell<BTreeSet<LabelledNetwork>>,
}

#[derive(Debug)]
struct Connection {
    engine: Engine,
    runtime: Runtime,
}

/// How long one pass may take; an engine that hangs is given up by then, and asked again.
const PASS_LIMIT: Duration = Duration::from_secs(20);

impl EngineObjects {
    /// What is in the engine at this address, which need not answer yet.
    pub fn at(address: EngineAddress) -> Self {
        Self { address, connection: RefCell::default(), networks: RefCell::default() }
    }

    fn pass(&self, connection: &Connection, run: &RunId) -> Result<Vec<Leftover>, EngineError> {
        let networks = &mut self.networks.borrow_mut();
        connection.runtime.block_on(async {
            let silent = |_| EngineError::Silent { address: self.address.clone(), within: PASS_LIMIT };
            timeout(PASS_LIMIT, pass(&connection.engine, run, networks)).await.map_err(silent)?
        })
    }
}

impl Kind for EngineObjects {
    fn sweep(&self, run: &RunId) -> Result<Vec<Leftover>, ReaperError> {
        let fail = |source| ReaperError::Engine { run: run.clone(), source: Box::new(source) };
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::to(&self.address).map_err(ReaperError::Runtime)?.map_err(fail)?,
        };
        let found = self.pass(&connection, run).map_err(fail)?;
        self.connection.replace(Some(connection));
        Ok(found)
    }
}

impl Connection {
    fn to(address: &EngineAddress) -> io::Result<Result<Self, EngineError>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let engine = runtime.block_on(Engine::connect_to(address.clone()));
        Ok(engine.map(|engine| Self { engine, runtime }))
    }
}
