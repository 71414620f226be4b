//! `expect_event`.

use std::{collections::HashMap, time::Duration};

use hourglass_component::keys::H256;
use hourglass_scenario::{ExpectEvent, Step};
use hourglass_timeline::{Event, Source};

use super::{RunStep, unmet};
use crate::{failure::StepFailure, world::World};

impl RunStep for ExpectEvent {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let within = Duration::from(self.within);
        let tasks = self.task.as_ref().map(|alias| world.tasks(alias));
        let wanted = self.count as usize;
        let matches = |event: &Event| {
            let component = self.component.as_ref();
            event.event == Some(self.event)
                && component.is_none_or(|component| event.source == Source::Component(component.clone()))
        };
        // With a group, each task must have had its events.
        let mut seen: HashMap<Option<H256>, usize> = match &tasks {
            Some(tasks) => tasks.iter().map(|task| (Some(task.record.task), 0)).collect(),
            None => HashMap::from([(None, 0)]),
        };
        let mut looked_at = 0;
        let done = world.wait_until(within, |events| {
            for event in events[looked_at..].iter().filter(|event| matches(event)) {
                let key = if tasks.is_some() { event.task_hash } else { None };
                if let Some(count) = seen.get_mut(&key) {
                    *count += 1;
                }
            }
            looked_at = events.len();
            seen.values().all(|count| *count >= wanted).then_some(())
        });
        if done.await.is_some() {
            return Ok(());
        }
        let fewest = seen.iter().min_by_key(|(_, count)| **count).map_or((None, 0), |(task, count)| (*task, *count));
        let by = self.component.as_ref().map(|component| format!(" of {component}")).unwrap_or_default();
        let times = if wanted == 1 { String::new() } else { format!(" {wanted} times") };
        let expected = format!("{}{by}{times} within {}", self.event, humantime::format_duration(within));
        let seen = format!("{} of them", fewest.1);
        Err(unmet(world, step, expected, seen, fewest.0))
    }
}
