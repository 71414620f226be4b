//! The configuration of an environment, and its start.

use std::{panic::Location, path::PathBuf, sync::Arc, thread, time::Duration};

use hourglass_base::RuntimeKind;
use hourglass_chain::AnvilSearch;
use hourglass_cluster::ClusterChoice;
use hourglass_runner::{Keep, RunFolders, TrialSettings};
use hourglass_runtime::HarnessExecutable;
use serde_json::{Map, Value, json};

use crate::{
    Avs, ContractArtifact, HarnessError, Operator, Program, TestEnvironment,
    document::{EnvironmentDocument, duration, literal},
    executable,
    session::{Session, TestContext},
};

/// Where environments begin: [`Harness::builder`].
///
/// ```no_run
/// # use hourglass_api::{Harness, HarnessError};
/// # async fn example() -> Result<(), HarnessError> {
/// let env = Harness::builder().start().await?;
/// env.finish().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Harness;

impl Harness {
    /// A builder of an environment: two chains, an aggregator, and an executor with its performer for each operator, as
    /// processes, with one operator called `operator` if none is named.
    #[track_caller]
    pub fn builder() -> HarnessBuilder {
        HarnessBuilder {
            name: None,
            runtime: RuntimeKind::Process,
            operators: Vec::new(),
            avss: Vec::new(),
            topology: Map::new(),
            components: Map::new(),
            contracts: Map::new(),
            replacements: Map::new(),
            allowed_errors: Vec::new(),
            expected_ends: Vec::new(),
            timeout: None,
            cluster: ClusterChoice::default(),
            exclusive_cluster: false,
            keep: Keep::Never,
            executable: None,
            anvil: AnvilSearch::default(),
            location: Location::caller(),
        }
    }
}

/// The configuration of an environment. [`Self::start`] reports its mistakes, as for a scenario file.
///
/// ```no_run
/// # use hourglass_api::{Harness, HarnessError, Operator, Program, Runtime, secs};
/// # async fn example() -> Result<(), HarnessError> {
/// let env = Harness::builder()
///     .runtime(Runtime::Docker)
///     .operators(["alice", "bob", "carol"].map(Operator::new))
///     .threshold(6600)
///     .task_sla(secs(600))
///     .performer(Program::reference().environment("TASK_DELAY_MS", "500"))
///     .allowed_error("connection reset")
///     .timeout(secs(120))
///     .start()
///     .await?;
/// env.finish().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
#[must_use = "an environment begins with `start`"]
pub struct HarnessBuilder {
    name: Option<String>,
    runtime: RuntimeKind,
    operators: Vec<Operator>,
    avss: Vec<Avs>,
    topology: Map<String, Value>,
    components: Map<String, Value>,
    contracts: Map<String, Value>,
    replacements: Map<String, Value>,
    allowed_errors: Vec<String>,
    expected_ends: Vec<String>,
    timeout: Option<Duration>,
    cluster: ClusterChoice,
    exclusive_cluster: bool,
    keep: Keep,
    executable: Option<PathBuf>,
    anvil: AnvilSearch,
    location: &'static Location<'static>,
}

impl HarnessBuilder {
    /// The name of the trial in reports; default: the name of the test.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Where the components run; default: as processes.
    pub fn runtime(mut self, runtime: RuntimeKind) -> Self {
        self.runtime = runtime;
        self
    }

    /// One more operator.
    pub fn operator(mut self, operator: Operator) -> Self {
        self.operators.push(operator);
        self
    }

    /// More operators.
    pub fn operators(mut self, operators: impl IntoIterator<Item = Operator>) -> Self {
        self.operators.extend(operators);
        self
    }

    /// One more AVS beside the first, whose operators are those of [`Self::operator`].
    pub fn avs(mut self, avs: Avs) -> Self {
        self.avss.push(avs);
        self
    }

    /// The weight that must sign one result, in basis points of the total weight; default: 6667.
    pub fn threshold(self, basis_points: u16) -> Self {
        self.topology("threshold", basis_points.into())
    }

    /// How long a task may take, in chain time: whole seconds, at most seven days; default: an hour.
    pub fn task_sla(self, time: Duration) -> Self {
        self.topology("task_sla", duration(time))
    }

    /// Tasks of the first AVS are paid in `token`, a contract's name or address, and `collector`, an account's name or an address, gets
    /// the fees; default: tasks cost nothing.
    pub fn fees(self, token: impl Into<String>, collector: impl Into<String>) -> Self {
        self.topology("fees", json!({ "token": token.into(), "collector": collector.into() }))
    }

    /// A block at each interval, with or without transactions; default: a block for each transaction.
    pub fn mining_every(self, interval: Duration) -> Self {
        self.topology("mining", duration(interval))
    }

    /// The program that computes the results, in place of the reference performer.
    pub fn performer(self, program: Program) -> Self {
        self.component("performer", program)
    }

    /// The program that takes tasks, has them performed and signs the results, in place of the reference executor.
    pub fn executor(self, program: Program) -> Self {
        self.component("executor", program)
    }

    /// The program that follows the chains and submits certificates, in place of the reference aggregator.
    pub fn aggregator(self, program: Program) -> Self {
        self.component("aggregator", program)
    }

    /// A contract that is deployed before the first task, under a name of lowercase letters, digits and `_`.
    pub fn contract(mut self, name: impl Into<String>, artifact: ContractArtifact) -> Self {
        self.contracts.insert(name.into(), artifact.into_document());
        self
    }

