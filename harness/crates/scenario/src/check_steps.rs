//! Checks of steps, and of ends that invariants expect: one kind each, tasks created before they are used, operators that exist.

use std::collections::BTreeSet;

use hourglass_component::{
    document::{Pointer, Problem, Problems},
    events::Reporter,
};
use hourglass_proto::contracts::errors;

use super::check_limits;
use super::limits::{limits, no_time};
use super::model::ScenarioDocument;
use super::step::{CreateTask, ExpectEvent, ExpectRejected, ExpectVerified, STEP_KEYS, StepDocument};
use super::texts::ComponentRef;

/// Adds every problem of the steps of `document`.
pub(super) fn check(document: &ScenarioDocument, problems: &mut Problems) {
    let at = Pointer::from("/steps");
    let operators: BTreeSet<_> = document.topology.operators.iter().map(|operator| operator.name.as_str()).collect();
    let mut checking = Checking {
        // A step or operator that could not be read may be what the others refer to.
        operators: (!problems.touch(&Pointer::from("/topology/operators"))).then_some(operators),
        check_tasks: !problems.touch(&at),
        tasks: BTreeSet::new(),
        created: Vec::new(),
        expectations: 0,
        problems,
    };
    checking.steps(&document.steps, &at);
    for (index, component) in document.invariants.expected_ends.iter().enumerate() {
        if let Some(name) = component.operator() {
            checking.operator(name, &Pointer::from("/invariants/expected_ends").item(index));
        }
    }
    if checking.expectations == 0 && !document.steps.is_empty() && !checking.problems.touch(&at) {
        checking.problems.add(
            Problem::at_key(&at, "the scenario expects nothing, so that it cannot fail")
                .label("no step here is an expectation")
                .help("add an `expect_…` step"),
        );
    }
}

struct Checking<'a> {
    operators: Option<BTreeSet<&'a str>>,
    check_tasks: bool,
    tasks: BTreeSet<String>,
    /// The same in the order in which they were created, as far as a branch has to be able to take them back.
    created: Vec<String>,
    expectations: usize,
    problems: &'a mut Problems,
}

