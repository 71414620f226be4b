//! Why a part of a trial does not run.

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
    /// The preparation of a cluster has ended without a result.
    #[error("failed to prepare the cluster: {reason}")]
    NotPrepared {
        /// How it ended; of a failure that another caller was told in full, its text.
        reason: String,
    },
    /// A Helm release.
    #[error(transparent)]
    Helm(#[from] HelmError),
    /// The operator of the cluster.
    #[error(transparent)]
    Operator(Box<OperatorError>),
    /// The way to a Service.
    #[error(transparent)]
    Reach(Box<ReachError>),
    /// Something could not be done to the cluster.
    #[error("failed to {doing}: {reason}")]
    Disturbance {
        /// What was to be done.
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
    /// A performer does not get to serve, as its executor says.
    #[error("{performer} is not ready: {how}{}", told(how, output))]
    Performer {
        /// Which one.
        performer: ComponentRef,
        /// What is wrong with it, as a sentence about it.
        how: String,
        /// The last lines that it wrote; empty where they are not known.
        output: String,
    },
    /// A component did not become ready in time.
    #[error("timed out after {} waiting for {component} to become ready: {state}; its last output:\n{output}", humantime::format_duration(*within))]
    NotReady {
        /// The component.
        component: ComponentRef,
        /// How long it was awaited.
        within: Duration,
        /// What was awaited last and what was seen.
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
    /// A chain is asked for that was not started.
    #[error("chain {chain_id} is not running")]
    NoChain {
        /// The chain.
        chain_id: u64,
    },
    /// No port of this machine is free.
    #[error("failed to find a free port of 127.0.0.1")]
    Port(#[source] io::Error),
    /// A file could not be written.
    #[error("failed to write {path}", path = path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A component that is to be killed is not running.
    #[error("failed to kill {component}: {reason}")]
    Kill {
        /// The component.
        component: ComponentRef,
        /// Why not.
        reason: String,
    },
    /// A fault cannot be made or ended, because the component is not as it would have to be.
    #[error("failed to {fault} {component}: {reason}")]
    Fault {
        /// What was to be done to it, for example `pause`.
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
    /// The scenario asks for what this cluster cannot do, whoever is tested in it.
    #[error("this cluster cannot do what the scenario asks for: {reason}")]
    Inapplicable {
        /// What it cannot do, and what to use instead.
        reason: String,
    },
    /// Something that was waited for in vain.
    #[error("timed out after {} waiting for {what}: {state}", humantime::format_duration(*within))]
    Timeout {
        /// What was awaited.
        what: String,
        /// How long.
        within: Duration,
        /// The last that was seen.
        state: String,
    },
}

/// The last output of what has ended, unless who tells of its end has told that as well.
fn told(how: &str, output: &str) -> String {
    let last = output.lines().last().map(str::trim).unwrap_or_default();
    if last.is_empty() || how.contains(last) { String::new() } else { format!("; its last output:\n{output}") }
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
