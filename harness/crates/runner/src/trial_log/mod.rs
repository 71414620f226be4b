//! The harness's own log of each trial: `harness.log` in the trial's folder.
//!
//! Trials run concurrently in one process. [`TrialLog`] is a layer for a `tracing` subscriber: it writes each record of
//! the harness's crates, down to level debug, to the file of the trial in whose span the record was made. `sink` holds
//! the file of one trial, `json` the format of a record. Records on standard error are in the report crate.

mod json;
mod sink;

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use hourglass_reaper::RunId;
use tracing::{
    Event, Subscriber,
    level_filters::LevelFilter,
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, filter::Targets, layer::Context, registry::LookupSpan};

use json::Fields;
use sink::Sink;

/// The prefix of the targets of the harness's crates.
const OWN_TARGETS: &str = "hourglass";

/// The span of a trial; its field `run` is the trial's id.
const TRIAL_SPAN: &str = "trial";
const RUN_FIELD: &str = "run";

/// A `tracing` layer that writes the records of each trial to `harness.log` in the trial's folder, as one JSON object a line.
///
/// The file has mode 0600. It holds at most [`TrialLog::LIMIT`] bytes; a record says where it ends early. Records that are made
/// before the trial has a folder are held, up to [`TrialLog::HELD_LIMIT`] bytes. Records outside of the span of a trial are left to
/// other layers. A file that cannot be written to, for example on a full disk, gets no further records; the trial goes on.
///
/// The command `harness` and the test targets of `scenarios!` install it. Other programs add it to the subscriber of the
/// process, which has to be the global one, because trials run on threads of their own:
///
/// ```
/// use hourglass_runner::TrialLog;
/// use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};
///
/// tracing_subscriber::registry().with(TrialLog::layer()).init();
/// ```
#[derive(Debug, Default)]
pub struct TrialLog {
    /// By the ids of the running trials.
    sinks: Mutex<HashMap<String, Arc<Sink>>>,
}

impl TrialLog {
    /// The name of the file in the trial's folder.
    pub const FILE: &str = "harness.log";
    /// How large the file may become, in bytes, up to the record that says that it ends early.
    pub const LIMIT: usize = 8 << 20;
    /// How many bytes of records are held until the trial has a folder.
    pub const HELD_LIMIT: usize = 1 << 20;

    /// The layer, for records of the harness's crates down to level debug. Filters of other layers do not apply to it.
    pub fn layer<S>() -> impl Layer<S> + Send + Sync
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        Self::default().with_filter(Targets::new().with_target(OWN_TARGETS, LevelFilter::DEBUG))
    }

    fn sink(&self, run: &str) -> Option<Arc<Sink>> {
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).get(run).cloned()
    }

    /// Makes a span whose fields name a run the span of that run's trial.
    fn begin<S>(&self, id: &Id, context: &Context<'_, S>)
    where
        S: Subscriber + for<'a> LookupSpan<'a>,
    {
        let Some(span) = context.span(id).filter(|span| span.name() == TRIAL_SPAN) else { return };
        let mut extensions = span.extensions_mut();
        if extensions.get_mut::<Trial>().is_some() {
            return;
        }
        let Some(run) = extensions.get_mut::<Fields>().and_then(|fields| fields.text(RUN_FIELD)) else { return };
        let sink = Arc::new(Sink::default());
        self.sinks.lock().unwrap_or_else(PoisonError::into_inner).insert(run.clone(), Arc::clone(&sink));
        extensions.insert(Trial { run, sink });
    }
}

/// Writes the records of a trial into its folder, which has just been created. Without the layer this does nothing.
pub(crate) fn folder_made(run: &RunId, folder: &Path) {
    let sink = tracing::dispatcher::get_default(|dispatch| dispatch.downcast_ref::<TrialLog>()?.sink(run.as_str()));
    if let Some(sink) = sink
        && let Err(error) = sink.open(&folder.join(TrialLog::FILE))
    {
        tracing::warn!(error = &error as &dyn std::error::Error, "{} of the trial cannot be written", TrialLog::FILE);
    }
}

/// The extension of a trial's span.
struct Trial {
    run: String,
    sink: Arc<Sink>,
}

impl<S> Layer<S> for TrialLog
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().replace(fields);
        self.begin(id, &context);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        if let Some(fields) = span.extensions_mut().get_mut::<Fields>() {
            values.record(fields);
        }
        self.begin(id, &context);
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let Some(scope) = context.event_scope(event) else { return };
        let sink = scope.into_iter().find_map(|span| Some(Arc::clone(&span.extensions().get::<Trial>()?.sink)));
        let Some(sink) = sink else { return };
        let spans = context.event_scope(event).into_iter().flat_map(tracing_subscriber::registry::Scope::from_root);
        let spans = spans.map(|span| json::span(span.name(), span.extensions().get::<Fields>()));
        sink.write(&json::line(event, spans.collect()));
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let Some(span) = context.span(&id) else { return };
        if let Some(Trial { run, sink }) = span.extensions_mut().remove::<Trial>() {
            self.sinks.lock().unwrap_or_else(PoisonError::into_inner).remove(&run);
            sink.close();
        }
    }
}

#[cfg(test)]
mod tests;
