//! The output of pods, and observations from inside them.

use std::time::Instant;

use futures::TryStreamExt as _;
use hourglass_harness::cluster::probe::{DialOutcome, DialResult, HealthResult};
use hourglass_test_support::block_on;
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api,
    api::{AttachParams, LogParams},
    runtime::{WatchStreamExt as _, watcher},
};
use serde::de::DeserializeOwned;
use tokio::{io::AsyncReadExt as _, time::timeout};

use crate::release_namespace::{ReleaseNamespace, WITHIN, until};

/// Whether a command of the components' image succeeds in a pod, and its whole output.
pub(crate) fn harness(pods: &Api<Pod>, pod: &str, arguments: &[&str]) -> (bool, String) {
    let running = async {
        let command = [&["/harness"], arguments].concat();
        let mut running = pods.exec(pod, command, &AttachParams::default()).await.unwrap();
        let status = running.take_status().unwrap();
        let (mut out, mut err) = (running.stdout().unwrap(), running.stderr().unwrap());
        let (mut said, mut complained) = (String::new(), String::new());
        tokio::try_join!(out.read_to_string(&mut said), err.read_to_string(&mut complained)).unwrap();
        let succeeded = status.await.unwrap().status.as_deref() == Some("Success");
        (succeeded, said + &complained)
    };
    block_on(async { timeout(WITHIN, running).await }).unwrap()
}

/// The addresses that a name resolves to inside the cluster, and whether the gRPC server there reports that it serves.
pub(crate) fn health(pods: &Api<Pod>, from: &str, target: &str) -> HealthResult {
    read(harness(pods, from, &["probe", "health", "--within", "20s", target]))
}

/// Waits until a pod can connect, or cannot. No event tells when a policy comes into force.
pub(crate) fn until_connects(namespace: &ReleaseNamespace, from: &str, target: &str, expected: bool) {
    let began = Instant::now();
    loop {
        // A blocked client waits a second for an answer. A client that is let through gets an answer that is not gRPC.
        let dialled: DialResult =
            read(harness(&namespace.api(), from, &["probe", "connect", "--within", "0s", target]));
        let connects = matches!(dialled.came, DialOutcome::Answered(_) | DialOutcome::NotAnswered(_));
        if connects == expected && !matches!(dialled.came, DialOutcome::NotResolved(_)) {
            return;
        }
        assert!(began.elapsed() < WITHIN, "not as expected ({expected}): {dialled:?}");
    }
}

fn read<T: DeserializeOwned>((done, said): (bool, String)) -> T {
    assert!(done, "{said}");
    serde_json::from_str(said.trim()).unwrap()
}

/// The output of the only container of a pod until it ends.
pub(crate) fn last_output(namespace: &ReleaseNamespace, pod: &str) -> String {
    let ended = |pod: &Pod| {
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        let states = statuses.flat_map(|status| [&status.state, &status.last_state]);
        states.flatten().any(|state| state.terminated.is_some())
    };
    until(&namespace.api::<Pod>(), pod, "ended", ended);
    // It may run again by now: then this is the output of its next end.
    let all = LogParams { follow: true, ..LogParams::default() };
    block_on(async { timeout(WITHIN, namespace.api::<Pod>().logs(pod, &all)).await }).unwrap().unwrap()
}

/// Waits for a pod that waits for this reason.
pub(crate) fn stuck(namespace: &ReleaseNamespace, reason: &str) {
    let is_stuck = |pod: &Pod| {
        let statuses = pod.status.iter().flat_map(|status| status.container_statuses.iter().flatten());
        let mut waiting = statuses.filter_map(|status| status.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
        waiting.any(|found| found == reason)
    };
    let seen = async {
        let pods = watcher(namespace.api::<Pod>(), watcher::Config::default()).applied_objects();
        let mut pods = std::pin::pin!(pods);
        while !is_stuck(&pods.try_next().await.unwrap().unwrap()) {}
    };
    let outcome = block_on(async { timeout(WITHIN, seen).await });
    assert!(outcome.is_ok(), "no pod waits for {reason}");
}
