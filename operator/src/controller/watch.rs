//! Keeps one store filled, even if watches break and API servers go away.

use std::{fmt::Debug, hash::Hash, sync::Arc};

use futures::StreamExt as _;
use kube::{
    Api, Resource,
    runtime::{
        reflector::store::Writer,
        watcher::{self, Error, Event, watcher},
    },
};
use serde::de::DeserializeOwned;

use crate::{
    health::{Health, words},
    metrics::Metrics,
    pauses::Pauses,
};

/// What an event of a watch concerns.
pub(super) enum Touched<'a, K> {
    /// This object has changed.
    Changed(&'a K),
    /// This object is gone.
    Gone(&'a K),
    /// Everything was listed again.
    All,
}

impl<K> Clone for Touched<'_, K> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K> Copy for Touched<'_, K> {}

/// A watch and the store that it fills.
pub(super) struct Watch<K: 'static + Resource + Clone>
where
    K::DynamicType: Eq + Hash + Clone,
{
    /// Its name in metrics and in `/readyz`.
    pub(super) name: String,
    pub(super) api: Api<K>,
    pub(super) config: watcher::Config,
    pub(super) writer: Writer<K>,
    pub(super) metrics: Arc<Metrics>,
    pub(super) health: Arc<Health>,
}

impl<K> Watch<K>
where
    K: Resource + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    K::DynamicType: Eq + Hash + Clone + Send + Sync,
{
    /// Watches forever. `slim` removes fields that nobody reads before an object is stored; `touched` is called for
    /// each event after the store has it.
    pub(super) async fn run(mut self, slim: impl Fn(&mut K), touched: impl Fn(Touched<'_, K>)) {
        let mut pauses = Pauses::default();
        loop {
            let mut events = watcher(self.api.clone(), self.config.clone()).boxed();
            while let Some(event) = events.next().await {
                let error = match event {
                    Ok(event) => {
                        let event = event.modify(|object| {
                            object.meta_mut().managed_fields = None;
                            slim(object);
                        });
                        self.writer.apply_watcher_event(&event);
                        match &event {
                            Event::Apply(object) => touched(Touched::Changed(object)),
                            Event::Delete(object) => touched(Touched::Gone(object)),
                            Event::InitDone => {
                                pauses = Pauses::default();
                                self.health.synced(&self.name);
                                touched(Touched::All);
                            }
                            Event::Init | Event::InitApply(_) => {}
                        }
                        continue;
                    }
                    Err(error) => error,
                };
                let words = words_of(&error);
                self.metrics.watch_failed(&self.name);
                // A broken connection resumes where it was. A watch that cannot be started lists again, so that the end
                // of the trouble is noticed.
                let anew = !matches!(error, Error::WatchFailed(_));
                tracing::warn!(watch = self.name, error = words, "a watch broke");
                if anew {
                    self.health.broken(&self.name, words);
                }
                pauses.pause().await;
                if anew {
                    break;
                }
            }
        }
    }
}

fn words_of(error: &Error) -> String {
    match error {
        Error::InitialListFailed(error) | Error::WatchStartFailed(error) | Error::WatchFailed(error) => words(error),
        Error::WatchError(status) => status.message.clone(),
        Error::NoResourceVersion => error.to_string(),
    }
}
