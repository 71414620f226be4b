//! Where the components of a trial run. There is one trait, and one folder for each implementation; callers do not know
//! which one they use.
//!
//! What may live here: starting, finding, killing and stopping of chains, executors and aggregator. The purpose of the
//! components, and what is expected of them, is in `runner`. [`provider()`] is the registry of the runtimes; their
//! capabilities are in `hourglass_base::Capabilities`, because scenarios are checked against them without a runtime.

mod cluster_faults;
mod configuration;
mod docker;
mod ends;
mod error;
mod invariant;
mod kubernetes;
mod management;
mod output;
mod performer_files;
mod performers;
mod process;
mod provider;
mod replacements;
mod usage;
mod workers;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
pub use cluster_faults::ClusterFaults;
pub use docker::{DockerImages, DockerRuntime, DockerSettings};
pub use ends::{Ends, UnexpectedEnd};
pub use error::RuntimeError;
use hourglass_component::keys::{Address, EcdsaKey};
pub use invariant::{Invariant, InvariantViolation};
pub use kubernetes::{KubernetesRuntime, KubernetesSettings};
pub use management::{Deployment, ExecutorAddress, ExecutorManagement, ListedPerformer, Refusal};
pub use performer_files::PERFORMER_FILES;
pub use process::{ProcessRuntime, ProcessSettings};
pub use provider::{PhaseReporter, RuntimeProvider, RuntimeSetup, SupervisedRuntime, provider};
pub use workers::{Connection, Worker, WorkerOutput, Workers, WorkersSpec};

use hourglass_base::RuntimeKind;
use hourglass_scenario::{Component, ComponentRef, PerformerRef, Step};

use hourglass_chain::{ChainControl, PreparedState};
use hourglass_reaper::{RunFolderGuard, SweepTrigger};
use hourglass_timeline::ComponentUsage;

/// The chains of a trial.
#[derive(Debug, Clone)]
pub struct Chains {
    /// L1.
    pub l1: ChainControl,
    /// L2.
    pub l2: ChainControl,
}

/// The settings of an executor.
#[derive(Debug, Clone)]
pub struct ExecutorSpec {
    /// The operator's name in the scenario.
    pub name: String,
    /// The operator's key.
    pub key: EcdsaKey,
    /// A replacement of the reference executor.
    pub executor: Component,
    /// Its performers, one for each AVS whose tasks it executes.
    pub performers: Vec<PerformerSpec>,
    /// The user's contracts by name; the performer has their addresses in its environment.
    pub contracts: Vec<(String, Address)>,
}

/// The settings of one performer of an executor.
#[derive(Debug, Clone)]
pub struct PerformerSpec {
    /// Its name.
    pub name: PerformerRef,
    /// The AVS whose tasks it performs.
    pub avs: Address,
    /// The key with which the operator signs for the AVS.
    pub signing_key: EcdsaKey,
    /// The registrar of the AVS; the performer has its address in its environment.
    pub registrar: Address,
    /// The performer, or a replacement of the reference performer, with its environment.
    pub performer: Component,
}

/// The settings of an aggregator.
#[derive(Debug, Clone)]
pub struct AggregatorSpec {
    /// The aggregator's operator key.
    pub key: EcdsaKey,
    /// The AVSs whose tasks it follows, each with the key with which it signs for the AVS.
    pub avss: Vec<(Address, EcdsaKey)>,
    /// A replacement of the reference aggregator.
    pub aggregator: Component,
}

/// An object of a trial that remained after its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// What it is, in the runtime's own terms.
    pub what: String,
}

/// The result of taking down a trial.
#[derive(Debug)]
pub struct Teardown {
    /// What had to be forced, and what remained.
    pub leaks: Vec<Leak>,
    /// Removes the trial's folder if this process is killed while it is held; `None` if there is no process to do so.
    pub folder_guard: Option<RunFolderGuard>,
}

/// Runs the components of a trial.
#[async_trait]
pub trait Runtime: Send + Sync {
    /// The kind of this runtime.
    fn kind(&self) -> RuntimeKind;

    /// Starts both chains with a prepared state; they answer requests and mine instantly.
    async fn start_chains(&self, state: &PreparedState) -> Result<Chains, RuntimeError>;

    /// Starts all executors with their performers, all healthy; returns the sockets to register, in their order.
    async fn start_executors(&self, specs: Vec<ExecutorSpec>) -> Result<Vec<String>, RuntimeError>;

    /// Starts the aggregator, healthy.
    async fn start_aggregator(&self, spec: AggregatorSpec) -> Result<(), RuntimeError>;

    /// Kills a component at once; it must be running.
    async fn kill(&self, component: &ComponentRef) -> Result<(), RuntimeError>;

