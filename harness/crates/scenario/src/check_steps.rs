//! Checks of the steps as a whole, and of ends that invariants expect: one kind for each step, tasks created before
//! they are used, operators that exist. Further checks of a step are in its own file below `steps`.

use std::collections::{BTreeMap, BTreeSet, btree_map::Entry};

use hourglass_component::document::{Pointer, Problem, Problems};

use super::avs::FIRST_AVS;
use super::contracts::Names;
use super::limits::no_time;
use super::model::ScenarioDocument;
use super::steps::{
    CreatedTasks, ExpectExpired, NamedPerformer, NewPerformer, STEP_KEYS, ScenarioFolder, StepCheck, StepDocument,
    StepKind, StepPurpose,
};
use super::values::Mining;

/// Adds every problem of the steps of `document`, whose contracts have these custom errors.
pub(super) fn check(
    document: &ScenarioDocument,
    errors: &BTreeSet<String>,
    folder: ScenarioFolder<'_>,
    problems: &mut Problems,
    warnings: &mut Problems,
) {
    let at = Pointer::from("/steps");
    let mut checking = Checking {
        check_tasks: !problems.touch(&at),
        tasks: BTreeSet::new(),
        created: Vec::new(),
        performers: BTreeMap::new(),
        groups: BTreeSet::new(),
        expectations: 0,
        unwatched: BTreeSet::new(),
        check: StepCheck {
            // A step or operator that could not be read may be what the others refer to.
            errors,
            names: ["/contracts", "/deploy_scripts", "/topology/operators", "/topology/avss"]
                .iter()
                .all(|at| !problems.touch(&Pointer::from(*at)))
                .then(|| Names::of(document)),
            topology: ["/topology/operators", "/topology/avss"]
                .iter()
                .all(|at| !problems.touch(&Pointer::from(*at)))
                .then_some(&document.topology),
            avs_of_task: BTreeMap::new(),
            folder,
            problems,
            warnings,
        },
    };
    checking.steps(&document.steps, &at);
    for (index, component) in document.invariants.expected_ends.iter().enumerate() {
        checking.check.component(component, &Pointer::from("/invariants/expected_ends").item(index));
    }
    let Checking { expectations, check: StepCheck { problems, .. }, .. } = checking;
    if expectations == 0 && !document.steps.is_empty() && !problems.touch(&at) {
        problems.add(
            Problem::at_key(&at, "the scenario expects nothing, so that it cannot fail")
                .label("no step here is an expectation")
                .help("add an `expect_…` step"),
        );
    }
}

struct Checking<'a> {
    check_tasks: bool,
    tasks: BTreeSet<String>,
    /// The same in the order of creation, so that a branch can take them back, each with the position of its name.
    created: Vec<(String, Pointer)>,
    /// The performers that steps deployed: their operators by their names.
    performers: BTreeMap<String, String>,
    /// The names that stand for several tasks each.
    groups: BTreeSet<String>,
    expectations: usize,
    /// The tasks since whose creation no step has waited for anything.
    unwatched: BTreeSet<String>,
    check: StepCheck<'a>,
}

