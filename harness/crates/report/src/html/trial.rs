//! The section of one trial.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use hourglass_runner::{
    again_with_options,
    verdict::{StepOutcome, TaskReport, TrialReport, Verdict, Violation},
};

use super::{
    budget::Budget,
    log::Log,
    overview::badge,
    steps::{self, SourceLine, Step},
    tasks::Tasks,
    text::{Text, memory, time},
    waterfall::{Drawn, Waterfall, Window},
};

/// The limits of an expected or seen text in bytes, and of violations.
const LONG: usize = 4 << 10;
const VIOLATIONS: usize = 20;
/// Files of a trial's folder.
const EVIDENCE: [&str; 2] = ["timeline.jsonl", "scenario.yaml"];

/// What surrounds a trial on its page.
#[derive(Debug, Clone, Copy)]
pub(super) struct Surroundings<'a> {
    /// The command that runs a trial when its name is appended.
    pub(super) command: &'a str,
    /// The folder of the page, which links to evidence begin in.
    pub(super) page_folder: Option<&'a Path>,
    /// The contents of the scenario files that can be read.
    pub(super) sources: &'a BTreeMap<&'a Path, String>,
}

/// The section.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) id: String,
    pub(super) name: Text,
    pub(super) verdict: Badge,
    pub(super) open: bool,
    pub(super) runtime: Text,
    pub(super) scenario: Text,
    pub(super) started: String,
    pub(super) duration: String,
    pub(super) phases: Vec<Phase>,
    pub(super) violations: Vec<Unmet>,
    pub(super) more_violations: usize,
    /// Why nothing was tested: the label, the text, the remedy.
    pub(super) reason: Option<(&'static str, Text, Option<Text>)>,
    pub(super) steps: Vec<Step>,
    pub(super) more_steps: usize,
    pub(super) source: Vec<SourceLine>,
    pub(super) waterfall: Option<Waterfall>,
    pub(super) whole: Option<Waterfall>,
    pub(super) tasks: Tasks,
    pub(super) usage: Vec<Used>,
    pub(super) log: Log,
    pub(super) again: Text,
    pub(super) folder: Text,
    pub(super) kept: bool,
    pub(super) evidence: Vec<(Text, Option<Text>)>,
    pub(super) running: Vec<(Text, Text)>,
}

/// A verdict as a word, a symbol and a class of the stylesheet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Badge {
    pub(super) word: &'static str,
    pub(super) symbol: &'static str,
    pub(super) class: &'static str,
}

#[derive(Debug)]
pub(super) struct Phase {
    pub(super) name: Text,
    pub(super) time: String,
    /// The position and width of its bar, of 1000.
    pub(super) x: f64,
    pub(super) width: f64,
    pub(super) class: &'static str,
}

/// An expectation that was not met.
#[derive(Debug)]
pub(super) struct Unmet {
    pub(super) what: Text,
    pub(super) place: Text,
    pub(super) expected: Text,
    pub(super) seen: Text,
    pub(super) task: Text,
    pub(super) timeline: Text,
}

#[derive(Debug)]
pub(super) struct Used {
    pub(super) component: Text,
    pub(super) cpu: String,
    pub(super) memory: String,
}

impl Section {
    /// The section of the trial at this position, within its budget.
    pub(super) fn of(index: usize, trial: &TrialReport, around: Surroundings<'_>, mut budget: Budget) -> Self {
        let found: &[Violation] = match &trial.verdict {
            Verdict::Failed { violations } => violations,
            _ => &[],
        };
        let mut part = budget.split(30);
        let violations: Vec<_> = found
            .iter()
            .take(VIOLATIONS)
            .map(unmet)
            .take_while(|one| {
                part.takes(400, &[&one.what, &one.place, &one.expected, &one.seen, &one.task, &one.timeline])
            })
            .collect();
        budget.give_back(part);
        let mut part = budget.split(40);
        let (steps, more_steps) = steps::steps(&trial.steps, found, &mut part);
        let source = around.sources.get(trial.scenario.as_path());
        let source = source.map(|text| steps::source(text, &trial.steps, &mut part)).unwrap_or_default();
        budget.give_back(part);
        let concerned: BTreeSet<_> = found.iter().filter_map(|violation| violation.task.as_deref()).collect();
        let mut part = budget.split(25);
        let tasks = Tasks::of(&trial.tasks, &concerned, &mut part);
        budget.give_back(part);
        let mut part = budget.split(50);
        let (waterfall, whole) = waterfalls(trial, &concerned, &mut part);
        budget.give_back(part);
        let names: BTreeMap<_, _> = trial.tasks.iter().map(|task| (task.hash.as_str(), task.alias.as_str())).collect();
        let log = Log::of(&trial.events, trial.started, &names, &concerned, &mut budget);
        Self {
            id: format!("t{index}"),
            name: Text::line(&trial.trial),
            verdict: badge(&trial.verdict),
            open: trial.verdict.is_trouble(),
            runtime: Text::line(&trial.runtime),
            scenario: Text::line(&trial.scenario.to_string_lossy()),
            started: format!("{:.3}", trial.started),
            duration: time(trial.duration),
            phases: phases(trial),
            more_violations: found.len() - violations.len(),
            violations,
            reason: reason(&trial.verdict),
            steps,
            more_steps,
            source,
            waterfall,
            whole,
            tasks,
            usage: usage(trial),
            log,
            again: Text::line(&again_with_options(trial, around.command)),
            folder: Text::line(&trial.directory.to_string_lossy()),
            kept: trial.kept,
            evidence: evidence(trial, around.page_folder),
            running: trial.running.iter().map(|(name, at)| (Text::line(name), Text::line(at))).collect(),
        }
    }

