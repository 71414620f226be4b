//! `load`: has tasks created when they are due, by the harness or by workers in the cluster, follows each to its end, and
//! judges all of them.

mod ends;
mod generator;
mod judge;
mod workers;

use hourglass_load::account::{self, TaskCounts};
use hourglass_scenario::{Load, Step};
use hourglass_timeline::Event;

use super::{RunStep, unmet};
use crate::{failure::StepFailure, world::World};

impl RunStep for Load {
    async fn run(&self, world: &World, step: &Step) -> Result<(), StepFailure> {
        let timeline = &world.environment.timeline;
        let before = timeline.read(<[Event]>::len);
        let (created, lost) = match self.workers {
            None => (generator::run(self, world).await, Vec::new()),
            Some(count) => {
                let workers::Sent { created, lost } = Box::pin(workers::run(self, count, world)).await?;
                (created, lost)
            }
        };
        // In the order in which they were due: that in which they were created differs between runs and runtimes.
        world.put_in_order(&self.alias, created.iter().map(|created| created.task.clone()).collect());
        judge::judge(self, world, &created).await?;
        let within = self.within.into();
        // What was recorded of each task is the result, here and in every report.
        let tasks = timeline.read(|events| account::tasks(&self.alias, within, &events[before..]));
        let counts = TaskCounts::of(&tasks);
        if counts.all_verified() && lost.is_empty() {
            return Ok(());
        }
        let first = tasks.iter().find(|task| task.hash.is_some() && task.reason.is_some());
        let within = humantime::format_duration(within);
        let expected = format!("{} tasks verified, each within {within}", counts.all());
        let seen = [account::summary(&tasks)].into_iter().chain(lost).collect::<Vec<_>>().join("\n");
        Err(unmet(world, step, expected, seen, first.and_then(|task| task.hash)))
    }
}