impl Checking<'_> {
    fn steps(&mut self, steps: &[StepDocument], at: &Pointer) {
        for (index, step) in steps.iter().enumerate() {
            self.step(step, &at.item(index));
        }
    }

    fn step(&mut self, step: &StepDocument, at: &Pointer) {
        self.one_kind(step, at);
        let kinds = step.kinds();
        for kind in &kinds {
            self.fields(kind, &at.key(kind.key()));
        }
        if step.condition == Some(false) {
            return;
        }
        for kind in &kinds {
            for (task, at) in kind.tasks_in_values(&at.key(kind.key())) {
                self.one_task(task, &at);
            }
            self.expectations += usize::from(kind.properties().purpose == StepPurpose::Expectation);
            self.waits(kind, &at.key(kind.key()));
            if let Some(created) = kind.creates() {
                self.check.avs_of_task.insert(created.alias.to_owned(), avs_of(&created));
                if created.count > 1 {
                    self.groups.insert(created.alias.to_owned());
                }
                self.unwatched.insert(created.alias.to_owned());
                self.created(created.alias, at.key(kind.key()).key("as"));
            }
            for named in kind.performers(&at.key(kind.key())) {
                self.performer(&named);
            }
            if let Some(NewPerformer { alias, operator }) = kind.deploys()
                && self.performers.insert(alias.to_owned(), operator.to_owned()).is_some()
            {
                self.check.problems.add(deployed_twice(alias, &at.key(kind.key()).key("as")));
            }
        }
        if let Some(branches) = &step.parallel {
            self.branches(branches, &at.key("parallel"));
        }
        for kind in &kinds {
            if let Some(task) = kind.task() {
                self.task(task, &at.key(kind.key()).key("task"));
            }
        }
    }

    /// Branches run concurrently: what one creates, another cannot rely on.
    fn branches(&mut self, branches: &[StepDocument], at: &Pointer) {
        let mut created = BTreeMap::<String, Pointer>::new();
        let mut deployed = BTreeMap::new();
        for (index, branch) in branches.iter().enumerate() {
            let before = self.created.len();
            let earlier = self.performers.clone();
            self.step(branch, &at.item(index));
            for (alias, operator) in std::mem::replace(&mut self.performers, earlier) {
                if !self.performers.contains_key(&alias) && deployed.insert(alias.clone(), operator).is_some() {
                    self.check.problems.add(deployed_twice(&alias, &at.item(index)));
                }
            }
            for (task, at) in self.created.split_off(before) {
                self.tasks.remove(&task);
                match created.entry(task) {
                    Entry::Occupied(first) => self.check.problems.add(twice(first.key(), &at)),
                    Entry::Vacant(free) => drop(free.insert(at)),
                }
            }
        }
        self.performers.extend(deployed);
        self.tasks.extend(created.keys().cloned());
        self.created.extend(created);
    }

    fn one_kind(&mut self, step: &StepDocument, at: &Pointer) {
        match step.keys().as_slice() {
            [_] => {}
            [] if self.check.problems.touch(at) => {}
            [] => self.check.problems.add(
                Problem::at_value(at, "the step does not say what to do")
                    .label("no kind of step")
                    .help(format!("add one of `{}`", STEP_KEYS.join("`, `"))),
            ),
            [_, second, ..] => self.check.problems.add(
                Problem::at_key(&at.key(second), format!("the step does several things: {}", step.keys().join(", ")))
                    .label("a second kind")
                    .help("make each a step of its own; `parallel` runs steps side by side"),
            ),
        }
    }

    /// The order of checks puts the problem of a name that does not exist first.
    fn fields(&mut self, kind: &StepKind, at: &Pointer) {
        for (key, component) in kind.components() {
            self.check.component(component, &at.key(key));
        }
        kind.check(at, &mut self.check);
        if kind.within().is_some_and(|within| within.is_zero()) {
            self.check.problems.add(no_time(&at.key("within"), "within"));
        }
    }

    /// Warns of an expiry that the warp past the deadline would cause for any task: nothing had the time to verify it.
    fn waits(&mut self, kind: &StepKind, at: &Pointer) {
        let properties = kind.properties();
        if let StepKind::ExpectExpired(ExpectExpired { task, .. }) = kind {
            let warps = self.check.topology.is_some_and(|it| matches!(it.mining, Mining::Instant | Mining::Batched));
            if warps && self.unwatched.contains(task) {
                self.check.warnings.add(
                    Problem::at_key(at, format!("`{task}` expires here even if it could be verified"))
                        .label("warps past the deadline at once")
                        .help(format!(
                            "before it, wait for what keeps the task from being verified, such as `expect_event: {{event: \
                             quorum_unreachable, task: {task}}}`, or let chain time advance by itself with `topology: {{mining: 1s}}`"
                        )),
                );
            }
        } else if properties.purpose == StepPurpose::Expectation && properties.reports_timeout {
            self.unwatched.clear();
        }
    }

    fn created(&mut self, task: &str, at: Pointer) {
        if self.tasks.insert(task.to_owned()) {
            self.created.push((task.to_owned(), at));
        } else {
            self.check.problems.add(twice(task, &at));
        }
    }

    fn performer(&mut self, named: &NamedPerformer<'_>) {
        let NamedPerformer { name, operator, at, is_key } = named;
        let problem =
            |message: String| if *is_key { Problem::at_key(at, message) } else { Problem::at_value(at, message) };
        match self.performers.get(*name) {
            Some(owner) if owner == operator => {}
            Some(owner) => self.check.problems.add(
                problem(format!("the performer `{name}` is one of {owner}"))
                    .label("meant here")
                    .help(format!("say `operator: {owner}`, or name another performer")),
            ),
            // A step that could not be read may deploy it.
            None if !self.check_tasks => {}
            None => {
                let problem = problem(format!("no earlier step deploys a performer called `{name}`"));
                let known = self.performers.keys().map(String::as_str);
                self.check.problems.add_misspelt(problem.label("used here"), name, "performers so far", known);
            }
        }
    }

    fn one_task(&mut self, task: &str, at: &Pointer) {
        if self.groups.contains(task) {
            let problem = Problem::at_value(at, format!("`{task}` is a group of tasks, which has no hash"));
            self.check.problems.add(problem.label("used here").help("create the task in a step of its own"));
        } else {
            self.task(task, at);
        }
    }

    fn task(&mut self, task: &str, at: &Pointer) {
        if self.check_tasks && !self.tasks.contains(task) {
            let problem = Problem::at_value(at, format!("no earlier step creates a task called `{task}`"));
            let tasks = self.tasks.iter().map(String::as_str);
            self.check.problems.add_misspelt(problem.label("used here"), task, "tasks created so far", tasks);
        }
    }
}

fn deployed_twice(alias: &str, at: &Pointer) -> Problem {
    Problem::at_value(at, format!("two steps deploy a performer called `{alias}`"))
        .label("the second one")
        .help("give it another name with `as: …`")
}

/// The AVS of created tasks; the first has a name in documents.
fn avs_of(created: &CreatedTasks<'_>) -> Option<String> {
    created.avs.filter(|avs| *avs != FIRST_AVS).map(str::to_owned)
}

fn twice(task: &str, at: &Pointer) -> Problem {
    Problem::at_value(at, format!("two steps create a task called `{task}`"))
        .label("the second one")
        .help("tell them apart with `as: …`")
}
