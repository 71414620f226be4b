//! Faulty operators, each with one fault, and the report of the harness about a trial with each of them.
//!
//! They run in this process. The operator of the cluster is installed and available, and watches another namespace.

use std::{collections::BTreeSet, process::Command};

use futures::{Stream, StreamExt as _, stream::select};
use hourglass_harness::cluster::{
    helm::{Chart, Helm, Release},
    operator::{NAME, NAMESPACE, OperatorRelease},
};
use hourglass_operator::{
    api::{AVAILABLE, AVS_LABEL, DEGRADED, PERFORMER_LABEL, Performer, PerformerPhase, PerformerStatus},
    desired::{References, deployment, service},
    status::is_pod_ready,
};
use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Pod, Service},
    },
    apimachinery::pkg::{
        apis::meta::v1::{Condition, Time},
        util::intstr::IntOrString,
    },
    jiff::Timestamp,
};
use kube::{
    Api, Client, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams},
    runtime::{WatchStreamExt as _, watcher},
};
use serde_json::json;

use crate::{
    existing::{give_anvil, said},
    operator_cluster::{HARNESS, OperatorCluster, block_on, clear_of_runs, spawn},
};

/// All promises about Performers that a trial in a cluster checks.
const PROMISES: [&str; 7] = [
    "every operator has a Performer",
    "Performers are ready",
    "every Performer has one pod",
    "pods of Performers have their labels",
    "pods are ready and were not restarted",
    "Services lead to the pods of their Performers",
    "performers answer under their names from inside the cluster",
];
/// No performer listens there.
const WRONG_PORT: i32 = 9999;

/// The fault of an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    Nothing,
    ReadyWithoutReadyPod,
    EndpointOfOtherPort,
    SecondPod,
    NoLabel,
    NoService,
    WrongPort,
    WrongTargetPort,
}

impl Fault {
    const ALL: [(Self, &str); 8] = [
        (Self::Nothing, ""),
        (Self::ReadyWithoutReadyPod, "pods are ready and were not restarted"),
        (Self::EndpointOfOtherPort, "Performers are ready"),
        (Self::SecondPod, "every Performer has one pod"),
        (Self::NoLabel, "pods of Performers have their labels"),
        (Self::NoService, "Services lead to the pods of their Performers"),
        (Self::WrongPort, "Services lead to the pods of their Performers"),
        (Self::WrongTargetPort, "Services lead to the pods of their Performers"),
    ];

    /// Whether the fault may occur only after the executor has its connection. Earlier, the trial would not reach its
    /// steps.
    fn is_late(self) -> bool {
        matches!(self, Self::NoService | Self::WrongPort | Self::WrongTargetPort | Self::EndpointOfOtherPort)
    }

    fn mutate(self, deployment: &mut Deployment, service: &mut Service) {
        let wanted = deployment.spec.as_mut().unwrap();
        let template = &mut wanted.template;
        let spec = service.spec.as_mut().unwrap();
        let port = &mut spec.ports.as_mut().unwrap()[0];
        match self {
            Self::ReadyWithoutReadyPod => {
                let containers = &mut template.spec.as_mut().unwrap().containers;
                containers[0].readiness_probe.as_mut().unwrap().grpc.as_mut().unwrap().port = WRONG_PORT;
                spec.publish_not_ready_addresses = Some(true);
            }
            Self::SecondPod => wanted.replicas = Some(2),
            Self::NoLabel => {
                drop(template.metadata.as_mut().unwrap().labels.as_mut().unwrap().remove(AVS_LABEL));
            }
            Self::WrongPort => port.port = WRONG_PORT,
            Self::WrongTargetPort => port.target_port = Some(IntOrString::Int(WRONG_PORT)),
            Self::Nothing | Self::NoService | Self::EndpointOfOtherPort => {}
        }
    }
}

/// Each breaks its own promise and no other, and an operator without a fault breaks none.
pub(crate) fn each_operator_fault_breaks_its_own_promise() {
    let cluster = OperatorCluster::take();
    give_anvil(&cluster);
    install_elsewhere(&cluster);
    let runs = tempfile::tempdir().unwrap();
    for (fault, expected) in Fault::ALL {
        let client = cluster.lease.client.clone();
        let operating = spawn(operate(client, fault));
        let kubeconfig = cluster.lease.kubeconfig.to_str().unwrap();
        let arguments = ["run", "kubernetes::square", "--operator", "existing", "--kubeconfig", kubeconfig];
        let scenarios = concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios");
        let output = Command::new(HARNESS)
            .args(arguments)
            .env("HARNESS_SCENARIOS", scenarios)
            .env("HARNESS_RUNS", runs.path())
            .env_remove("KUBECONFIG")
            .output()
            .unwrap();
        let said = said(&output);
        let broken: BTreeSet<_> =
            PROMISES.into_iter().filter(|promise| said.contains(&format!("invariant: {promise}"))).collect();
        let expected: BTreeSet<_> = [expected].into_iter().filter(|promise| !promise.is_empty()).collect();
        assert_eq!(broken, expected, "{fault:?}: {said}");
        let code = i32::from(!expected.is_empty());
        assert_eq!(output.status.code(), Some(code), "{fault:?}: {said}");
        drop(operating);
        block_on(clear_of_runs(&cluster.lease));
    }
}

