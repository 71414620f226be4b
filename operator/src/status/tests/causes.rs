//! Each cause is reported as what it is: users repair what the status names.

use rstest::rstest;
use serde_json::{Value, json};

use super::{TestCluster, condition, container, serving, time, unready};
use crate::{
    api::{AVAILABLE, DEGRADED, PROGRESSING, PerformerPhase},
    status::changes_in,
};

const FAILED: PerformerPhase = PerformerPhase::Failed;
const PENDING: PerformerPhase = PerformerPhase::Pending;

#[rstest]
#[case::image_missing(
    waiting("ErrImagePull", "failed to resolve reference \"registry.example/adder:1.0.0\": not found"),
    FAILED,
    "ErrImagePull",
    "image registry.example/adder:1.0.0 of pod adder-1: failed to resolve reference"
)]
#[case::image_still_missing(
    waiting("ImagePullBackOff", "Back-off pulling image \"registry.example/adder:1.0.0\": ErrImagePull: not found"),
    FAILED,
    "ImagePullBackOff",
    "ErrImagePull: not found"
)]
#[case::image_misspelled(
    waiting("InvalidImageName", "Failed to apply default image tag \"Adder:\": invalid reference format"),
    FAILED,
    "InvalidImageName",
    "invalid reference format"
)]
#[case::image_never_pulled(
    waiting("ErrImageNeverPull", "Container image \"adder\" is not present with pull policy of Never"),
    FAILED,
    "ErrImageNeverPull",
    "pull policy of Never"
)]
#[case::secret_missing(
    waiting("CreateContainerConfigError", "secret \"database\" not found"),
    FAILED,
    "CreateContainerConfigError",
    "container performer of pod adder-1: secret \"database\" not found"
)]
#[case::key_missing(
    waiting("CreateContainerConfigError", "couldn't find key password in Secret trial/database"),
    FAILED,
    "CreateContainerConfigError",
    "couldn't find key password in Secret trial/database"
)]
#[case::no_such_command(
    waiting("RunContainerError", "failed to create containerd task: exec: \"/nothing\": no such file or directory"),
    FAILED,
    "RunContainerError",
    "exec: \"/nothing\""
)]
#[case::word_that_is_none_of_ours(waiting("Strange reason!", "who knows"), FAILED, "Unknown", "who knows")]
#[case::crashes(
    json!({
        "restartCount": 3,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 40s restarting failed container"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error", "message": "no such key\n"}},
    }),
    FAILED, "CrashLoopBackOff", "3 restarts; it ended with exit code 1 (Error): no such key"
)]
#[case::too_little_memory(
    json!({
        "restartCount": 2,
        "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 20s restarting failed container"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    }),
    FAILED, "CrashLoopBackOff", "exit code 137 (OOMKilled)"
)]
#[case::crashed_this_moment(
    json!({"state": {"terminated": {"exitCode": 2, "reason": "Error"}}}),
    PENDING, "ContainerExited", "exit code 2 (Error)"
)]
#[case::started_again_after_too_little_memory(
    json!({
        "restartCount": 1,
        "started": false,
        "state": {"running": {"startedAt": "2026-03-01T11:59:58Z"}},
        "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}},
    }),
    PENDING, "OOMKilled", "is started once more, 1 restarts; it ended with exit code 137 (OOMKilled)"
)]
#[case::never_answers_its_startup_probe(
    json!({"started": false, "state": {"running": {"startedAt": "2026-03-01T11:59:45Z"}}}),
    PENDING, "NotServing", "does not answer gRPC health checks on port 8080"
)]
fn container_that_does_not_serve_is_a_cause(
    #[case] container: Value,
    #[case] phase: PerformerPhase,
    #[case] reason: &str,
    #[case] message: &str,
) {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", unready(&container));
    is_told(&mut cluster, phase, reason, message);
}

#[rstest]
#[case::no_node_has_room(
    json!({
        "phase": "Pending",
        "conditions": [{
            "type": "PodScheduled", "status": "False", "reason": "Unschedulable",
            "message": "0/1 nodes are available: 1 Insufficient cpu.",
        }],
    }),
    "Unschedulable", "pod adder-1: 0/1 nodes are available: 1 Insufficient cpu."
)]
#[case::evicted(
    json!({
        "phase": "Failed", "reason": "Evicted",
        "message": "The node was low on resource: ephemeral-storage.",
    }),
    "Evicted", "pod adder-1: The node was low on resource: ephemeral-storage."
)]
#[case::refused_by_its_node(
    json!({"phase": "Failed", "reason": "OutOfcpu", "message": "Node didn't have enough resource: cpu"}),
    "OutOfcpu", "enough resource: cpu"
)]
#[case::node_gone(
    json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False"}],
        "containerStatuses": [container(&json!({
            "ready": true, "started": true, "state": {"running": {"startedAt": "2026-03-01T11:00:00Z"}},
        }))],
    }),
    "NodeNotReady", "node-1 does not report"
)]
#[case::unhealthy_after_it_was_healthy(
    json!({
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "False", "lastTransitionTime": "2026-03-01T11:59:59Z"}],
        "containerStatuses": [container(&json!({
            "started": true, "state": {"running": {"startedAt": "2026-03-01T11:59:58Z"}},
        }))],
    }),
    "NotServing", "as serving"
)]
fn pod_that_may_recover_is_a_passing_cause(#[case] pod: Value, #[case] reason: &str, #[case] message: &str) {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", pod);
    is_told(&mut cluster, PENDING, reason, message);
}

