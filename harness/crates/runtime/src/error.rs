//! Why a component of a trial does not run.

use std::{error::Error, io, path::PathBuf, sync::Arc, time::Duration};

use hourglass_component::health::HealthError;
use hourglass_engine::EngineError;
use hourglass_scenario::ComponentRef;
use hourglass_timeline::TailError;

use hourglass_chain::SetupError;
use hourglass_cluster::{ClusterError, helm::HelmError, operator::OperatorError, reach::ReachError};
use hourglass_image::ImageError;
use hourglass_reaper::ReaperError;

/// Why a runtime could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum RuntimeError {
    /// The chains.
    #[error(transparent)]
    Chain(#[from] SetupError),
    /// The supervisor.
    #[error(transparent)]
    Reaper(#[from] ReaperError),
    /// The Docker engine.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The Docker engine went away while the trial ran.
    #[error("the trial cannot go on")]
    EngineLost(#[source] Arc<EngineError>),
    /// An image.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The cluster.
    #[error(transparent)]
    Cluster(Box<ClusterError>),
    /// The cluster went away while the trial ran.
    #[error("the trial cannot go on")]
    ClusterLost(#[source] Box<ClusterError>),
    /// The preparation of a cluster ended without a result.
    #[error("failed to prepare the cluster: {reason}")]
    NotPrepared {
        /// How it ended; if another caller got the full error, its text.
        reason: String,
    },
    /// A Helm release.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// The operator of the cluster.
    #[error(transparent)]
    Operator(Box<OperatorError>),
    /// The connection to a Service.
    #[error(transparent)]
    Reach(Box<ReachError>),
    /// A fault of the cluster could not be injected.
    #[error("failed to {doing}: {reason}")]
    Disturbance {
        /// What the operation was.
        doing: String,
        /// Why it was not.
        reason: String,
    },
    /// A container could not be run.
    #[error("failed to run container {container}")]
    Container {
        /// Its name.
        container: String,
        /// Why not.
        source: Option<Box<dyn Error + Send + Sync>>,
    },
    /// A chain ended while the trial ran.
    #[error("chain {chain_id} ended with {how}; its last output:\n{output}")]
    ChainEnded {
        /// The chain.
        chain_id: u64,
        /// How it ended.
        how: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// A chain's container does not answer.
    #[error("container {container} is not ready as chain {chain_id}: {reason}; its last output:\n{output}")]
    ChainNotReady {
        /// The chain.
        chain_id: u64,
        /// Its container.
        container: String,
        /// What happened instead.
        reason: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// Output cannot be followed.
    #[error(transparent)]
    Tail(#[from] TailError),
    /// A program could not be started.
    #[error("failed to start {component} as {program:?}")]
    Spawn {
        /// The component.
        component: ComponentRef,
        /// Its program.
        program: String,
        /// Why not.
        source: io::Error,
    },
    /// A component ended before it was ready.
    #[error("{component} ended before it was ready: {status}; its last output:\n{output}")]
    Ended {
        /// The component.
        component: ComponentRef,
        /// Its exit status.
        status: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// A performer does not become ready, as its executor reports.
    #[error("{performer} is not ready: {how}{}", told(how, output))]
    Performer {
        /// The performer.
        performer: ComponentRef,
        /// What is wrong with it, as a sentence about it.
        how: String,
        /// The last lines that it wrote; empty if they are not known.
        output: String,
    },
    /// A component did not become ready in time.
    #[error("timed out after {} waiting for {component} to become ready: {state}; its last output:\n{output}", humantime::format_duration(*within))]
    NotReady {
        /// The component.
        component: ComponentRef,
        /// How long it was awaited.
        within: Duration,
        /// The last condition that was awaited, and what was seen.
        state: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// A component's health.
    #[error("{component} is not healthy")]
    Health {
        /// The component.
        component: ComponentRef,
        /// What was seen.
        source: HealthError,
    },
    /// Work of the harness itself panicked.
    #[error("a part of the harness panicked, which is a defect of it: {reason}")]
    Panicked {
        /// What the panic says.
        reason: String,
    },
    /// The workers of a load do not run.
    #[error("the workers of Job {job} are not ready: {reason}")]
    Workers {
        /// Their Job.
        job: String,
        /// What happened instead.
        reason: String,
    },
    /// The chain was not started.
    #[error("chain {chain_id} is not running")]
    NoChain {
        /// The chain.
        chain_id: u64,
    },
    /// No port of this machine is free.
    #[error("failed to find a free port of 127.0.0.1")]
    Port(#[source] io::Error),
    /// Another program has the port on which a performer listens.
    #[error("failed to give {component} port {port}: {holder}")]
    PortTaken {
        /// The performer.
        component: ComponentRef,
        /// The port.
        port: u16,
        /// Who has it.
        holder: String,
    },
    /// A file could not be written.
    #[error("failed to write {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A component that a step kills is not running.
    #[error("failed to kill {component}: {reason}")]
    Kill {
        /// The component.
        component: ComponentRef,
        /// Why not.
        reason: String,
    },
    /// A fault cannot be injected or ended, because the component is not in the required state.
    #[error("failed to {fault} {component}: {reason}")]
    Fault {
        /// The fault, for example `pause`.
        fault: &'static str,
        /// The component.
        component: ComponentRef,
        /// Why not.
        reason: String,
    },
    /// The runtime cannot do this with this component.
    #[error("the {runtime} runtime cannot run this: {reason}")]
    Unsupported {
        /// The runtime.
        runtime: &'static str,
        /// What, and what to do instead.
        reason: String,
    },
    /// The scenario needs something that this cluster cannot do, whatever is tested in it.
    #[error("this cluster cannot do what the scenario asks for: {reason}")]
    Inapplicable {
        /// What it cannot do, and what to use instead.
        reason: String,
    },
    /// A condition was not met in time.
    #[error("timed out after {} waiting for {what}: {state}", humantime::format_duration(*within))]
    Timeout {
        /// What was awaited.
        what: String,
        /// How long.
        within: Duration,
        /// The last observed state.
        state: String,
    },
}

/// The last output of an ended component, unless the report of its end contains it already.
fn told(how: &str, output: &str) -> String {
    let last = output.lines().last().map(str::trim).unwrap_or_default();
    if last.is_empty() || how.contains(last) { String::new() } else { format!("; its last output:\n{output}") }
}

impl RuntimeError {
    /// Whether the Docker engine is gone or does not answer, so that nothing can be done in it now.
    pub fn is_lost_engine(&self) -> bool {
        matches!(self, Self::Engine(EngineError::Gone { .. } | EngineError::Silent { .. }))
    }
}

impl From<OperatorError> for RuntimeError {
    fn from(error: OperatorError) -> Self {
        Self::Operator(Box::new(error))
    }
}

impl From<ClusterError> for RuntimeError {
    fn from(error: ClusterError) -> Self {
        Self::Cluster(Box::new(error))
    }
}

impl From<ReachError> for RuntimeError {
    fn from(error: ReachError) -> Self {
        Self::Reach(Box::new(error))
    }
}
