//! Records the output of a trial's pods, and when their containers end, in files and the timeline.
//!
//! A watch of the namespace's pods finds the containers, so that those of Performers, and of a user's own executor, are
//! read too. Each is read from its first line, and so is the previous container if its end was not seen.

use std::{
    collections::{HashMap, HashSet},
    fmt::Write as _,
    pin::pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use backon::{BackoffBuilder as _, ExponentialBuilder, Retryable as _};
use futures::TryStreamExt as _;
use hourglass_component::timeout::timeout;
use hourglass_operator::api::PERFORMER_LABEL;
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, LastLines, Line};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerState, ContainerStateTerminated, ContainerStatus, Pod};
use kube::{
    ResourceExt as _,
    api::{ListParams, LogParams},
    runtime::{WatchStreamExt as _, watcher},
};
use tokio::{
    sync::{mpsc, watch},
    time::sleep,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::Instrument as _;

use super::{
    KubernetesRuntime,
    load_job::index_of,
    log_lines::each_line_after,
    names::Names,
    pods::containers,
    trial_namespace::{PART_LABEL, TrialNamespace},
};
use crate::{
    docker::Record,
    output::{Output, UnderWay},
    performers::ConfiguredPerformer,
    workers::WorkerOutput,
};

/// How long to wait for the rest of the output of containers that have ended.
const REST_WITHIN: Duration = Duration::from_secs(5);
/// The longest wait before the output of a container is read again whose stream ended while it runs.
const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Reads the output of the pods of one namespace.
#[derive(Debug)]
pub(super) struct PodLogs {
    shared: Arc<Shared>,
    _events: AbortOnDropHandle<()>,
}

#[derive(Debug)]
struct Shared {
    trial_namespace: TrialNamespace,
    names: Names,
    record: Record,
    /// The ids of containers that are or were read, and of those whose end was reported.
    read: Mutex<(HashSet<String>, HashSet<String>)>,
    /// The ids of containers that are read to the end.
    done: watch::Sender<HashSet<String>>,
    /// The latest lines of each component.
    latest: Mutex<HashMap<String, LastLines>>,
    /// Who gets the lines of the workers of a load as well, by the name of their Job.
    workers: Mutex<HashMap<String, mpsc::UnboundedSender<WorkerOutput>>>,
    readers: TaskTracker,
    under_way: UnderWay,
}

/// One run of a container of a pod.
#[derive(Debug)]
struct Life {
    pod: Pod,
    container: String,
    id: String,
    previous: bool,
}

impl PodLogs {
    /// Follows the pods of a namespace.
    pub(super) fn start(trial_namespace: TrialNamespace, names: Names, record: Record) -> Self {
        let (read, latest, readers) = (Mutex::default(), Mutex::default(), TaskTracker::new());
        let done = watch::Sender::default();
        let shared = Arc::new(Shared {
            trial_namespace,
            names,
            record,
            read,
            done,
            latest,
            workers: Mutex::default(),
            readers,
            under_way: UnderWay::default(),
        });
        let following = Arc::clone(&shared);
        let events = tokio::spawn(async move { following.follow().await }.in_current_span());
        Self { shared, _events: AbortOnDropHandle::new(events) }
    }

    /// The last lines of a component, indented; for an executor those of its performers as well, which it needs to be
    /// ready.
    pub(super) fn output_of(&self, component: &ComponentRef) -> String {
        let latest = self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner);
        let own = latest.get(&component.to_string()).map(ToString::to_string);
        let own = own.unwrap_or_else(|| LastLines::default().to_string());
        let mut all = own;
        for ConfiguredPerformer { component, .. } in self.shared.names.configured(component) {
            if let Some(output) = latest.get(&component.to_string()) {
                let _ = write!(all, "\nthe last output of {component}:\n{output}");
            }
        }
        all
    }

    /// What the workers of a Job that is about to be created will print, and their ends.
    pub(super) fn hand_over(&self, job: &str) -> mpsc::UnboundedReceiver<WorkerOutput> {
        let (sender, receiver) = mpsc::unbounded_channel();
        self.shared.workers.lock().unwrap_or_else(PoisonError::into_inner).insert(job.to_owned(), sender);
        receiver
    }

    /// Hands over nothing of a Job any more.
    pub(super) fn forget(&self, job: &str) {
        self.shared.workers.lock().unwrap_or_else(PoisonError::into_inner).remove(job);
    }

    /// Starts to read the output of these pods if the watch has not reported them yet, and waits until the output of
    /// their ended containers is read to the end.
    async fn catch_up(&self, pods: &[Pod]) {
        for pod in pods {
            self.shared.note(pod);
        }
        let ended: Vec<_> = pods.iter().flat_map(containers).flat_map(ends).collect();
        let mut done = self.shared.done.subscribe();
        let all_read = done.wait_for(|done| ended.iter().all(|id| done.contains(id)));
        // Output that does not end must not block the rest.
        let _ = timeout(REST_WITHIN, all_read).await;
    }

    /// Waits until the output of all containers is read to the end; all of them must have ended.
    pub(super) async fn finish(&self) {
        let Shared { under_way, readers, record, .. } = &*self.shared;
        under_way.finish(readers, &record.timeline).await;
    }
}

