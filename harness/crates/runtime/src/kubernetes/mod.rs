//! The Kubernetes runtime: executors are a Helm release and the aggregator is a Deployment in a namespace of the
//! trial's own, performers are `Performer` objects that executors create and the operator runs, and chains are next to
//! the nodes.
//!
//! [`KubernetesRuntime`] holds them; [`preparation`] creates what they need while chains start; [`faults`], [`network`]
//! and
//! [`cluster_faults`] act on the whole cluster; [`validation`] checks the invariants of the cluster; [`mod@take_down`]
//! ends them. The content of objects is in [`config`], the names are in [`names`].

mod aggregator;
mod chain_pods;
mod chains;
mod cluster_faults;
mod config;
mod existing_cluster;
mod faults;
mod images;
mod load_job;
mod log_lines;
mod logs;
mod names;
mod network;
mod operator_log;
mod performer_files;
mod performers;
mod pods;
mod preparation;
mod processes;
mod provider;
mod readiness;
mod shared_work;
mod take_down;
mod trial_namespace;
mod usage;
mod validation;
mod warnings;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, OnceLock, PoisonError, atomic::AtomicBool},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use chains::{ChainHost, ChainSettings};
use hourglass_base::RuntimeKind;
use hourglass_chain::{AnvilBinary, PreparedState};
use hourglass_cluster::{
    ChosenCluster, OwnNamespace,
    diagnostics::{Limits, collect},
    helm::{Chart, Release},
    operator,
    reach::forward_to_pod,
};
use hourglass_proto::contracts::addresses as at;
use hourglass_reaper::{Labels, RunFolder, Supervisor, SupervisorOptions, SweepTargets, SweepTrigger, SweptCluster};
use hourglass_scenario::{ComponentRef, Scenario, Step};
use hourglass_timeline::{ComponentUsage, Event, Timeline};
use kube::ResourceExt as _;
use logs::PodLogs;
use names::{EXECUTORS, NamedExecutor, Names};
use operator_log::OperatorLog;
use pods::{Unready, Wanted};
use preparation::Preparation;
use processes::Signal;
pub(super) use provider::KubernetesProvider;
use trial_namespace::TrialNamespace;
use usage::NodeBaseline;
use validation::Owed;
use warnings::Warnings;

use super::{
    AggregatorSpec, Chains, ClusterFaults, Ends, ExecutorAddress, ExecutorSpec, HarnessExecutable, InvariantViolation,
    Runtime, RuntimeError, Teardown, Workers, WorkersSpec, blocking,
    configuration::{self, ChainUrls},
    docker::Record,
    usage::Readings,
};

/// How long a component may take to end in order; the public aggregator and executor always take five seconds.
const STOP_GRACE: Duration = Duration::from_secs(10);
/// The same for executors, which end after their performers: those are pods, which a node needs seconds to end, and
/// longer if many end at once.
const EXECUTOR_GRACE: Duration = Duration::from_secs(30);
/// How long evidence may be collected.
const EVIDENCE_WITHIN: Duration = Duration::from_secs(10);
/// The folder of the cluster's evidence, in the trial's folder.
const EVIDENCE: &str = "cluster";

/// The settings of a Kubernetes runtime.
#[derive(Debug)]
pub struct KubernetesSettings {
    /// The cluster, for as long as the trial lasts.
    pub cluster: ChosenCluster,
    /// The Anvil that chains are started from.
    pub anvil: AnvilBinary,
    /// The harness executable, which contains the reference components and the supervisor.
    pub executable: HarnessExecutable,
    /// The scenario to run.
    pub scenario: Arc<Scenario>,
    /// Whether no other trial may use the operator and the nodes.
    pub exclusive: bool,
    /// The folder of all trials.
    pub root: PathBuf,
    /// The folder of this trial, below it: configuration files and output.
    pub folder: PathBuf,
    /// The labels of all objects.
    pub labels: Labels,
    /// Where the components' records go.
    pub timeline: Timeline,
}

/// Runs a trial's components in a cluster.
#[derive(Debug)]
pub struct KubernetesRuntime {
    trial_namespace: TrialNamespace,
    namespace: OwnNamespace,
    names: Names,
    /// What must exist when the steps are over; set when the executors are to start.
    owed: OnceLock<Owed>,
    folder: PathBuf,
    labels: Labels,
    timeline: Timeline,
    chains: ChainHost,
    preparation: Preparation,
    logs: PodLogs,
    operator_log: Mutex<Option<OperatorLog>>,
    _warnings: Warnings,
    supervisor: Supervisor,
    ends: Ends,
    /// The components that may violate invariants, because they had a fault.
    faulted: Mutex<BTreeSet<ComponentRef>>,
    paused: Mutex<BTreeSet<ComponentRef>>,
    /// Whether no other trial may use the operator and the nodes.
    exclusive: bool,
    /// Whether a fault was injected that other trials notice.
    cluster_fault_injected: AtomicBool,
    /// Containers of the operator that were killed.
    killed: Mutex<BTreeSet<String>>,
    /// How many Jobs of loads there were, and the names of those that are there.
    jobs: Mutex<(u32, BTreeSet<String>)>,
    readings: Readings,
    /// What the nodes had used when the trial began.
    node_baseline: NodeBaseline,
    /// Held until the end.
    _cluster: Arc<ChosenCluster>,
}

