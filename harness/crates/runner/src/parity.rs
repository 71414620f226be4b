//! Whether a scenario ends the same way on several runtimes: compares the traces of its trials.
//!
//! Differences that depend on who is first are not compared; everything else is. docs/decisions/0012-parity.md gives
//! the rules.

use std::{
    collections::BTreeSet,
    fmt::{self, Write as _},
    path::PathBuf,
};

use hourglass_component::text::cut;
use hourglass_scenario::FIRST_AVS;
use hourglass_timeline::{Lane, TaskTrace, Trace};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::verdict::{ExitStatus, TEXT_LIMIT, TrialReport, Verdict};

/// The prefix of parity verdicts' names, in place of the runtime in trials' names.
pub const PARITY: &str = "parity";
/// How many differences are shown in words; a burst can have thousands.
const SHOWN: usize = 20;

/// One scenario, for one combination of its matrix, on several runtimes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Parity {
    /// `parity::square`, or `parity::square::chain_l1`.
    pub name: String,
    /// The runtimes.
    pub runtimes: Vec<String>,
    /// The scenario file.
    pub scenario: PathBuf,
    /// What the comparison came to.
    #[serde(flatten)]
    pub verdict: ParityVerdict,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ParityVerdict {
    /// No difference.
    Passed,
    /// The runtimes differ.
    Failed {
        /// In what; never empty.
        differences: Vec<Difference>,
    },
    /// A trial did not pass, so that there is nothing to compare.
    NotCompared {
        /// Which, and how it ended.
        reason: String,
    },
}

/// Something that is one way on one runtime and another way on another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Difference {
    /// What, for example ``the result of task `task` ``.
    pub what: String,
    /// How it is on each of the two runtimes, by the runtime's name.
    pub sides: [(String, String); 2],
}

/// Compares the trials of each scenario that has several, in the order of their names.
///
/// `announced` are the names of all trials of the run: one without a report was not run.
pub fn of_reports<'a>(announced: &[String], reports: impl IntoIterator<Item = &'a TrialReport>) -> Vec<Parity> {
    let reports: Vec<_> = reports.into_iter().collect();
    let scenarios: BTreeSet<_> = announced.iter().filter_map(|name| Some(name.split_once("::")?.1)).collect();
    scenarios
        .into_iter()
        .filter_map(|scenario| {
            let names: Vec<_> = announced.iter().filter(|name| suffix(name) == Some(scenario)).collect();
            let found = |name: &&String| reports.iter().copied().find(|report| report.trial == **name);
            let trials: Vec<_> = names.iter().map(|name| (name.as_str(), found(name))).collect();
            (trials.len() > 1).then(|| of_trials(scenario, &trials))
        })
        .collect()
}

/// Compares trials of one scenario; each has its report unless it was not run.
pub fn of_trials(scenario: &str, trials: &[(&str, Option<&TrialReport>)]) -> Parity {
    let runtime = |name: &str| name.split_once("::").map_or(name, |(runtime, _)| runtime).to_owned();
    let unfit = trials.iter().find_map(|(name, report)| match report {
        None => Some(format!("{name} was not run")),
        Some(report) => match &report.verdict {
            Verdict::Passed => None,
            Verdict::Failed { .. } => Some(format!("{name} failed")),
            Verdict::EnvironmentFailed { .. } => Some(format!("the environment of {name} failed")),
            Verdict::Skipped { .. } => Some(format!("{name} was skipped")),
            Verdict::Interrupted => Some(format!("{name} was interrupted")),
        },
    });
    let verdict = if let Some(reason) = unfit {
        ParityVerdict::NotCompared { reason }
    } else {
        let traces: Vec<_> =
            trials.iter().filter_map(|(name, report)| Some((runtime(name), &report.as_ref()?.trace))).collect();
        let differences = compare(&traces);
        if differences.is_empty() { ParityVerdict::Passed } else { ParityVerdict::Failed { differences } }
    };
    let runtimes = trials.iter().map(|(name, _)| runtime(name)).collect();
    let path = trials.iter().find_map(|(_, report)| report.map(|report| report.scenario.clone())).unwrap_or_default();
    Parity { name: format!("{PARITY}::{scenario}"), runtimes, scenario: path, verdict }
}

