//! A trial's environment: prepared chains, executors whose sockets are registered, an aggregator.

use std::{
    path::PathBuf,
    time::{Duration, Instant},
};

use futures::future::try_join_all;
use hourglass_component::chain::OperatorSetId;
use tokio_util::sync::CancellationToken;

use super::{EnvironmentError, settings::TrialSettings, verdict::Phase};
use crate::{
    chain::{self, Accounts, ChainControl, ChainTopology, OperatorStake},
    engine::Engine,
    reaper::{Labels, RunId},
    runtime::{
        AggregatorSpec, Chains, DockerImages, DockerRuntime, DockerSettings, ExecutorSpec, ProcessRuntime,
        ProcessSettings, Runtime, RuntimeError, TakenDown,
    },
    scenario::{Chain, Mining, RuntimeKind, Scenario, Trial},
    timeline::{Timeline, follow_chain},
};

/// What a trial's steps act on.
pub struct Environment {
    /// The chains.
    pub chains: Chains,
    /// Who acts on them.
    pub accounts: Accounts,
    /// Where the components run.
    pub runtime: Box<dyn Runtime>,
    /// What happens.
    pub timeline: Timeline,
    /// L1's and L2's head when the steps began.
    pub start: [u64; 2],
    _followers: [tokio_util::task::AbortOnDropHandle<()>; 2],
}

/// Stands an environment up, and says how long each part took.
pub(super) struct StandUp<'a> {
    pub trial: &'a Trial,
    pub settings: &'a TrialSettings,
    pub run: RunId,
    pub folder: PathBuf,
    pub timeline: Timeline,
    pub phases: &'a mut Vec<Phase>,
}

