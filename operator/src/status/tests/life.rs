//! The life of a performer, from status to status.

use serde_json::json;

use super::{NOW, TestCluster, condition, serving, time, unready};
use crate::api::{AVAILABLE, DEGRADED, PROGRESSING, PerformerPhase};

const LATER: &str = "2026-03-01T12:00:05Z";
const LAST: &str = "2026-03-01T12:00:09Z";

fn starting() -> serde_json::Value {
    unready(&json!({"started": false, "state": {"running": {"startedAt": "2026-03-01T11:59:59Z"}}}))
}

/// Executors send tasks to the endpoint as soon as it is reported as ready.
#[test]
fn a_performer_becomes_ready() {
    let mut cluster = TestCluster::new();
    let status = cluster.write();
    assert_eq!((status.phase, status.ready, status.pod_name), (PerformerPhase::Pending, false, None));
    assert_eq!(status.grpc_endpoint.as_deref(), Some("performer-adder.trial.svc.cluster.local:8080"));
    assert_eq!(status.service_name.as_deref(), Some("performer-adder"));

    cluster.pod("adder-1", serving());
    cluster.endpoint_ready = false;
    let status = cluster.write();
    assert_eq!((status.phase, status.ready, status.ready_time.as_ref()), (PerformerPhase::Pending, false, None));
    assert_eq!(condition(&status, AVAILABLE).reason, "NoEndpoint");

    cluster.endpoint_ready = true;
    cluster.now = time(LATER);
    let status = cluster.write();
    assert_eq!((status.phase, status.ready), (PerformerPhase::Running, true));
    assert_eq!(status.pod_name.as_deref(), Some("adder-1"));
    assert_eq!((&status.ready_time, &status.last_upgrade), (&Some(time(LATER)), &None));
    assert_eq!(status.observed_generation, Some(1));
    for (type_, expected) in [(AVAILABLE, "True"), (PROGRESSING, "False"), (DEGRADED, "False")] {
        let condition = condition(&status, type_);
        assert_eq!((condition.status.as_str(), condition.observed_generation), (expected, Some(1)), "{type_}");
    }
}

/// A transition is a change of status: users who wait for one compare times.
#[test]
fn times_stay_while_nothing_changes() {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", serving());
    let before = cluster.write();
    cluster.now = time(LATER);
    assert_eq!(cluster.write(), before);
}

/// A performer that lost its pod must not keep its earlier ready time.
#[test]
fn a_lost_pod_resets_readiness() {
    let mut cluster = TestCluster::new();
    cluster.deployment_says(json!([{"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"}]));
    cluster.pod("adder-1", serving());
    cluster.write();
    cluster.pods.clear();
    cluster.pod("adder-2", starting());
    cluster.now = time(LATER);
    let status = cluster.write();
    assert_eq!((status.phase, status.ready, status.ready_time.as_ref()), (PerformerPhase::Pending, false, None));
    assert_eq!(status.pod_name.as_deref(), Some("adder-2"), "the newest where none is ready");
    assert_eq!(condition(&status, PROGRESSING).reason, "Recovering");
    assert_eq!(condition(&status, AVAILABLE).last_transition_time, time(LATER));

    cluster.pods.clear();
    cluster.pod("adder-2", serving());
    cluster.now = time(LAST);
    let status = cluster.write();
    assert_eq!((status.ready_time, status.last_upgrade), (Some(time(LAST)), None), "the same template is no upgrade");
}

/// The previous pod serves until the new one is ready; only then it is an upgrade.
#[test]
fn an_upgrade() {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", serving());
    cluster.write();
    cluster.upgrade("registry.example/adder:2.0.0");
    cluster.now = time(LATER);
    let status = cluster.write();
    assert_eq!((status.phase, status.ready), (PerformerPhase::Upgrading, true), "before there is a second pod");
    assert_eq!(status.observed_generation, Some(2));
    assert_eq!(condition(&status, PROGRESSING).reason, "Upgrading");

    cluster.pod("adder-2", starting());
    let status = cluster.write();
    assert_eq!((status.phase, status.pod_name.as_deref()), (PerformerPhase::Upgrading, Some("adder-1")));
    assert_eq!(status.last_upgrade, None);

    cluster.pods.pop();
    cluster.pod("adder-2", serving());
    cluster.now = time(LAST);
    let status = cluster.write();
    assert_eq!(
        (status.phase, status.pod_name.as_deref()),
        (PerformerPhase::Running, Some("adder-2")),
        "both are ready"
    );
    assert_eq!((status.last_upgrade, status.ready_time), (Some(time(LAST)), Some(time(NOW))), "it was ready all along");
}

/// An upgrade to a missing image must be visible without a task that fails.
#[test]
fn an_upgrade_that_fails_is_degraded_and_serves() {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", serving());
    cluster.write();
    cluster.upgrade("registry.example/adder:none");
    cluster.pod("adder-2", unready(&json!({"state": {"waiting": {"reason": "ErrImagePull", "message": "not found"}}})));
    let status = cluster.write();
    assert_eq!((status.phase, status.ready), (PerformerPhase::Upgrading, true));
    assert_eq!(condition(&status, DEGRADED).reason, "ErrImagePull");
    assert_eq!(condition(&status, PROGRESSING).status, "False");
    assert_eq!(condition(&status, AVAILABLE).status, "True");

    cluster.upgrade("registry.example/adder:1.0.0");
    let status = cluster.write();
    assert_eq!(status.phase, PerformerPhase::Running, "back at what it serves with");
    assert_eq!(status.last_upgrade, None, "the same pod all along");
}

/// A pod that is being deleted is no endpoint, even if it is still ready.
#[test]
fn pods_that_are_deleted_do_not_count() {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", serving());
    cluster.write();
    cluster.pods[0].metadata.deletion_timestamp = Some(time(NOW));
    let status = cluster.write();
    assert_eq!((status.phase, status.ready, status.pod_name), (PerformerPhase::Pending, false, None));
}

#[test]
fn a_performer_that_is_deleted_terminates() {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", serving());
    cluster.write();
    cluster.performer.metadata.deletion_timestamp = Some(time(NOW));
    let status = cluster.write();
    assert_eq!((status.phase, status.ready), (PerformerPhase::Terminating, true), "tasks in flight end");
    assert_eq!(condition(&status, PROGRESSING).reason, "Terminating");
}

/// The public operator creates bare pods, which belong to no template.
#[test]
fn a_pod_that_no_deployment_made_serves_until_another_does() {
    let mut cluster = TestCluster::new();
    cluster.pod("bare", serving());
    cluster.pods[0].metadata.annotations = None;
    let status = cluster.write();
    assert_eq!(
        (status.phase, status.ready, status.pod_name.as_deref()),
        (PerformerPhase::Upgrading, true, Some("bare"))
    );
    cluster.pod("ours", serving());
    let status = cluster.write();
    assert_eq!((status.phase, status.pod_name.as_deref()), (PerformerPhase::Running, Some("ours")));
    assert!(status.last_upgrade.is_some());
}
