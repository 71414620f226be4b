//! Runs all probes: creates what they need, runs them concurrently, and removes it again.

use std::time::{Duration, Instant};

use futures::future::OptionFuture;
use hourglass_base::Check;
use hourglass_component::causes::with_causes;
use hourglass_image::PullPolicy;
use hourglass_reaper::{Labels, RunId};
use k8s_openapi::api::core::v1::Service;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::{
    ProbeImage,
    connections::hops,
    objects::Objects,
    outside_container,
    pods::{ProbePods, create, stand_up},
    policy::enforced,
    service_access::{by_node_port, by_port_forward},
    topics::{API, CLEAN_UP, IMAGE, NAMESPACE, OUTSIDE_CONTAINER, PODS},
    volumes::bound,
};
use crate::{Cluster, ClusterError, OwnNamespace};

const ANSWER_WITHIN: Duration = Duration::from_secs(5);
const GONE_WITHIN: Duration = Duration::from_secs(30);

/// Tries every hop of a cluster from a namespace of its own. The namespace and the container next to the cluster are
/// removed afterwards. They are also removed when `stop` is cancelled, and checks that were not done by then are left
/// out. A check that depends on a failed hop is skipped.
pub async fn probe(cluster: &Cluster, image: &ProbeImage, stop: &CancellationToken) -> Vec<Check> {
    let mut checks = vec![api_server(cluster).await];
    if !is_ok(&checks) {
        return checks;
    }
    let labels = Labels::new(RunId::generate(), "doctor");
    let (namespace, delivered) = tokio::join!(OwnNamespace::create(cluster, &labels), image.deliver(cluster));
    let namespace = match namespace {
        Ok(namespace) => namespace,
        Err(error) => {
            checks.push(NAMESPACE.missing_with(with_causes(&error), error.remedy()));
            return checks;
        }
    };
    checks.push(NAMESPACE.ok(format!("{} was made, with its service account", namespace.name())));
    match delivered {
        Err(error) => checks.push(IMAGE.missing_with(with_causes(&error), Some(error.remedy()))),
        Ok(name) => {
            let policy = match image {
                ProbeImage::Components(_) => cluster.pull_policy(),
                ProbeImage::Named(_) => PullPolicy::IfNotPresent,
            };
            let objects = Objects { image: name, policy };
            let tried = stop.run_until_cancelled(Box::pin(within(cluster, &namespace, &objects, &labels)));
            checks.extend(tried.await.into_iter().flatten());
        }
    }
    checks.push(clean_up(cluster, namespace, &labels).await);
    checks
}

fn is_ok(checks: &[Check]) -> bool {
    checks.iter().all(|check| check.remedy.is_none())
}

async fn api_server(cluster: &Cluster) -> Check {
    let began = Instant::now();
    let asked = timeout(ANSWER_WITHIN, cluster.client.apiserver_version()).await;
    match asked.map(|asked| asked.map_err(ClusterError::api(&cluster.name, "ask the API server for its version"))) {
        Ok(Ok(version)) => {
            API.ok(format!("{} answered within {} ms", version.git_version, began.elapsed().as_millis()))
        }
        Ok(Err(error)) => API.missing(with_causes(&error)),
        Err(_) => API.missing(format!("it does not answer within {}", humantime::format_duration(ANSWER_WITHIN))),
    }
}

/// All checks that run in the namespace.
async fn within(cluster: &Cluster, namespace: &OwnNamespace, objects: &Objects, labels: &Labels) -> Vec<Check> {
    let (volumes, others) = tokio::join!(bound(cluster, namespace, objects), async {
        let (service, pods, outside) = tokio::join!(
            create::<Service>(cluster, namespace, Objects::service()),
            stand_up(cluster, namespace, objects),
            outside_container::start(cluster, &objects.image, labels)
        );
        let (service, pods) = match (service, pods) {
            (Ok(service), Ok(pods)) => (service, pods),
            (Err(error), _) | (_, Err(error)) => return vec![PODS.missing(with_causes(&error))],
        };
        let mut checks = vec![pods_run(&pods)];
        let outside = outside.unwrap_or_else(|error| {
            checks.push(OUTSIDE_CONTAINER.missing_with(with_causes(&error), error.remedy()));
            None
        });
        let Some(first) = pods.ready.first() else { return checks };
        let address = service.spec.and_then(|spec| spec.cluster_ip).unwrap_or_default();
        let policy = pods.walled.as_ref().map(|walled| enforced(cluster, namespace, first, walled));
        let (hops, policy, forward, node_port) = tokio::join!(
            hops(cluster, namespace, &pods.ready, &address, outside.as_ref()),
            OptionFuture::from(policy),
            by_port_forward(cluster, namespace),
            by_node_port(cluster, namespace)
        );
        checks.extend(hops);
        checks.extend(policy.flatten());
        checks.extend([forward, node_port]);
        checks
    });
    others.into_iter().chain([volumes]).collect()
}

fn pods_run(pods: &ProbePods) -> Check {
    if let Some((first, others)) = pods.unready.split_first() {
        let more = if others.is_empty() { String::new() } else { format!("; and {} more", others.len()) };
        return PODS.missing(format!("{first}{more}"));
    }
    let nodes: Vec<_> = pods.ready.iter().map(|pod| pod.node.as_str()).collect();
    if nodes.is_empty() {
        return PODS.missing(format!("no node takes pods; there are {}", pods.passed_over.join(", ")));
    }
    let passed = if pods.passed_over.is_empty() {
        String::new()
    } else {
        format!("; left out, for their taints: {}", pods.passed_over.join(", "))
    };
    PODS.ok(format!("they run on {}{passed}", nodes.join(", ")))
}

async fn clean_up(cluster: &Cluster, namespace: OwnNamespace, labels: &Labels) -> Check {
    let began = Instant::now();
    let name = namespace.name().to_owned();
    let (container, namespace) =
        tokio::join!(outside_container::remove(cluster, labels), namespace.remove(GONE_WITHIN));
    match (namespace, container) {
        (Ok(()), Ok(())) => CLEAN_UP.ok(format!("{name} was gone within {:.1} s", began.elapsed().as_secs_f32())),
        (Err(error), _) => CLEAN_UP.missing_with(with_causes(&error), error.remedy()),
        (_, Err(error)) => CLEAN_UP.missing(with_causes(&error)),
    }
}