impl KubernetesRuntime {
    /// Starts the supervisor before anything else of the trial exists, including its folder. Fails if the scenario has
    /// steps that an existing cluster does not support.
    pub async fn supervise(settings: &KubernetesSettings) -> Result<Supervisor, RuntimeError> {
        existing_cluster::check(&settings.scenario.steps, &settings.cluster, settings.cluster.given_namespace())?;
        let run = settings.labels.run.clone();
        let engine = settings.cluster.machine.as_ref().map(|machine| machine.engine.address().clone());
        let cluster = Some(SweptCluster::from(&settings.cluster));
        let options = SupervisorOptions {
            executable: Some(settings.executable.0.clone()),
            folder: Some(RunFolder { root: settings.root.clone(), path: settings.folder.clone() }),
            targets: SweepTargets { engine, cluster },
            ..SupervisorOptions::default()
        };
        blocking(move || Supervisor::start(&run, &options)).await
    }

    /// A runtime with this supervisor and an empty namespace. The preparation starts here.
    pub async fn new(settings: KubernetesSettings, supervisor: Supervisor) -> Result<Self, RuntimeError> {
        let KubernetesSettings { cluster, anvil, executable, scenario, exclusive, folder, labels, timeline, .. } =
            settings;
        let cluster = Arc::new(cluster);
        let node_baseline = NodeBaseline::read(cluster.machine.as_ref());
        let logs = folder.join("logs");
        let ends = Ends::new(&scenario.invariants.expected_ends, &timeline);
        let record = Record { folder: logs.clone(), timeline: timeline.clone(), ends: ends.clone() };
        let made = async {
            hourglass_base::private::create_folders(&logs)
                .map_err(|source| RuntimeError::File { path: logs.clone(), source })?;
            let namespace = match cluster.given_namespace() {
                Some(given) => OwnNamespace::claim(&cluster, given, &labels).await?,
                None => OwnNamespace::create(&cluster, &labels).await?,
            };
            let trial_namespace =
                TrialNamespace { cluster: (**cluster).clone(), namespace: namespace.name().to_owned() };
            let settings =
                ChainSettings { anvil, labels: labels.clone(), folder: folder.clone(), record: record.clone() };
            let chains = ChainHost::of(&cluster, &trial_namespace, settings).await?;
            Ok::<_, RuntimeError>((namespace, trial_namespace, chains))
        };
        let (namespace, trial_namespace, chains) = match made.await {
            Ok(made) => made,
            Err(error) => {
                // Otherwise the supervisor would take this process for killed and remove the folder. The error that led
                // here is the one to report.
                let _ = blocking(move || supervisor.sweep()).await;
                return Err(error);
            }
        };
        let preparation =
            Preparation::begin(Arc::clone(&cluster), Arc::clone(&scenario), executable, exclusive, timeline.clone());
        let names = Names::default();
        let warnings = Warnings::start(&trial_namespace, &timeline);
        let logs = PodLogs::start(trial_namespace.clone(), names.clone(), record);
        Ok(Self {
            trial_namespace,
            namespace,
            names,
            owed: OnceLock::new(),
            folder,
            labels,
            timeline,
            chains,
            preparation,
            logs,
            operator_log: Mutex::default(),
            _warnings: warnings,
            supervisor,
            ends,
            faulted: Mutex::new(scenario.invariants.expected_ends.iter().cloned().collect()),
            paused: Mutex::default(),
            exclusive,
            cluster_fault_injected: AtomicBool::new(false),
            killed: Mutex::default(),
            jobs: Mutex::default(),
            readings: Readings::default(),
            node_baseline,
            _cluster: cluster,
        })
    }

    fn tell(&self, what: &str) {
        tracing::info!("{what}");
        self.timeline.record(Event::of_harness(what));
    }

    fn tell_duration(&self, what: &str, since: Instant) {
        self.tell(&format!("{what} after {:.3}s", since.elapsed().as_secs_f64()));
    }

