//! A trial's environment: prepared chains, executors whose sockets are registered, an aggregator.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use futures::future::{OptionFuture, join};
use hourglass_chain::{
    self as chain, AccountSecret, Accounts, BatchMiner, ChainControl, DeployedContract, OperatorAccount,
};
use hourglass_component::{
    chain::OperatorSetId,
    keys::{Address, EcdsaKey},
    timeout::timeout,
};
use hourglass_reaper::RunId;
use hourglass_runtime::{
    AggregatorSpec, Chains, ExecutorSpec, PerformerSpec, Runtime, RuntimeError, RuntimeSetup, Teardown, provider,
};
use hourglass_scenario::{Chain, ContractRole, Mining, Scenario, Trial};
use hourglass_timeline::{ChainFollower, Timeline, follow_chain};
use tokio_util::sync::CancellationToken;

use super::{
    EnvironmentError,
    chain_topology::chain_topology,
    chain_watch,
    disk_space::Room,
    evidence::keep_chains,
    limits::{CAUSE_WITHIN, Stage, stop, unless_interrupted},
    settings::TrialSettings,
    verdict::{ComponentUsage, Phase},
};

/// How long the chains may take to report what has happened.
const LOOK_WITHIN: Duration = Duration::from_secs(5);

/// The environment that a trial's steps act on.
pub struct Environment {
    /// The chains.
    pub chains: Chains,
    /// The accounts that act on them.
    pub accounts: Accounts,
    /// Contracts of the user's.
    pub contracts: Vec<DeployedContract>,
    /// Where the components run.
    pub runtime: Box<dyn Runtime>,
    /// The events.
    pub timeline: Timeline,
    followed: Followed,
}

/// What is done about the chains while steps run.
struct Followed {
    /// The heads of L1 and L2 when the steps began.
    start: [u64; 2],
    followers: [ChainFollower; 2],
    miners: Vec<BatchMiner>,
}

/// Starts an environment, and reports how long each part took.
pub(super) struct StandUp<'a> {
    pub trial: &'a Trial,
    pub settings: &'a TrialSettings,
    pub run: RunId,
    pub folder: PathBuf,
    pub timeline: Timeline,
    pub phases: &'a mut Vec<Phase>,
    /// The time limit from the start of the chains on.
    pub limit: Duration,
    pub stage: &'a Stage,
    /// Set if it was interrupted before there was a runtime and did not end in time: the supervisor then ends what
    /// exists, and removes the folder.
    pub handed_over: &'a mut bool,
    /// What the components used, if they did not stand.
    pub usage: &'a mut Vec<ComponentUsage>,
    /// The chains, once they are started.
    pub chains: Option<Chains>,
}

