//! Synthetic objects of a trial with two operators, and the violations when one of them is not as expected.

use hourglass_cluster::probe::HealthResult;
use hourglass_operator::api::Performer;
use hourglass_scenario::ComponentRef;
use serde_json::{Value, json};

use super::{ANSWER, Excuse, LABELS, ONE_POD, OWED, Owed, PERFORMER, POD, RUNNING, SERVICE, Snapshot, answers, judge};
use crate::Invariant;
use crate::kubernetes::names::{NamedExecutor, Names};
use crate::performers::ConfiguredPerformer;

const AVS: &str = "0x00000000000000000000000000000000000000aA";
const PERFORMER_OF_BOB: &str = "performer-1-b";

/// All objects, as JSON that a test changes.
struct Objects {
    performers: Vec<Value>,
    pods: Vec<Value>,
    services: Vec<Value>,
    slices: Vec<Value>,
}

impl Objects {
    /// All objects as expected.
    fn sound() -> Self {
        let performers = ["performer-0-a", PERFORMER_OF_BOB];
        let component = |name: &str, labels: Value| pod(name, "10.0.0.1", &labels);
        let mut pods = vec![component("aggregator-x", json!({ "hourglass-harness/part": "aggregator" }))];
        for name in ["executor-0", "executor-1"] {
            pods.push(component(name, json!({ "statefulset.kubernetes.io/pod-name": name })));
        }
        let of_performer = performers.iter().enumerate();
        pods.extend(
            of_performer.map(|(index, name)| pod(&format!("performer-{name}-x"), &address(index), &labels(name))),
        );
        Self {
            performers: performers.iter().enumerate().map(|(index, name)| performer(index, name)).collect(),
            pods,
            services: performers.iter().map(|name| service(name)).collect(),
            slices: performers.iter().enumerate().map(|(index, name)| slice(name, &address(index))).collect(),
        }
    }

    /// The objects of the second operator.
    fn bobs(&mut self) -> [&mut Value; 4] {
        [self.performers.last_mut(), self.pods.last_mut(), self.services.last_mut(), self.slices.last_mut()]
            .map(Option::unwrap)
    }

    fn snapshot(self) -> Snapshot {
        fn all<T: serde::de::DeserializeOwned>(objects: Vec<Value>) -> Vec<T> {
            objects.into_iter().map(|object| serde_json::from_value(object).unwrap()).collect()
        }
        let named = |service: k8s_openapi::api::core::v1::Service| (service.metadata.name.clone().unwrap(), service);
        Snapshot {
            performers: all(self.performers),
            pods: all(self.pods),
            services: all(self.services).into_iter().map(named).collect(),
            slices: all(self.slices),
            ..Snapshot::default()
        }
    }
}

fn address(index: usize) -> String {
    format!("10.0.1.{index}")
}

fn labels(performer: &str) -> Value {
    json!({
        "app": "hourglass-performer",
        "hourglass.eigenlayer.io/avs": AVS.to_lowercase(),
        "hourglass.eigenlayer.io/performer": performer,
    })
}

fn pod(name: &str, address: &str, labels: &Value) -> Value {
    let container = json!({ "name": "main", "image": "i", "imageID": "", "ready": true, "restartCount": 0 });
    json!({
        "metadata": { "name": name, "namespace": "n", "labels": labels },
        "status": {
            "podIP": address,
            "conditions": [{ "type": "Ready", "status": "True" }],
            "containerStatuses": [container],
        },
    })
}

fn performer(index: usize, name: &str) -> Value {
    let condition = |kind: &str, status: &str| json!({ "type": kind, "status": status, "reason": "R", "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z" });
    json!({
        "apiVersion": "hourglass.eigenlayer.io/v1alpha1",
        "kind": "Performer",
        "metadata": {
            "name": name, "namespace": "n", "generation": 2,
            "labels": { "hourglass-harness/executor": format!("executor-{index}") },
        },
        "spec": { "avsAddress": AVS, "image": "i" },
        "status": {
            "phase": "Running", "ready": true, "observedGeneration": 2,
            "grpcEndpoint": format!("performer-{name}.n.svc.cluster.local:8080"),
            "conditions": [condition("Available", "True"), condition("Degraded", "False")],
        },
    })
}

