//! The operator's work for Performers, from their creation to their end.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use backon::{ExponentialBuilder, Retryable as _};
use futures::StreamExt as _;
use hourglass_operator::api::{AVAILABLE, DEGRADED, PROGRESSING, Performer, PerformerPhase};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{ConfigMap, Pod, Secret, Service, ServiceAccount},
    discovery::v1::EndpointSlice,
    events::v1::Event,
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, Patch, PatchParams, PostParams},
    runtime::{
        wait::{await_condition, conditions::is_deleted},
        watcher,
    },
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    operator_namespace::{WITHIN, block_on},
    operator_test::{OperatorTest, runs, written},
    process::Operator,
};

pub(crate) const WRITES: &str = "hourglass_operator_api_requests_total";
pub(crate) const RECONCILES: &str = "hourglass_operator_reconciles_total";

/// The common case.
pub(crate) fn running_performer_has_its_endpoint_in_the_status() {
    let test = OperatorTest::new();
    let operator = test.operator();
    block_on(async {
        test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
        let begun = Instant::now();
        let performer = test.until_running("p").await;
        eprintln!("a performer is ready {:?} after it was created", begun.elapsed());
        let status = performer.status.clone().unwrap();
        let endpoint = format!("performer-p.{}.svc.cluster.local:9090", test.namespace.name());
        assert_eq!(status.grpc_endpoint, Some(endpoint), "the endpoint has its port");
        assert_eq!(status.service_name.as_deref(), Some("performer-p"));
        assert!(status.ready_time.is_some());
        let condition = |type_| status.conditions.iter().find(|found| found.type_ == type_).unwrap().status.clone();
        assert_eq!([AVAILABLE, PROGRESSING, DEGRADED].map(condition), ["True", "False", "False"]);
        let pod = test.api::<Pod>().get(status.pod_name.as_deref().unwrap()).await.unwrap();
        let owner = |owners: &[k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference]| {
            owners.iter().any(|owner| Some(&owner.uid) == performer.uid().as_ref() && owner.controller == Some(true))
        };
        assert!(owner(test.api::<Deployment>().get("performer-p").await.unwrap().owner_references()));
        assert!(owner(test.api::<Service>().get("performer-p").await.unwrap().owner_references()));
        assert_eq!(pod.labels()["hourglass.eigenlayer.io/performer"], "p");
        until_events(&test, "p", &["Created", "Ready"]).await;
    });
    let phases = operator.samples("hourglass_operator_performers");
    assert!(phases.contains(&("phase=\"Running\"".to_owned(), 1.0)), "{phases:?}");
    assert!(operator.sum("hourglass_operator_queue_wait_seconds_count", &[]) >= 1.0);
}

/// An operator that writes at every reconcile keeps itself and the API server busy forever.
pub(crate) fn reconcile_of_a_current_performer_writes_nothing() {
    let test = OperatorTest::new();
    let operator = test.operator();
    block_on(async {
        test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
        test.until_running("p").await;
        settle(&operator).await;
    });
    let (looks, writes) = (operator.sum(RECONCILES, &[]), operator.sum(WRITES, &["verb=\"patch\""]));
    block_on(test.patch("p", json!({"metadata": {"annotations": {"example.com/seen": "yes"}}})));
    block_on(until(|| operator.sum(RECONCILES, &[]) > looks));
    assert!(operator.sum(WRITES, &["verb=\"patch\""]) <= writes, "nothing is written");
    // Proves that the check can fail.
    let patch = Patch::Merge(json!({"metadata": {"labels": {"app": "another"}}}));
    block_on(test.api::<Service>().patch("performer-p", &PatchParams::default(), &patch)).unwrap();
    block_on(until(|| operator.sum(WRITES, &["verb=\"patch\"", "resource=\"services\""]) > 1.0));
    let mended = block_on(test.api::<Service>().get("performer-p")).unwrap();
    assert_eq!(mended.labels()["app"], "hourglass-performer", "what others change of ours is set right");
}

