//! Which executors get a task.

use std::{
    collections::{BTreeSet, HashMap},
    future::ready,
};

use futures::{FutureExt as _, future::BoxFuture};
use hourglass_component::keys::H256;
use hourglass_runtime::Invariant;
use hourglass_scenario::{ComponentRef, FIRST_AVS, Topology};
use hourglass_timeline::{Event, Source};

use super::Finding;
use crate::{
    failure::StepFailure,
    world::{TrackedTask, World},
};

pub(super) const ONLY_MEMBERS: Invariant = Invariant {
    name: "task {} goes to its AVS alone",
    meaning: "With several AVSs, only executors of operators of a task's AVS get the task.",
};

pub(super) fn only_members(world: &World) -> BoxFuture<'_, Result<Vec<Finding>, StepFailure>> {
    let topology = &world.scenario.topology;
    // With one AVS, every executor is a member.
    if topology.avss.is_empty() {
        return ready(Ok(Vec::new())).boxed();
    }
    let tasks = world.all_tasks();
    let strangers = world.environment.timeline.read(|events| strangers(events, &tasks, topology));
    let findings = strangers.into_iter().map(|(executor, task)| {
        let avs = task.avs.as_deref().unwrap_or(FIRST_AVS);
        let members = topology.members(task.avs.as_deref()).iter().map(|operator| operator.name.as_str());
        let expected = format!("only executors of the AVS `{avs}` get it: {}", members.collect::<Vec<_>>().join(", "));
        let finding = Finding::new(expected, format!("executor/{executor} got it"));
        finding.about(format!("`{}`", task.alias)).of_task(Some(task.record.task))
    });
    ready(Ok(findings.collect())).boxed()
}

/// The executors that report anything about a task of an AVS that they do not serve, each once for each task.
fn strangers<'a>(events: &[Event], tasks: &'a [TrackedTask], topology: &Topology) -> Vec<(String, &'a TrackedTask)> {
    let by_hash: HashMap<H256, &TrackedTask> = tasks.iter().map(|task| (task.record.task, task)).collect();
    let mut found = BTreeSet::new();
    let mut strangers = Vec::new();
    for event in events {
        let Source::Component(ComponentRef::Executor(name)) = &event.source else { continue };
        let Some(task) = event.task_hash.and_then(|hash| by_hash.get(&hash)) else { continue };
        let is_member = topology.members(task.avs.as_deref()).iter().any(|member| member.name == *name);
        if !is_member && found.insert((name.clone(), task.record.task)) {
            strangers.push((name.clone(), *task));
        }
    }
    strangers
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_chain::TaskRecord;
    use hourglass_scenario::{Chain, Loader};
    use hourglass_timeline::parse_line;

    use super::*;

    const TEXT: &str = "name: own\ndescription: Two AVSs.\ntopology: {operators: [{name: alice}, {name: bob}], avss: [{name: \
                        second, operators: [{name: bob}]}]}\nsteps:\n  - create_task: {payload: \"1\"}\n  - expect_verified: {}\n";

    /// Protects the invariant itself: an executor that gets a task of another AVS is found, and no other.
    #[test]
    fn an_executor_of_another_avs_is_found() {
        let file = Loader::new().unwrap().parse(Path::new("own.yaml"), TEXT.to_owned()).unwrap();
        let topology = &file.variants[0].scenario.topology;
        let task = |byte: u8, avs: Option<&str>| TrackedTask {
            alias: format!("task-{byte}"),
            chain: Chain::L2,
            avs: avs.map(str::to_owned),
            record: TaskRecord { task: H256::repeat_byte(byte), block_number: 1, deadline: 1, gas: None },
        };
        let tasks = [task(1, None), task(2, Some("second"))];
        let about = |name: &str, byte: u8| {
            let text = format!(
                r#"{{"level":"INFO","message":"m","event":"performer_started","task_hash":"{:?}"}}"#,
                H256::repeat_byte(byte)
            );
            parse_line(&ComponentRef::Executor(name.to_owned()), &text)
        };
        let sound = [about("alice", 1), about("bob", 1), about("bob", 2), about("alice", 3)];
        assert!(strangers(&sound, &tasks, topology).is_empty());
        let events = [about("alice", 2), about("alice", 1), about("alice", 2)];
        let found: Vec<_> = strangers(&events, &tasks, topology)
            .into_iter()
            .map(|(executor, task)| format!("{executor} {}", task.alias))
            .collect();
        assert_eq!(found, ["alice task-2"]);
    }
}
