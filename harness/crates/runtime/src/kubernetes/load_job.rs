//! The workers of a load: an Indexed Job in the trial's namespace, one pod for each, with the image of the components.
//!
//! An index whose pod ends early has failed and is not started again, and the other indices go on: a second pod would create
//! the tasks of the first again, and nobody could tell how many there are.

use std::{
    collections::BTreeMap,
    io,
    pin::Pin,
    sync::PoisonError,
    task::{Context, Poll},
    time::Duration,
};

use hourglass_cluster::{ignore_not_found, metadata_of, permitted_jobs, watch};
use hourglass_component::{causes::with_causes, timeout::timeout};
use hourglass_reaper::Labels;
use hourglass_scenario::ComponentLimits;
use k8s_openapi::api::{
    batch::v1::Job,
    core::v1::{Pod, Secret},
};
use kube::{
    ResourceExt as _,
    api::{DeleteParams, Portforwarder},
    runtime::watcher,
};
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::{
    KubernetesRuntime,
    config::{USER, resources},
    images::KubernetesImages,
    names::Selector,
    pods::{Unready, Wanted},
    trial_namespace::PART_LABEL,
};
use crate::{
    RuntimeError,
    workers::{Connection, Worker, Workers, WorkersSpec},
};

/// The annotation of a pod of an Indexed Job with its index.
const INDEX: &str = "batch.kubernetes.io/job-completion-index";

/// The port on which workers take orders.
const PORT: u16 = 9020;
/// How long pods may take until they are ready.
const READY_WITHIN: Duration = Duration::from_secs(75);
/// How long a connection to a pod may take.
const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
/// How long a worker may take to end in order, in seconds: it has nothing to put in order.
const GRACE: u32 = 1;
/// How long a Job may take to be gone with its pods.
const GONE_WITHIN: Duration = Duration::from_secs(30);
/// The path of the folder with the configuration.
const FOLDER: &str = "/etc/hourglass";
const FILE: &str = "load.json";

impl KubernetesRuntime {
    /// Starts the workers of a load, and connects to each.
    pub(super) async fn start_job(&self, spec: &WorkersSpec) -> Result<Workers, RuntimeError> {
        permitted_jobs(&self.trial_namespace.cluster, &self.trial_namespace.namespace).await?;
        let url = self.chains.url(spec.chain_id).await?;
        let prepared = self.preparation.done().await?;
        let name = {
            let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.0 += 1;
            let name = format!("load-{}", jobs.0);
            jobs.1.insert(name.clone());
            name
        };
        let output = self.logs.hand_over(&name);
        let (secret, job) = objects(&name, spec, &url, &prepared.images, &self.labels);
        self.trial_namespace.apply::<Secret>(&secret).await?;
        self.trial_namespace.apply::<Job>(&job).await?;
        let count = usize::try_from(spec.count).unwrap_or(usize::MAX);
        let not_ready = |reason: String| RuntimeError::Workers { job: name.clone(), reason };
        let pods = pods_of(&name, count).ready(&self.trial_namespace, READY_WITHIN).await;
        let mut pods = pods.map_err(|error| match error {
            Unready::Cluster(error) => error.into(),
            Unready::Late(state) => not_ready(format!("{state}, after {}", humantime::format_duration(READY_WITHIN))),
            other @ Unready::Unrecoverable { .. } => not_ready(other.to_string()),
        })?;
        pods.sort_by_key(index_of);
        let mut workers = Vec::new();
        for pod in pods {
            let pod = pod.name_any();
            let connection = match timeout(CONNECTED_WITHIN, self.connect(&pod)).await {
                Ok(connected) => connected.map_err(|why| not_ready(format!("pod {pod} is not reached: {why}")))?,
                Err(_) => return Err(not_ready(format!("pod {pod} is not reached: no connection"))),
            };
            workers.push(Worker { pod, connection });
        }
        Ok(Workers { name, workers, output })
    }

    async fn connect(&self, pod: &str) -> Result<Box<dyn Connection>, String> {
        let opened = self.trial_namespace.api::<Pod>().portforward(pod, &[PORT]).await;
        let mut forwarder = opened.map_err(|error| with_causes(&error))?;
        let stream = forwarder.take_stream(PORT).ok_or("the connection has no stream")?;
        Ok(Box::new(Forwarded { stream, forwarder }))
    }