#[rstest]
#[case::quota(
    "pods \"performer-adder-6c9\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=1, limited: pods=1",
    "QuotaExceeded",
    "exceeded quota: small"
)]
#[case::pod_security(
    "pods \"performer-adder-6c9\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
    "PodSecurityViolation",
    "runAsNonRoot"
)]
#[case::service_account(
    "pods \"performer-adder-6c9\" is forbidden: error looking up service account trial/prover: not found",
    "FailedCreate",
    "service account trial/prover"
)]
fn no_pod_can_be_created(#[case] said: &str, #[case] reason: &str, #[case] message: &str) {
    let mut cluster = TestCluster::new();
    cluster.deployment_says(json!([
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetCreated"},
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": said},
    ]));
    is_told(&mut cluster, FAILED, reason, message);
}

/// A Deployment that the API server refuses leaves the previous one in place: only the answer shows the refusal.
#[test]
fn refused_object_is_the_cause() {
    let mut cluster = TestCluster::new();
    cluster.refused = Some("Deployment.apps \"performer-adder\" is invalid: env[0].name: a valid name".to_owned());
    is_told(&mut cluster, FAILED, "Refused", "env[0].name");
}

#[test]
fn stuck_roll_out_without_known_cause_is_reported() {
    let mut cluster = TestCluster::new();
    cluster.deployment_says(json!([{
        "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "timed out",
    }]));
    cluster.pod("adder-1", unready(&json!({"state": {"waiting": {"reason": "ContainerCreating"}}})));
    is_told(&mut cluster, FAILED, "ProgressDeadlineExceeded", "timed out");
}

/// What the Deployment's controller said about the previous template is no cause for this one.
#[test]
fn an_outdated_failure_is_no_cause() {
    let mut cluster = TestCluster::new();
    cluster.deployment_says(json!([{
        "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: small",
    }]));
    cluster.upgrade("registry.example/adder:2.0.0");
    let status = cluster.write();
    assert_eq!((status.phase, condition(&status, DEGRADED).status.as_str()), (PENDING, "False"));
}

#[rstest]
#[case::creating(json!({"state": {"waiting": {"reason": "ContainerCreating"}}}))]
#[case::starting(json!({"started": false, "state": {"running": {"startedAt": "2026-03-01T11:59:59Z"}}}))]
#[case::node_ahead_of_the_operator(json!({"started": false, "state": {"running": {"startedAt": "2026-03-01T13:00:00Z"}}}))]
#[case::first_readiness_probe(json!({"started": true, "state": {"running": {"startedAt": "2026-03-01T11:59:59Z"}}}))]
fn starting_pod_is_not_degraded(#[case] container: Value) {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", unready(&container));
    let status = cluster.write();
    let degraded = condition(&status, DEGRADED);
    assert_eq!((status.phase, degraded.status.as_str()), (PENDING, "False"), "{}", degraded.message);
    assert_eq!(condition(&status, PROGRESSING).reason, "Deploying");
}

/// The replacement of an evicted pod starts. The cause is reported while there is no ready pod, and not afterwards.
#[test]
fn cause_is_reported_until_a_pod_is_ready() {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", json!({"phase": "Failed", "reason": "Evicted", "message": "low on memory"}));
    cluster.pod("adder-2", unready(&json!({"state": {"waiting": {"reason": "ContainerCreating"}}})));
    is_told(&mut cluster, PENDING, "Evicted", "pod adder-1: low on memory");
    cluster.pod("adder-3", serving());
    let status = cluster.write();
    assert_eq!((status.phase, condition(&status, DEGRADED).status.as_str()), (PerformerPhase::Running, "False"));
}

/// No event occurs in the cluster when the patience ends: the operator must look by itself.
#[test]
fn end_of_patience_is_scheduled() {
    let mut cluster = TestCluster::new();
    cluster.pod(
        "adder-1",
        unready(&json!({"started": false, "state": {"running": {"startedAt": "2026-03-01T11:59:57Z"}}})),
    );
    assert_eq!(changes_in(&cluster.observed()).map(|left| left.as_secs()), Some(7));
    cluster.now = time("2026-03-01T12:00:07Z");
    assert_eq!(changes_in(&cluster.observed()), None);
    is_told(&mut cluster, PENDING, "NotServing", "does not answer");
}

/// Runtimes answer with pages; conditions hold some thousand characters.
#[test]
fn messages_are_bounded() {
    let mut cluster = TestCluster::new();
    cluster.pod("adder-1", unready(&waiting("CreateContainerError", &"é".repeat(100_000))));
    let status = cluster.write();
    assert!(condition(&status, DEGRADED).message.len() < 4096);
}

fn is_told(cluster: &mut TestCluster, phase: PerformerPhase, reason: &str, message: &str) {
    let status = cluster.write();
    let degraded = condition(&status, DEGRADED);
    assert_eq!((degraded.status.as_str(), degraded.reason.as_str()), ("True", reason), "{}", degraded.message);
    assert!(degraded.message.contains(message), "{}", degraded.message);
    assert_eq!((status.phase, status.ready), (phase, false));
    let available = condition(&status, AVAILABLE);
    assert_eq!((available.status.as_str(), available.reason.as_str()), ("False", reason));
    let progressing = condition(&status, PROGRESSING);
    let stuck = phase == PerformerPhase::Failed;
    assert_eq!(progressing.status, if stuck { "False" } else { "True" }, "{}", progressing.reason);
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"state": {"waiting": {"reason": reason, "message": message}}})
}