    /// Starts a component again with its first configuration, at the same socket, and waits until it is healthy.
    async fn restart(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError>;

    /// The address of an operator's executor, for its management service. What its performers have used is noted, because a call
    /// may end them.
    async fn reach_executor(&self, operator: &str) -> Result<ExecutorAddress, RuntimeError>;

    /// Pauses a component: its processes are stopped, its connections stay.
    async fn pause(&self, component: &ComponentRef) -> Result<(), RuntimeError>;

    /// Resumes a paused component.
    async fn resume(&self, component: &ComponentRef) -> Result<(), RuntimeError>;

    /// Disconnects a component from the network; it goes on running and reaches nobody.
    async fn disconnect(&self, component: &ComponentRef) -> Result<(), RuntimeError>;

    /// Connects a component to the network again and waits until it is healthy.
    async fn reconnect(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError>;

    /// The faults of the cluster that the components run in; only Kubernetes has one. `step` is the key of the step
    /// that needs it.
    fn cluster_faults(&self, step: &str) -> Result<&dyn ClusterFaults, RuntimeError> {
        Err(RuntimeError::Unsupported {
            runtime: self.kind().as_str(),
            reason: format!("`{step}` is about a cluster; say `runtimes: [kubernetes]`"),
        })
    }

    /// Starts processes inside the cluster that create tasks, and waits until all accept connections. They end with the
    /// trial, or before by [`Self::end_workers`]; only Kubernetes has them.
    async fn start_workers(&self, _spec: WorkersSpec) -> Result<Workers, RuntimeError> {
        Err(RuntimeError::Unsupported {
            runtime: self.kind().as_str(),
            reason: "`workers` of `load` are pods of a cluster; say `runtimes: [kubernetes]`, or leave them out"
                .to_owned(),
        })
    }

    /// Ends the workers with this name, and waits until nothing of them is left.
    async fn end_workers(&self, _name: &str) -> Result<(), RuntimeError> {
        Ok(())
    }

    /// Refuses a step that a test requests and that this environment does not support. The steps of a scenario are checked
    /// before the environment exists.
    fn check_step(&self, _step: &Step) -> Result<(), RuntimeError> {
        Ok(())
    }

    /// Checks the invariants of the runtime while everything still runs, and returns those that do not hold.
    /// [`RuntimeProvider::invariants`] lists all of them.
    async fn invariant_violations(&self) -> Result<Vec<InvariantViolation>, RuntimeError> {
        Ok(Vec::new())
    }

    /// Keeps further evidence of a failed trial in a folder, beyond the logs of its components; what cannot be read is
    /// left out.
    async fn keep_evidence(&self, _folder: &Path) {}

    /// Waits until the environment has failed as a whole, so that nothing can be expected of its components any more:
    /// the engine or the cluster is gone, or a chain has ended.
    async fn failure(&self) -> RuntimeError;

    /// The ends of the trial's components.
    fn ends(&self) -> &Ends;

    /// Whether the engine or cluster answers now; asked once, to find out who is to blame for a step that did not end.
    async fn responds(&self) -> Result<(), RuntimeError> {
        Ok(())
    }

    /// Name and address of each running component, for people.
    async fn endpoints(&self) -> BTreeMap<String, String>;

    /// What the components have used since their starts, and what surrounds them, as far as it can be read soon.
    /// Asked once, before everything is taken down.
    async fn usage(&self) -> Vec<ComponentUsage>;

    /// Tells the supervisor to sweep when [`Self::stop`] took too long and was dropped; `None` if that is impossible.
    fn sweep_trigger(&self) -> Option<SweepTrigger>;

    /// Ends everything in order and waits until it is gone; the result lists what had to be forced.
    async fn stop(self: Box<Self>) -> Result<Teardown, RuntimeError>;

    /// Leaves everything running after the harness ends; `harness gc` ends it.
    async fn keep(self: Box<Self>) -> Result<(), RuntimeError>;
}

/// The executable that contains the reference components: this one, or one that a test names.
#[derive(Debug, Clone)]
pub struct HarnessExecutable(pub PathBuf);

impl HarnessExecutable {
    /// The running executable.
    pub fn current() -> std::io::Result<Self> {
        let path = std::env::current_exe()?;
        // Components and scenarios name programs as text, so the path must be text.
        if path.to_str().is_none() {
            return Err(std::io::Error::other(format!("its path is not UTF-8: {}", path.display())));
        }
        Ok(Self(path))
    }
}

/// The supervisor and the reaper wait for processes without a runtime.
async fn blocking<T: Send + 'static, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, RuntimeError>
where
    E: Send + 'static,
    RuntimeError: From<E>,
{
    let span = tracing::Span::current();
    match tokio::task::spawn_blocking(move || span.in_scope(work)).await {
        Ok(done) => done.map_err(RuntimeError::from),
        Err(error) => Err(RuntimeError::Panicked { reason: error.to_string() }),
    }
}