    /// Removes a Job with its pods, and its configuration.
    pub(super) async fn end_job(&self, name: &str) -> Result<(), RuntimeError> {
        let (namespace, jobs) = (&self.trial_namespace.namespace, self.trial_namespace.api::<Job>());
        // In the foreground: the Job is there until its pods are gone.
        let deleted = jobs.delete(name, &DeleteParams::foreground()).await;
        let doing = format!("delete Job {namespace}/{name}");
        ignore_not_found(deleted).map(drop).map_err(self.trial_namespace.fail(doing))?;
        let deleted = self.trial_namespace.api::<Secret>().delete(name, &DeleteParams::default()).await;
        let doing = format!("delete Secret {namespace}/{name}");
        ignore_not_found(deleted).map(drop).map_err(self.trial_namespace.fail(doing))?;
        let config = watcher::Config::default().fields(&format!("metadata.name={name}"));
        let gone = watch(&self.trial_namespace.cluster, jobs, config, "Jobs", |there: &BTreeMap<String, Job>| {
            there.is_empty().then_some(())
        });
        let Ok(gone) = timeout(GONE_WITHIN, gone).await else {
            let (what, state) = (format!("Job {name} to be gone"), "it is there".to_owned());
            return Err(RuntimeError::Timeout { what, within: GONE_WITHIN, state });
        };
        gone?;
        self.logs.forget(name);
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).1.remove(name);
        Ok(())
    }

    /// Removes the Jobs of loads that did not get to their ends.
    pub(super) async fn end_jobs(&self) -> Result<(), RuntimeError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner).1.clone();
        for job in jobs {
            self.end_job(&job).await?;
        }
        Ok(())
    }
}

fn pods_of(name: &str, count: usize) -> Wanted {
    Wanted::new(Selector::of_part(name).to_string(), count)
}

/// The index of a pod of an Indexed Job.
pub(super) fn index_of(pod: &Pod) -> Option<u32> {
    pod.annotations().get(INDEX)?.parse().ok()
}

/// The Secret with the configuration, and the Job.
fn objects(name: &str, spec: &WorkersSpec, url: &str, images: &KubernetesImages, labels: &Labels) -> (Value, Value) {
    let (mut labels, annotations) = metadata_of(labels.to_map());
    labels.insert(PART_LABEL.to_owned(), name.to_owned());
    let metadata = json!({ "name": name, "labels": labels, "annotations": annotations });
    let container = json!({
        "name": "worker",
        "image": images.components.reference,
        "imagePullPolicy": images.policy().as_str(),
        "args": [
            spec.component, "--config", format!("{FOLDER}/{FILE}"), "--chain-url", url, "--port", PORT.to_string(),
        ],
        "ports": [{ "name": "orders", "containerPort": PORT }],
        "readinessProbe": { "tcpSocket": { "port": PORT }, "periodSeconds": 1 },
        "resources": resources(ComponentLimits::LOAD_WORKER),
        "securityContext": {
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": { "drop": ["ALL"] },
        },
        "volumeMounts": [
            { "name": "config", "mountPath": FOLDER, "readOnly": true },
            { "name": "temporary", "mountPath": "/tmp" },
        ],
    });
    let pod = json!({
        "restartPolicy": "Never",
        "automountServiceAccountToken": false,
        "enableServiceLinks": false,
        "terminationGracePeriodSeconds": GRACE,
        "securityContext": {
            "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
            "seccompProfile": { "type": "RuntimeDefault" },
        },
        // A load takes more than one machine if there is more than one.
        "topologySpreadConstraints": [{
            "maxSkew": 1,
            "topologyKey": "kubernetes.io/hostname",
            "whenUnsatisfiable": "ScheduleAnyway",
            "labelSelector": { "matchLabels": { PART_LABEL: name } },
        }],
        "containers": [container],
        "volumes": [
            { "name": "config", "secret": { "secretName": name } },
            { "name": "temporary", "emptyDir": {} },
        ],
    });
    let job = json!({
        "metadata": metadata,
        "spec": {
            "completionMode": "Indexed",
            "completions": spec.count,
            "parallelism": spec.count,
            "backoffLimitPerIndex": 0,
            "activeDeadlineSeconds": (spec.within + READY_WITHIN).as_secs().max(1),
            "template": { "metadata": { "labels": labels, "annotations": annotations }, "spec": pod },
        },
    });
    (json!({ "metadata": metadata, "stringData": { FILE: spec.config } }), job)
}

/// A connection to a pod. The library's task would go on after its handle is dropped.
struct Forwarded<S> {
    stream: S,
    forwarder: Portforwarder,
}

impl<S: AsyncRead + Unpin> AsyncRead for Forwarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Forwarded<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl<S> Drop for Forwarded<S> {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}
