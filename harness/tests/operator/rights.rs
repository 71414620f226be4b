//! The chart grants exactly the rights that the operator uses: nothing is denied, and nothing is superfluous.

use std::collections::BTreeSet;

use hourglass_operator::api::Performer;
use k8s_openapi::api::core::v1::{Pod, Secret};
use kube::{
    api::{DeleteParams, PostParams},
    runtime::wait::await_condition,
};
use serde_json::json;
use tokio::time::timeout;

use crate::{
    controller::until_events,
    operator_namespace::{WITHIN, block_on},
    operator_test::{OperatorTest, written},
    orphan_pods::bare,
    process::Operator,
};

/// A right that the API server's admission checks on some clusters, without a request for it.
const UNASKED: (&str, &str, &str) = ("update", "hourglass.eigenlayer.io", "performers/finalizers");

pub(crate) fn granted_rights_are_exactly_those_that_are_used() {
    let test = OperatorTest::new();
    let operator = test.operator();
    // A candidate that leads at once has no time to watch the Lease.
    let standby = test.operator_with(&json!({}));
    standby.answers(200, "standing by while");
    block_on(async {
        let secret = json!({"metadata": {"name": "s"}, "stringData": {"key": "value"}});
        let secrets = test.api::<Secret>();
        secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
        test.namespace.apply_performer(&written(&test, "p")).await.unwrap();
        test.until_running("p").await;
        let reference = json!({"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "key"}}});
        for change in [
            json!({"config": {"environmentFrom": [reference]}}),
            // A repeated Event is a patch of the first.
            json!({"config": {"environment": {"FLAVOUR": "sour"}}}),
        ] {
            test.patch("p", json!({ "spec": change })).await;
            test.until_running("p").await;
        }
        // A pod that the Service would select, and that no Deployment made.
        test.api::<Pod>().create(&PostParams::default(), &bare(&test, "p", None)).await.unwrap();
        until_events(&test, "p", &["Created", "Ready", "Updated", "Upgraded", "StrayDeleted"]).await;
        test.api::<Performer>().delete("p", &DeleteParams::default()).await.unwrap();
        let gone = await_condition(test.api::<Performer>(), "p", |found: Option<&Performer>| found.is_none());
        timeout(WITHIN, gone).await.unwrap().unwrap();
    });
    let asked: Vec<_> = [operator, standby].iter().flat_map(asked).collect();
    let denied: Vec<_> = asked.iter().filter(|(.., code)| code == "403" || code == "401").collect();
    assert!(denied.is_empty(), "denied: {denied:?}");
    let used: BTreeSet<_> = asked.into_iter().map(|(verb, group, resource, _)| (verb, group, resource)).collect();
    let unasked = (UNASKED.0.to_owned(), UNASKED.1.to_owned(), UNASKED.2.to_owned());
    let granted: BTreeSet<_> = test.rights.iter().filter(|right| **right != unasked).cloned().collect();
    let superfluous: Vec<_> = granted.difference(&used).collect();
    assert!(superfluous.is_empty(), "granted and never used: {superfluous:?}");
    // Paths that are not a resource, such as the version of the API server, need no role.
    let lacking: Vec<_> = used.difference(&granted).filter(|(.., resource)| !resource.starts_with('/')).collect();
    assert!(lacking.is_empty(), "used and granted by something else than the chart: {lacking:?}");
    assert!(test.rights.contains(&unasked), "the right to block the deletion of owners is granted");
}

/// An operator that lacks a right must report it, instead of failing silently.
pub(crate) fn missing_right_is_reported() {
    let test = OperatorTest::new();
    // No right is granted in this namespace.
    let operator = test.operator_with(&json!({"watchNamespaces": ["default"]})).leads();
    operator.answers(503, "pods in default cannot be watched");
    let (_, words) = operator.readiness();
    assert!(words.contains("forbidden"), "{words}");
    let denied = asked(&operator).into_iter().filter(|(.., code)| code == "403").count();
    assert!(denied > 0, "the check that denied requests are counted");
}

/// Verb, group, resource and the code of the answer for all requests of the operator.
fn asked(operator: &Operator) -> Vec<(String, String, String, String)> {
    let samples = operator.samples("hourglass_operator_api_requests_total");
    let label = |labels: &str, name: &str| {
        let (_, rest) = labels.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.to_owned()
    };
    let asked = samples.iter().map(|(labels, _)| {
        (label(labels, "verb"), label(labels, "group"), label(labels, "resource"), label(labels, "code"))
    });
    asked.collect()
}
