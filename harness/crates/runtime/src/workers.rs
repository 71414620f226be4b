//! Processes inside a cluster that create the tasks of a load together. What they are told and what they print is in
//! `hourglass_load`; here is how they run.

use std::{fmt, time::Duration};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::mpsc::UnboundedReceiver,
};

/// The settings of the workers of one load.
#[derive(Clone)]
pub struct WorkersSpec {
    /// The component of the harness that each of them runs.
    pub component: &'static str,
    /// How many.
    pub count: u32,
    /// The content of the configuration file of all of them; it may hold keys.
    pub config: String,
    /// The chain whose URL they get.
    pub chain_id: u64,
    /// How long they may take to do their work.
    pub within: Duration,
}

/// Workers that are ready.
pub struct Workers {
    /// Their name, for [`Runtime::end_workers`](crate::Runtime::end_workers).
    pub name: String,
    /// Each of them, in the order of their numbers.
    pub workers: Vec<Worker>,
    /// What they print, and their ends.
    pub output: UnboundedReceiver<WorkerOutput>,
}

/// A worker that is ready.
pub struct Worker {
    /// Its pod.
    pub pod: String,
    /// A connection to it, which ends when this is dropped.
    pub connection: Box<dyn Connection>,
}

/// What a worker prints, in its order, and then its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WorkerOutput {
    /// A line.
    Line {
        /// The number of the worker, from 0.
        worker: u32,
        /// The line, without its end.
        text: String,
    },
    /// The process has ended, and all that could be read of its output was.
    Ended {
        /// The number of the worker, from 0.
        worker: u32,
        /// How, for example `exit code 137`; `None` for success.
        how: Option<String>,
        /// The last lines of its output, indented.
        last: String,
    },
}

/// Bytes in both directions.
pub trait Connection: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Connection for T {}

/// Without the configuration, which may hold keys.
impl fmt::Debug for WorkersSpec {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { component, count, chain_id, within, .. } = self;
        formatter.debug_tuple("WorkersSpec").field(component).field(count).field(chain_id).field(within).finish()
    }
}

impl fmt::Debug for Workers {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pods: Vec<_> = self.workers.iter().map(|worker| &worker.pod).collect();
        formatter.debug_struct("Workers").field("name", &self.name).field("pods", &pods).finish_non_exhaustive()
    }
}

impl fmt::Debug for Worker {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Worker").field("pod", &self.pod).finish_non_exhaustive()
    }
}
