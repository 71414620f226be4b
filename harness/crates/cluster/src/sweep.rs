//! The namespaces of a run in a Kubernetes cluster, found by the run's label.

use std::{cell::RefCell, collections::BTreeSet, io, time::Duration};

use hourglass_reaper::{ClusterAddress, Kind, LeakedResource, RUN_LABEL, ReaperError, RunId, SweptCluster};
use k8s_openapi::api::{
    apps::v1::{Deployment, StatefulSet},
    core::v1::{Namespace, Pod},
};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{DeleteParams, ListParams},
};
use serde::de::DeserializeOwned;
use tokio::{
    runtime::{Builder, Runtime},
    time::timeout,
};

use super::{
    ChosenCluster, Cluster, ClusterError, access::files as kubeconfig_files, given, ignore_not_found, is_conflict,
    remove_hold_finalizers,
};

impl From<&ChosenCluster> for SweptCluster {
    fn from(cluster: &ChosenCluster) -> Self {
        let namespace = cluster.given_namespace().map(str::to_owned);
        let (kubeconfig, context) = (cluster.kubeconfig.clone(), cluster.context.clone());
        Self { address: ClusterAddress { kubeconfig, context, namespace }, kind: Namespaces::boxed }
    }
}

/// The namespaces of a cluster that carry a run's label: their content is deleted by force, and they are removed.
///
/// A namespace that is being removed and in which nothing runs is not awaited: the control plane delays the rest for
/// seconds. This has a connection and a runtime of its own, made when they are first needed. Must not be used from
/// within an asynchronous task.
pub struct Namespaces {
    address: ClusterAddress,
    connection: RefCell<Option<(Runtime, Cluster)>>,
    /// The namespaces whose content was deleted.
    emptied: RefCell<BTreeSet<String>>,
}

/// The time limit of one pass; an API server that hangs is asked again after it.
const PASS_LIMIT: Duration = Duration::from_secs(10);

impl Namespaces {
    /// For [`SweptCluster`].
    pub fn boxed(address: ClusterAddress) -> Box<dyn Kind> {
        Box::new(Self::at(address))
    }

    /// The namespaces of this cluster, which need not answer yet.
    pub fn at(address: ClusterAddress) -> Self {
        Self { address, connection: RefCell::default(), emptied: RefCell::default() }
    }

    fn connect(&self) -> io::Result<Result<(Runtime, Cluster), ClusterError>> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let ClusterAddress { kubeconfig, context, .. } = &self.address;
        let cluster = runtime.block_on(Cluster::connect(context, kubeconfig.clone(), Some(context), None));
        Ok(cluster.map(|cluster| (runtime, cluster)))
    }
}

impl Kind for Namespaces {
    fn sweep(&self, run: &RunId) -> Result<Vec<LeakedResource>, ReaperError> {
        // The kubeconfig of a cluster of the harness is removed with the cluster.
        if !kubeconfig_files(&self.address.kubeconfig).iter().any(|file| file.exists()) {
            return Ok(Vec::new());
        }
        let context = self.address.context.clone();
        let fail = |source| ReaperError::Cluster { run: run.clone(), context, source: Box::new(source) };
        let (runtime, cluster) = match self.connection.take() {
            Some(connection) => connection,
            None => match self.connect().map_err(ReaperError::Runtime)? {
                Ok(connection) => connection,
                Err(error) => return Err(fail(error)),
            },
        };
        let emptied = &mut self.emptied.borrow_mut();
        let silent = || ClusterError::Silent { name: cluster.name.clone(), within: PASS_LIMIT };
        let passed = runtime.block_on(async {
            let pass = async {
                match &self.address.namespace {
                    Some(namespace) => in_given_namespace(&cluster, namespace, run).await,
                    None => pass(&cluster, run, emptied).await,
                }
            };
            timeout(PASS_LIMIT, pass).await
        });
        let found = passed.map_err(|_| silent()).flatten().map_err(fail)?;
        self.connection.replace(Some((runtime, cluster)));
        Ok(found)
    }
}

/// Removes once what the run has in a namespace that is not its own.
async fn in_given_namespace(
    cluster: &Cluster,
    namespace: &str,
    run: &RunId,
) -> Result<Vec<LeakedResource>, ClusterError> {
    let left = given::clear_once(cluster, namespace, run).await?;
    Ok(if left.is_empty() { Vec::new() } else { vec![LeakedResource::ObjectsIn(namespace.to_owned())] })
}

/// Looks once for a run's namespaces, removes them, and returns those that are not being removed yet or are not empty.
async fn pass(
    cluster: &Cluster,
    run: &RunId,
    emptied: &mut BTreeSet<String>,
) -> Result<Vec<LeakedResource>, ClusterError> {
    let api = Api::<Namespace>::all(cluster.client.clone());
    let listed = api.list(&ListParams::default().labels(&format!("{RUN_LABEL}={run}"))).await;
    let listed = listed.map_err(ClusterError::api(&cluster.name, "list the namespaces of a run"))?;
    let mut found = Vec::new();
    for namespace in listed {
        let name = namespace.name_any();
        let pods = Api::<Pod>::namespaced(cluster.client.clone(), &name).list_metadata(&ListParams::default()).await;
        let pods = pods.map_err(ClusterError::api(&cluster.name, format!("list the pods of namespace {name}")))?;
        let going = namespace.metadata.deletion_timestamp.is_some();
        if going && pods.items.is_empty() {
            continue;
        }
        // First: from then on nobody creates anything in it.
        if !going {
            let deleted = api.delete(&name, &DeleteParams::background()).await;
            gone(deleted).map_err(ClusterError::api(&cluster.name, format!("delete namespace {name}")))?;
        }
        if emptied.insert(name.clone()) {
            end(cluster, &name).await?;
        }
        remove_hold_finalizers(cluster, &name).await?;
        found.push(LeakedResource::Namespace(name));
    }
    Ok(found)
}

/// Deletes what runs in a namespace, first what recreates pods; the control plane would do it seconds later.
async fn end(cluster: &Cluster, namespace: &str) -> Result<(), ClusterError> {
    delete_all::<StatefulSet>(cluster, namespace, &DeleteParams::background()).await?;
    delete_all::<Deployment>(cluster, namespace, &DeleteParams::background()).await?;
    delete_all::<Pod>(cluster, namespace, &DeleteParams::default().grace_period(0)).await
}

async fn delete_all<K>(cluster: &Cluster, namespace: &str, how: &DeleteParams) -> Result<(), ClusterError>
where
    K: Resource<Scope = k8s_openapi::NamespaceResourceScope, DynamicType = ()>
        + Clone
        + DeserializeOwned
        + std::fmt::Debug,
{
    let api = Api::<K>::namespaced(cluster.client.clone(), namespace);
    let deleted = api.delete_collection(how, &ListParams::default()).await;
    let doing = || format!("delete what is of kind {} in namespace {namespace}", K::kind(&()));
    gone(deleted).map_err(|error| ClusterError::api(&cluster.name, doing())(error))
}

/// An object that is gone, or being removed, is the desired result.
fn gone<T>(done: kube::Result<T>) -> kube::Result<()> {
    match ignore_not_found(done) {
        Err(error) if is_conflict(&error) => Ok(()),
        done => done.map(drop),
    }
}