fn service(performer: &str) -> Value {
    json!({
        "metadata": { "name": format!("performer-{performer}") },
        "spec": {
            "clusterIP": "10.96.0.7",
            "selector": { "hourglass.eigenlayer.io/performer": performer },
            "ports": [{ "name": "grpc", "port": 8080, "targetPort": "grpc" }],
        },
    })
}

fn slice(performer: &str, address: &str) -> Value {
    json!({
        "metadata": { "name": "s", "labels": { "kubernetes.io/service-name": format!("performer-{performer}") } },
        "addressType": "IPv4",
        "endpoints": [{ "addresses": [address], "conditions": { "ready": true } }],
        "ports": [{ "name": "grpc", "port": 8080 }],
    })
}

fn owed() -> Owed {
    let executor = |name: &str| NamedExecutor {
        operator: name.to_owned(),
        performers: vec![ConfiguredPerformer { component: ComponentRef::performer(name), avs: AVS.parse().unwrap() }],
    };
    Owed { executors: ["alice", "bob"].map(executor).to_vec(), replaced: false }
}

fn names() -> Names {
    let names = Names::default();
    names.set(owed().executors);
    names
}

fn unexcused(_: &ComponentRef) -> Excuse {
    Excuse::None
}

type Change = fn(&mut Objects);

/// Each fault of an operator violates its own invariant, and no other.
#[rstest::rstest]
#[case::nothing(|_: &mut Objects| {}, &[])]
#[case::no_performer_at_all(|all: &mut Objects| {
    (all.performers, all.services, all.slices) = Default::default();
    all.pods.truncate(3);
}, &[OWED, OWED])]
#[case::a_performer_of_another_avs(|all: &mut Objects| all.bobs()[0]["spec"]["avsAddress"] = format!("0x{:040}", 1).into(), &[OWED, LABELS])]
#[case::a_performer_of_another_operator(
    |all: &mut Objects| all.bobs()[0]["metadata"]["labels"] = json!({ "hourglass-harness/executor": "executor-0" }), &[OWED])]
#[case::a_performer_without_status(|all: &mut Objects| all.bobs()[0]["status"] = Value::Null, &[PERFORMER])]
#[case::a_performer_not_ready(|all: &mut Objects| all.bobs()[0]["status"]["ready"] = false.into(), &[PERFORMER])]
#[case::a_performer_of_an_old_spec(|all: &mut Objects| all.bobs()[0]["status"]["observedGeneration"] = 1.into(), &[PERFORMER])]
#[case::no_conditions(|all: &mut Objects| all.bobs()[0]["status"]["conditions"] = json!([]), &[PERFORMER])]
#[case::an_endpoint_at_another_port(
    |all: &mut Objects| all.bobs()[0]["status"]["grpcEndpoint"] = "performer-performer-1-b.n.svc.cluster.local:9090".into(), &[PERFORMER])]
#[case::an_endpoint_of_another_name(
    |all: &mut Objects| all.bobs()[0]["status"]["grpcEndpoint"] = "performer-performer-0-a.n.svc.cluster.local:8080".into(), &[PERFORMER])]
#[case::an_endpoint_in_another_domain(
    |all: &mut Objects| all.bobs()[0]["status"]["grpcEndpoint"] = "performer-performer-1-b.n.svc.lab.example:8080".into(), &[])]
#[case::no_pod(|all: &mut Objects| drop(all.pods.pop()), &[ONE_POD])]
#[case::ready_without_a_ready_pod(
    |all: &mut Objects| all.bobs()[1]["status"]["conditions"] = json!([{ "type": "Ready", "status": "False" }]), &[POD])]
#[case::not_ready_and_no_endpoint(|all: &mut Objects| {
    all.bobs()[1]["status"]["conditions"] = json!([{ "type": "Ready", "status": "False" }]);
    all.bobs()[3]["endpoints"][0]["conditions"]["ready"] = false.into();
}, &[POD])]
#[case::a_pod_that_was_restarted(
    |all: &mut Objects| all.bobs()[1]["status"]["containerStatuses"][0]["restartCount"] = 1.into(), &[POD])]
#[case::a_second_pod(|all: &mut Objects| {
    let second = pod("performer-performer-1-b-y", "10.0.1.9", &labels(PERFORMER_OF_BOB));
    all.pods.push(second);
}, &[ONE_POD])]
#[case::no_label_of_the_performer(
    |all: &mut Objects| drop(all.bobs()[1]["metadata"]["labels"].as_object_mut().unwrap().remove("hourglass.eigenlayer.io/performer")),
    &[LABELS])]
