//! The real cause explains failed and stuck pods, within a second of being known.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use hourglass_operator::api::{DEGRADED, Performer};
use k8s_openapi::api::{
    apps::v1::Deployment,
    core::v1::{Pod, ResourceQuota},
};
use kube::{
    Api, Resource,
    api::PostParams,
    runtime::{wait::await_condition, watcher},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::{
    controller::until_events,
    operator_namespace::{WITHIN, block_on},
    operator_test::{OperatorTest, written},
};

/// From the event that shows a cause to the status that reports it.
const SOON: Duration = Duration::from_secs(1);

pub(crate) fn stuck_pods_are_explained_within_a_second() {
    let test = OperatorTest::new();
    let _operator = test.operator();
    let cases = [
        ("absent", json!({"image": "hourglass-harness/no-such-image:1"}), &["ErrImageNeverPull"][..], "no-such-image"),
        (
            "unpullable",
            json!({"image": "registry.invalid/none:1", "imagePullPolicy": "Always"}),
            // The kubelet may report the second so soon that the first is never observed.
            &["ErrImagePull", "ImagePullBackOff"],
            "registry.invalid/none:1",
        ),
        ("crashing", json!({"config": {"args": ["no-such-component"]}}), &["CrashLoopBackOff"], "exit code 2"),
        (
            "secretless",
            json!({"config": {"environmentFrom": [
                {"name": "A", "valueFrom": {"secretKeyRef": {"name": "no-such-secret", "key": "a"}}},
            ]}}),
            &["CreateContainerConfigError"],
            "secret \"no-such-secret\" not found",
        ),
    ];
    let waiting = |pod: &Pod, reasons: &[&str]| {
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        let mut states = statuses.filter_map(|status| status.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
        states.any(|found| reasons.contains(&found))
    };
    block_on(async {
        let all = cases.map(|(name, patch, reasons, words)| {
            let shown = move |pod: &Pod| waiting(pod, reasons);
            explained::<Pod>(&test, name, patch, reasons, words, shown)
        });
        futures::future::join_all(all).await;
        let nowhere = json!({"scheduling": {"nodeSelector": {"example.com/nowhere": "true"}}});
        let unscheduled = |pod: &Pod| {
            let mut conditions = pod.status.iter().flat_map(|status| status.conditions.iter().flatten());
            conditions.any(|condition| condition.type_ == "PodScheduled" && condition.status == "False")
        };
        explained::<Pod>(&test, "nowhere", nowhere, &["Unschedulable"], "didn't match Pod's node", unscheduled).await;
        until_events(&test, "nowhere", &["Unschedulable"]).await;
    });
}

pub(crate) fn an_exhausted_quota_is_explained_within_a_second() {
    let test = OperatorTest::new();
    let _operator = test.operator();
    block_on(async {
        let quota = json!({"metadata": {"name": "none"}, "spec": {"hard": {"pods": "0"}}});
        let quotas = test.api::<ResourceQuota>();
        quotas.create(&PostParams::default(), &serde_json::from_value(quota).unwrap()).await.unwrap();
        let counted = await_condition(quotas, "none", |quota: Option<&ResourceQuota>| {
            quota.is_some_and(|quota| quota.status.as_ref().is_some_and(|status| status.hard.is_some()))
        });
        timeout(WITHIN, counted).await.unwrap().unwrap();
        let failed = |deployment: &Deployment| {
            let mut conditions = deployment.status.iter().flat_map(|status| status.conditions.iter().flatten());
            conditions.any(|condition| condition.type_ == "ReplicaFailure" && condition.status == "True")
        };
        explained::<Deployment>(&test, "p", json!({}), &["QuotaExceeded"], "exceeded quota: none", failed).await;
    });
}

/// Creates a performer and asserts that its status reports the cause, by one of its reasons, soon after an object of kind `K`
/// has shown it.
async fn explained<K>(
    test: &OperatorTest,
    name: &str,
    patch: Value,
    reasons: &[&str],
    words: &str,
    shows: impl Fn(&K) -> bool,
) where
    K: Resource<DynamicType = (), Scope = k8s_openapi::NamespaceResourceScope>
        + Clone
        + std::fmt::Debug
        + DeserializeOwned
        + Send
        + 'static,
{
    let mut written = written(test, name);
    json_patch(&mut written["spec"], &patch);
    let of_performer = format!("hourglass.eigenlayer.io/performer={name}");
    let seen = first(test.api::<K>(), watcher::Config::default().labels(&of_performer), shows);
    let named = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let told = first(test.api::<Performer>(), named, |performer: &Performer| {
        let conditions = performer.status.iter().flat_map(|status| &status.conditions);
        let mut degraded = conditions.filter(|condition| condition.type_ == DEGRADED && condition.status == "True");
        degraded.any(|condition| reasons.contains(&condition.reason.as_str()) && condition.message.contains(words))
    });
    let made = async { test.namespace.apply_performer(&written).await.unwrap() };
    let (seen, told, _) = tokio::join!(seen, told, made);
    let Some(told) = told else {
        let status = test.api::<Performer>().get(name).await.unwrap().status;
        panic!("{name} is never called any of {reasons:?} with {words:?}, but {status:#?}");
    };
    let seen = seen.unwrap_or_else(|| panic!("{name}: nothing ever shows any of {reasons:?}"));
    let delay = told.saturating_duration_since(seen);
    eprintln!("{reasons:?} is told {delay:?} after it is shown");
    assert!(delay <= SOON, "{reasons:?} is told {delay:?} after it is shown");
}

/// The time when an object first met the condition.
async fn first<K>(api: Api<K>, config: watcher::Config, is_wanted: impl Fn(&K) -> bool) -> Option<Instant>
where
    K: Resource<DynamicType = ()> + Clone + std::fmt::Debug + DeserializeOwned + Send + 'static,
{
    let mut events = watcher(api, config).boxed();
    let seen = async {
        while let Some(event) = events.next().await {
            if let Ok(watcher::Event::InitApply(object) | watcher::Event::Apply(object)) = event
                && is_wanted(&object)
            {
                return Some(Instant::now());
            }
        }
        None
    };
    timeout(WITHIN, seen).await.ok().flatten()
}

fn json_patch(into: &mut Value, patch: &Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                json_patch(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, patch) => *into = patch.clone(),
    }
}
