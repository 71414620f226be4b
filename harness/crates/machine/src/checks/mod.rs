//! The meaning of the facts: one pure function for each check, so that every verdict has a test. Nothing here inspects
//! the machine.

mod deploy_tools;
mod engine;
mod host;
mod kubernetes;
mod privileged;
mod programs;

pub(super) use privileged::{Privileged, privileged};

use hourglass_base::RuntimeKind::{self, Docker, Kubernetes, Process};

use super::{Check, Facts};

const ALL: &[RuntimeKind] = &[Process, Docker, Kubernetes];
const CONTAINERS: &[RuntimeKind] = &[Docker, Kubernetes];
const CLUSTERS: &[RuntimeKind] = &[Kubernetes];
const NONE: &[RuntimeKind] = &[];

/// All checks, in the order in which they are shown.
pub(super) fn all(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![programs::anvil(&facts.anvil), programs::npm(&facts.npm, &facts.anvil)];
    checks.extend(deploy_tools::all(&facts.deploy_tools));
    checks.extend(engine::all(&facts.engine));
    checks.extend(kubernetes::all(&facts.kubernetes));
    checks.extend(kubernetes::nodes(&facts.memory, engine_space(facts)));
    checks.extend([
        host::cache(&facts.cache),
        host::memory(&facts.memory),
        host::inotify(&facts.inotify),
        host::open_files(facts.open_files),
        host::clock(facts.clock),
        host::leftovers(&facts.leftovers),
    ]);
    checks
}

fn engine_space(facts: &Facts) -> Option<u64> {
    let engine = facts.engine.as_ref().ok()?.as_ref().ok()?;
    engine.space.as_ref().map(|space| space.free)
}