#[case::no_label_of_the_avs(
    |all: &mut Objects| drop(all.bobs()[1]["metadata"]["labels"].as_object_mut().unwrap().remove("hourglass.eigenlayer.io/avs")),
    &[LABELS])]
#[case::another_app(|all: &mut Objects| all.bobs()[1]["metadata"]["labels"]["app"] = "x".into(), &[LABELS])]
#[case::no_service(|all: &mut Objects| drop((all.services.pop(), all.slices.pop())), &[SERVICE])]
#[case::another_port_of_the_service(|all: &mut Objects| all.bobs()[2]["spec"]["ports"][0]["port"] = 9090.into(), &[SERVICE])]
#[case::another_port_of_the_endpoint(|all: &mut Objects| all.bobs()[3]["ports"][0]["port"] = 9090.into(), &[SERVICE])]
#[case::no_selector(|all: &mut Objects| all.bobs()[2]["spec"]["selector"] = Value::Null, &[SERVICE])]
#[case::a_selector_of_nothing(|all: &mut Objects| all.bobs()[2]["spec"]["selector"] = json!({ "app": "x" }), &[SERVICE])]
#[case::a_selector_of_all_performers(
    |all: &mut Objects| all.bobs()[2]["spec"]["selector"] = json!({ "app": "hourglass-performer" }), &[SERVICE])]
#[case::no_endpoint(|all: &mut Objects| all.bobs()[3]["endpoints"] = json!([]), &[SERVICE])]
#[case::an_endpoint_that_is_not_ready(
    |all: &mut Objects| all.bobs()[3]["endpoints"][0]["conditions"]["ready"] = false.into(), &[SERVICE])]
#[case::an_endpoint_of_another_pod(|all: &mut Objects| all.bobs()[3]["endpoints"][0]["addresses"][0] = "10.0.1.0".into(), &[SERVICE])]
#[case::no_pod_of_an_executor(|all: &mut Objects| drop(all.pods.remove(1)), &[RUNNING])]
#[case::no_pod_of_the_aggregator(|all: &mut Objects| drop(all.pods.remove(0)), &[RUNNING])]
fn a_fault_violates_its_own_invariant(#[case] change: Change, #[case] invariants: &[Invariant]) {
    let mut objects = Objects::sound();
    change(&mut objects);
    let snapshot = objects.snapshot();
    let (owed, names) = (owed(), names());
    let judged = judge(&owed, &names, &snapshot, unexcused);
    let broken: Vec<_> = judged.broken.iter().map(|broken| broken.invariant).collect();
    assert_eq!(broken, invariants, "{:#?}", judged.broken);
    // Two of the faults are not about the Performer of bob.
    let is_bobs = invariants.iter().any(|violation| ![OWED, RUNNING].contains(violation));
    let expected = if snapshot.performers.is_empty() { 0 } else { 2 - usize::from(is_bobs) };
    assert_eq!(judged.sound.len(), expected, "those that owe an answer");
}

#[rstest::rstest]
#[case::no_performer(|all: &mut Objects| drop((all.performers.pop(), all.pods.pop(), all.services.pop(), all.slices.pop())))]
#[case::no_pod(|all: &mut Objects| drop(all.pods.pop()))]
#[case::no_service(|all: &mut Objects| drop(all.services.pop()))]
fn a_fault_of_the_scenario_excuses_its_component_alone(#[case] change: Change) {
    let mut objects = Objects::sound();
    change(&mut objects);
    let snapshot = objects.snapshot();
    let of = |faulted: &'static str| {
        let excuse = move |component: &ComponentRef| {
            if *component == ComponentRef::performer(faulted) { Excuse::All } else { Excuse::None }
        };
        judge(&owed(), &names(), &snapshot, excuse).broken.len()
    };
    assert_eq!((of("bob"), of("alice")), (0, 1));
}

/// An executor that was told to end removes its Performer, and creates it again; what exists must be as expected.
#[test]
fn an_executor_fault_excuses_a_missing_performer() {
    let absence = |_: &ComponentRef| Excuse::Absence;
    let mut objects = Objects::sound();
    drop((objects.performers.pop(), objects.pods.pop(), objects.services.pop(), objects.slices.pop()));
    assert_eq!(judge(&owed(), &names(), &objects.snapshot(), absence).broken, []);
    let mut objects = Objects::sound();
    objects.services.pop();
    assert_eq!(judge(&owed(), &names(), &objects.snapshot(), absence).broken.len(), 1);
}

