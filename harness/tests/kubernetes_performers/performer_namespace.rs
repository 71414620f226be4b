//! Shared parts of the tests: a leased cluster with the operator and the image of the components, and a namespace for
//! each test.

use std::{any::Any, collections::BTreeMap, future::Future, path::PathBuf, sync::Arc, time::Duration};

use hourglass_component::keys::{Address, H256};
use hourglass_executor::performers::{
    Access, Artifact, DeployRequest, KubernetesLauncher, KubernetesSettings, Limits, PerformerError,
    PerformerManager as _, PerformerStatus, SlotManager,
};
use hourglass_harness::{
    cluster::{
        Cluster, OperatorChoice, OwnNamespace, PodImage,
        operator::{OperatorRelease, OperatorRequest},
    },
    image::PullPolicy,
    reaper::{Labels, RunId},
};
use hourglass_operator::api::{Performer, PullPolicy as PodPullPolicy};
use hourglass_test_support::{Shared, TestCluster, answer_within, block_on, deliver_components_to, within};
use kube::{Api, ResourceExt, api::ListParams};

pub(crate) type Manager = Arc<SlotManager<KubernetesLauncher>>;

const HARNESS: &str = env!("CARGO_BIN_EXE_harness");
/// How long any expected event may take.
pub(crate) const LIMIT: Duration = Duration::from_mins(1);
/// The AVS of most tests.
pub(crate) const AVS: Address = Address::repeat_byte(0x22);
const OPERATOR: Address = Address::repeat_byte(0x33);

/// Shared by all tests, and changed by none.
struct Prepared {
    cluster: TestCluster,
    image: String,
    _operator: OperatorRelease,
}

static PREPARED: Shared<Prepared> = Shared::new();

fn prepare() -> Prepared {
    let cluster = TestCluster::lease();
    block_on(async {
        let image = deliver_components_to(&cluster, HARNESS.as_ref()).await;
        let request = OperatorRequest {
            choice: OperatorChoice::Install,
            image: PodImage { reference: image.clone(), policy: PullPolicy::Never },
            alone: false,
        };
        let operator = OperatorRelease::ensure(&cluster, &request, &|_| {}).await.unwrap();
        Prepared { cluster, image, _operator: operator }
    })
}

/// Releases the shared cluster.
pub(crate) fn tear_down() {
    PREPARED.tear_down();
}

/// The namespace of a test, and what it needs to deploy performers there.
pub(crate) struct PerformerNamespace {
    pub(crate) cluster: Cluster,
    namespace: OwnNamespace,
    image: String,
}

/// Runs a test in a namespace of its own, and fails if it leaves a performer there.
pub(crate) fn run<F>(test: impl FnOnce(Arc<PerformerNamespace>) -> F) -> Result<(), String>
where
    F: Future<Output = ()> + Send + 'static,
{
    let prepared = PREPARED.lock(prepare);
    let (cluster, image) = (Cluster::clone(&prepared.cluster), prepared.image.clone());
    drop(prepared);
    block_on(async {
        let labels = Labels::new(RunId::generate(), "kubernetes::performers");
        let namespace = OwnNamespace::create(&cluster, &labels).await.map_err(|error| error.to_string())?;
        let namespace = Arc::new(PerformerNamespace { cluster, namespace, image });
        let outcome = tokio::spawn(test(Arc::clone(&namespace))).await;
        let left = namespace.performers().await;
        let Ok(namespace) = Arc::try_unwrap(namespace) else { return Err("the test goes on after its end".to_owned()) };
        namespace.namespace.remove(LIMIT).await.map_err(|error| error.to_string())?;
        outcome.map_err(|error| panic_message(&*error.into_panic()))?;
        let left: Vec<_> = left.iter().map(ResourceExt::name_any).collect();
        if left.is_empty() { Ok(()) } else { Err(format!("performers are left: {left:?}")) }
    })
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
}

impl PerformerNamespace {
    pub(crate) fn name(&self) -> &str {
        self.namespace.name()
    }

