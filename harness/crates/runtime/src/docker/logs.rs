//! Records the output of the containers on a trial's network, and when they end, in files and the timeline.
//!
//! The engine's events about the network reveal the containers, so that containers of a user's program are read too. On
//! a network that is not the trial's own, only containers with the label of its run are read.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bollard::{
    models::{EventMessage, EventMessageTypeEnum},
    query_parameters::{EventsOptionsBuilder, LogsOptionsBuilder},
};
use futures::{StreamExt as _, TryStreamExt as _, future::join_all};
use hourglass_component::{causes::with_causes, timeout::timeout};
use hourglass_engine::{Engine, EngineContext as _, EngineError};
use hourglass_reaper::{COMPONENT_LABEL, RUN_LABEL, RunId};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, LastLines, Timeline};
use jiff::Timestamp;
use serde_json::Value;
use tokio::{
    sync::{OwnedMutexGuard, watch},
    task::coop::consume_budget,
};
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tracing::Instrument as _;

use super::{kept_events::KeptEvents, lines::ContainerLines};
use crate::{
    Ends,
    output::{Output, UnderWay},
};

/// How long to wait for the rest of the output of containers that have ended.
const REST_WITHIN: Duration = Duration::from_secs(5);
/// How long to wait for the output of an ended container before its end is reported.
const LAST_WORDS_WITHIN: Duration = Duration::from_secs(1);

/// Where the output and the ends of containers are recorded.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    /// The folder of output files.
    pub folder: PathBuf,
    /// The trial's timeline.
    pub timeline: Timeline,
    /// The ends of the trial's components.
    pub ends: Ends,
}

/// A container that was found in another way than by its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct FoundContainer {
    /// Its id.
    pub id: String,
    /// The component that it is.
    pub component: ComponentRef,
    /// Its state.
    pub life: Life,
}

/// The events that are followed; those that nothing here waits for are evidence.
const EVENTS: [&str; 10] =
    ["create", "connect", "disconnect", "start", "pause", "unpause", "kill", "oom", "die", "destroy"];

/// The state of a container.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Life {
    /// It was created, not started, and has written nothing.
    Created,
    /// It runs or is paused.
    Running,
    /// It will write nothing more.
    Ended,
}

/// Reads the output of the containers on one network from their first line on.
#[derive(Debug)]
pub(crate) struct Watch {
    shared: Arc<Shared>,
    lost: watch::Receiver<Option<Arc<EngineError>>>,
    _events: AbortOnDropHandle<()>,
}

/// Which containers on a network are read.
#[derive(Debug)]
pub(crate) enum Whose {
    /// All of them: the network is that of this run.
    Network(RunId),
    /// Those with the label of this run.
    Run(RunId),
}

#[derive(Debug)]
struct Shared {
    engine: Engine,
    network: String,
    whose: Whose,
    record: Record,
    containers: Mutex<HashMap<String, Container>>,
    /// The latest lines of each component: an executor may start its performer several times.
    latest: Mutex<HashMap<String, LastLines>>,
    readers: TaskTracker,
    under_way: UnderWay,
    /// What is kept as evidence.
    kept: KeptEvents,
}

#[derive(Debug, Clone, Default)]
struct Container {
    started: bool,
    connected: bool,
    /// Whether it is read although the event of its start has not arrived.
    found: bool,
    last: LastLines,
    /// What was read: a restarted container repeats it.
    read: Arc<tokio::sync::Mutex<ContainerLines>>,
    ending: BTreeSet<&'static str>,
}

/// The end of a container.
#[derive(Debug)]
struct End {
    /// The component in its label, else its name.
    who: String,
    /// The container's id.
    id: String,
    at: Timestamp,
    how: String,
}

impl Watch {
    /// Follows the selected containers on the network from `since`, in seconds since 1970.
    pub(crate) fn start(engine: &Engine, network: &str, whose: Whose, since: i64, record: Record) -> Self {
        let (engine, network) = (engine.clone(), network.to_owned());
        let (containers, latest) = (Mutex::default(), Mutex::default());
        let readers = TaskTracker::new();
        let shared = Arc::new(Shared {
            engine,
            network,
            whose,
            record,
            containers,
            latest,
            readers,
            under_way: UnderWay::default(),
            kept: KeptEvents::default(),
        });
        let (give_up, lost) = watch::channel(None);
        let following = Arc::clone(&shared);
        let events = async move {
            let error = following.follow_events(since).await;
            tracing::debug!(error = &error as &dyn std::error::Error, "the engine's events are not followed any more");
            give_up.send_replace(Some(Arc::new(error)));
        };
        let events = tokio::spawn(events.in_current_span());
        Self { shared, lost, _events: AbortOnDropHandle::new(events) }
    }

    /// Waits until the engine sends no more events or does not answer any more.
    pub(crate) async fn lost(&self) -> Arc<EngineError> {
        tokio::select! {
            error = self.no_more_events() => error,
            error = self.shared.engine.silent() => Arc::new(error),
        }
    }