impl Checking<'_> {
    fn steps(&mut self, steps: &[StepDocument], at: &Pointer) {
        for (index, step) in steps.iter().enumerate() {
            self.step(step, &at.item(index));
        }
    }

    fn step(&mut self, step: &StepDocument, at: &Pointer) {
        self.one_kind(step, at);
        self.fields(step, at);
        if step.condition == Some(false) {
            return;
        }
        self.expectations += step.keys().iter().filter(|key| key.starts_with("expect_")).count();
        if let Some(create) = &step.create_task {
            self.created(create, &at.key("create_task").key("as"));
        }
        if let Some(branches) = &step.parallel {
            self.branches(branches, &at.key("parallel"));
        }
        for (key, task) in [
            ("expect_verified", step.expect_verified.as_ref().map(|step| &step.task)),
            ("expect_expired", step.expect_expired.as_ref().map(|step| &step.task)),
            ("expect_event", step.expect_event.as_ref().and_then(|step| step.task.as_ref())),
        ] {
            if let Some(task) = task {
                self.task(task, &at.key(key).key("task"));
            }
        }
    }

    /// Branches run side by side: what one creates, another cannot count on.
    fn branches(&mut self, branches: &[StepDocument], at: &Pointer) {
        let mut created = BTreeSet::new();
        for (index, branch) in branches.iter().enumerate() {
            let before = self.created.len();
            self.step(branch, &at.item(index));
            for task in self.created.split_off(before) {
                self.tasks.remove(&task);
                if let Some(task) = created.replace(task) {
                    self.problems.add(twice(&task, &at.item(index).key("create_task").key("as")));
                }
            }
        }
        self.created.extend(created.iter().cloned());
        self.tasks.extend(created);
    }

    fn one_kind(&mut self, step: &StepDocument, at: &Pointer) {
        match step.keys().as_slice() {
            [_] => {}
            [] if self.problems.touch(at) => {}
            [] => self.problems.add(
                Problem::at_value(at, "the step does not say what to do")
                    .label("no kind of step")
                    .help(format!("add one of `{}`", STEP_KEYS.join("`, `"))),
            ),
            [_, second, ..] => self.problems.add(
                Problem::at_key(&at.key(second), format!("the step does several things: {}", step.keys().join(", ")))
                    .label("a second kind")
                    .help("make each a step of its own; `parallel` runs steps side by side"),
            ),
        }
    }

    fn fields(&mut self, step: &StepDocument, at: &Pointer) {
        if let Some(create) = &step.create_task {
            self.create_task(create, &at.key("create_task"));
        }
        if let Some(rejected) = &step.expect_rejected {
            self.expect_rejected(rejected, &at.key("expect_rejected"));
        }
        if let Some(verified) = &step.expect_verified {
            self.expect_verified(verified, &at.key("expect_verified"));
        }
        for (key, component) in [
            ("kill", step.kill.as_ref().map(|step| &step.component)),
            ("restart", step.restart.as_ref().map(|step| &step.component)),
            ("pause", step.pause.as_ref().map(|step| &step.component)),
            ("resume", step.resume.as_ref().map(|step| &step.component)),
            ("disconnect", step.disconnect.as_ref().map(|step| &step.component)),
            ("reconnect", step.reconnect.as_ref().map(|step| &step.component)),
            ("delete_pod", step.delete_pod.as_ref().map(|step| &step.component)),
            ("drain_node", step.drain_node.as_ref().map(|step| &step.component)),
            ("expect_event", step.expect_event.as_ref().and_then(|step| step.component.as_ref())),
        ] {
            if let Some(name) = component.and_then(ComponentRef::operator) {
                self.operator(name, &at.key(key).key("component"));
            }
        }
        for (key, ends) in [
            ("cut", step.cut.as_ref().map(|step| [&step.from, &step.to])),
            ("mend", step.mend.as_ref().map(|step| [&step.from, &step.to])),
        ] {
            for (end, component) in ["from", "to"].into_iter().zip(ends.into_iter().flatten()) {
                if let Some(name) = component.operator() {
                    self.operator(name, &at.key(key).key(end));
                }
            }
        }
        for (key, within) in limits(step) {
            if within.is_zero() {
                self.problems.add(no_time(&at.key(key).key("within"), "within"));
            }
        }
        if let Some(by) = step.warp.as_ref().map(|warp| warp.by) {
            check_limits::warp(by, &at.key("warp").key("by"), self.problems);
        }
        if let Some(expect) = &step.expect_event {
            self.expect_event(expect, &at.key("expect_event"));
        }
    }

    /// An event counts only from the component that may report it: of another it would be awaited in vain.
    fn expect_event(&mut self, expect: &ExpectEvent, at: &Pointer) {
        let Some(component) = &expect.component else { return };
        let (reports, reporter) = match expect.event.reporter() {
            Reporter::Aggregator => (*component == ComponentRef::Aggregator, "the aggregator"),
            Reporter::Executor => (matches!(component, ComponentRef::Executor(_)), "an executor"),
            Reporter::Chain => (false, "a chain"),
        };
        if !reports {
            let event = expect.event;
            self.problems.add(
                Problem::at_value(&at.key("component"), format!("`{component}` does not report `{event}`"))
                    .label(format!("`{event}` is reported by {reporter}"))
                    .help("name the component that reports the event, or leave `component` out"),
            );
        }
    }

    fn create_task(&mut self, create: &CreateTask, at: &Pointer) {
        let (text, raw) = (create.payload.as_ref(), create.payload_hex.as_ref());
        check_limits::payload(text, raw, at, self.problems);
        self.either("payload", text.is_some(), raw.is_some(), true, at);
        if text.is_some_and(String::is_empty) || raw.is_some_and(|raw| raw.0.is_empty()) {
            let key = if text.is_some() { "payload" } else { "payload_hex" };
            self.problems.add(
                Problem::at_value(&at.key(key), "the mailbox refuses tasks with an empty payload")
                    .label("empty")
                    .help("`expect_rejected` with `error: PayloadIsEmpty` tests that"),
            );
        }
    }

    fn expect_rejected(&mut self, rejected: &ExpectRejected, at: &Pointer) {
        check_limits::payload(rejected.payload.as_ref(), rejected.payload_hex.as_ref(), at, self.problems);
        let (text, raw) = (rejected.payload.is_some(), rejected.payload_hex.is_some());
        self.either("payload", text, raw, true, at);
        let known = errors::names();
        if !known.contains(&rejected.error.as_str()) {
            self.problems.add(
                Problem::at_value(&at.key("error"), format!("no contract has an error called `{}`", rejected.error))
                    .label("expected here")
                    .did_you_mean(&rejected.error, "errors", known),
            );
        }
    }

    fn expect_verified(&mut self, verified: &ExpectVerified, at: &Pointer) {
        check_limits::result(verified, at, self.problems);
        self.either("result", verified.result.is_some(), verified.result_hex.is_some(), false, at);
        for (key, names) in [("signed_by", &verified.signed_by), ("not_signed_by", &verified.not_signed_by)] {
            for (index, name) in names.iter().enumerate() {
                self.operator(name, &at.key(key).item(index));
            }
        }
        let signed_by: BTreeSet<_> = verified.signed_by.iter().collect();
        for (index, name) in verified.not_signed_by.iter().enumerate() {
            if signed_by.contains(name) {
                self.problems.add(
                    Problem::at_value(
                        &at.key("not_signed_by").item(index),
                        format!("`{name}` cannot have signed and not signed"),
                    )
                    .label("also in `signed_by`")
                    .help("keep one of the two"),
                );
            }
        }
    }

    /// `KEY` and `KEY_hex` exclude each other.
    fn either(&mut self, key: &str, text: bool, raw: bool, required: bool, at: &Pointer) {
        let hex = format!("{key}_hex");
        if text && raw {
            self.problems.add(
                Problem::at_key(&at.key(&hex), format!("both `{key}` and `{hex}` are given"))
                    .label("a second time")
                    .help("keep one of the two"),
            );
        } else if required && !text && !raw && !self.problems.touch(at) {
            self.problems.add(
                Problem::at_key(at, format!("`{key}` is missing"))
                    .label(format!("has no `{key}`"))
                    .help(format!("add `{key}` (text) or `{hex}` (raw bytes)")),
            );
        }
    }

    fn created(&mut self, create: &CreateTask, at: &Pointer) {
        if self.tasks.insert(create.alias.clone()) {
            self.created.push(create.alias.clone());
        } else {
            self.problems.add(twice(&create.alias, at));
        }
    }

    fn task(&mut self, task: &str, at: &Pointer) {
        if self.check_tasks && !self.tasks.contains(task) {
            let problem = Problem::at_value(at, format!("no earlier step creates a task called `{task}`"));
            let tasks = self.tasks.iter().map(String::as_str);
            self.problems.add_misspelt(problem.label("used here"), task, "tasks created so far", tasks);
        }
    }

    fn operator(&mut self, name: &str, at: &Pointer) {
        if let Some(operators) = &self.operators
            && !operators.contains(name)
        {
            let problem = Problem::at_value(at, format!("there is no operator called `{name}`"));
            self.problems.add_misspelt(problem.label("meant here"), name, "operators", operators.iter().copied());
        }
    }
}

fn twice(task: &str, at: &Pointer) -> Problem {
    Problem::at_value(at, format!("two steps create a task called `{task}`"))
        .label("the second one")
        .help("tell them apart with `as: …`")
}