impl KubernetesRuntime {
    /// Reads the output of all pods of the trial; that of ended containers is read to its end.
    pub(super) async fn read_outputs(&self) {
        // If pods cannot be listed, the output that was read so far is used.
        if let Ok(pods) = self.trial_namespace.api::<Pod>().list(&ListParams::default()).await {
            self.logs.catch_up(&pods.items).await;
        }
    }
}

impl Shared {
    async fn follow(self: Arc<Self>) {
        let events = watcher(self.trial_namespace.api::<Pod>(), watcher::Config::default()).default_backoff();
        let mut events = pin!(events);
        loop {
            match events.try_next().await {
                Ok(Some(watcher::Event::Apply(pod) | watcher::Event::InitApply(pod) | watcher::Event::Delete(pod))) => {
                    self.note(&pod);
                }
                Ok(None) => return,
                // After an error the watch is resumed; other code detects that the cluster is gone.
                Ok(Some(watcher::Event::Init | watcher::Event::InitDone)) | Err(_) => {}
            }
        }
    }

    fn note(self: &Arc<Self>, pod: &Pod) {
        self.note_deletion(pod);
        for status in containers(pod) {
            let last = status.last_state.as_ref().and_then(|state| state.terminated.as_ref());
            if let Some(end) = last {
                self.note_end(pod, end);
                self.read(pod, &status.name, end.container_id.as_deref(), true);
            }
            let Some(ContainerState { running, terminated, .. }) = &status.state else { continue };
            if let Some(end) = terminated {
                self.note_end(pod, end);
            }
            if running.is_some() || terminated.is_some() {
                self.read(pod, &status.name, status.container_id.as_deref(), false);
            }
        }
    }

    fn read(self: &Arc<Self>, pod: &Pod, container: &str, id: Option<&str>, previous: bool) {
        let Some(id) = id.filter(|id| self.seen().0.insert((*id).to_owned())) else { return };
        let life = Life { pod: pod.clone(), container: container.to_owned(), id: id.to_owned(), previous };
        let shared = Arc::clone(self);
        let reading = async move {
            shared.read_and_hand_over(&life).await;
            shared.done.send_modify(|done| {
                done.insert(life.id);
            });
        };
        self.readers.spawn(reading.in_current_span());
    }