    pub(crate) fn api<K>(&self) -> Api<K>
    where
        K: kube::Resource<Scope = k8s_openapi::NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        self.namespace.api()
    }

    pub(crate) fn settings(&self, configured: &[DeployRequest]) -> KubernetesSettings {
        settings(self.cluster.kubeconfig.clone(), self.name(), configured)
    }

    pub(crate) fn manager(&self) -> Manager {
        manager(self.settings(&[]), limits())
    }

    /// A deployment of the reference performer with these variables.
    pub(crate) fn performer(&self, variables: &[(&str, &str)]) -> DeployRequest {
        with_image(&self.image, variables)
    }

    /// The image of the components.
    pub(crate) fn image(&self) -> &str {
        &self.image
    }

    /// Another namespace, which the test must remove.
    pub(crate) async fn another_namespace(&self) -> OwnNamespace {
        let labels = Labels::new(RunId::generate(), "kubernetes::performers");
        OwnNamespace::create(&self.cluster, &labels).await.unwrap()
    }

    /// All performers of this test, oldest first.
    pub(crate) async fn performers(&self) -> Vec<Performer> {
        let mut found = self.api::<Performer>().list(&ListParams::default()).await.unwrap().items;
        found.sort_by_key(ResourceExt::creation_timestamp);
        found
    }

    pub(crate) async fn names(&self) -> Vec<String> {
        self.performers().await.iter().map(ResourceExt::name_any).collect()
    }
}

/// Settings of an executor outside of the cluster; nodes have its image.
pub(crate) fn settings(kubeconfig: PathBuf, namespace: &str, configured: &[DeployRequest]) -> KubernetesSettings {
    KubernetesSettings {
        operator: OPERATOR,
        access: Access::Kubeconfig(Some(kubeconfig)),
        namespace: namespace.to_owned(),
        operator_namespace: "hourglass-system".to_owned(),
        labels: BTreeMap::from([("test".to_owned(), "one".to_owned())]),
        patience: Duration::from_secs(10),
        tls: None,
        pods: BTreeMap::new(),
        configured: configured.to_vec(),
    }
}

pub(crate) fn limits() -> Limits {
    Limits { task: LIMIT, start: LIMIT, backoff: Duration::from_millis(5), ..Limits::default() }
}

pub(crate) fn manager(settings: KubernetesSettings, limits: Limits) -> Manager {
    Arc::new(SlotManager::new(KubernetesLauncher::new(settings), limits, OPERATOR))
}

/// A deployment of an image, which may be missing, with these variables.
pub(crate) fn with_image(image: &str, variables: &[(&str, &str)]) -> DeployRequest {
    let (repository, tag) = image.rsplit_once(':').unwrap();
    let artifact = Artifact::Image {
        repository: repository.to_owned(),
        tag: Some(tag.to_owned()),
        digest: None,
        command: Vec::new(),
    };
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    DeployRequest { avs: AVS, artifact, port: None, environment: variables.collect(), references: BTreeMap::new() }
}

pub(crate) async fn square(manager: &Manager, number: u64) -> Result<String, PerformerError> {
    square_of(manager, AVS, number).await
}

pub(crate) async fn square_of(manager: &Manager, avs: Address, number: u64) -> Result<String, PerformerError> {
    let result = manager.run_task(avs, H256::from_low_u64_be(number), format!("{number:x}").into_bytes()).await?;
    Ok(String::from_utf8(result).unwrap())
}

pub(crate) async fn only(manager: &Manager) -> PerformerStatus {
    let mut all = manager.list().await;
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// Waits for `event` no longer than [`LIMIT`].
pub(crate) async fn soon<T>(what: &str, event: impl Future<Output = T>) -> T {
    within(LIMIT, what, event).await
}

/// Polls until there is an answer, if no event shows the work of others.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(what: &str, ask: impl FnMut() -> F) -> T {
    answer_within(LIMIT, what, ask).await
}

/// The pull policy of pods in these tests.
pub(crate) const NEVER: PodPullPolicy = PodPullPolicy::Never;