    /// The first line about why the trial did not pass, for the overview.
    pub(super) fn headline(&self) -> Option<&Unmet> {
        self.violations.first()
    }
}

fn unmet(violation: &Violation) -> Unmet {
    Unmet {
        what: Text::line(&violation.what),
        place: Text::line(violation.place.as_deref().unwrap_or_default()),
        expected: Text::lines_within(&violation.expected, LONG),
        seen: Text::lines_within(&violation.seen, LONG),
        task: Text::line(violation.task.as_deref().unwrap_or_default()),
        timeline: Text::lines_within(&violation.timeline.join("\n"), LONG),
    }
}

fn reason(verdict: &Verdict) -> Option<(&'static str, Text, Option<Text>)> {
    let text = |text: &str| Text::lines_within(text, LONG);
    match verdict {
        Verdict::EnvironmentFailed { error, remedy } => Some(("error", text(error), remedy.as_deref().map(text))),
        Verdict::Skipped { reason } => Some(("skipped", text(reason), None)),
        Verdict::Interrupted => Some(("interrupted", text("the run was ended before the trial had ended"), None)),
        Verdict::Passed | Verdict::Failed { .. } => None,
    }
}

fn phases(trial: &TrialReport) -> Vec<Phase> {
    let total: f64 = trial.phases.iter().map(|phase| phase.duration.as_secs_f64()).sum();
    let mut x = 0.0;
    let phase = |(phase, class): (&hourglass_runner::verdict::Phase, &'static str)| {
        let width = if total > 0.0 { phase.duration.as_secs_f64() / total * 1000.0 } else { 0.0 };
        x += width;
        Phase { name: Text::line(&phase.name), time: time(phase.duration), x: x - width, width, class }
    };
    trial.phases.iter().zip(["p2", "p4", "p6"].into_iter().cycle()).map(phase).collect()
}

/// The time of the steps, and the whole trial where that shows more.
fn waterfalls(
    trial: &TrialReport,
    concerned: &BTreeSet<&str>,
    budget: &mut Budget,
) -> (Option<Waterfall>, Option<Waterfall>) {
    // Tasks that a violation names come first, since not all may have a place.
    let mut tasks: Vec<TaskReport> = trial.tasks.clone();
    tasks.sort_by_key(|task| !concerned.contains(task.hash.as_str()));
    let drawn = Drawn { started: trial.started, steps: &trial.steps, tasks: &tasks, events: &trial.events };
    if trial.events.is_empty() && trial.steps.iter().all(|step| step.outcome == StepOutcome::NotBegun) {
        return (None, None);
    }
    let milliseconds = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
    let end = milliseconds(trial.duration).max(1.0);
    let whole = Window { begin: 0.0, end };
    let begun = trial.steps.iter().filter_map(|step| step.began).map(milliseconds);
    let Some(first) = begun.reduce(f64::min) else { return (Some(drawn.within(whole, budget)), None) };
    let ended = trial.steps.iter().filter_map(|step| Some(milliseconds(step.began? + step.duration?)));
    let open = trial.steps.iter().any(|step| step.outcome == StepOutcome::NotEnded);
    let last = if open { end } else { ended.fold(first, f64::max) };
    let margin = ((last - first) * 0.02).max(0.5);
    let steps = Window { begin: (first - margin).max(0.0), end: last + margin };
    let mut half = budget.split(65);
    let picture = drawn.within(steps, &mut half);
    budget.give_back(half);
    let whole = trial.verdict.is_trouble().then(|| drawn.within(whole, budget));
    (Some(picture), whole)
}

fn usage(trial: &TrialReport) -> Vec<Used> {
    let used = |usage: &hourglass_runner::verdict::ComponentUsage| Used {
        component: Text::line(&usage.component),
        cpu: usage.cpu_seconds.map(|seconds| format!("{seconds:.2} s")).unwrap_or_default(),
        memory: usage.peak_memory_bytes.map(memory).unwrap_or_default(),
    };
    trial.usage.iter().take(100).map(used).collect()
}

/// The files of a folder that is kept, each with a link from the page's folder if there is one.
fn evidence(trial: &TrialReport, page_folder: Option<&Path>) -> Vec<(Text, Option<Text>)> {
    if !trial.kept {
        return Vec::new();
    }
    let base = page_folder.and_then(|folder| relative(folder, &trial.directory));
    let link = |file: &str| base.as_ref().map(|base| Text::line(&format!("{base}/{file}")));
    EVIDENCE.iter().map(|file| (Text::line(file), link(file))).chain([(Text::line("the folder"), link(""))]).collect()
}

/// The path from one folder to another, both absolute.
fn relative(from: &Path, to: &Path) -> Option<String> {
    if !from.is_absolute() || !to.is_absolute() {
        return None;
    }
    let (mut one, mut other) = (from.components().peekable(), to.components().peekable());
    while one.peek().is_some() && one.peek() == other.peek() {
        one.next();
        other.next();
    }
    let parts: Option<Vec<_>> = one.map(|_| Some("..")).chain(other.map(|part| part.as_os_str().to_str())).collect();
    Some(parts?.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("/w/reports", "/w/runs/r1", Some("../runs/r1"))]
    #[case("/w", "/w/runs/r1", Some("runs/r1"))]
    #[case("w", "/w/runs/r1", None)]
    fn evidence_is_linked_from_the_folder_of_the_page(
        #[case] from: &str,
        #[case] to: &str,
        #[case] link: Option<&str>,
    ) {
        assert_eq!(relative(Path::new(from), Path::new(to)).as_deref(), link);
    }
}