    async fn read_and_hand_over(&self, life: &Life) {
        let last = LastLines::default();
        let Some((worker, receiver)) = self.worker(&life.pod) else {
            return self.read_to_end(life, last, |_| {}).await;
        };
        // Nobody may be interested any more.
        let hand_over = |output| drop(receiver.send(output));
        let on_line = |line: &Line| hand_over(WorkerOutput::Line { worker, text: line.text.clone() });
        self.read_to_end(life, last.clone(), on_line).await;
        hand_over(WorkerOutput::Ended { worker, how: self.failure_of(life).await, last: last.to_string() });
    }

    /// The number of the worker of a load that a pod is, and who gets its output.
    fn worker(&self, pod: &Pod) -> Option<(u32, mpsc::UnboundedSender<WorkerOutput>)> {
        let job = pod.labels().get(PART_LABEL)?;
        let receiver = self.workers.lock().unwrap_or_else(PoisonError::into_inner).get(job).cloned();
        Some((index_of(pod)?, receiver?))
    }

    /// How a container has ended whose output is read; `None` for success.
    async fn failure_of(&self, life: &Life) -> Option<String> {
        let name = life.pod.name_any();
        let pods = self.trial_namespace.api::<Pod>();
        match (|| pods.get_opt(&name)).retry(pauses()).await {
            Ok(Some(pod)) => {
                let status = containers(&pod).find(|status| status.container_id.as_deref() == Some(&life.id));
                let state = status.and_then(|status| status.state.as_ref());
                match state.and_then(|state| state.terminated.as_ref()) {
                    Some(end) if end.exit_code == 0 => None,
                    Some(end) => Some(described(end)),
                    None => Some("output that broke off".to_owned()),
                }
            }
            Ok(None) => Some(format!("the deletion of pod {name}")),
            Err(error) => Some(format!("an unknown result: {error}")),
        }
    }