/// Compares each trace with the first; names are those of the runtimes.
pub fn compare(traces: &[(String, &Trace)]) -> Vec<Difference> {
    let Some(((name, first), others)) = traces.split_first() else { return Vec::new() };
    let mut differences = Vec::new();
    for (other, trace) in others {
        let mut comparing = Comparing { names: [name, other], differences: &mut differences };
        comparing.traces(first, trace);
    }
    differences
}

impl Parity {
    /// The exit status of the verdict. A trial that prevented the comparison counts for itself.
    pub fn status(&self) -> ExitStatus {
        match self.verdict {
            ParityVerdict::Passed | ParityVerdict::NotCompared { .. } => ExitStatus::Passed,
            ParityVerdict::Failed { .. } => ExitStatus::Failed,
        }
    }

    /// The differences for people, two aligned lines each; empty if there is none. Each line ends with a line feed.
    pub fn text(&self) -> String {
        let ParityVerdict::Failed { differences } = &self.verdict else { return String::new() };
        let mut text: String = differences.iter().take(SHOWN).map(ToString::to_string).collect();
        if differences.len() > SHOWN {
            let _ = writeln!(text, "  and {} more", differences.len() - SHOWN);
        }
        text
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self.sides.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        writeln!(f, "  {}", self.what)?;
        self.sides.iter().try_for_each(|(name, value)| writeln!(f, "    {name:<width$}  {value}"))
    }
}

struct Comparing<'a> {
    names: [&'a str; 2],
    differences: &'a mut Vec<Difference>,
}

impl Comparing<'_> {
    fn traces(&mut self, one: &Trace, other: &Trace) {
        self.equal("the steps", &one.steps.join(", "), &other.steps.join(", "));
        self.equal("the tasks", &names(one), &names(other));
        for (one, other) in one.tasks.iter().zip(&other.tasks) {
            self.tasks(one, other);
        }
    }

    fn tasks(&mut self, one: &TaskTrace, other: &TaskTrace) {
        let task = &one.name;
        self.equal(&format!("the chain of task `{task}`"), &one.chain, &other.chain);
        let avs = |trace: &TaskTrace| trace.avs.clone().unwrap_or_else(|| FIRST_AVS.to_owned());
        self.equal(&format!("the AVS of task `{task}`"), &avs(one), &avs(other));
        self.equal(&format!("the status of task `{task}`"), &one.status, &other.status);
        let times = |trace: &TaskTrace| trace.verified.to_string();
        self.equal(&format!("how often task `{task}` was verified"), &times(one), &times(other));
        let result = |trace: &TaskTrace| trace.result.clone().unwrap_or_else(|| "none".to_owned());
        self.equal(&format!("the result of task `{task}`"), &result(one), &result(other));
        self.equal(&format!("the signers of task `{task}`"), &signers(one), &signers(other));
        let lanes: BTreeSet<_> = one.lanes.keys().chain(other.lanes.keys()).collect();
        let empty = Lane::default();
        for name in lanes {
            let of = |trace: &TaskTrace| trace.lanes.get(name).cloned().unwrap_or_else(|| empty.clone());
            let (one, other) = (of(one), of(other));
            if !agree(&one, &other) {
                self.differ(&format!("task `{task}` by {name}"), &events(&one), &events(&other));
            }
        }
    }

    fn equal(&mut self, what: &str, one: &str, other: &str) {
        if one != other {
            self.differ(what, one, other);
        }
    }

    fn differ(&mut self, what: &str, one: &str, other: &str) {
        let [first, second] = self.names.map(ToOwned::to_owned);
        let [one, other] = [one, other].map(|value| cut(value, TEXT_LIMIT).into_owned());
        self.differences.push(Difference { what: what.to_owned(), sides: [(first, one), (second, other)] });
    }
}

/// Whether two lanes agree: whole lanes are equal; one that was cut off is a prefix of the other.
fn agree(one: &Lane, other: &Lane) -> bool {
    if one.whole && other.whole {
        return one.events == other.events;
    }
    let [short, long] = if one.events.len() <= other.events.len() { [one, other] } else { [other, one] };
    // A whole lane is not shorter than one that was cut off.
    !short.whole && long.events.starts_with(&short.events) || one.events == other.events
}

/// The signers, except those that the scenario leaves open.
fn signers(task: &TaskTrace) -> String {
    let names: Vec<_> = task.signers.difference(&task.free).cloned().collect();
    if names.is_empty() { "nobody".to_owned() } else { names.join(", ") }
}