    /// A contract in place of that of the harness with this name, such as `task_mailbox`. The artefact has no chain, proxy or role here.
    pub fn replace_contract(mut self, name: impl Into<String>, artifact: ContractArtifact) -> Self {
        self.replacements.insert(name.into(), artifact.into_document());
        self
    }

    /// A regular expression for ERROR records in component logs that are expected; any other fails
    /// [`TestEnvironment::finish`].
    pub fn allowed_error(mut self, expression: impl Into<String>) -> Self {
        self.allowed_errors.push(expression.into());
        self
    }

    /// A component that is expected to end by itself, as `performer/alice`; any other end that no step causes ends the
    /// environment.
    pub fn expected_end(mut self, component: impl Into<String>) -> Self {
        self.expected_ends.push(component.into());
        self
    }

    /// The time limit from the start of the chains to [`TestEnvironment::finish`]; default: ten minutes.
    pub fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    /// The cluster of an environment in Kubernetes; default: one of the harness, created if there is none.
    ///
    /// ```no_run
    /// # use hourglass_api::{ClusterChoice, ExistingChoice, Harness, Runtime};
    /// let lab = ExistingChoice { context: Some("lab".to_owned()), ..ExistingChoice::default() };
    /// let builder = Harness::builder().runtime(Runtime::Kubernetes).cluster(ClusterChoice::Existing(lab));
    /// ```
    pub fn cluster(mut self, cluster: ClusterChoice) -> Self {
        self.cluster = cluster;
        self
    }

    /// No other environment or trial uses the cluster's operator and nodes while this one exists. Steps that others would
    /// notice need it: faults of the operator, and `drain_node`.
    pub fn exclusive_cluster(mut self) -> Self {
        self.exclusive_cluster = true;
        self
    }

    /// When the environment is kept after the test; `harness gc` ends it. An environment that is dropped without a failure is
    /// always taken down. Default: never.
    pub fn keep(mut self, keep: Keep) -> Self {
        self.keep = keep;
        self
    }

    /// The `harness` executable; default: as described in the [crate](crate) documentation.
    pub fn executable(mut self, path: impl Into<PathBuf>) -> Self {
        self.executable = Some(path.into());
        self
    }

    /// The Anvil binary; default: `HARNESS_ANVIL`, `PATH`, Foundry's folder, the harness's cache.
    pub fn anvil(mut self, path: impl Into<PathBuf>) -> Self {
        self.anvil.flag = Some(path.into());
        self
    }

    /// Installs nothing: if there is no Anvil, [`Self::start`] fails.
    pub fn offline(mut self) -> Self {
        self.anvil.offline = true;
        self
    }

    /// Starts everything, and waits until it is healthy and tasks may be created. On failure, what was started is taken
    /// down.
    pub async fn start(self) -> Result<TestEnvironment, HarnessError> {
        let test = thread::current().name().filter(|name| *name != "main").map(str::to_owned);
        let document = self.document(test.as_deref());
        let mut trial = document.trial(self.location).map_err(HarnessError::Scenario)?;
        trial.exclusive_cluster = self.exclusive_cluster;
        let executable = executable::find_executable(self.executable.as_deref())?;
        let folders = RunFolders::locate();
        folders.prepare()?;
        let anvil = self.anvil.find_or_install(|_| ()).await?;
        let settings = TrialSettings {
            anvil,
            executable: HarnessExecutable(executable),
            folders,
            keep: self.keep,
            cluster: self.cluster,
            trial_timeout: None,
            output: None,
        };
        let test_context = TestContext { document, test };
        let (session, thread) = Session::start(trial, settings, test_context)?;
        // From here on, dropping this future takes the environment down.
        TestEnvironment::stood_up(Arc::new(session), thread).await
    }

    fn document(&self, test: Option<&str>) -> EnvironmentDocument {
        let mut keys = Map::new();
        let mut topology = self.topology.clone();
        if !self.operators.is_empty() {
            topology
                .insert("operators".to_owned(), self.operators.iter().cloned().map(Operator::into_document).collect());
        }
        if !self.avss.is_empty() {
            topology.insert("avss".to_owned(), self.avss.iter().cloned().map(Avs::into_document).collect());
        }
        keys.insert("topology".to_owned(), topology.into());
        keys.insert("components".to_owned(), self.components.clone().into());
        keys.insert("contracts".to_owned(), self.contracts.clone().into());
        keys.insert("replace".to_owned(), self.replacements.clone().into());
        let allowed: Value = self.allowed_errors.iter().map(|expression| literal(expression)).collect();
        let ends: Value = self.expected_ends.iter().map(|component| literal(component)).collect();
        keys.insert("invariants".to_owned(), json!({"allowed_errors": allowed, "expected_ends": ends}));
        keys.extend(self.timeout.map(|limit| ("timeout".to_owned(), duration(limit))));
        let name = self.name.clone().unwrap_or_else(|| name_of(test.unwrap_or("rust_test")));
        EnvironmentDocument { name, runtime: self.runtime, keys }
    }

    fn topology(mut self, key: &str, value: Value) -> Self {
        self.topology.insert(key.to_owned(), value);
        self
    }

    fn component(mut self, key: &str, program: Program) -> Self {
        self.components.insert(key.to_owned(), program.into_document());
        self
    }
}

/// The name of a test, in the characters that a trial's name may have.
fn name_of(test: &str) -> String {
    let letters = test.replace("::", "_").to_ascii_lowercase();
    letters.chars().map(|letter| if letter.is_ascii_alphanumeric() { letter } else { '_' }).collect()
}
