//! Checks of features that only some runtimes have: a network and limits for each component, a cluster.

use hourglass_component::document::{Pointer, Problem, Problems};

use super::model::{Component, ScenarioDocument};
use super::steps::{StepDocument, StepRuntimes};
use super::values::{Cpus, Memory, RuntimeKind};

/// The least memory that a container engine allows.
const LEAST_MEMORY: Memory = Memory { bytes: 6 << 20 };
/// Engines and clusters store memory in signed 64-bit numbers; no machine has as much.
const MOST_MEMORY: Memory = Memory { bytes: 1 << 50 };
/// The least share of a processor that a container engine allows.
const LEAST_CPUS: Cpus = Cpus { thousandths: 10 };
/// No machine has as many.
const MOST_CPUS: Cpus = Cpus { thousandths: 10_000_000 };

/// Adds every problem of `document`, which is `of` a scenario or a project, with the runtimes that it is meant for.
pub(super) fn check(document: &ScenarioDocument, of: &str, problems: &mut Problems) {
    let root = Pointer::root();
    reason(document, of, &root, problems);
    let readable = !problems.touch(&root.key("runtimes"));
    let meant_for = |kind| readable && document.runtimes.as_ref().is_none_or(|runtimes| runtimes.contains(&kind));
    let meant_for = RuntimeKind::ALL.into_iter().filter(|kind| meant_for(*kind)).collect();
    let mut checking = Checking { meant_for, problems };
    let components = root.key("components");
    let named = [
        ("performer", &document.components.performer),
        ("executor", &document.components.executor),
        ("aggregator", &document.components.aggregator),
    ];
    for (name, component) in named {
        checking.component(component, &components.key(name));
    }
    for member in document.topology.members_at(&root.key("topology")) {
        checking.component(&member.operator.performer, &member.at.key("performer"));
    }
    checking.steps(&document.steps, &root.key("steps"));
}

/// A scenario that leaves a runtime out must say why: scenarios exist to show parity between runtimes.
fn reason(document: &ScenarioDocument, of: &str, root: &Pointer, problems: &mut Problems) {
    let Some(runtimes) = &document.runtimes else {
        if document.runtimes_because.is_some() {
            problems.add(
                Problem::at_key(&root.key("runtimes_because"), "`runtimes_because` explains nothing")
                    .label("there is no `runtimes`")
                    .help("add `runtimes` with those that the scenario is meant for, or take this away"),
            );
        }
        return;
    };
    let left_out: Vec<_> = RuntimeKind::ALL.into_iter().filter(|kind| !runtimes.contains(kind)).collect();
    match (&document.runtimes_because, left_out.as_slice()) {
        (None, []) | (Some(_), [_, ..]) => {}
        (None, [_, ..]) => {
            problems.add(
                Problem::at_value(&root.key("runtimes"), format!("the {of} does not say why it leaves runtimes out"))
                    .label(format!("leaves out {}", listed(&left_out, " and ")))
                    .help("add `runtimes_because` with the reason in a sentence, or take `runtimes` away"),
            );
        }
        (Some(_), []) => problems.add(
            Problem::at_key(&root.key("runtimes_because"), "`runtimes_because` explains nothing")
                .label("`runtimes` leaves none out")
                .help("take this away"),
        ),
    }
}

struct Checking<'a> {
    /// The runtimes that the scenario is meant for; empty if they cannot be read.
    meant_for: Vec<RuntimeKind>,
    problems: &'a mut Problems,
}

impl Checking<'_> {
    fn component(&mut self, component: &Component, at: &Pointer) {
        if let Some(memory) = component.memory {
            self.memory(memory, &at.key("memory"));
        }
        if let Some(cpus) = component.cpus {
            self.cpus(cpus, &at.key("cpus"));
        }
    }

    fn cpus(&mut self, cpus: Cpus, at: &Pointer) {
        self.needs(StepRuntimes::Containers, "a processor limit", at);
        if cpus > MOST_CPUS {
            self.problems.add(
                Problem::at_value(at, "a container cannot be given as many processors")
                    .label("too many")
                    .help(format!("give it {MOST_CPUS} or less, or leave it out")),
            );
        }
        if cpus < LEAST_CPUS {
            self.problems.add(
                Problem::at_value(at, format!("a container cannot do with {cpus} processors"))
                    .label("too few")
                    .help(format!("give it {LEAST_CPUS} or more")),
            );
        }
    }

    fn memory(&mut self, memory: Memory, at: &Pointer) {
        self.needs(StepRuntimes::Containers, "a memory limit", at);
        if memory > MOST_MEMORY {
            self.problems.add(
                Problem::at_value(at, "a container cannot be given as much memory")
                    .label("too much")
                    .help(format!("give it {MOST_MEMORY} or less, or leave it out")),
            );
        }
        if memory < LEAST_MEMORY {
            self.problems.add(
                Problem::at_value(at, format!("a container cannot do with {memory} of memory"))
                    .label("too little")
                    .help(format!("give it {LEAST_MEMORY} or more")),
            );
        }
    }

    /// Includes disabled steps: a trial must not become possible only through another value.
    fn steps(&mut self, steps: &[StepDocument], at: &Pointer) {
        for (index, step) in steps.iter().enumerate() {
            let at = at.item(index);
            if let Some(kind) = step.kinds().first() {
                let (key, at) = (kind.key(), at.key(kind.key()));
                self.needs(kind.properties().runtimes, &format!("`{key}`"), &at);
                for (own, runtimes) in kind.key_runtimes() {
                    self.needs(runtimes, &format!("`{own}` of `{key}`"), &at.key(own));
                }
            }
            if let Some(branches) = &step.parallel {
                self.steps(branches, &at.key("parallel"));
            }
        }
    }

    /// Adds a problem if the scenario is meant for a runtime that cannot do `what`.
    fn needs(&mut self, runtimes: StepRuntimes, what: &str, at: &Pointer) {
        if self.meant_for.iter().all(|kind| runtimes.accept(kind.capabilities())) {
            return;
        }
        let accepted = RuntimeKind::with(|capabilities| runtimes.accept(capabilities));
        let refused = RuntimeKind::with(|capabilities| !runtimes.accept(capabilities));
        let problem = match (accepted.as_slice(), refused.as_slice()) {
            ([only], _) => format!("only the {only} runtime has {what}"),
            (_, [only]) => format!("the {only} runtime does not have {what}"),
            (_, refused) => format!("the runtimes {} do not have {what}", listed(refused, " and ")),
        };
        self.problems.add(
            Problem::at_key(at, problem)
                .label(format!("needs {}", runtimes.needs()))
                .help(format!("say `runtimes: [{}]`, and why in `runtimes_because`", listed(&accepted, ", "))),
        );
    }
}

fn listed(runtimes: &[RuntimeKind], separator: &str) -> String {
    runtimes.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(separator)
}