fn events(lane: &Lane) -> String {
    if lane.events.is_empty() { "nothing".to_owned() } else { lane.events.join(", ") }
}

fn names(trace: &Trace) -> String {
    trace.tasks.iter().map(|task| task.name.as_str()).collect::<Vec<_>>().join(", ")
}

fn suffix(name: &str) -> Option<&str> {
    name.split_once("::").map(|(_, scenario)| scenario)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn lane(events: &[&str], whole: bool) -> Lane {
        Lane { events: events.iter().map(|event| (*event).to_owned()).collect(), whole }
    }

    /// Being late is no difference, another content is one: the core of the comparison.
    #[rstest]
    #[case::equal(lane(&["started", "finished"], true), lane(&["started", "finished"], true), true)]
    #[case::cut_off(lane(&["started"], false), lane(&["started", "finished"], true), true)]
    #[case::both_cut_off(lane(&[], false), lane(&["started", "finished"], false), true)]
    #[case::failed_instead(lane(&["started", "failed"], false), lane(&["started", "finished"], true), false)]
    #[case::whole_and_short(lane(&["started"], true), lane(&["started", "finished"], true), false)]
    #[case::more_than_whole(lane(&["started", "finished", "failed"], false), lane(&["started", "finished"], true), false)]
    #[case::other_order(lane(&["finished", "started"], true), lane(&["started", "finished"], true), false)]
    fn lanes_agree_unless_their_content_differs(#[case] one: Lane, #[case] other: Lane, #[case] expected: bool) {
        assert_eq!((agree(&one, &other), agree(&other, &one)), (expected, expected));
    }

    fn task(signers: &[&str], free: &[&str]) -> TaskTrace {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        TaskTrace {
            name: "task".to_owned(),
            avs: None,
            chain: "l2".to_owned(),
            status: "verified".to_owned(),
            verified: 1,
            result: Some("0x10".to_owned()),
            signers: names(signers),
            free: names(free),
            lanes: [].into(),
        }
    }

    /// Signers are compared as far as the scenario determines them.
    #[rstest]
    #[case(&["alice", "bob"], &["alice", "carol"], &["bob", "carol"], 0)]
    #[case(&["alice", "bob"], &["alice", "carol"], &[], 1)]
    #[case(&["alice", "bob"], &["bob"], &["carol"], 1)]
    fn signers_are_compared_where_they_are_pinned(
        #[case] one: &[&str],
        #[case] other: &[&str],
        #[case] free: &[&str],
        #[case] expected: usize,
    ) {
        let trace = |signers: &[&str]| Trace { steps: Vec::new(), tasks: vec![task(signers, free)] };
        let (one, other) = (trace(one), trace(other));
        let found = compare(&[("process".to_owned(), &one), ("docker".to_owned(), &other)]);
        assert_eq!(found.len(), expected, "{found:?}");
    }

    /// Each part of a trace must count: a part that is skipped hides a difference.
    #[rstest]
    #[case::result(|task: &mut TaskTrace| task.result = Some("0x11".to_owned()), "the result of task `task`")]
    #[case::chain(|task: &mut TaskTrace| task.chain = "l1".to_owned(), "the chain of task `task`")]
    #[case::avs(|task: &mut TaskTrace| task.avs = Some("second".to_owned()), "the AVS of task `task`")]
    #[case::status(|task: &mut TaskTrace| task.status = "expired".to_owned(), "the status of task `task`")]
    #[case::twice(|task: &mut TaskTrace| task.verified = 2, "how often task `task` was verified")]
    #[case::lane(
        |task: &mut TaskTrace| drop(task.lanes.insert("aggregator".to_owned(), lane(&["observed"], true))),
        "task `task` by aggregator"
    )]
    fn every_part_of_a_trace_is_compared(#[case] change: fn(&mut TaskTrace), #[case] what: &str) {
        let one = Trace { steps: Vec::new(), tasks: vec![TaskTrace { lanes: whole(), ..task(&["alice"], &[]) }] };
        let mut other = one.clone();
        change(&mut other.tasks[0]);
        let found = compare(&[("process".to_owned(), &one), ("docker".to_owned(), &other)]);
        assert_eq!(found.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(), [what]);
    }

    fn whole() -> std::collections::BTreeMap<String, Lane> {
        [("aggregator".to_owned(), lane(&["observed", "quorum"], true))].into()
    }
}