    async fn no_more_events(&self) -> Arc<EngineError> {
        let mut lost = self.lost.clone();
        let error = lost.wait_for(Option::is_some).await.ok().and_then(|error| error.clone());
        match error {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// The timeline that receives the records.
    pub(super) fn timeline(&self) -> &Timeline {
        &self.shared.record.timeline
    }

    /// The last lines of a container's output, indented.
    pub(super) async fn last_output(&self, id: &str) -> String {
        let container = self.shared.containers().get(id).cloned();
        let Some(container) = container else { return LastLines::default().to_string() };
        // The reader holds this until the container's output is read to the end.
        let _ = timeout(REST_WITHIN, container.read.lock()).await;
        container.last.to_string()
    }

    /// The last lines of a running container.
    pub(super) fn output_so_far(&self, id: &str) -> String {
        self.shared.containers().get(id).map(|container| container.last.to_string()).unwrap_or_default()
    }

    /// The last lines of a component's newest container, if there is one.
    pub(super) fn output_of(&self, component: &ComponentRef) -> Option<String> {
        let latest = self.shared.latest.lock().unwrap_or_else(PoisonError::into_inner);
        latest.get(&component.to_string()).map(ToString::to_string)
    }

    /// Starts to read the output of these containers if that has not begun: the engine's event may arrive later. Waits
    /// until the output of the ended ones is read to the end.
    pub(super) async fn catch_up(&self, containers: &[FoundContainer]) {
        for found in containers.iter().filter(|found| found.life != Life::Created) {
            self.shared.read_found(&found.id);
        }
        let ended = containers.iter().filter(|found| found.life == Life::Ended);
        join_all(ended.map(|found| self.last_output(&found.id))).await;
    }

    /// The events of the trial so far, as the engine tells them.
    pub(super) fn kept_events(&self) -> Vec<Value> {
        self.shared.kept.so_far()
    }

    /// Waits until the output of all containers is read to the end; all of them must have ended.
    pub(crate) async fn finish(&self) {
        let Shared { under_way, readers, record, .. } = &*self.shared;
        under_way.finish(readers, &record.timeline).await;
    }
}

impl Shared {
    /// Returns why there are no more events.
    async fn follow_events(self: &Arc<Self>, since: i64) -> EngineError {
        let filters = HashMap::from([("type", vec!["container", "network"]), ("event", EVENTS.to_vec())]);
        let options = EventsOptionsBuilder::new().since(&since.to_string()).filters(&filters).build();
        let mut events = self.engine.docker().events(Some(options));
        let doing = || "follow what happens on the Docker engine".to_owned();
        loop {
            match events.try_next().await.context(doing) {
                Ok(Some(event)) => self.note(event),
                Ok(None) => {
                    let source = bollard::errors::Error::IOError { err: std::io::ErrorKind::UnexpectedEof.into() };
                    return EngineError::Gone { doing: doing(), source };
                }
                Err(error) => return error,
            }
        }
    }

    fn note(self: &Arc<Self>, event: EventMessage) {
        let (Whose::Network(run) | Whose::Run(run)) = &self.whose;
        self.kept.note(&event, run, &self.network);
        let at = event.time_nano.and_then(|nanos| Timestamp::from_nanosecond(nanos.into()).ok());
        let Some(actor) = event.actor else { return };
        let attributes = actor.attributes.unwrap_or_default();
        let id = actor.id.unwrap_or_default();
        let is_labelled = |run: &RunId| attributes.get(RUN_LABEL).is_some_and(|label| label == run.as_str());
        let is_meant = match &self.whose {
            Whose::Network(_) => true,
            Whose::Run(run) => is_labelled(run),
        };
        if event.typ == Some(EventMessageTypeEnum::CONTAINER) && !is_meant {
            return;
        }
        let mut containers = self.containers();
        match (event.typ, event.action.as_deref()) {
            (Some(EventMessageTypeEnum::NETWORK), Some("connect")) if id == self.network => {
                let Some(id) = attributes.get("container") else { return };
                let container = containers.entry(id.clone()).or_default();
                // A container that is connected again while it runs is read already.
                if !std::mem::replace(&mut container.connected, true) && container.started {
                    self.read(id.clone(), container);
                }
            }
            (Some(EventMessageTypeEnum::CONTAINER), Some("start")) => {
                // For other containers, only their id is kept, as long as the trial runs.
                let container = containers.entry(id.clone()).or_default();
                container.started = true;
                if container.connected && !std::mem::take(&mut container.found) {
                    self.read(id, container);
                }
            }
            (Some(EventMessageTypeEnum::CONTAINER), Some("oom")) => {
                if let Some(container) = containers.get_mut(&id) {
                    container.ending.insert("out of memory");
                }
            }
            (Some(EventMessageTypeEnum::CONTAINER), Some("die")) => {
                let Some(container) = containers.get_mut(&id).filter(|container| container.connected) else { return };
                let code = attributes.get("exitCode").map_or("unknown", String::as_str);
                let why: Vec<_> = std::mem::take(&mut container.ending).into_iter().collect();
                let why = if why.is_empty() { String::new() } else { format!(", {}", why.join(", ")) };
                let who = attributes.get(COMPONENT_LABEL).or_else(|| attributes.get("name"));
                let who = who.map_or(id.as_str(), String::as_str);
                let at = at.unwrap_or_else(Timestamp::now);
                let end = End { who: who.to_owned(), id: id.clone(), at, how: format!("exit code {code}{why}") };
                let (shared, container) = (Arc::clone(self), container.clone());
                self.readers.spawn(async move { shared.note_end(&end, &container).await }.in_current_span());
            }
            _ => {}
        }
    }

    /// Reports an end when the container's last output is read, or after a short time.
    async fn note_end(&self, end: &End, container: &Container) {
        // The reader holds this until the container's output is read to the end.
        let _ = timeout(LAST_WORDS_WITHIN, container.read.lock()).await;
        let End { who, id, at, how } = end;
        let output = || container.last.to_string();
        if !self.record.ends.note_named(who, Some(id), *at, how, output) {
            // Another program on the network.
            self.record.timeline.record(Event::of_harness(format!("{who} ended with {how}")));
        }
    }

    /// Reads a container that was found before its events came.
    fn read_found(self: &Arc<Self>, id: &str) {
        let mut containers = self.containers();
        let container = containers.entry(id.to_owned()).or_default();
        if !(container.connected && container.started) {
            container.found = !container.started;
            (container.connected, container.started) = (true, true);
            self.read(id.to_owned(), container);
        }
    }

    fn read(self: &Arc<Self>, id: String, container: &Container) {
        // Taken before the reader runs, so that waits for the end of the output include this reader.
        let earlier = Arc::clone(&container.read).try_lock_owned().ok();
        let (shared, container) = (Arc::clone(self), container.clone());
        self.readers.spawn(async move { shared.read_to_end(&id, &container, earlier).await }.in_current_span());
    }

    async fn read_to_end(&self, id: &str, container: &Container, read: Option<OwnedMutexGuard<ContainerLines>>) {
        let mut lines = match read {
            Some(read) => read,
            // The reader of its previous start is not done yet.
            None => Arc::clone(&container.read).lock_owned().await,
        };
        let name = self.name(id).await;
        self.latest.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), container.last.clone());
        let mut output = Output::of(&name, &self.record.folder, &self.record.timeline, container.last.clone());
        self.under_way.add(&output);
        let options = LogsOptionsBuilder::new().follow(true).stdout(true).stderr(true).build();
        let mut pieces = self.engine.docker().logs(id, Some(options));
        lines.begin_again();
        let mut gap = None;
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(chunk) => lines.push(chunk).iter().for_each(|line| output.push(line)),
                Err(error) => {
                    gap = Some(error);
                    break;
                }
            }
            // A container that writes without end must not starve the others.
            consume_budget().await;
        }
        lines.rest().for_each(|line| output.push(&line));
        if let Some(error) = gap {
            // A trial is not judged by output that it does not have: without this, lost errors would be none.
            if self.runs(id).await
                && let Ok(component) = name.parse::<ComponentRef>()
            {
                self.record.timeline.note_unread(&component);
            }
            self.record_gap(id, &name, &error);
        }
    }

    /// Missing output is a gap in the evidence, which must be visible: another program may have removed the container.
    fn record_gap(&self, id: &str, name: &str, error: &bollard::errors::Error) {
        let why = with_causes(error);
        let mut event = Event::of_harness(format!("the output of {name} could not be read to its end: {why}"));
        event.fields.insert("container".to_owned(), id.into());
        self.record.timeline.record(event);
    }

    /// Whether a container exists and runs, according to the engine.
    async fn runs(&self, id: &str) -> bool {
        let inspected = self.engine.docker().inspect_container(id, None).await;
        inspected.is_ok_and(|container| container.state.and_then(|state| state.running) == Some(true))
    }

    /// The component in a container's label, else the container's own name.
    async fn name(&self, id: &str) -> String {
        let Ok(inspected) = self.engine.docker().inspect_container(id, None).await else { return id.to_owned() };
        let labels = inspected.config.and_then(|config| config.labels).unwrap_or_default();
        let name = || inspected.name.unwrap_or_default().trim_start_matches('/').to_owned();
        // An image may have any label, except that of a run, which it cannot know.
        let (Whose::Network(run) | Whose::Run(run)) = &self.whose;
        let is_ours = labels.get(RUN_LABEL).is_some_and(|label| label == run.as_str());
        labels.get(COMPONENT_LABEL).filter(|_| is_ours).cloned().unwrap_or_else(|| format!("performer/{}", name()))
    }

    fn containers(&self) -> MutexGuard<'_, HashMap<String, Container>> {
        self.containers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