    async fn read_to_end(&self, life: &Life, last: LastLines, mut on_line: impl FnMut(&Line)) {
        let name = self.name(&life.pod).await;
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), last.clone());
        let mut output = Output::of(&name, &self.record.folder, &self.record.timeline, last);
        self.under_way.add(&output);
        let mut push = |line: &Line| {
            output.push(line);
            on_line(line);
        };
        let parameters = LogParams {
            container: Some(life.container.clone()),
            follow: !life.previous,
            previous: life.previous,
            ..LogParams::default()
        };
        let (pods, pod) = (self.trial_namespace.api::<Pod>(), life.pod.name_any());
        // A kubelet reports that a container runs before its output is available, and no event tells when it is.
        let open = || pods.log_stream(&pod, &parameters);
        let (mut read, mut waits) = (0, between_streams().build());
        loop {
            let stream = match open.retry(pauses()).when(may_come).await {
                Ok(stream) => stream,
                Err(error) => {
                    if self.is_current(life).await == Ok(true) {
                        self.note_unread(&name);
                    }
                    return self.record_gap(life, &name, &error.to_string());
                }
            };
            let before = read;
            let (ended, rest) = each_line_after(&mut read, stream, &mut push).await;
            // Proxies and load balancers close streams on which nothing is said for a while, many without an error.
            let current = if life.previous { Ok(false) } else { self.is_current(life).await };
            if current != Ok(true) {
                if let Some(line) = &rest {
                    push(line);
                }
                if current.is_err() {
                    self.note_unread(&name);
                }
                if let Err(why) = ended.map_err(|error| error.to_string()).and(current) {
                    self.record_gap(life, &name, &why);
                }
                return;
            }
            if read > before {
                waits = between_streams().build();
            }
            sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
        }
    }

    /// Whether a container still lives the life that is read; why not known, where the API server does not say.
    async fn is_current(&self, life: &Life) -> Result<bool, String> {
        let pods = self.trial_namespace.api::<Pod>();
        let name = life.pod.name_any();
        let found = (|| pods.get_opt(&name)).retry(pauses()).await.map_err(|error| error.to_string())?;
        let runs = |status: &ContainerStatus| {
            status.container_id.as_deref() == Some(&life.id)
                && status.state.as_ref().is_some_and(|state| state.running.is_some())
        };
        Ok(found.is_some_and(|pod| containers(&pod).any(runs)))
    }

    /// A trial is not judged by output that it does not have: without this, lost errors would be none.
    fn note_unread(&self, name: &str) {
        if let Ok(component) = name.parse::<ComponentRef>() {
            self.record.timeline.note_unread(&component);
        }
    }

    /// Missing output is a gap in the evidence, which must be visible.
    fn record_gap(&self, life: &Life, name: &str, why: &str) {
        let mut event = Event::of_harness(format!("the output of {name} could not be read to its end: {why}"));
        event.fields.insert("container".to_owned(), life.id.clone().into());
        self.record.timeline.record(event);
    }

    fn note_end(self: &Arc<Self>, pod: &Pod, end: &ContainerStateTerminated) {
        let Some(id) = end.container_id.clone().filter(|id| self.seen().1.insert(id.clone())) else { return };
        let how = described(end);
        // The cluster's clock may differ, and counts whole seconds: the time of observation is used.
        self.record_end(pod, id, Timestamp::now(), how);
    }

    /// A pod that others than the harness delete has ended, however orderly.
    fn note_deletion(self: &Arc<Self>, pod: &Pod) {
        let deleted = pod.metadata.deletion_timestamp.is_some();
        let Some(id) = pod.uid().filter(|uid| deleted && self.seen().1.insert(uid.clone())) else { return };
        self.record_end(pod, id, Timestamp::now(), format!("the deletion of pod {}", pod.name_any()));
    }

    fn record_end(self: &Arc<Self>, pod: &Pod, id: String, at: Timestamp, how: String) {
        let (shared, pod) = (Arc::clone(self), pod.clone());
        // Finding its component may need a request.
        let telling = async move {
            let name = shared.name(&pod).await;
            let performer = pod.labels().get(PERFORMER_LABEL).map(String::as_str);
            if !shared.record.ends.note_named(&name, performer, at, &how, || shared.output_of(&name)) {
                let mut event = Event::of_harness(format!("{name} ended with {how}"));
                event.fields.insert("container".to_owned(), id.into());
                shared.record.timeline.record(event);
            }
        };
        self.readers.spawn(telling.in_current_span());
    }

    fn output_of(&self, name: &str) -> String {
        let latest = self.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.get(name).map(ToString::to_string).unwrap_or_default()
    }

    /// The component of a pod, else the pod's own name.
    async fn name(&self, pod: &Pod) -> String {
        let component = self.names.component_of(pod, &self.trial_namespace).await;
        component.map_or_else(|| pod.name_any(), |component| component.to_string())
    }

    fn seen(&self) -> MutexGuard<'_, (HashSet<String>, HashSet<String>)> {
        self.read.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The exit code, and the reason if it says more.
fn described(end: &ContainerStateTerminated) -> String {
    let reason = end.reason.as_deref().filter(|reason| !["Error", "Completed"].contains(reason));
    let why = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    format!("exit code {}{why}", end.exit_code)
}

/// The ids of the ended runs of a container, as far as they are reported.
fn ends(status: &ContainerStatus) -> impl Iterator<Item = String> {
    let lives = [status.state.as_ref(), status.last_state.as_ref()].into_iter().flatten();
    lives.filter_map(|state| state.terminated.as_ref()?.container_id.clone())
}

/// The waits between streams of one container.
fn between_streams() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(Duration::from_millis(50)).with_max_delay(LONGEST_WAIT)
}

fn pauses() -> ExponentialBuilder {
    ExponentialBuilder::default().with_min_delay(Duration::from_millis(50)).with_max_times(6)
}

/// Whether output that is missing may appear in a moment; that of a pod that is gone will not.
fn may_come(error: &kube::Error) -> bool {
    !matches!(error, kube::Error::Api(status) if status.is_not_found())
}
