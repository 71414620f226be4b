//! The operator's log about one trial: the lines that name the trial's namespace. The operator serves other trials as
//! well.

use std::{
    collections::HashSet,
    fs::File,
    io::Write as _,
    path::Path,
    pin::pin,
    sync::{Arc, Mutex, PoisonError},
};

use futures::TryStreamExt as _;
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, Line, Source, Timeline, parse};
use k8s_openapi::api::core::v1::Pod;
use kube::{
    Api, ResourceExt as _,
    api::LogParams,
    runtime::{WatchStreamExt as _, watcher},
};
use tokio::task::JoinSet;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument as _;

use super::{
    log_lines::each_line,
    pods::{containers, runs},
    trial_namespace::TrialNamespace,
};

const PODS: &str = "app.kubernetes.io/name=hourglass-operator";
const FILE: &str = "operator.log";

/// Follows the log of the operator across restarts, until this is dropped.
#[derive(Debug)]
pub(super) struct OperatorLog {
    _following: AbortOnDropHandle<()>,
}

struct Reader {
    pods: Api<Pod>,
    /// The trial's namespace, which selects its lines.
    namespace: String,
    file: Mutex<Option<File>>,
    timeline: Timeline,
}

impl OperatorLog {
    /// Follows it from now on.
    pub(super) fn start(trial_namespace: &TrialNamespace, operator: &str, folder: &Path, timeline: &Timeline) -> Self {
        let reader = Reader {
            pods: Api::namespaced(trial_namespace.cluster.client.clone(), operator),
            namespace: trial_namespace.namespace.clone(),
            file: Mutex::new(hourglass_base::private::append(&folder.join(FILE)).ok()),
            timeline: timeline.clone(),
        };
        Self { _following: AbortOnDropHandle::new(tokio::spawn(follow(Arc::new(reader)).in_current_span())) }
    }
}

async fn follow(reader: Arc<Reader>) {
    let mut seen = HashSet::new();
    let mut readers = JoinSet::new();
    let mut events = pin!(watcher(reader.pods.clone(), watcher::Config::default().labels(PODS)).default_backoff());
    loop {
        let event = match events.try_next().await {
            Ok(Some(event)) => event,
            Ok(None) => return,
            // A user who may not read the operator's namespace gets its log elsewhere.
            Err(error) if is_forbidden(&error) => return,
            // The watch is resumed after a pause.
            Err(_) => continue,
        };
        let (watcher::Event::Apply(pod) | watcher::Event::InitApply(pod)) = event else { continue };
        let id = containers(&pod).find_map(|status| status.container_id.clone());
        if id.is_some_and(|id| runs(&pod) && seen.insert(id)) {
            // The output of a container before the trial concerns others; a new container is read from its beginning.
            let (reader, first) = (Arc::clone(&reader), seen.len() == 1);
            readers.spawn(async move { reader.read(&pod.name_any(), first).await }.in_current_span());
        }
    }
}

fn is_forbidden(error: &watcher::Error) -> bool {
    let (watcher::Error::InitialListFailed(source)
    | watcher::Error::WatchStartFailed(source)
    | watcher::Error::WatchFailed(source)) = error
    else {
        return false;
    };
    matches!(source, kube::Error::Api(status) if status.code == 403)
}

impl Reader {
    async fn read(&self, pod: &str, skip: bool) {
        let parameters = LogParams { follow: true, tail_lines: skip.then_some(0), ..LogParams::default() };
        let Ok(stream) = self.pods.log_stream(pod, &parameters).await else { return };
        let own = |line: &Line| {
            if line.text.contains(&self.namespace) {
                self.take(line);
            }
        };
        // The watch reports the operator's next start.
        let _ = each_line(stream, own).await;
    }

    fn take(&self, line: &Line) {
        if let Some(file) = self.file.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            // The timeline has the line as well.
            let _ = writeln!(file, "{line}");
        }
        // It is not a component of the scenario, and its errors are judged by their consequences.
        for record in parse(&ComponentRef::Aggregator, line) {
            let mut event = Event { source: Source::Harness, event: None, ..record };
            event.message = format!("operator: {}", event.message);
            self.timeline.record(event);
        }
    }
}
