//! What every trial in a cluster promises, looked at while it still stands: the definition of Performer, the operator,
//! Performers, pods, Services, and names that answer from inside. What a fault was done to need not be as promised.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{PoisonError, atomic::Ordering},
    time::Duration,
};

use hourglass_component::timeout::timeout;
use hourglass_operator::api::{AVAILABLE, DEGRADED, GROUP, PLURAL, Performer, PerformerPhase};
use k8s_openapi::{
    api::{
        apps::v1::Deployment,
        core::v1::{Pod, Service},
        discovery::v1::EndpointSlice,
    },
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{Api, ResourceExt as _, api::ListParams};

use super::{
    KubernetesRuntime, performers,
    pods::{containers, is_ready},
};
use crate::{
    cluster::{probe::Asked, run_in_pod},
    image::ImageRole,
    runtime::{BrokenPromise, RuntimeError},
    scenario::ComponentRef,
};

/// How long a performer may take to answer under its name.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);
/// How long the probe may take beyond that.
const MARGIN: Duration = Duration::from_secs(8);

const ESTABLISHED: &str = "the definition of Performer is established";
const OPERATOR: &str = "the operator is available";
const PERFORMER: &str = "Performers are ready";
const POD: &str = "pods are ready and were not restarted";
const SERVICE: &str = "Services have ready endpoints";
const ANSWER: &str = "performers answer under their names from inside the cluster";

/// What is looked at, each kind asked for once.
struct Sight {
    definition: Option<CustomResourceDefinition>,
    operator: Option<Deployment>,
    performers: Vec<Performer>,
    pods: Vec<Pod>,
    services: BTreeMap<String, Service>,
    slices: Vec<EndpointSlice>,
}

impl KubernetesRuntime {
    /// All that is not as promised.
    pub(super) async fn validate(&self) -> Result<Vec<BrokenPromise>, RuntimeError> {
        let sight = self.look().await?;
        let mut broken = Vec::new();
        broken.extend(definition(sight.definition.as_ref()));
        if !self.disturbed.load(Ordering::Relaxed) {
            broken.extend(operator(sight.operator.as_ref()));
        }
        let mut sound = Vec::new();
        for performer in &sight.performers {
            if !self.is_excused(&self.names.owner_of(performer)) {
                broken.extend(of_performer(performer));
                sound.push(performer);
            }
        }
        for pod in &sight.pods {
            let component = self.names.component_of(pod, &self.place).await;
            if !component.is_some_and(|component| self.is_excused(&component)) {
                broken.extend(of_pod(pod));
            }
        }
        broken.extend(sound.iter().filter_map(|performer| of_service(performer, &sight)));
        broken.extend(self.answers(&sound, &sight).await?);
        Ok(broken)
    }

    async fn look(&self) -> Result<Sight, RuntimeError> {
        let operator = &self.preparation.done().await?.operator;
        let client = &self.place.cluster.client;
        let definitions = Api::<CustomResourceDefinition>::all(client.clone());
        let deployments = Api::<Deployment>::namespaced(client.clone(), &operator.namespace);
        let name = format!("{PLURAL}.{GROUP}");
        let all = ListParams::default();
        let (pods, services, slices) =
            (self.place.api::<Pod>(), self.place.api::<Service>(), self.place.api::<EndpointSlice>());
        let (definition, operator, pods, services, slices) = tokio::try_join!(
            definitions.get_opt(&name),
            deployments.get_opt(&operator.deployment),
            pods.list(&all),
            services.list(&all),
            slices.list(&all)
        )
        .map_err(self.place.fail("look at what a trial has"))?;
        Ok(Sight {
            definition,
            operator,
            performers: performers::list(&self.place).await?,
            pods: pods.items.into_iter().filter(|pod| pod.metadata.deletion_timestamp.is_none()).collect(),
            services: services.into_iter().map(|service| (service.name_any(), service)).collect(),
            slices: slices.items,
        })
    }

    /// Whether it need not be as promised. Where the nodes are of others an executor that is killed hears of it, and takes
    /// its performers along.
    fn is_excused(&self, component: &ComponentRef) -> bool {
        let follows = match component {
            ComponentRef::Performer(operator) if self.place.cluster.machine.is_none() => {
                self.is_faulted(&ComponentRef::Executor(operator.clone()))
            }
            _ => false,
        };
        follows || self.is_faulted(component)
    }

    fn is_faulted(&self, component: &ComponentRef) -> bool {
        self.faulted.lock().unwrap_or_else(PoisonError::into_inner).contains(component)
    }

    /// Asks each performer for its health, by the name that its status tells, from a pod of the trial.
    async fn answers(&self, sound: &[&Performer], sight: &Sight) -> Result<Vec<BrokenPromise>, RuntimeError> {
        let endpoint = |performer: &&Performer| performer.status.as_ref()?.grpc_endpoint.clone();
        let targets: Vec<_> = sound.iter().filter_map(endpoint).collect();
        if targets.is_empty() {
            return Ok(Vec::new());
        }
        let all = [ComponentRef::Aggregator].into_iter().chain(self.names.executors());
        let all: Vec<_> = all.filter(|component| !self.is_faulted(component)).collect();
        let Some(observer) = self.observer(&all).await? else {
            let seen = "no pod of the trial has the probe: aggregator and executors are of other images, or were tampered with";
            self.tell(seen);
            return Ok(Vec::new());
        };
        let within = humantime::format_duration(ANSWER_WITHIN).to_string();
        let words = [ImageRole::Components.program(), "probe", "health", "--within", &within];
        let command = words.into_iter().chain(targets.iter().map(String::as_str));
        let said = run_in_pod(&self.place.cluster, (self.place.namespace.as_str(), observer.as_str()), command);
        let said = match timeout(ANSWER_WITHIN + MARGIN, said).await {
            Ok(Ok(said)) => said,
            Ok(Err(why)) => return Ok(vec![promise(ANSWER, "an answer", why)]),
            Err(_) => return Ok(vec![promise(ANSWER, "an answer", "the probe does not end")]),
        };
        let Ok(asked) = said.lines().map(serde_json::from_str).collect::<Result<Vec<Asked>, _>>() else {
            return Ok(vec![promise(ANSWER, "an answer", format!("the probe says {:?}", said.trim()))]);
        };
        Ok(asked.iter().filter_map(|asked| of_answer(asked, sight)).collect())
    }
}

fn definition(found: Option<&CustomResourceDefinition>) -> Option<BrokenPromise> {
    let Some(found) = found else { return Some(promise(ESTABLISHED, "it is there", "it is not")) };
    let conditions = found.status.as_ref().and_then(|status| status.conditions.as_ref());
    let established = conditions.into_iter().flatten().find(|condition| condition.type_ == "Established");
    let status = established.map_or("Unknown", |condition| condition.status.as_str());
    (status != "True").then(|| promise(ESTABLISHED, "Established True", format!("Established {status}")))
}

fn operator(found: Option<&Deployment>) -> Option<BrokenPromise> {
    let Some(found) = found else { return Some(promise(OPERATOR, "its Deployment is there", "it is not")) };
    let conditions = found.status.as_ref().and_then(|status| status.conditions.as_ref());
    let available = conditions.into_iter().flatten().find(|condition| condition.type_ == "Available");
    let status = available.map_or("Unknown", |condition| condition.status.as_str());
    (status != "True").then(|| promise(OPERATOR, "Available True", format!("Available {status}")))
}

fn of_performer(performer: &Performer) -> Option<BrokenPromise> {
    let name = performer.name_any();
    let expected = "phase Running, ready, Available and not Degraded, all about the present spec";
    let Some(status) = &performer.status else {
        return Some(promise(PERFORMER, expected, format!("{name} has no status")));
    };
    let condition = |kind: &str| status.conditions.iter().find(|condition| condition.type_ == kind);
    let is = |kind: &str, value: &str| condition(kind).is_some_and(|condition| condition.status == value);
    let has_port = status.grpc_endpoint.as_deref().is_some_and(|endpoint| endpoint.contains(':'));
    let mut wrong = Vec::new();
    if status.phase != PerformerPhase::Running || !status.ready {
        wrong.push(format!("phase {:?}, ready {}", status.phase, status.ready));
    }
    if !is(AVAILABLE, "True") || !is(DEGRADED, "False") {
        let said = status.conditions.iter().map(|it| format!("{} {} ({})", it.type_, it.status, it.reason));
        wrong.push(format!("conditions {}", said.collect::<Vec<_>>().join(", ")));
    }
    if status.observed_generation != performer.metadata.generation {
        let (seen, is) = (status.observed_generation, performer.metadata.generation);
        wrong.push(format!("its status is about generation {seen:?} of {is:?}"));
    }
    if !has_port {
        wrong.push(format!("grpcEndpoint {:?}", status.grpc_endpoint));
    }
    (!wrong.is_empty()).then(|| promise(PERFORMER, expected, format!("{name}: {}", wrong.join("; "))))
}

fn of_pod(pod: &Pod) -> Option<BrokenPromise> {
    let restarts: i32 = containers(pod).map(|status| status.restart_count).sum();
    if is_ready(pod) && restarts == 0 {
        return None;
    }
    let ready = if is_ready(pod) { "ready" } else { "not ready" };
    Some(promise(POD, "ready, no restart", format!("pod {}: {ready}, restarts: {restarts}", pod.name_any())))
}

fn of_service(performer: &Performer, sight: &Sight) -> Option<BrokenPromise> {
    let name = performer.object_name();
    let of_it = |slice: &&EndpointSlice| slice.labels().get("kubernetes.io/service-name") == Some(&name);
    let mut endpoints = sight.slices.iter().filter(of_it).flat_map(|slice| &slice.endpoints);
    let ready = endpoints.any(|endpoint| endpoint.conditions.as_ref().and_then(|it| it.ready) == Some(true));
    match (sight.services.contains_key(&name), ready) {
        (true, true) => None,
        (true, false) => Some(promise(SERVICE, "a ready endpoint", format!("Service {name} has none"))),
        (false, _) => Some(promise(SERVICE, "a ready endpoint", format!("Service {name} is not there"))),
    }
}

/// The name must stand for the Service, and whoever is behind it must serve.
fn of_answer(asked: &Asked, sight: &Sight) -> Option<BrokenPromise> {
    if let Some(failure) = &asked.failure {
        return Some(promise(ANSWER, "SERVING", format!("{}: {failure}", asked.target)));
    }
    let service = asked.target.split('.').next().and_then(|name| sight.services.get(name));
    let address = service.and_then(|service| service.spec.as_ref()?.cluster_ip.clone());
    let address: Option<IpAddr> = address.and_then(|address| address.parse().ok());
    if address.is_some_and(|address| asked.addresses.contains(&address)) {
        return None;
    }
    let seen = format!("{} stands for {:?}, its Service has {address:?}", asked.target, asked.addresses);
    Some(promise(ANSWER, "the name stands for the Service", seen))
}

fn promise(promise: &'static str, expected: &str, seen: impl Into<String>) -> BrokenPromise {
    BrokenPromise { promise, expected: expected.to_owned(), seen: seen.into() }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn performer(status: &Value) -> Performer {
        serde_json::from_value(json!({
            "apiVersion": "hourglass.eigenlayer.io/v1alpha1",
            "kind": "Performer",
            "metadata": { "name": "p", "namespace": "n", "generation": 2 },
            "spec": { "avsAddress": "0x0000000000000000000000000000000000000001", "image": "i" },
            "status": status,
        }))
        .unwrap()
    }

    fn status(over: &Value) -> Value {
        let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" });
        let mut status = json!({
            "phase": "Running", "ready": true, "observedGeneration": 2, "grpcEndpoint": "performer-p.n.svc.cluster.local:8080",
            "conditions": [condition("Available", "True"), condition("Degraded", "False")],
        });
        status.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        status
    }

    /// A promise that nothing breaks is none.
    #[rstest::rstest]
    #[case::as_promised(json!({}), None)]
    #[case::not_ready(json!({ "ready": false }), Some("ready false"))]
    #[case::other_phase(json!({ "phase": "Upgrading" }), Some("phase Upgrading"))]
    #[case::of_an_old_spec(json!({ "observedGeneration": 1 }), Some("generation Some(1) of Some(2)"))]
    #[case::without_port(json!({ "grpcEndpoint": "performer-p.n.svc.cluster.local" }), Some("grpcEndpoint"))]
    #[case::without_conditions(json!({ "conditions": [] }), Some("conditions"))]
    fn a_performer_is_as_promised(#[case] over: Value, #[case] wrong: Option<&str>) {
        let broken = of_performer(&performer(&status(&over)));
        match wrong {
            Some(wrong) => assert!(broken.as_ref().is_some_and(|it| it.seen.contains(wrong)), "{broken:?}"),
            None => assert_eq!(broken, None),
        }
    }

    #[test]
    fn a_name_that_stands_for_something_else_is_noticed() {
        let service = json!({ "metadata": { "name": "performer-p" }, "spec": { "clusterIP": "10.96.0.7" } });
        let service: Service = serde_json::from_value(service).unwrap();
        let sight = Sight {
            definition: None,
            operator: None,
            performers: Vec::new(),
            pods: Vec::new(),
            services: [("performer-p".to_owned(), service)].into(),
            slices: Vec::new(),
        };
        let asked = |address: &str| Asked {
            target: "performer-p.n.svc.cluster.local:8080".to_owned(),
            addresses: vec![address.parse().unwrap()],
            failure: None,
        };
        assert_eq!(of_answer(&asked("10.96.0.7"), &sight), None);
        assert!(of_answer(&asked("10.96.0.8"), &sight).is_some());
        assert!(of_service(&performer(&status(&json!({}))), &sight).is_some(), "it has no endpoint");
    }
}