/// Installs an operator that does nothing for trials.
fn install_elsewhere(cluster: &OperatorCluster) {
    let home = block_on(OperatorRelease::ensure(&cluster.lease, &cluster.request(), &|_| {})).unwrap();
    let helm = block_on(Helm::of(&cluster.lease)).unwrap();
    let [repository, tag, digest] = cluster.image.parts();
    let image =
        json!({ "repository": repository, "tag": tag, "digest": digest, "pullPolicy": cluster.image.policy.as_str() });
    let values = json!({ "image": image, "args": ["operator"], "config": { "watchNamespaces": [NAMESPACE] } });
    let chart = Chart::OPERATOR.unpack().unwrap();
    let release = Release { name: NAME.to_owned(), namespace: NAMESPACE.to_owned(), chart, values };
    block_on(release.install(&helm)).unwrap();
    drop(home);
    block_on(async {
        let deployments = Api::<Deployment>::namespaced(cluster.lease.client.clone(), NAMESPACE);
        let available = |deployment: Option<&Deployment>| {
            let generation = deployment.and_then(|deployment| deployment.metadata.generation);
            deployment.and_then(|deployment| deployment.status.as_ref()).is_some_and(|status| {
                let all = [status.replicas, status.updated_replicas, status.available_replicas];
                status.observed_generation == generation && all == [Some(1); 3]
            })
        };
        kube::runtime::wait::await_condition(deployments, NAME, available).await.unwrap();
    });
}

/// Reconciles every Performer whenever one of them or a pod changes.
async fn operate(client: Client, fault: Fault) {
    let mut changes = changes(&client);
    while changes.next().await.is_some() {
        let performers = Api::<Performer>::all(client.clone()).list(&ListParams::default()).await.unwrap();
        for performer in performers {
            // Owner references remove the dependents of a deleted Performer.
            if performer.metadata.deletion_timestamp.is_none()
                && let Err(error) = reconcile(&client, &performer, fault).await
            {
                eprintln!("{fault:?}: {error}");
            }
        }
    }
}

fn changes(client: &Client) -> impl Stream<Item = ()> + Unpin + use<> {
    let performers = watcher(Api::<Performer>::all(client.clone()), watcher::Config::default());
    let pods = watcher(Api::<Pod>::all(client.clone()), watcher::Config::default());
    let performers = performers.default_backoff().map(drop).boxed();
    select(performers, pods.default_backoff().map(drop).boxed())
}

async fn reconcile(client: &Client, performer: &Performer, fault: Fault) -> kube::Result<()> {
    let namespace = performer.namespace().unwrap();
    let all = Api::<Pod>::namespaced(client.clone(), &namespace).list(&ListParams::default()).await?.items;
    let connected = all.iter().any(|pod| pod.name_any() == "executor-0" && is_pod_ready(pod));
    let acting = connected || !fault.is_late();
    let (mut deployment, mut service) = (deployment(performer, &References::default()), service(performer));
    if acting {
        fault.mutate(&mut deployment, &mut service);
    }
    let name = performer.object_name();
    let (apply, services) =
        (PatchParams::apply("mutant").force(), Api::<Service>::namespaced(client.clone(), &namespace));
    Api::<Deployment>::namespaced(client.clone(), &namespace).patch(&name, &apply, &Patch::Apply(&deployment)).await?;
    if acting && fault == Fault::NoService {
        if services.get_opt(&name).await?.is_some() {
            services.delete(&name, &DeleteParams::default()).await?;
        }
    } else {
        services.patch(&name, &apply, &Patch::Apply(&service)).await?;
    }
    let performer_name = performer.name_any();
    let mut own = all.iter().filter(|pod| pod.labels().get(PERFORMER_LABEL) == Some(&performer_name));
    let ready = own.any(|pod| if fault == Fault::ReadyWithoutReadyPod { runs(pod) } else { is_pod_ready(pod) });
    let mut endpoint = performer.grpc_endpoint();
    if acting && fault == Fault::EndpointOfOtherPort {
        endpoint = endpoint.map(|endpoint| endpoint.replace(":8080", &format!(":{WRONG_PORT}")));
    }
    let before = performer.status.clone().unwrap_or_default();
    if before.ready == ready && before.grpc_endpoint == endpoint {
        return Ok(());
    }
    let status = status(performer, ready, endpoint);
    let performers = Api::<Performer>::namespaced(client.clone(), &namespace);
    let patch = Patch::Merge(json!({ "status": status }));
    performers.patch_status(&performer_name, &PatchParams::default(), &patch).await.map(drop)
}

fn status(performer: &Performer, ready: bool, grpc_endpoint: Option<String>) -> PerformerStatus {
    let condition = |kind: &str, is: bool| Condition {
        type_: kind.to_owned(),
        status: if is { "True" } else { "False" }.to_owned(),
        reason: "Said".to_owned(),
        message: String::new(),
        last_transition_time: Time(Timestamp::now()),
        observed_generation: performer.metadata.generation,
    };
    PerformerStatus {
        phase: if ready { PerformerPhase::Running } else { PerformerPhase::Pending },
        ready,
        service_name: Some(performer.object_name()),
        grpc_endpoint,
        conditions: vec![condition(AVAILABLE, ready), condition(DEGRADED, false)],
        observed_generation: performer.metadata.generation,
        ..PerformerStatus::default()
    }
}

fn runs(pod: &Pod) -> bool {
    pod.status.as_ref().and_then(|status| status.phase.as_deref()) == Some("Running")
}
