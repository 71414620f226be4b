//! Kubernetes Events: what happened to a Performer, for people.

use std::time::Duration;

use futures::{
    StreamExt as _,
    channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded},
};
use k8s_openapi::api::core::v1::ObjectReference;
use kube::{
    Resource as _, ResourceExt as _,
    runtime::events::{Event, EventType, Recorder},
};
use tokio::time::timeout;

use crate::{
    api::{DEGRADED, Performer, PerformerPhase, PerformerStatus},
    health::words,
};

/// How long publishing an Event may take.
const WITHIN: Duration = Duration::from_secs(10);
/// The greatest length of a note that the API server accepts, in bytes.
const LONGEST_NOTE: usize = 1024;

/// An occurrence that users want to know about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Happened {
    warning: bool,
    reason: String,
    action: &'static str,
    note: String,
}

impl Happened {
    /// An occurrence that was intended.
    pub(super) fn normal(reason: &str, action: &'static str, note: impl Into<String>) -> Self {
        Self { warning: false, reason: reason.to_owned(), action, note: note.into() }
    }

    /// An occurrence that somebody should look at.
    pub(super) fn warning(reason: &str, action: &'static str, note: impl Into<String>) -> Self {
        Self { warning: true, ..Self::normal(reason, action, note) }
    }
}

/// The differences between a status and the one before it.
pub(super) fn between(before: Option<&PerformerStatus>, after: &PerformerStatus) -> Vec<Happened> {
    let mut happened = Vec::new();
    let was = before.cloned().unwrap_or_default();
    let pod = after.pod_name.as_deref().unwrap_or("its pod");
    if after.phase == PerformerPhase::Terminating {
        if was.phase != PerformerPhase::Terminating {
            happened.push(Happened::normal("Draining", "Drain", "it is removed once its pods have ended"));
        }
        return happened;
    }
    if after.phase == PerformerPhase::Upgrading && was.phase != PerformerPhase::Upgrading {
        let note = format!("{pod} serves until a pod of what the spec says is ready");
        happened.push(Happened::normal("UpgradeStarted", "Upgrade", note));
    }
    if let Some((reason, message)) = cause(after).filter(|cause| cause_reason(&was) != Some(cause.0)) {
        happened.push(Happened::warning(reason, "Reconcile", message));
    }
    if was.ready && !after.ready {
        happened.push(Happened::warning("NotReady", "Reconcile", "no pod of it is ready any more"));
    }
    if after.phase == PerformerPhase::Running && was.phase != PerformerPhase::Running {
        let reason = if was.phase == PerformerPhase::Upgrading { "Upgraded" } else { "Ready" };
        let endpoint = after.grpc_endpoint.as_deref().unwrap_or("its endpoint");
        happened.push(Happened::normal(reason, "Reconcile", format!("{pod} serves at {endpoint}")));
    }
    happened
}

/// Events that wait to be published.
pub(super) type Published = UnboundedReceiver<(ObjectReference, Event)>;

/// Hands Events to the task that publishes them. Nobody waits for that, and a lost Event changes nothing.
pub(super) struct Events(UnboundedSender<(ObjectReference, Event)>);

impl Events {
    /// A channel for Events, and its receiving end for [`publish`].
    pub(super) fn new() -> (Self, Published) {
        let (sender, receiver) = unbounded();
        (Self(sender), receiver)
    }

    /// Logs what happened to `performer`, and queues it for publishing.
    pub(super) fn tell(&self, performer: &Performer, happened: Vec<Happened>) {
        let object = format!("{}/{}", performer.namespace().unwrap_or_default(), performer.name_any());
        for Happened { warning, reason, action, note } in happened {
            if warning {
                tracing::warn!(object, reason, note, "happened");
            } else {
                tracing::info!(object, reason, note, "happened");
            }
            let event = Event {
                type_: if warning { EventType::Warning } else { EventType::Normal },
                reason,
                note: Some(cut(note)),
                action: action.to_owned(),
                secondary: None,
            };
            // The receiver is gone only when the operator ends.
            drop(self.0.unbounded_send((performer.object_ref(&()), event)));
        }
    }
}

