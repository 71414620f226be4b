//! Performers that wait to be reconciled, and since when.

use std::{
    collections::HashMap,
    convert::Infallible,
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{
    Stream, StreamExt as _,
    channel::mpsc::{UnboundedSender, unbounded},
};
use kube::runtime::{
    controller::{ReconcileReason, ReconcileRequest},
    reflector::ObjectRef,
};

use crate::api::Performer;

/// While closed it accepts nothing, so that requests do not pile up in an operator that stands by.
#[derive(Default)]
pub(super) struct Queue {
    sender: Mutex<Option<UnboundedSender<ReconcileRequest<Performer>>>>,
    since: Mutex<HashMap<ObjectRef<Performer>, Instant>>,
}

impl Queue {
    /// Opens the queue; gives all requests from now on.
    pub(super) fn open(&self) -> impl Stream<Item = Result<ReconcileRequest<Performer>, Infallible>> + use<> {
        let (sender, receiver) = unbounded();
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = Some(sender);
        receiver.map(Ok)
    }

    /// Closes the queue.
    pub(super) fn close(&self) {
        *self.sender.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.since.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    /// Requests a reconcile of `performer`. If it waits already, its waiting time goes on.
    pub(super) fn push(&self, performer: ObjectRef<Performer>) {
        let sender = self.sender.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(sender) = sender.as_ref() else { return };
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        since.entry(performer.clone()).or_insert_with(Instant::now);
        // The receiver is gone only when the controller has been told to end.
        drop(sender.unbounded_send(ReconcileRequest { obj_ref: performer, reason: ReconcileReason::ObjectUpdated }));
    }

    /// How long `performer`, whose reconcile begins now, has waited; nothing if only its own schedule requested it.
    pub(super) fn taken(&self, performer: &ObjectRef<Performer>) -> Option<Duration> {
        let since = self.since.lock().unwrap_or_else(PoisonError::into_inner).remove(performer);
        since.map(|since| since.elapsed())
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt as _;

    use super::*;

    #[test]
    fn closed_queue_accepts_nothing_and_open_queue_remembers_times() {
        let queue = Queue::default();
        let performer = ObjectRef::<Performer>::new("p").within("n");
        queue.push(performer.clone());
        assert_eq!(queue.taken(&performer), None);
        let mut requests = queue.open();
        queue.push(performer.clone());
        queue.push(performer.clone());
        assert_eq!(requests.next().now_or_never().unwrap().unwrap().unwrap().obj_ref, performer);
        assert!(queue.taken(&performer).is_some());
        assert_eq!(queue.taken(&performer), None, "the second request waited no longer than the first");
        queue.close();
        requests.next().now_or_never().unwrap().unwrap().unwrap();
        assert!(requests.next().now_or_never().unwrap().is_none(), "a closed queue ends");
    }
}