/// The public operator compares only the image, and deletes the pod before it creates the next.
pub(crate) fn every_field_replaces_the_pod_and_the_service_keeps_an_endpoint() {
    let test = OperatorTest::new();
    let _operator = test.operator();
    block_on(async {
        for (name, value) in [("settings", "one"), ("more", "one")] {
            let secret = json!({"metadata": {"name": name}, "stringData": {"key": value}});
            test.api::<Secret>().create(&PostParams::default(), &from(secret)).await.unwrap();
        }
        let map = json!({"metadata": {"name": "settings"}, "data": {"key": "one"}});
        test.api::<ConfigMap>().create(&PostParams::default(), &from(map)).await.unwrap();
        let account = json!({"metadata": {"name": "another"}});
        test.api::<ServiceAccount>().create(&PostParams::default(), &from(account)).await.unwrap();
        test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
        let mut pod = test.until_running("p").await.status.unwrap().pod_name;
        let (gaps, watching) = watch_endpoints(&test, "performer-p");
        for (field, patch) in changes(&test) {
            test.patch("p", json!({ "spec": patch })).await;
            let wanted = format!("running with another {field}");
            let is_wanted = |performer: &Performer| runs(performer) && pod_of(performer) != pod;
            pod = pod_of(&test.until("p", &wanted, is_wanted).await);
            assert!(!gaps.load(Ordering::SeqCst), "the Service has no ready endpoint while {field} changes");
        }
        // The referenced object changes, and the spec does not.
        let patch = Patch::Merge(json!({"stringData": {"key": "two"}}));
        test.api::<Secret>().patch("settings", &PatchParams::default(), &patch).await.unwrap();
        let is_wanted = |performer: &Performer| runs(performer) && pod_of(performer) != pod;
        pod = pod_of(&test.until("p", "running with the secret's new value", is_wanted).await);
        let patch = Patch::Merge(json!({"data": {"key": "two"}}));
        test.api::<ConfigMap>().patch("settings", &PatchParams::default(), &patch).await.unwrap();
        let is_wanted = |performer: &Performer| runs(performer) && pod_of(performer) != pod;
        test.until("p", "running with the config map's new value", is_wanted).await;
        assert!(!gaps.load(Ordering::SeqCst), "the Service has no ready endpoint while references change");
        watching.abort();
        until_events(&test, "p", &["Updated", "Upgraded"]).await;
        let service = test.api::<Service>().get("performer-p").await.unwrap();
        assert_eq!(service.spec.unwrap().ports.unwrap()[0].port, 7070, "the Service has the last port");
    });
}

fn changes(test: &OperatorTest) -> Vec<(&'static str, Value)> {
    let reference = |kind: &str| json!({"name": "settings", "key": "key", "optional": kind == "config"});
    vec![
        ("environment", json!({"config": {"environment": {"FLAVOUR": "sweet"}}})),
        (
            "environmentFrom",
            json!({"config": {"environmentFrom": [
                {"name": "SECRET", "valueFrom": {"secretKeyRef": reference("secret")}},
                {"name": "MAP", "valueFrom": {"configMapKeyRef": reference("config")}},
            ]}}),
        ),
        ("files", json!({"files": [{"path": "/etc/avs/a", "secretKeyRef": {"name": "settings", "key": "key"}}]})),
        ("image", json!({"image": format!("docker.io/{}", test.image)})),
        ("imagePullPolicy", json!({"imagePullPolicy": "IfNotPresent"})),
        ("grpcPort", json!({"config": {"grpcPort": 7070, "environment": {"GRPC_PORT": "7070"}}})),
        ("command", json!({"config": {"command": ["/harness"], "args": ["component", "performer"]}})),
        ("serviceAccountName", json!({"config": {"serviceAccountName": "another"}})),
        ("resources", json!({"resources": {"requests": {"cpu": "1m"}, "limits": {"memory": "1000Mi"}}})),
        ("nodeSelector", json!({"scheduling": {"nodeSelector": {"kubernetes.io/os": "linux"}}})),
        ("tolerations", json!({"scheduling": {"tolerations": [{"key": "a", "operator": "Exists"}]}})),
        ("imagePullSecrets", json!({"imagePullSecrets": [{"name": "registry"}]})),
    ]
}