/// Publishes Events one after the other. A repeated Event increases a count instead of being published again.
pub(super) async fn publish(recorder: Recorder, mut events: Published) {
    while let Some((object, event)) = events.next().await {
        let published = timeout(WITHIN, recorder.publish(&event, &object)).await;
        let error = match published {
            Ok(Ok(())) => continue,
            Ok(Err(error)) => words(&error),
            Err(_) => "no answer".to_owned(),
        };
        let object = format!("{}/{}", object.namespace.unwrap_or_default(), object.name.unwrap_or_default());
        tracing::debug!(object, reason = event.reason, error, "an Event is not taken");
    }
}

fn cause(status: &PerformerStatus) -> Option<(&String, &String)> {
    let degraded = status.conditions.iter().find(|condition| condition.type_ == DEGRADED)?;
    (degraded.status == "True").then_some((&degraded.reason, &degraded.message))
}

fn cause_reason(status: &PerformerStatus) -> Option<&String> {
    cause(status).map(|(reason, _)| reason)
}

fn cut(mut note: String) -> String {
    note.truncate(note.floor_char_boundary(LONGEST_NOTE));
    note
}

#[cfg(test)]
mod tests {
    use k8s_openapi::{
        apimachinery::pkg::apis::meta::v1::{Condition, Time},
        jiff::Timestamp,
    };

    use super::*;

    fn status(phase: PerformerPhase, cause: Option<(&str, &str)>) -> PerformerStatus {
        let condition = cause.map(|(reason, message)| Condition {
            type_: DEGRADED.to_owned(),
            status: "True".to_owned(),
            reason: reason.to_owned(),
            message: message.to_owned(),
            last_transition_time: Time(Timestamp::UNIX_EPOCH),
            observed_generation: None,
        });
        let ready = matches!(phase, PerformerPhase::Running | PerformerPhase::Upgrading);
        PerformerStatus { phase, ready, conditions: condition.into_iter().collect(), ..PerformerStatus::default() }
    }

    fn reasons(before: &PerformerStatus, after: &PerformerStatus) -> Vec<String> {
        between(Some(before), after).into_iter().map(|happened| happened.reason).collect()
    }

    #[test]
    fn each_transition_is_published_once() {
        use PerformerPhase::{Failed, Pending, Running, Terminating, Upgrading};
        let [pending, running, upgrading, terminating] =
            [Pending, Running, Upgrading, Terminating].map(|phase| status(phase, None));
        let failed = status(Failed, Some(("ImagePullBackOff", "no such image")));
        let worse = status(Failed, Some(("ImagePullBackOff", "still no such image")));
        let other = status(Failed, Some(("CrashLoopBackOff", "it ends")));
        assert!(between(None, &pending).is_empty());
        assert_eq!(reasons(&pending, &running), ["Ready"]);
        assert_eq!(reasons(&running, &upgrading), ["UpgradeStarted"]);
        assert_eq!(reasons(&upgrading, &running), ["Upgraded"]);
        assert_eq!(reasons(&pending, &failed), ["ImagePullBackOff"]);
        assert!(reasons(&failed, &worse).is_empty(), "the same cause in other words is no news");
        assert_eq!(reasons(&failed, &other), ["CrashLoopBackOff"]);
        assert_eq!(reasons(&running, &failed), ["ImagePullBackOff", "NotReady"]);
        assert_eq!(reasons(&failed, &running), ["Ready"]);
        assert_eq!(reasons(&failed, &terminating), ["Draining"]);
        assert!(reasons(&terminating, &terminating).is_empty());
    }

    #[test]
    fn long_notes_are_cut_between_characters() {
        assert_eq!(cut("ä".repeat(600)).len(), 1024);
        assert_eq!(cut("a".to_owned() + &"ä".repeat(600)).len(), 1023);
    }
}
