//! A hundred Performers, none of which may be affected by the others.

use std::time::Instant;

use futures::StreamExt as _;
use hourglass_operator::api::Performer;
use serde_json::json;

use crate::{
    controller::{RECONCILES, WRITES, cause, settle, until},
    operator_namespace::block_on,
    operator_test::{OperatorTest, written_for_nowhere},
    process::Operator,
};

/// Costs must not grow with the number of Performers: a reconcile of a current Performer uses only the stores, and a
/// change of one Performer costs only its own requests. The duration of requests depends on the machine, and is a
/// figure.
pub(crate) fn reconcile_cost_does_not_grow_with_performers() {
    let test = OperatorTest::new();
    let operator = test.operator();
    a_hundred_performers(&test, &operator);
    let counted = |name: &str| operator.sum(&format!("hourglass_operator_{name}"), &["le=\"0.5\""]);
    let durations = ["reconcile_duration_seconds_bucket", "queue_wait_seconds_bucket"];
    let (looks, soon) = (operator.sum(RECONCILES, &[]), durations.map(counted));
    block_on(async {
        for number in 0..100 {
            test.patch(&format!("p{number}"), json!({"metadata": {"annotations": {"example.com/seen": "yes"}}})).await;
        }
        until(|| operator.sum(RECONCILES, &[]) >= looks + 100.0).await;
    });
    let all = operator.sum(RECONCILES, &[]) - looks;
    for (duration, before) in durations.into_iter().zip(soon) {
        let soon = counted(duration) - before;
        assert!(soon >= all * 0.9, "{duration}: {soon} of {all} within 500 ms");
    }
    let requests = |words: &[&str]| operator.sum(WRITES, words);
    let counts = || {
        [
            requests(&["verb=\"patch\"", "resource=\"deployments\""]),
            requests(&["resource=\"services\"", "verb=\"patch\""]),
            requests(&["verb=\"list\""]),
        ]
    };
    let before = counts();
    change_environments(&test, 10);
    let asked: Vec<_> = counts().into_iter().zip(before).map(|(after, before)| after - before).collect();
    assert_eq!(asked, [10.0, 0.0, 0.0], "applied Deployments, applied Services and lists, for ten changes");
}

/// Creates a hundred performers that fit no node, and waits until the operator is idle.
pub(crate) fn a_hundred_performers(test: &OperatorTest, operator: &Operator) {
    let begun = Instant::now();
    block_on(async {
        let names: Vec<String> = (0..100).map(|number| format!("p{number}")).collect();
        let made = names.iter().map(|name| async {
            test.namespace.apply_performer(&written_for_nowhere(name)).await.unwrap();
        });
        futures::stream::iter(made).buffer_unordered(10).collect::<Vec<()>>().await;
        for name in &names {
            test.until(name, "explained", |performer| cause(performer).as_deref() == Some("Unschedulable")).await;
        }
        eprintln!("a hundred performers are explained {:?} after the first was created", begun.elapsed());
        settle(operator).await;
    });
}

/// Changes the environment of the first of them, one after the other, and waits until each was reconciled. Their port
/// is named explicitly so that it stays the same, because a spec without `config` has another default.
pub(crate) fn change_environments(test: &OperatorTest, first: usize) {
    block_on(async {
        for number in 0..first {
            let name = format!("p{number}");
            let changed =
                test.patch(&name, json!({"spec": {"config": {"grpcPort": 8080, "environment": {"A": "1"}}}})).await;
            let seen = |performer: &Performer| {
                let status = performer.status.as_ref();
                status.is_some_and(|status| status.observed_generation == changed.metadata.generation)
            };
            test.until(&name, "looked at", seen).await;
        }
    });
}