/// Tasks that are in progress are finished, and nothing is left.
pub(crate) fn a_performer_that_is_deleted_drains_and_is_gone() {
    let test = OperatorTest::new();
    let _operator = test.operator();
    block_on(async {
        test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
        let performer = test.until_running("p").await;
        let pod = pod_of(&performer).unwrap();
        let uid = test.api::<Pod>().get(&pod).await.unwrap().uid().unwrap();
        let performers = test.api::<Performer>();
        performers.delete("p", &DeleteParams::default()).await.unwrap();
        let begun = Instant::now();
        let draining = |performer: &Performer| phase(performer) == Some(PerformerPhase::Terminating);
        test.until("p", "terminating", draining).await;
        gone(&test.api::<Pod>(), &pod, &uid).await;
        let pod_gone = begun.elapsed();
        gone(&performers, "p", &performer.uid().unwrap()).await;
        eprintln!("the pod of a performer is gone {pod_gone:?} after it was deleted, itself {:?}", begun.elapsed());
        for gone in [
            timeout(WITHIN, until_none(&test.api::<Deployment>())).await,
            timeout(WITHIN, until_none(&test.api::<Service>())).await,
        ] {
            gone.unwrap();
        }
        until_events(&test, "p", &["Draining"]).await;
    });
}

/// A lost node, or a pod with a finalizer, must not keep a performer forever.
pub(crate) fn drain_over_its_limit_is_ended_and_reported() {
    let test = OperatorTest::new();
    let _operator = test.operator_with(&json!({"drain": {"timeout": "3s"}})).leads();
    block_on(async {
        test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
        let performer = test.until_running("p").await;
        let pod = pod_of(&performer).unwrap();
        let hold = |finalizers: Value| Patch::Merge(json!({"metadata": {"finalizers": finalizers}}));
        let params = PatchParams::default();
        test.api::<Pod>().patch(&pod, &params, &hold(json!(["example.com/held"]))).await.unwrap();
        let performers = test.api::<Performer>();
        performers.delete("p", &DeleteParams::default()).await.unwrap();
        let begun = Instant::now();
        gone(&performers, "p", &performer.uid().unwrap()).await;
        let waited = begun.elapsed();
        test.api::<Pod>().patch(&pod, &params, &hold(Value::Null)).await.unwrap();
        // The time of a deletion has whole seconds.
        assert!(waited >= Duration::from_secs(2) && waited < Duration::from_secs(8), "gone after {waited:?}");
        until_events(&test, "p", &["DrainTimedOut"]).await;
    });
}

/// Deployment and Service of the previous one are still being deleted when the next is created.
pub(crate) fn performer_with_a_reused_name_starts_after_the_previous_one_is_gone() {
    let test = OperatorTest::new();
    let _operator = test.operator();
    block_on(async {
        for _ in 0..2 {
            test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
            let performer = test.until_running("p").await;
            let deployment = test.api::<Deployment>().get("performer-p").await.unwrap();
            assert_eq!(deployment.owner_references().len(), 1);
            assert_eq!(Some(&deployment.owner_references()[0].uid), performer.uid().as_ref());
            let performers = test.api::<Performer>();
            performers.delete("p", &DeleteParams::default()).await.unwrap();
            gone(&performers, "p", &performer.uid().unwrap()).await;
        }
    });
}

/// The operator keeps all its state in the cluster.
pub(crate) fn killed_operator_continues_after_its_restart() {
    let test = OperatorTest::new();
    let operator = test.operator();
    let performer = block_on(async {
        test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
        test.namespace.apply_performer(&written(&test, "q")).await.unwrap();
        test.until_running("q").await;
        test.until_running("p").await
    });
    operator.kill();
    block_on(async {
        test.api::<Performer>().delete("q", &DeleteParams::default()).await.unwrap();
        test.namespace.apply_performer(&written(&test, "r")).await.unwrap();
    });
    let operator = test.operator();
    block_on(async {
        test.until_running("r").await;
        let removed = await_condition(test.api::<Performer>(), "q", |found: Option<&Performer>| found.is_none());
        timeout(WITHIN, removed).await.expect("what was deleted meanwhile is drained and gone").unwrap();
        let same = test.api::<Performer>().get("p").await.unwrap();
        assert_eq!(same.status, performer.status, "what had not changed is left alone");
    });
    drop(operator);
}

/// The reason why a performer is not as it should be.
pub(crate) fn cause(performer: &Performer) -> Option<String> {
    let conditions = &performer.status.as_ref()?.conditions;
    let degraded = conditions.iter().find(|condition| condition.type_ == DEGRADED && condition.status == "True")?;
    Some(degraded.reason.clone())
}

