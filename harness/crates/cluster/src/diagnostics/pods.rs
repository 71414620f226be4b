//! Logs of pods from the API: of running containers, and of the containers that ended before them.

use std::time::Duration;

use backon::{ConstantBuilder, Retryable as _};
use futures::{AsyncReadExt as _, StreamExt as _, pin_mut, stream};
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::{Api, Client, ResourceExt as _, api::LogParams};
use tokio::time::Instant;

use super::{evidence::Evidence, tail::Tail, trouble};

/// How many logs are read at once.
const SIDE_BY_SIDE: usize = 16;
/// The length of a line from which the number of requested lines is computed: most lines are longer, so the size limit
/// decides.
const SHORT_LINE: usize = 32;

/// What the kubelet returns in place of the log of a container that it has removed meanwhile.
const REMOVED: &str = "unable to retrieve container logs for ";

const REMOVED_MEANWHILE: &str = "the kubelet has removed the container meanwhile";

/// Collects the logs of all containers of these pods. Pods that are not well come first, in case space or time runs
/// out.
pub(super) async fn collect(client: &Client, pods: &[Pod], evidence: &Evidence, end: Instant) {
    let mut pods: Vec<_> = pods.iter().collect();
    pods.sort_by_key(|pod| trouble::of_pod(pod).is_none());
    let logs = pods.into_iter().flat_map(logs_of).map(|log| log.keep(client, evidence, end));
    stream::iter(logs).buffered(SIDE_BY_SIDE).collect::<Vec<_>>().await;
}

/// One log.
struct Log {
    namespace: String,
    pod: String,
    container: String,
    previous: bool,
}

/// The logs that a pod has: containers that never started have none.
fn logs_of(pod: &Pod) -> Vec<Log> {
    let Some(status) = &pod.status else { return Vec::new() };
    let containers =
        [&status.init_container_statuses, &status.container_statuses, &status.ephemeral_container_statuses];
    let log = |container: &ContainerStatus, previous| Log {
        namespace: pod.namespace().unwrap_or_default(),
        pod: pod.name_any(),
        container: container.name.clone(),
        previous,
    };
    let logs = containers.into_iter().flatten().flatten().flat_map(|container| {
        let begun =
            container.state.as_ref().is_some_and(|state| state.waiting.is_none()) || container.restart_count > 0;
        let previous = container.last_state.as_ref().is_some_and(|state| state.terminated.is_some());
        [(begun, false), (previous, true)]
            .into_iter()
            .filter(|(there, _)| *there)
            .map(move |(_, previous)| log(container, previous))
    });
    logs.collect()
}

impl Log {
    async fn keep(self, client: &Client, evidence: &Evidence, end: Instant) {
        let Self { namespace, pod, container, previous } = &self;
        let ending = if *previous { "previous.log" } else { "log" };
        let path = format!("namespaces/{namespace}/pods/{pod}/{container}.{ending}");
        // When a container is restarted, the API learns a moment later which container is the previous one. The log of
        // the current container comes back with the next start, so it is worth waiting for; the log of the previous one
        // may be gone for good.
        let times = if *previous { 8 } else { 16 };
        let patient = ConstantBuilder::default().with_delay(Duration::from_millis(250)).with_max_times(times);
        let read = (|| self.read(client, evidence.file_limit())).retry(patient);
        let read =
            read.when(|error| matches!(error, kube::Error::Service(cause) if cause.to_string() == REMOVED_MEANWHILE));
        if let Some(text) = evidence.part(path.clone(), end, read).await {
            evidence.keep(&path, text);
        }
    }

    async fn read(&self, client: &Client, limit: usize) -> Result<Tail, kube::Error> {
        let lines = i64::try_from(limit / SHORT_LINE).unwrap_or(i64::MAX).max(1);
        let params = LogParams {
            container: Some(self.container.clone()),
            previous: self.previous,
            tail_lines: Some(lines),
            timestamps: true,
            ..LogParams::default()
        };
        let log = Api::<Pod>::namespaced(client.clone(), &self.namespace).log_stream(&self.pod, &params).await?;
        pin_mut!(log);
        let (mut tail, mut seen) = (Tail::new(limit), 0_i64);
        let mut piece = vec![0; 32 << 10];
        loop {
            match log.read(&mut piece).await.map_err(|error| kube::Error::Service(error.into()))? {
                0 => break,
                read => {
                    seen += piece[..read].iter().map(|byte| i64::from(*byte == b'\n')).sum::<i64>();
                    tail.push(&piece[..read]);
                }
            }
        }
        if seen <= 1 && tail.starts_with(REMOVED) {
            return Err(kube::Error::Service(REMOVED_MEANWHILE.into()));
        }
        if seen >= lines {
            tail.begins_late();
        }
        Ok(tail)
    }
}
