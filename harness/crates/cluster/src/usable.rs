//! When a cluster is usable: its nodes are Ready, the default service account exists, and the name service answers on
//! every node by its Service's address.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    net::IpAddr,
    pin::pin,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use futures::{TryStreamExt as _, future::try_join_all};
use k8s_openapi::api::{
    core::v1::{Node as NodeObject, Service, ServiceAccount},
    discovery::v1::EndpointSlice,
};
use kube::{
    Api, ResourceExt,
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;
use tokio::time::timeout;

use super::{Cluster, ClusterError, Node, handle::ClusterMachine};

/// How long a cluster may take from its creation, or from a restart of its nodes, until it is usable.
pub(super) const USABLE_WITHIN: Duration = Duration::from_mins(2);
/// The time limit of one request to the name service.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);

const SYSTEM: &str = "kube-system";
const NAME_SERVICE: &str = "kube-dns";
/// A DNS query for the address of `kubernetes.default.svc.cluster.local` over TCP (RFC 1035 §4.2.2): two bytes of
/// length, then the message, as `printf` of a shell takes it.
const QUESTION: &str = r"\0\66HG\1\0\0\1\0\0\0\0\0\0\12kubernetes\7default\3svc\7cluster\5local\0\0\1\0\1";
/// Sends it to an address, and writes the first bytes of the answer as decimal numbers.
const ASK: &str = r#"exec 3<>"/dev/tcp/$0/53" && printf "$1" >&3 && head --bytes 10 <&3 | od -An -v -tu1 -w10"#;

/// The condition that is not met, and the last observed state.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unmet {
    #[error("{0}")]
    State(String),
    #[error(transparent)]
    Failed(#[from] ClusterError),
}

/// Waits until a cluster that the harness made is usable.
pub(super) async fn usable(cluster: &Cluster, within: Duration) -> Result<(), Unmet> {
    let seen = Seen::default();
    let conditions = async {
        let (addresses, (), ()) =
            tokio::try_join!(name_service(cluster, &seen), nodes(cluster, &seen), accounts(cluster, &seen))?;
        names_answer(cluster, addresses, &seen).await
    };
    match timeout(within, conditions).await {
        Ok(met) => Ok(met?),
        Err(_) => Err(Unmet::State(seen.said())),
    }
}

/// The last observed state of each condition that is not met yet.
#[derive(Debug, Default)]
struct Seen(Mutex<BTreeMap<&'static str, String>>);

impl Seen {
    fn unmet(&self, condition: &'static str, state: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(condition, state);
    }

    fn met(&self, condition: &'static str) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(condition);
    }

    fn said(&self) -> String {
        let unmet = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let said: Vec<_> = unmet.iter().map(|(condition, state)| format!("{condition}: {state}")).collect();
        if said.is_empty() { "nothing was seen of it".to_owned() } else { said.join("; ") }
    }
}

async fn nodes(cluster: &Cluster, seen: &Seen) -> Result<(), ClusterError> {
    const CONDITION: &str = "nodes ready";
    let expected = cluster.nodes().await?.iter().filter(|node| node.is_kubernetes()).count();
    let all = Api::<NodeObject>::all(cluster.client.clone());
    watch(cluster, all, watcher::Config::default(), "nodes", |nodes| {
        let waiting: Vec<_> = nodes.values().filter(|node| !is_ready(node)).map(ResourceExt::name_any).collect();
        if nodes.len() >= expected && waiting.is_empty() {
            seen.met(CONDITION);
            return Some(());
        }
        let state = if nodes.len() < expected {
            format!("{} of {expected} have joined", nodes.len())
        } else {
            format!("{} are not", waiting.join(", "))
        };
        seen.unmet(CONDITION, state);
        None
    })
    .await
}

async fn accounts(cluster: &Cluster, seen: &Seen) -> Result<(), ClusterError> {
    const CONDITION: &str = "default service account";
    let accounts = Api::<ServiceAccount>::namespaced(cluster.client.clone(), "default");
    watch(cluster, accounts, watcher::Config::default(), "service accounts", |accounts| {
        let there = accounts.values().any(|account| account.name_any() == "default");
        if there {
            seen.met(CONDITION);
        } else {
            seen.unmet(CONDITION, "it is not there".to_owned());
        }
        there.then_some(())
    })
    .await
}

/// The address of the name service, once a pod stands behind it.
async fn name_service(cluster: &Cluster, seen: &Seen) -> Result<IpAddr, ClusterError> {
    const CONDITION: &str = "name service";
    let services = Api::<Service>::namespaced(cluster.client.clone(), SYSTEM);
    let by_name = watcher::Config::default().fields(&format!("metadata.name={NAME_SERVICE}"));
    let address = watch(cluster, services, by_name, "services", |services| {
        let spec = services.values().next().and_then(|service| service.spec.as_ref());
        let address = spec.and_then(|spec| spec.cluster_ip.as_ref()?.parse().ok());
        if address.is_none() {
            seen.unmet(CONDITION, format!("there is no Service {SYSTEM}/{NAME_SERVICE}"));
        }
        address
    })
    .await?;
    let slices = Api::<EndpointSlice>::namespaced(cluster.client.clone(), SYSTEM);
    let of_service = watcher::Config::default().labels(&format!("kubernetes.io/service-name={NAME_SERVICE}"));
    watch(cluster, slices, of_service, "endpoint slices", |slices| {
        let mut endpoints = slices.values().flat_map(|slice| &slice.endpoints);
        let ready = endpoints.any(|endpoint| endpoint.conditions.as_ref().and_then(|it| it.ready) == Some(true));
        if ready {
            seen.met(CONDITION);
        } else {
            seen.unmet(CONDITION, "none of its pods is ready".to_owned());
        }
        ready.then_some(())
    })
    .await?;
    Ok(address)
}

/// Every node must reach the name service by the address that its pods use. No event tells when the rules are in force.
async fn names_answer(cluster: &Cluster, address: IpAddr, seen: &Seen) -> Result<(), ClusterError> {
    let Some(machine) = &cluster.machine else { return Ok(()) };
    let nodes = cluster.nodes().await?;
    let asked = nodes.iter().filter(|node| node.is_kubernetes()).map(|node| async move {
        let ask = || async { answers(machine, node, address).await };
        let patient = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(1))
            .without_max_times();
        ask.retry(patient)
            .when(|error| !matches!(error, ClusterError::Engine(_)))
            .notify(|error, _| seen.unmet("answers of the name service", error.to_string()))
            .await
    });
    try_join_all(asked).await?;
    Ok(())
}

/// Asks the name service at its address, from within a node, for the address of the API server's Service.
pub(super) async fn answers(machine: &ClusterMachine, node: &Node, address: IpAddr) -> Result<(), ClusterError> {
    let address = address.to_string();
    let limit = ANSWER_WITHIN.as_secs().to_string();
    let command = ["timeout", &limit, "bash", "-c", ASK, &address, QUESTION];
    // The command reaches its own limit first, and reports more.
    let executed = node.execute(&machine.engine, &command, ANSWER_WITHIN * 2).await?;
    let bytes: Vec<u8> = executed.text().split_whitespace().filter_map(|number| number.parse().ok()).collect();
    // After the length: two bytes of the query's own id, two of flags with the code last, two of questions, two of
    // answers.
    match bytes.as_slice() {
        [_, _, b'H', b'G', _, flags, _, _, high, low] if flags % 16 == 0 && (*high, *low) != (0, 0) => Ok(()),
        _ => Err(ClusterError::NoNames {
            node: node.name.clone(),
            address,
            answer: if bytes.is_empty() { executed.complaint() } else { format!("{bytes:?}") },
        }),
    }
}

/// Waits longer than this are logged.
const LONG_WAIT: Duration = Duration::from_secs(1);

/// Watches objects until the condition returns a value.
pub async fn watch<K, T>(
    cluster: &Cluster,
    api: Api<K>,
    config: watcher::Config,
    what: &str,
    mut condition: impl FnMut(&BTreeMap<String, K>) -> Option<T>,
) -> Result<T, ClusterError>
where
    K: kube::Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut events = pin!(watcher(api, config).default_backoff());
    let mut objects = BTreeMap::new();
    let mut last = None;
    let began = Instant::now();
    loop {
        match events.try_next().await {
            Ok(Some(watcher::Event::Init)) => objects.clear(),
            Ok(Some(watcher::Event::InitApply(object))) => drop(objects.insert(object.name_any(), object)),
            Ok(Some(event)) => {
                match event {
                    watcher::Event::Apply(object) => drop(objects.insert(object.name_any(), object)),
                    watcher::Event::Delete(object) => drop(objects.remove(&object.name_any())),
                    watcher::Event::Init | watcher::Event::InitApply(_) | watcher::Event::InitDone => {}
                }
                if let Some(met) = condition(&objects) {
                    if began.elapsed() >= LONG_WAIT {
                        tracing::debug!(what, elapsed = ?began.elapsed(), "the watch has seen what it waited for");
                    }
                    return Ok(met);
                }
            }
            // The API server may not run yet, or may be gone for a moment: the watch goes on.
            Err(error) => {
                tracing::debug!(what, error = &error as &dyn std::error::Error, "the watch begins anew");
                last = Some(error);
            }
            Ok(None) => {
                return Err(ClusterError::Watch {
                    name: cluster.name.clone(),
                    what: what.to_owned(),
                    source: Box::new(last.unwrap_or(watcher::Error::NoResourceVersion)),
                });
            }
        }
    }
}

/// Whether a node reports that it is ready.
pub(super) fn is_ready(node: &NodeObject) -> bool {
    let conditions = node.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}