impl StandUp<'_> {
    /// Everything healthy and registered; tasks may be created. Nothing when it was interrupted: what stood by then has
    /// been taken down.
    pub(super) async fn environment(
        mut self,
        interrupt: &CancellationToken,
        progress: impl Fn(&str),
    ) -> Result<Option<Environment>, EnvironmentError> {
        let scenario = self.trial.scenario.clone();
        let topology = topology(&scenario);
        let accounts = topology.accounts();
        for operator in &accounts.operators {
            self.timeline.name_operator(operator.address(), &operator.name);
        }
        progress("preparing chains");
        let runtime = self.runtime().await?;
        let stood_up = async {
            let started = Instant::now();
            let state = chain::prepare(&self.settings.anvil, &topology, &self.run).await?;
            self.phase(if state.made { "chain state made" } else { "chain state" }, started);
            self.stand_up(&scenario, &accounts, &state, runtime.as_ref(), progress).await
        };
        match interrupt.run_until_cancelled(stood_up).await {
            Some(Ok((chains, start, followers))) => {
                let timeline = self.timeline.clone();
                Ok(Some(Environment { chains, accounts, runtime, timeline, start, _followers: followers }))
            }
            Some(Err(error)) => {
                // What was started is taken down; the error that led here is the one to report.
                let _ = runtime.stop().await;
                Err(error)
            }
            None => {
                runtime.stop().await?;
                Ok(None)
            }
        }
    }

    async fn stand_up(
        &mut self,
        scenario: &Scenario,
        accounts: &Accounts,
        state: &chain::PreparedState,
        runtime: &dyn Runtime,
        progress: impl Fn(&str),
    ) -> Result<(Chains, [u64; 2], [tokio_util::task::AbortOnDropHandle<()>; 2]), EnvironmentError> {
        progress("starting chains");
        let started = Instant::now();
        let chains = runtime.start_chains(state).await?;
        self.phase("chains", started);

        progress("starting executors and the aggregator");
        let started = Instant::now();
        let avs = accounts.avs.address();
        let executors = scenario.topology.operators.iter().zip(&accounts.operators).map(|(operator, account)| {
            runtime.start_executor(ExecutorSpec {
                name: operator.name.clone(),
                key: account.key.clone(),
                avs,
                executor: scenario.components.executor.clone(),
                performer: scenario.components.performer.overlaid_with(&operator.performer),
            })
        });
        let aggregator = scenario.components.aggregator.clone();
        let aggregator = runtime.start_aggregator(AggregatorSpec { key: accounts.aggregator.clone(), avs, aggregator });
        // Side by side: an aggregator looks executors up for each task, and there is none yet.
        let (sockets, ()) = tokio::try_join!(try_join_all(executors), aggregator)?;
        self.phase("components", started);

        progress("registering sockets");
        let started = Instant::now();
        let keys = accounts.operators.iter().map(|operator| &operator.key);
        chain::register_sockets(&chains.l1, keys.zip(sockets)).await?;
        chain::publish_table(&chains.l1, &chains.l2, accounts).await?;
        self.phase("operator table", started);

        if let Mining::Interval(interval) = scenario.topology.mining {
            let interval = Duration::from(interval);
            tokio::try_join!(chains.l1.mine_every(interval), chains.l2.mine_every(interval))?;
        }
        let followers = [
            follow_chain(Chain::L1, chains.l1.client(), &self.timeline),
            follow_chain(Chain::L2, chains.l2.client(), &self.timeline),
        ];
        let (l1, l2) = tokio::try_join!(chains.l1.client().head(), chains.l2.client().head())?;
        Ok((chains, [l1.number, l2.number], followers))
    }

    async fn runtime(&mut self) -> Result<Box<dyn Runtime>, EnvironmentError> {
        match self.trial.runtime {
            RuntimeKind::Process => {
                let settings = ProcessSettings {
                    anvil: self.settings.anvil.clone(),
                    executable: self.settings.executable.clone(),
                    root: self.settings.folders.root().to_owned(),
                    folder: self.folder.clone(),
                    run: self.run.clone(),
                    timeline: self.timeline.clone(),
                };
                let supervisor = ProcessRuntime::supervise(&settings).await?;
                // Not before somebody removes it when this process is killed.
                self.settings.folders.create(&self.run)?;
                Ok(Box::new(ProcessRuntime::new(settings, supervisor)?))
            }
            RuntimeKind::Docker => {
                let started = Instant::now();
                let engine = Engine::connect().await.map_err(RuntimeError::from)?;
                let TrialSettings { executable, anvil, .. } = self.settings;
                let images = DockerImages::prepare(&engine, &self.trial.scenario, executable, anvil).await?;
                self.phase("images", started);
                let settings = DockerSettings {
                    engine,
                    images,
                    executable: executable.clone(),
                    root: self.settings.folders.root().to_owned(),
                    folder: self.folder.clone(),
                    labels: Labels::new(self.run.clone(), &self.trial.name).in_folder(&self.folder),
                    timeline: self.timeline.clone(),
                };
                let supervisor = DockerRuntime::supervise(&settings).await?;
                self.settings.folders.create(&self.run)?;
                Ok(Box::new(DockerRuntime::new(settings, supervisor).await?))
            }
            RuntimeKind::Kubernetes => Err(EnvironmentError::Unsupported(format!(
                "run {}: the kubernetes runtime is not built yet; choose --runtime process or --runtime docker",
                self.trial.name
            ))),
        }
    }

    fn phase(&mut self, name: &str, started: Instant) {
        self.phases.push(Phase { name: name.to_owned(), duration: started.elapsed() });
    }
}

impl Environment {
    /// The chain of a step.
    pub fn chain(&self, chain: Chain) -> &ChainControl {
        match chain {
            Chain::L1 => &self.chains.l1,
            Chain::L2 => &self.chains.l2,
        }
    }

    /// Head of a chain when the steps began.
    pub fn start_of(&self, chain: Chain) -> u64 {
        match chain {
            Chain::L1 => self.start[0],
            Chain::L2 => self.start[1],
        }
    }

    /// The executor operator set.
    pub fn executor_set(&self) -> OperatorSetId {
        self.accounts.executor_set()
    }

    /// Takes everything down; what was still there is in the result.
    pub async fn stop(self) -> Result<TakenDown, EnvironmentError> {
        let Self { runtime, .. } = self;
        Ok(runtime.stop().await?)
    }

    /// Leaves everything running.
    pub async fn keep(self) -> Result<(), EnvironmentError> {
        let Self { runtime, .. } = self;
        Ok(runtime.keep().await?)
    }
}

/// What the chains must be prepared for.
fn topology(scenario: &Scenario) -> ChainTopology {
    ChainTopology {
        task_sla: scenario.topology.task_sla.into(),
        threshold: scenario.topology.threshold,
        operators: scenario
            .topology
            .operators
            .iter()
            .map(|operator| OperatorStake { name: operator.name.clone(), weight: operator.weight })
            .collect(),
    }
}