fn phase(performer: &Performer) -> Option<PerformerPhase> {
    performer.status.as_ref().map(|status| status.phase)
}

pub(crate) fn pod_of(performer: &Performer) -> Option<String> {
    performer.status.as_ref()?.pod_name.clone()
}

pub(crate) fn from<K: serde::de::DeserializeOwned>(object: Value) -> K {
    serde_json::from_value(object).unwrap()
}

pub(crate) async fn gone<K>(api: &Api<K>, name: &str, uid: &str)
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    timeout(WITHIN, await_condition(api.clone(), name, is_deleted(uid))).await.expect(name).unwrap();
}

/// Waits until nothing of a kind is left.
async fn until_none<K>(api: &Api<K>)
where
    K: kube::Resource<DynamicType = ()> + Clone + std::fmt::Debug + serde::de::DeserializeOwned + Send + 'static,
{
    for object in api.list(&ListParams::default()).await.unwrap() {
        let (name, uid) = (object.name_any(), object.uid().unwrap());
        await_condition(api.clone(), &name, is_deleted(&uid)).await.unwrap();
    }
}

/// Waits until there are Events of a performer with all of these reasons.
pub(crate) async fn until_events(test: &OperatorTest, name: &str, reasons: &[&str]) {
    let mut missing: Vec<_> = reasons.to_vec();
    let about = watcher::Config::default().fields(&format!("regarding.name={name}"));
    let mut events = watcher(test.api::<Event>(), about).boxed();
    let told = async {
        while let Some(event) = events.next().await {
            if let Ok(watcher::Event::InitApply(event) | watcher::Event::Apply(event)) = event {
                missing.retain(|reason| event.reason.as_deref() != Some(reason));
            }
            if missing.is_empty() {
                return;
            }
        }
    };
    let told = timeout(WITHIN, told).await;
    assert!(told.is_ok(), "no Event of {name} has the reasons {missing:?}");
}

/// Watches the endpoints of a Service; the flag becomes true when none of them is ready.
pub(crate) fn watch_endpoints(test: &OperatorTest, service: &str) -> (Arc<AtomicBool>, tokio::task::JoinHandle<()>) {
    let gaps = Arc::new(AtomicBool::new(false));
    let of_service = watcher::Config::default().labels(&format!("kubernetes.io/service-name={service}"));
    let mut changes = watcher(test.api::<EndpointSlice>(), of_service).boxed();
    let found = gaps.clone();
    let watching = tokio::spawn(async move {
        let mut slices = HashMap::new();
        while let Some(Ok(change)) = changes.next().await {
            match change {
                watcher::Event::InitApply(slice) => {
                    slices.insert(slice.name_any(), ready(&slice));
                    continue;
                }
                watcher::Event::Apply(slice) => drop(slices.insert(slice.name_any(), ready(&slice))),
                watcher::Event::Delete(slice) => drop(slices.remove(&slice.name_any())),
                watcher::Event::Init => continue,
                watcher::Event::InitDone => {}
            }
            if slices.values().sum::<usize>() == 0 {
                found.store(true, Ordering::SeqCst);
            }
        }
    });
    (gaps, watching)
}

fn ready(slice: &EndpointSlice) -> usize {
    let is_ready = |endpoint: &k8s_openapi::api::discovery::v1::Endpoint| {
        endpoint.conditions.as_ref().and_then(|conditions| conditions.ready) == Some(true)
    };
    slice.endpoints.iter().filter(|endpoint| is_ready(endpoint)).count()
}

/// Waits until the operator is idle.
pub(crate) async fn settle(operator: &Operator) {
    let mut before = -1.0;
    let calm = || {
        let now = operator.sum(RECONCILES, &[]);
        let calm = now <= before;
        before = now;
        std::future::ready(if calm { Ok(()) } else { Err("busy") })
    };
    calm.retry(ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_times(20)).await.unwrap();
}

/// Waits until a metric has the wanted value. No event tells when metrics change.
pub(crate) async fn until(is_wanted: impl Fn() -> bool) {
    let ask = || std::future::ready(if is_wanted() { Ok(()) } else { Err("not as wanted") });
    let often = ExponentialBuilder::default().with_min_delay(Duration::from_millis(20));
    let often = often.with_max_delay(Duration::from_millis(250)).without_max_times().with_total_delay(Some(WITHIN));
    ask.retry(often).await.unwrap();
}
