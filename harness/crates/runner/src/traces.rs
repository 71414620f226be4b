//! The trace of a trial: the results of its steps, and the chains' data about its tasks.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use hourglass_component::{chain::VerifiedTask, text};
use hourglass_proto::{certificate::EcdsaCertificate, contracts::addresses::ECDSA_CERTIFICATE_VERIFIER};
use hourglass_scenario::{Chain, Scenario, Step, StepKind};
use hourglass_timeline::{TaskFacts, TaskTrace, Timeline};

use super::{
    chain_view::ChainView,
    world::{TrackedTask, World},
};

/// The field of the harness's own entries that tells how a step ended.
pub(super) const OUTCOME: &str = "outcome";
/// The field with the line of a step in its file.
pub(super) const LINE: &str = "line";
/// The field with the file and line of a step.
pub(super) const PLACE: &str = "place";
/// The field with a step's title.
pub(super) const STEP: &str = "step";

/// The chains' data about each task, in the order of the file. Data that cannot be read is left out.
pub(super) async fn facts(world: &World) -> Vec<TaskFacts> {
    let tasks = world.all_tasks();
    let mut views: BTreeMap<Chain, Arc<ChainView>> = BTreeMap::new();
    for chain in world.tasks_by_chain().into_keys() {
        if let Ok(view) = world.view(chain).await {
            views.insert(chain, view);
        }
    }
    let mut facts = Vec::new();
    for alias in aliases(&world.scenario.steps) {
        let group: Vec<_> = tasks.iter().filter(|task| task.alias == alias).cloned().collect();
        let avs = group.first().and_then(|task| task.avs.as_deref());
        let free: BTreeSet<_> = free(&world.scenario, avs, alias).into_iter().collect();
        for (index, task) in group.iter().enumerate() {
            let name = if group.len() == 1 { alias.to_owned() } else { format!("{alias} #{}", index + 1) };
            let view = views.get(&task.chain);
            let status = match view {
                Some(view) => view.status(task).await.ok(),
                None => None,
            };
            let status = status.map_or("unknown".to_owned(), |status| format!("{status:?}").to_lowercase());
            let verified = view.map_or(&[][..], |view| view.verified(task));
            facts.push(fact(world, task, Told { name, status, verified, free: free.clone() }));
        }
    }
    facts
}

/// How each step ended, in the order of the file: concurrent branches end in any order.
pub(super) fn steps(timeline: &Timeline) -> Vec<String> {
    let mut steps: Vec<_> = timeline.read(|events| {
        let ended = events.iter().filter_map(|event| {
            let text = |name: &str| event.fields.get(name)?.as_str();
            Some((event.fields.get(LINE)?.as_u64()?, format!("{} {}", text(STEP)?, text(OUTCOME)?)))
        });
        ended.collect()
    });
    steps.sort();
    steps.into_iter().map(|(line, step)| format!("{line}: {step}")).collect()
}

/// What is told of a task besides what its step knows.
struct Told<'a> {
    name: String,
    status: String,
    verified: &'a [VerifiedTask],
    free: BTreeSet<String>,
}

fn fact(world: &World, task: &TrackedTask, told: Told<'_>) -> TaskFacts {
    let Told { name, status, verified, free } = told;
    let certificate = verified.first().and_then(|verified| EcdsaCertificate::decode(&verified.certificate).ok());
    let signers = certificate.as_ref().and_then(|one| one.signers(ECDSA_CERTIFICATE_VERIFIER).ok()).unwrap_or_default();
    TaskFacts {
        hash: task.record.task,
        message_hash: certificate.map(|certificate| certificate.message_hash),
        trace: TaskTrace {
            name,
            avs: task.avs.clone(),
            chain: task.chain.to_string(),
            status,
            verified: verified.len(),
            result: verified.first().map(|verified| text::readable(&verified.result)),
            signers: signers.into_iter().map(|signer| world.name_of(signer)).collect(),
            free,
            lanes: BTreeMap::new(),
        },
    }
}

/// The operators who may or may not sign the task: the threshold can be reached without them, and no expectation names
/// them.
fn free(scenario: &Scenario, avs: Option<&str>, alias: &str) -> Vec<String> {
    let topology = &scenario.topology;
    let total = topology.total_weight(avs);
    let needed = total * u128::from(topology.threshold_of(avs)) / 10_000;
    let mut named = Vec::new();
    named_signers(&scenario.steps, alias, &mut named);
    let operators = topology.members(avs).iter();
    let free = operators
        .filter(|operator| total - u128::from(operator.weight) >= needed && !named.contains(&operator.name.as_str()));
    free.map(|operator| operator.name.clone()).collect()
}

fn named_signers<'a>(steps: &'a [Step], alias: &str, named: &mut Vec<&'a str>) {
    for step in steps {
        match &step.kind {
            StepKind::ExpectVerified(expect) if expect.task == alias => {
                named.extend(expect.signed_by.iter().chain(&expect.not_signed_by).map(String::as_str));
            }
            StepKind::Parallel(branches) => named_signers(branches, alias, named),
            _ => {}
        }
    }
}

fn aliases(steps: &[Step]) -> Vec<&str> {
    Step::all_in(steps).into_iter().filter_map(|step| step.kind.creates()).map(|created| created.alias).collect()
}
