//! The engine's events about a trial, kept as evidence.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};

use bollard::models::EventMessage;
use hourglass_component::text::safe_json;
use hourglass_reaper::{RUN_LABEL, RunId};
use serde_json::Value;

/// How many of the latest events are kept.
const MOST: usize = 500;

/// The latest events about a trial's containers and its network. They are noted as they come: an engine remembers no more
/// than 256 events of all that it does.
#[derive(Debug, Default)]
pub(super) struct KeptEvents(Mutex<VecDeque<Value>>);

impl KeptEvents {
    /// Keeps the event if it is about a container of the run or about this network.
    pub(super) fn note(&self, event: &EventMessage, run: &RunId, network: &str) {
        let Some(actor) = &event.actor else { return };
        let label = actor.attributes.as_ref().and_then(|attributes| attributes.get(RUN_LABEL));
        if label.is_none_or(|label| label != run.as_str()) && actor.id.as_deref() != Some(network) {
            return;
        }
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if events.len() == MOST {
            events.pop_front();
        }
        // Attributes may be labels of a user's image.
        events.push_back(safe_json(event).unwrap_or_default());
    }

    /// Those that came so far, in their order.
    pub(super) fn so_far(&self) -> Vec<Value> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(value: Value) -> EventMessage {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn events_of_the_trial_are_kept_and_the_latest_of_many() {
        let (run, other) = (RunId::generate(), RunId::generate());
        let of_run = |run: &RunId| {
            event(json!({"Action": "start", "Actor": {"ID": "c", "Attributes": {RUN_LABEL: run.as_str()}}}))
        };
        let of_network = |id: &str| event(json!({"Action": "connect", "Actor": {"ID": id, "Attributes": {}}}));
        let kept = KeptEvents::default();
        for event in [of_run(&run), of_run(&other), of_network("ours"), of_network("theirs"), event(json!({}))] {
            kept.note(&event, &run, "ours");
        }
        let actions = |kept: &KeptEvents| kept.so_far().iter().map(|event| event["Action"].clone()).collect::<Vec<_>>();
        assert_eq!(actions(&kept), ["start", "connect"]);
        for _ in 0..MOST {
            kept.note(&of_network("ours"), &run, "ours");
        }
        assert_eq!(actions(&kept), vec![json!("connect"); MOST]);
    }
}