/// The cluster may still be removing a Performer that a deployment has replaced; a pod without it is another's.
#[test]
fn replaced_performers_are_left_out_with_their_pods() {
    let mut objects = Objects::sound();
    objects.bobs()[0]["status"]["ready"] = false.into();
    objects.bobs()[1]["status"]["conditions"] = json!([{ "type": "Ready", "status": "False" }]);
    let mut snapshot = objects.snapshot();
    assert_eq!(judge(&owed(), &names(), &snapshot, unexcused).broken.len(), 2);
    snapshot.leave_out(|performer| performer.metadata.name.as_deref() == Some(PERFORMER_OF_BOB));
    let absence = |_: &ComponentRef| Excuse::Absence;
    assert_eq!(judge(&owed(), &names(), &snapshot, absence).broken, []);
    let broken: Vec<_> = judge(&owed(), &names(), &snapshot, unexcused).broken;
    assert_eq!(broken.iter().map(|broken| broken.invariant).collect::<Vec<_>>(), [OWED]);
}

/// A user's executor sets no label of the harness: its Performers of the AVS are counted.
#[test]
fn performers_of_a_users_executor_are_counted() {
    let owed = Owed { replaced: true, ..owed() };
    let unlabelled = |count: usize| {
        let mut objects = Objects::sound();
        for performer in &mut objects.performers {
            performer["metadata"]["labels"] = json!({});
        }
        objects.performers.truncate(count);
        let snapshot = objects.snapshot();
        let broken = judge(&owed, &names(), &snapshot, unexcused).broken;
        broken.into_iter().map(|broken| (broken.invariant, broken.seen)).collect::<Vec<_>>()
    };
    assert_eq!(unlabelled(2), []);
    let [(invariant, seen)] = unlabelled(1).try_into().unwrap();
    assert_eq!(invariant, OWED);
    assert!(seen.contains("performer-0-a") && seen.contains("the scenario's own"), "{seen}");
    assert_eq!(unlabelled(0).len(), 2);
}

const TARGET: &str = "performer-performer-1-b.n.svc.cluster.local:8080";

fn asked(address: &str, failure: Option<&str>) -> String {
    let (target, addresses) = (TARGET.to_owned(), vec![address.parse().unwrap()]);
    serde_json::to_string(&HealthResult { target, addresses, failure: failure.map(str::to_owned) }).unwrap()
}

/// No answer, or none about a performer, never counts as a good one.
#[rstest::rstest]
#[case::all_well(Ok(asked("10.96.0.7", None)), None)]
#[case::not_serving(Ok(asked("10.96.0.7", Some("NOT_SERVING"))), Some("NOT_SERVING"))]
#[case::another_address(Ok(asked("10.96.0.8", None)), Some("its Service has Some(10.96.0.7)"))]
#[case::no_probe(Err("no node takes it".to_owned()), Some("could not be checked: no node takes it"))]
#[case::nothing_said(Ok(String::new()), Some("could not be checked: the probe says nothing of it"))]
#[case::nonsense(Ok("exec format error".to_owned()), Some("could not be checked: the probe says"))]
fn probe_answers_are_judged(#[case] said: Result<String, String>, #[case] wrong: Option<&str>) {
    let snapshot = Objects::sound().snapshot();
    let broken = answers::judge(&[TARGET.to_owned()], said, &snapshot);
    match (broken.as_slice(), wrong) {
        ([], None) => {}
        ([broken], Some(wrong)) => {
            assert_eq!(broken.invariant, ANSWER);
            assert!(broken.seen.contains(TARGET) && broken.seen.contains(wrong), "{broken:?}");
        }
        _ => panic!("{broken:?}, not {wrong:?}"),
    }
}

/// The operator's own functions produce what the tests call sound.
#[test]
fn the_endpoint_is_that_of_the_api() {
    let snapshot = Objects::sound().snapshot();
    let endpoint = |performer: &Performer| performer.status.as_ref().unwrap().grpc_endpoint.clone();
    assert!(snapshot.performers.iter().all(|performer| endpoint(performer) == performer.grpc_endpoint()));
}