    /// Installs the executors' release and waits until all its pods are ready.
    async fn install(&self, specs: &[ExecutorSpec]) -> Result<(), RuntimeError> {
        let (l1, l2) = tokio::try_join!(self.chains.url(at::L1_CHAIN_ID), self.chains.url(at::L2_CHAIN_ID))?;
        let chains = ChainUrls { l1, l2 };
        let prepared = self.preparation.done().await?;
        let log = OperatorLog::start(
            &self.trial_namespace,
            &prepared.operator.namespace,
            &self.folder.join("logs"),
            &self.timeline,
        );
        self.operator_log.lock().unwrap_or_else(PoisonError::into_inner).replace(log);
        let values = config::executors(specs, &chains, &prepared.images, &prepared.operator.namespace, &self.labels);
        configuration::show(&self.folder.join("executors.yaml"), &values)?;
        let release = Release {
            name: EXECUTORS.to_owned(),
            namespace: self.trial_namespace.namespace.clone(),
            chart: Chart::EXECUTOR.unpack()?,
            values,
        };
        performer_files::create(specs, &self.labels, &self.trial_namespace).await?;
        let began = Instant::now();
        release.install(&prepared.helm).await?;
        self.tell_duration("the executors' release is installed", began);
        let replaced = specs.first().map(|spec| spec.executor.clone()).unwrap_or_default();
        let within = config::ready_within(&replaced);
        let pods = Wanted::new(names::of_executors(), specs.len());
        match pods.ready(&self.trial_namespace, within).await {
            Ok(_) => {
                self.tell_duration("the executors are ready", began);
                self.names.executors().iter().for_each(|executor| self.ends.watch(executor));
                Ok(())
            }
            Err(error) => {
                let component = self.blamed(&error).await;
                Err(self.not_ready(&component, within, error).await)
            }
        }
    }

    /// The executor that an error is about.
    async fn blamed(&self, error: &Unready) -> ComponentRef {
        let first = || self.names.executors().into_iter().next().unwrap_or(ComponentRef::Aggregator);
        let listed = Wanted::new(names::of_executors(), 0).list(&self.trial_namespace).await.unwrap_or_default();
        let meant = |pod: &&k8s_openapi::api::core::v1::Pod| match error {
            Unready::Unrecoverable { pod: name, .. } => pod.name_any() == *name,
            _ => !hourglass_operator::status::is_pod_ready(pod),
        };
        match listed.iter().find(meant) {
            Some(pod) => self.names.component_of(pod, &self.trial_namespace).await.unwrap_or_else(first),
            None => first(),
        }
    }
}

#[async_trait]
impl Runtime for KubernetesRuntime {
    fn kind(&self) -> RuntimeKind {
        RuntimeKind::Kubernetes
    }

    async fn start_chains(&self, state: &PreparedState) -> Result<Chains, RuntimeError> {
        self.chains.start(state).await
    }

    async fn start_executors(&self, specs: Vec<ExecutorSpec>) -> Result<Vec<String>, RuntimeError> {
        self.names.set(specs.iter().map(NamedExecutor::of).collect());
        self.ends.know(&specs);
        // They are started once.
        let _ = self.owed.set(Owed::by(&specs));
        self.install(&specs).await?;
        Ok((0..specs.len()).map(|ordinal| names::socket(ordinal, &self.trial_namespace.namespace)).collect())
    }

    async fn start_aggregator(&self, spec: AggregatorSpec) -> Result<(), RuntimeError> {
        let (l1, l2) = tokio::try_join!(self.chains.url(at::L1_CHAIN_ID), self.chains.url(at::L2_CHAIN_ID))?;
        let prepared = self.preparation.done().await?;
        let objects = config::aggregator(&spec, &l1, &l2, &prepared.images, &self.labels);
        let began = Instant::now();
        aggregator::start(&self.trial_namespace, &objects).await?;
        let within = config::ready_within(&spec.aggregator);
        match aggregator::pod().ready(&self.trial_namespace, within).await {
            Ok(_) => {
                self.tell_duration("the aggregator is ready", began);
                self.ends.watch(&ComponentRef::Aggregator);
                Ok(())
            }
            Err(error) => Err(self.not_ready(&ComponentRef::Aggregator, within, error).await),
        }
    }

    async fn kill(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.kill_component(component).await
    }

