//! The ends of tasks as the timeline tells them: verified, or given up by the aggregator.

use std::{convert::Infallible, time::Duration};

use hourglass_component::events::TaskEvent;
use hourglass_load::ends::Ends;
use hourglass_timeline::{Event, Source};

use crate::{no_quorum, world::World};

/// The timeline is followed until the step is over.
const FOREVER: Duration = Duration::from_hours(24 * 365);

/// Follows the timeline from its entry `from` on, and wakes those whose tasks have ended. Each entry is read once.
pub(super) async fn follow(ends: &Ends, world: &World, from: usize) -> Infallible {
    let mut seen = from;
    loop {
        let read = |events: &[Event]| {
            let new = &events[seen..];
            let on_chain = |event: &&Event| matches!(event.source, Source::Chain(_));
            let verified = new.iter().filter(on_chain).filter(|event| event.event == Some(TaskEvent::TaskVerified));
            seen = events.len();
            ends.end(verified.filter_map(|event| event.task_hash).chain(no_quorum::given_up(new, seen, world)));
            None::<Infallible>
        };
        world.environment.timeline.wait_until(FOREVER, read).await;
    }
}