impl StandUp<'_> {
    /// An environment that is healthy and registered, so that tasks may be created. `None` if it was interrupted: what
    /// had been started was taken down.
    pub(super) async fn environment(
        mut self,
        interrupt: &CancellationToken,
        progress: impl Fn(&str) + Sync,
    ) -> Result<Option<Environment>, EnvironmentError> {
        let scenario = self.trial.scenario.clone();
        let topology = chain_topology(&scenario, AccountSecret::of_user()?);
        let accounts = topology.accounts();
        for operator in &accounts.operators {
            self.timeline.name_operator(operator.address(), &operator.name);
        }
        progress("preparing chains");
        let (limit, stage) = (self.limit, self.stage);
        let progress = |message: &str| {
            stage.enter(message);
            progress(message);
        };
        let runtime = unless_interrupted(interrupt, Box::pin(self.runtime(interrupt, &progress))).await;
        let Some(runtime) = runtime.unwrap_or_else(|| {
            *self.handed_over = true;
            Ok(None)
        })?
        else {
            return Ok(None);
        };
        let folder = self.folder.clone();
        let stood_up = async {
            let started = Instant::now();
            let prepared = chain::prepare(&self.settings.anvil, &topology, &self.run).await?;
            self.phase(if prepared.made { "chain state made" } else { "chain state" }, started);
            let (chains, followed) =
                self.stand_up(&scenario, &accounts, &prepared, runtime.as_ref(), &progress).await?;
            Ok((chains, followed, prepared.contracts))
        };
        let stood_up = async {
            tokio::select! {
                // First: the errors of components of a failed runtime are its consequence.
                biased;
                error = lost_room(&folder) => Err(error),
                error = runtime.failure() => Err(error.into()),
                stood_up = timeout(limit, Box::pin(stood_up)) => {
                    stood_up.unwrap_or_else(|_| Err(EnvironmentError::Late { limit, stage: stage.to_string(), last: Vec::new() }))
                }
            }
        };
        match interrupt.run_until_cancelled(Box::pin(stood_up)).await {
            Some(Ok((chains, followed, contracts))) => {
                let timeline = self.timeline.clone();
                Ok(Some(Environment { chains, accounts, contracts, runtime, timeline, followed }))
            }
            Some(Err(error)) => {
                let error = with_cause(runtime.as_ref(), error).await;
                *self.usage = runtime.usage().await;
                // What the operators' registration did is told as well: it may be what failed.
                let chains = self.chains.take();
                let of_chains =
                    OptionFuture::from(chains.as_ref().map(|chains| keep_chains(chains, [0, 0], &self.folder)));
                interrupt.run_until_cancelled(join(runtime.keep_evidence(&self.folder), of_chains)).await;
                // What was started is taken down; the error that led here is the one to report.
                let _ = stop(runtime, interrupt).await;
                Err(error)
            }
            None => {
                stop(runtime, interrupt).await.transpose()?;
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
        progress: &(impl Fn(&str) + Sync),
    ) -> Result<(Chains, Followed), EnvironmentError> {
        progress("starting chains");
        let started = Instant::now();
        let chains = runtime.start_chains(state).await?;
        self.phase("chains", started);
        self.chains = Some(chains.clone());
        tokio::select! {
            error = chain_watch::lost(&chains) => Err(error.into()),
            stood_up = self.start_components(&chains, scenario, accounts, &state.contracts, runtime, progress) => Ok((chains.clone(), stood_up?)),
        }
    }

    /// Starts the components besides the chains, and registers them on the chains.
    async fn start_components(
        &mut self,
        chains: &Chains,
        scenario: &Scenario,
        accounts: &Accounts,
        contracts: &[DeployedContract],
        runtime: &dyn Runtime,
        progress: &(impl Fn(&str) + Sync),
    ) -> Result<Followed, EnvironmentError> {
        progress("starting executors and the aggregator");
        let started = Instant::now();
        let executors = accounts.operators.iter().map(|account| ExecutorSpec {
            name: account.name.clone(),
            key: account.key.clone(),
            executor: scenario.components.executor.clone(),
            performers: performers(scenario, accounts, account, contracts),
            contracts: contracts.iter().map(|contract| (contract.name.clone(), contract.address)).collect(),
        });
        let executors = runtime.start_executors(executors.collect());
        let aggregator = scenario.components.aggregator.clone();
        let further = accounts.further_avss.iter();
        let further = further.map(|avs| (avs.key.address(), avs.aggregator_signing_key.clone()));
        let first = (accounts.avs.address(), accounts.aggregator.clone());
        let avss = [first].into_iter().chain(further).collect();
        let aggregator =
            runtime.start_aggregator(AggregatorSpec { key: accounts.aggregator.clone(), avss, aggregator });
        // Concurrently: an aggregator looks executors up for each task, and there is none yet.
        let (sockets, ()) = tokio::try_join!(executors, aggregator)?;
        self.phase("components", started);

        progress("registering sockets");
        let started = Instant::now();
        chain::register_sockets(&chains.l1, registrations(scenario, accounts, contracts, &sockets)).await?;
        chain::publish_tables(&chains.l1, &chains.l2, accounts).await?;
        self.phase("operator table", started);

        let miners = match scenario.topology.mining {
            Mining::Instant => Vec::new(),
            Mining::Batched => [&chains.l1, &chains.l2].map(BatchMiner::start).into(),
            Mining::Interval(interval) => {
                let interval = Duration::from(interval);
                tokio::try_join!(chains.l1.mine_every(interval), chains.l2.mine_every(interval))?;
                Vec::new()
            }
        };
        let followers = [
            follow_chain(Chain::L1, chains.l1.client(), &self.timeline),
            follow_chain(Chain::L2, chains.l2.client(), &self.timeline),
        ];
        let (l1, l2) = tokio::try_join!(chains.l1.client().head(), chains.l2.client().head())?;
        Ok(Followed { start: [l1.number, l2.number], followers, miners })
    }

    /// `None` if it was interrupted before anything of the trial existed.
    async fn runtime(
        &mut self,
        interrupt: &CancellationToken,
        progress: &(impl Fn(&str) + Sync),
    ) -> Result<Option<Box<dyn Runtime>>, EnvironmentError> {
        let TrialSettings { anvil, executable, cluster, folders, .. } = self.settings;
        let phases = &mut *self.phases;
        let mut phase = |name: &'static str, duration| phases.push(Phase { name: name.to_owned(), duration });
        let setup = RuntimeSetup {
            trial: self.trial,
            anvil,
            executable,
            cluster,
            root: folders.root().to_owned(),
            folder: self.folder.clone(),
            run: self.run.clone(),
            timeline: self.timeline.clone(),
            progress,
            phase: &mut phase,
            interrupt,
        };
        let Some(supervised) = provider(self.trial.runtime).supervise(setup).await? else { return Ok(None) };
        // Not before another process removes it if this process is killed.
        folders.create(&self.run, &self.trial.name)?;
        Ok(Some(supervised.start(&mut phase).await?))
    }

    fn phase(&mut self, name: &str, started: Instant) {
        tracing::info!(phase = name, elapsed = ?started.elapsed(), "phase is over");
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

    /// The heads of L1 and L2 when the steps began.
    pub(super) fn starts(&self) -> [u64; 2] {
        self.followed.start
    }

    /// The address that a name stands for: that of a contract or of an account.
    pub fn address_of(&self, name: &str) -> Option<Address> {
        chain::address_of(name, &self.accounts, &self.contracts)
    }

    /// The head of a chain when the steps began.
    pub fn start_of(&self, chain: Chain) -> u64 {
        match chain {
            Chain::L1 => self.followed.start[0],
            Chain::L2 => self.followed.start[1],
        }
    }

    /// The executor operator set of the first AVS.
    pub fn executor_set(&self) -> OperatorSetId {
        self.accounts.executor_set()
    }

    /// The executor operator set of an AVS: of the first without a name.
    pub fn executor_set_of(&self, avs: Option<&str>) -> Result<OperatorSetId, EnvironmentError> {
        let key = self.accounts.avs_of(avs).ok_or_else(|| EnvironmentError::unknown(avs.unwrap_or_default()))?;
        Ok(OperatorSetId { avs: key.address(), ..self.executor_set() })
    }

    /// Records everything that has happened on the chains by now, as far as they answer.
    pub(super) async fn look(&self) {
        let looks = self.followed.followers.iter().map(ChainFollower::look);
        // The watch of the chains reports a chain that does not answer.
        let _ = timeout(LOOK_WITHIN, futures::future::join_all(looks)).await;
    }

    /// Takes everything down; the result lists what remained. `None` if it was interrupted and took too long, so that
    /// the supervisor goes on.
    pub(super) async fn stop(self, interrupt: &CancellationToken) -> Option<Result<Teardown, RuntimeError>> {
        let Self { runtime, .. } = self;
        stop(runtime, interrupt).await
    }

    /// Leaves everything running.
    pub async fn keep(self) -> Result<(), EnvironmentError> {
        let Self { runtime, followed, .. } = self;
        // Nothing mines for the node any more.
        futures::future::join_all(followed.miners.into_iter().map(BatchMiner::stop)).await;
        Ok(runtime.keep().await?)
    }
}

/// The performers that an operator's executor runs, one for each of its AVSs.
fn performers(
    scenario: &Scenario,
    accounts: &Accounts,
    account: &OperatorAccount,
    contracts: &[DeployedContract],
) -> Vec<PerformerSpec> {
    let all = scenario.topology.performers().filter(|(name, _)| name.operator == account.name);
    let of = all.filter_map(|(name, operator)| {
        let avs = accounts.avs_of(name.avs.as_deref())?.address();
        let registrar = chain::registrar_in(name.avs.as_deref(), contracts);
        let performer = scenario.components.performer.overlaid_with(&operator.performer);
        let signing_key = accounts.signing_key(&name.operator, name.avs.as_deref())?.clone();
        Some(PerformerSpec { name, avs, signing_key, registrar, performer })
    });
    of.collect()
}

/// The socket of each operator at the registrar of each of its AVSs; `sockets` are in the order of the accounts. A registrar of the user's
/// may have none.
fn registrations<'a>(
    scenario: &Scenario,
    accounts: &'a Accounts,
    contracts: &[DeployedContract],
    sockets: &[String],
) -> Vec<(Address, &'a EcdsaKey, String)> {
    let own = scenario.contracts.iter().find(|own| own.contract.role == Some(ContractRole::AvsRegistrar));
    let has_sockets = own.is_none_or(|own| own.compiled.has_function("updateSocket(address,string)"));
    let with_sockets = scenario.topology.avs_names().filter(|avs| avs.is_some() || has_sockets);
    let by_avs = with_sockets.flat_map(|avs| {
        let members = scenario.topology.members(avs);
        let registrar = chain::registrar_in(avs, contracts);
        let operators = accounts.operators.iter().zip(sockets);
        let of = operators.filter(move |(account, _)| members.iter().any(|member| member.name == account.name));
        of.map(move |(account, socket)| (registrar, &account.key, socket.clone()))
    });
    by_avs.collect()
}

/// The failure of the engine, if the error is its consequence: a request to a lost engine may fail before the loss is noticed.
async fn with_cause(runtime: &dyn Runtime, error: EnvironmentError) -> EnvironmentError {
    match error {
        EnvironmentError::Runtime(lost) if lost.is_lost_engine() => {
            timeout(CAUSE_WITHIN, runtime.failure()).await.unwrap_or(lost).into()
        }
        error => error,
    }
}

/// Returns only when there is no space any more for what a trial writes.
async fn lost_room(folder: &Path) -> EnvironmentError {
    match Room::in_folder(folder) {
        Ok(room) => room.lost().await,
        Err(error) => error,
    }
}
