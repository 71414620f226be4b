//! A pod of the harness's own image that runs one command and is removed, for trials whose own pods cannot run it.

use std::{collections::BTreeMap, fmt::Display, time::Duration};

use hourglass_cluster::{PodImage, diagnostics, metadata_of, watch};
use hourglass_component::causes::with_causes;
use hourglass_reaper::Labels;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{
    api::{DeleteParams, LogParams, PostParams},
    runtime::watcher,
};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::kubernetes::{pods, trial_namespace::TrialNamespace};

/// The pod's name.
const NAME: &str = "observer";
/// How long a node may take to start it and to report its end.
const STARTED_WITHIN: Duration = Duration::from_secs(30);
/// How long its output and its removal may take.
const TOLD_WITHIN: Duration = Duration::from_secs(5);
/// The user of the harness's images.
const USER: i64 = 65532;

/// Returns the output of a command with a time limit, or why it could not be run.
pub(super) async fn run(
    trial_namespace: &TrialNamespace,
    image: &PodImage,
    labels: &Labels,
    command: &[&str],
    limit: Duration,
) -> Result<String, String> {
    let fail = |doing: &'static str| move |error: kube::Error| format!("{doing} pod {NAME}: {}", with_causes(&error));
    let api = trial_namespace.api::<Pod>();
    let pod = serde_json::from_value(object(image, labels, command)).map_err(|error| error.to_string())?;
    api.create(&PostParams::default(), &pod).await.map_err(fail("failed to create"))?;
    let said = async {
        ended(trial_namespace, limit).await?;
        let all = LogParams::default();
        let logs = timeout(TOLD_WITHIN, api.logs(NAME, &all)).await.map_err(late("its output does not come"))?;
        logs.map_err(fail("failed to read the output of"))
    };
    let said = said.await;
    // Otherwise it is removed with its namespace.
    let _ = timeout(TOLD_WITHIN, api.delete(NAME, &DeleteParams::default().grace_period(0))).await;
    said
}

/// Waits until its command has ended.
async fn ended(trial_namespace: &TrialNamespace, limit: Duration) -> Result<(), String> {
    let mut last = "its node has not said anything".to_owned();
    let by_name = watcher::Config::default().fields(&format!("metadata.name={NAME}"));
    let done = watch(
        &trial_namespace.cluster,
        trial_namespace.api::<Pod>(),
        by_name,
        "pods",
        |pods: &BTreeMap<String, Pod>| {
            let pod = pods.get(NAME)?;
            last = diagnostics::of_pod(pod).unwrap_or_else(|| "it runs".to_owned());
            match pod.status.as_ref().and_then(|status| status.phase.as_deref()) {
                // The result is in its output, whatever its exit code.
                Some("Succeeded" | "Failed") if pods::containers(pod).any(has_ended) => Some(Ok(())),
                Some("Failed") => Some(Err(last.clone())),
                _ => pods::cannot_start(pod).then(|| Err(last.clone())),
            }
        },
    );
    match timeout(STARTED_WITHIN + limit, done).await {
        Ok(done) => done.map_err(|error| with_causes(&error))?,
        Err(elapsed) => Err(late(&last)(elapsed)),
    }
}

fn has_ended(status: &ContainerStatus) -> bool {
    status.state.as_ref().is_some_and(|state| state.terminated.is_some())
}

fn late<E>(seen: impl Display) -> impl FnOnce(E) -> String {
    move |_| format!("pod {NAME} does not end in time: {seen}")
}

fn object(image: &PodImage, labels: &Labels, command: &[&str]) -> Value {
    let (labels, annotations) = metadata_of(labels.to_map());
    json!({
        "metadata": { "name": NAME, "labels": labels, "annotations": annotations },
        "spec": {
            "automountServiceAccountToken": false,
            "enableServiceLinks": false,
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            "securityContext": {
                "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER,
                "seccompProfile": { "type": "RuntimeDefault" },
            },
            "containers": [{
                "name": "observer",
                "image": image.reference,
                "imagePullPolicy": image.policy.as_str(),
                "command": command,
                "resources": { "requests": { "cpu": "10m", "memory": "16Mi" } },
                "securityContext": {
                    "allowPrivilegeEscalation": false,
                    "readOnlyRootFilesystem": true,
                    "capabilities": { "drop": ["ALL"] },
                },
            }],
        },
    })
}