    async fn restart(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError> {
        self.restart_component(component, within).await
    }

    async fn reach_executor(&self, operator: &str) -> Result<ExecutorAddress, RuntimeError> {
        let executor = ComponentRef::Executor(operator.to_owned());
        let unknown = || faults::failed("reach", &executor, "it was never started");
        let pod = self.names.pod_of(operator).ok_or_else(unknown)?;
        self.note_usage_of(&executor).await;
        let TrialNamespace { cluster, namespace } = &self.trial_namespace;
        let reached = forward_to_pod(cluster, namespace, &pod, names::EXECUTOR_PORT).await?;
        Ok(ExecutorAddress { address: reached.address.to_string(), _forward: Some(reached) })
    }

    async fn pause(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.signal_component(component, Signal::Stop, "pause").await?;
        self.paused.lock().unwrap_or_else(PoisonError::into_inner).insert(component.clone());
        Ok(())
    }

    async fn resume(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.signal_component(component, Signal::Continue, "resume").await?;
        self.paused.lock().unwrap_or_else(PoisonError::into_inner).remove(component);
        Ok(())
    }

    async fn disconnect(&self, component: &ComponentRef) -> Result<(), RuntimeError> {
        self.disconnect_from_network(component).await
    }

    async fn reconnect(&self, component: &ComponentRef, within: Duration) -> Result<(), RuntimeError> {
        self.reconnect_to_network(component, within).await
    }

    fn cluster_faults(&self, _step: &str) -> Result<&dyn ClusterFaults, RuntimeError> {
        Ok(self)
    }

    async fn start_workers(&self, spec: WorkersSpec) -> Result<Workers, RuntimeError> {
        let began = Instant::now();
        let workers = self.start_job(&spec).await?;
        self.tell_duration(&format!("{} workers of Job {} are ready", spec.count, workers.name), began);
        Ok(workers)
    }

    async fn end_workers(&self, name: &str) -> Result<(), RuntimeError> {
        self.end_job(name).await
    }

    fn check_step(&self, step: &Step) -> Result<(), RuntimeError> {
        if step.kind.properties().cluster.is_felt_by_others() && !self.exclusive {
            let step = step.kind.key();
            return Err(RuntimeError::Unsupported {
                runtime: RuntimeKind::Kubernetes.as_str(),
                reason: format!(
                    "other trials in the cluster would feel `{step}`; build the environment with `exclusive_cluster()`"
                ),
            });
        }
        let given = self.namespace.is_given().then(|| self.namespace.name());
        existing_cluster::check(std::slice::from_ref(step), &self.trial_namespace.cluster, given)
    }

    async fn invariant_violations(&self) -> Result<Vec<InvariantViolation>, RuntimeError> {
        self.validate().await
    }

    async fn keep_evidence(&self, folder: &Path) {
        let namespaces = [self.trial_namespace.namespace.clone(), operator::NAMESPACE.to_owned()];
        let limits = Limits { within: EVIDENCE_WITHIN, ..Limits::default() };
        // A full disk is reported by code that needs it more.
        let _ = collect(&self.trial_namespace.cluster, &namespaces, &folder.join(EVIDENCE), &limits).await;
    }

    async fn failure(&self) -> RuntimeError {
        tokio::select! {
            // First: the chains end with their engine or cluster.
            biased;
            error = self.chains.lost() => RuntimeError::EngineLost(error),
            error = self.trial_namespace.cluster.lost() => RuntimeError::ClusterLost(Box::new(error)),
            error = self.ends.chain() => error,
        }
    }

    fn ends(&self) -> &Ends {
        &self.ends
    }

    async fn responds(&self) -> Result<(), RuntimeError> {
        self.chains.responds().await?;
        Ok(self.trial_namespace.cluster.responds().await?)
    }

    async fn endpoints(&self) -> BTreeMap<String, String> {
        let mut endpoints = self.chains.endpoints().await;
        for (ordinal, component) in self.names.executors().into_iter().enumerate() {
            endpoints.insert(component.to_string(), names::socket(ordinal, &self.trial_namespace.namespace));
        }
        let aggregator = format!(
            "{}.{}.svc.cluster.local:{}",
            names::AGGREGATOR,
            self.trial_namespace.namespace,
            names::AGGREGATOR_PORT
        );
        endpoints.insert(ComponentRef::Aggregator.to_string(), aggregator);
        endpoints.insert("namespace".to_owned(), self.trial_namespace.namespace.clone());
        endpoints.insert("kubeconfig".to_owned(), self.trial_namespace.cluster.kubeconfig.display().to_string());
        endpoints.insert("context".to_owned(), self.trial_namespace.cluster.context.clone());
        endpoints
    }

    async fn usage(&self) -> Vec<ComponentUsage> {
        Box::pin(self.note_usage()).await;
        self.readings.usage()
    }

    fn sweep_trigger(&self) -> Option<SweepTrigger> {
        self.supervisor.sweep_trigger().ok()
    }

    async fn stop(self: Box<Self>) -> Result<Teardown, RuntimeError> {
        self.ends.close();
        Box::pin((*self).end_trial()).await
    }

    async fn keep(self: Box<Self>) -> Result<(), RuntimeError> {
        let Self { supervisor, .. } = *self;
        blocking(move || supervisor.keep()).await
    }
}
