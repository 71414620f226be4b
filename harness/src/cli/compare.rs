//! `harness compare`: runs the trials of two runtimes in turns, and tells how they differ.

use std::{
    fs,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use hourglass_base::{ExitStatus, RuntimeKind};
use hourglass_cluster::ClusterChoice;
use hourglass_compare::{
    Comparison, Gate, GateResult, Machine, Outcome, Side,
    gate::evaluate,
    judge::judge,
    metrics::{PRIMARY, meaning},
    order::random_seed,
    session::{End, Plan},
    table,
};
use hourglass_component::causes::with_causes;
use hourglass_machine::{open_files, threads};
use hourglass_reaper as reaper;
use hourglass_report::{Target, failure_text, write_comparison};
use hourglass_runner::{Keep, verdict::TrialReport};
use hourglass_scenario::{Selection, Trial};
use jiff::Timestamp;

use super::{
    AnvilArgs, CliError, Output,
    again::Given,
    chosen::{ChosenArgs, of_default},
    interrupt, notice,
    output::{show_result, two_targets},
    preparation::{Preparation, end_orphans, tidy},
    run_cluster::ClusterChoiceArgs,
    source::SourceArgs,
    values::{duration, whole},
};

/// The scenario that is compared if none is chosen.
const SCENARIO: &str = "square";
/// The command that runs a failed trial again.
const AGAIN: &str = "harness run";
/// The most rounds: the test computes its distribution exactly.
const MOST_RUNS: u64 = 500;

/// Compares two runtimes: runs their trials in turns and tells which figures differ, and by how much
///
/// Exit codes: 0 all gates hold, 1 a gate is broken or a trial failed, 3 the environment failed or the machine was too busy.
#[derive(Debug, Clone, clap::Args)]
pub struct CompareArgs {
    /// Scenario files, names of scenarios, parts of names, or patterns with `*` [default: square]
    #[arg(value_name = "FILES|NAMES")]
    pub patterns: Vec<String>,
    /// Only scenarios with this tag (with one of them, if given several times)
    #[arg(long = "tag", value_name = "TAG")]
    pub tags: Vec<String>,
    /// The two sides, for example `docker,kubernetes`; `docker,docker` shows what chance does
    #[arg(long, value_name = "RUNTIME,RUNTIME", value_delimiter = ',', required = true)]
    pub runtimes: Vec<RuntimeKind>,
    /// Where the scenarios come from
    #[command(flatten)]
    pub source: SourceArgs,
    /// Leave out these scenarios or trials
    #[arg(long, value_name = "NAME")]
    pub exclude: Vec<String>,
    /// Leave out scenarios with this tag
    #[arg(long = "exclude-tag", value_name = "TAG")]
    pub exclude_tags: Vec<String>,
    /// What is put over the scenarios
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// The cluster of Kubernetes trials
    #[command(flatten)]
    pub cluster: ClusterChoiceArgs,
    /// How many trials of each scenario are measured on each side
    #[arg(long, value_name = "N", default_value = "30", value_parser = whole::<usize>(1..=MOST_RUNS))]
    pub runs: usize,
    /// How many run before and are not measured
    #[arg(long, value_name = "N", default_value = "2", value_parser = whole::<usize>(0..=MOST_RUNS))]
    pub warm_up: usize,
    /// The seed of an earlier comparison, for the same order of trials; default: by chance
    #[arg(long, value_name = "N", value_parser = whole::<u64>(0..=u64::MAX))]
    pub seed: Option<u64>,
    /// The metric that decides whether the sides differ; the p-values of all others are corrected for their number
    #[arg(long, value_name = "NAME", default_value = PRIMARY)]
    pub metric: String,
    /// The JSON report of an earlier comparison, for gates such as `verified.median docker/baseline <= 1.1`
    #[arg(long, value_name = "FILE", requires = "gate")]
    pub baseline: Option<PathBuf>,
    /// A limit that must hold, for example `verified.p95 kubernetes/docker <= 1.5` or `verified.median docker <= 60ms`
    #[arg(long = "gate", value_name = "EXPRESSION")]
    pub gate: Vec<String>,
    /// How long a trial may take, as for `harness run`
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub trial_timeout: Option<Duration>,
    /// Write a JSON report to this file; `-` is standard output, which then has nothing else
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write an HTML report to this file, which needs no other; `-` is standard output, which then has nothing else
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// Where chains come from
    #[command(flatten)]
    pub anvil: AnvilArgs,
}

/// What is compared.
#[derive(Debug)]
pub(super) struct Chosen {
    sides: [Side; 2],
    /// Each scenario with its trial on each side.
    scenarios: Vec<(String, [Trial; 2])>,
    cluster: ClusterChoice,
}

impl CompareArgs {
    /// The trials of both sides, and the cluster for those of Kubernetes. Nothing is created before this is known.
    pub(super) fn chosen(&self) -> Result<Chosen, CliError> {
        let [one, other] = self.runtimes.as_slice() else {
            let count = self.runtimes.len();
            return Err(CliError::Usage(format!(
                "failed to compare runtimes: --runtimes names {count}, and two are compared, for example `--runtimes docker,kubernetes`"
            )));
        };
        let sides = sides(*one, *other);
        let [first, second] = [self.trials(*one)?, self.trials(*other)?];
        let of_scenario =
            |trials: &[Trial], name: &str| trials.iter().find(|trial| scenario_of(trial) == name).cloned();
        let mut scenarios = Vec::new();
        for trial in &first {
            let name = scenario_of(trial);
            match of_scenario(&second, name) {
                Some(other) => scenarios.push((name.to_owned(), [trial.clone(), other])),
                None => notice(&format!("{name} is left out: it does not run on {}", sides[1].name)),
            }
        }
        for trial in second.iter().filter(|trial| of_scenario(&first, scenario_of(trial)).is_none()) {
            notice(&format!("{} is left out: it does not run on {}", scenario_of(trial), sides[0].name));
        }
        if scenarios.is_empty() {
            return Err(CliError::Usage(format!(
                "failed to compare {one} with {other}: no chosen scenario runs on both"
            )));
        }
        let trials: Vec<_> = scenarios.iter().flat_map(|(_, trials)| trials.clone()).collect();
        let cluster = self.cluster.choice(&trials)?;
        if self.anvil.anvil.is_some() {
            self.cluster.leaves_anvil_to_be_chosen(&trials)?;
        }
        Ok(Chosen { sides, scenarios, cluster })
    }

    fn trials(&self, runtime: RuntimeKind) -> Result<Vec<Trial>, CliError> {
        let excludes = !self.exclude.is_empty() || !self.exclude_tags.is_empty();
        let nothing = self.patterns.is_empty() && self.tags.is_empty() && !excludes;
        let patterns = if nothing { vec![SCENARIO.to_owned()] } else { self.patterns.clone() };
        let trials = self.chosen.trials(&Selection {
            tags: self.tags.clone(),
            runtimes: vec![runtime],
            exclude: self.exclude.clone(),
            exclude_tags: self.exclude_tags.clone(),
            ..self.source.selection(patterns)
        });
        let mut trials = trials.map_err(|error| if nothing { of_default(error, SCENARIO) } else { error })?;
        let given = Given {
            set: &self.source.set,
            contracts: &self.source.contracts,
            project: self.source.project.as_deref(),
            images: &self.chosen.images,
            allowed_errors: &self.chosen.allowed_errors,
            cluster: &self.cluster,
            trial_timeout: self.trial_timeout,
            anvil: &self.anvil,
        };
        given.note(&mut trials)?;
        Ok(trials)
    }

    fn gates(&self, sides: &[Side; 2]) -> Result<Vec<Gate>, CliError> {
        let gates = self.gate.iter().map(|text| Gate::parse(text, sides, self.baseline.is_some()));
        gates.collect::<Result<_, _>>().map_err(|error| CliError::Usage(error.to_string()))
    }
}

/// The sides by their runtimes; of two equal ones the second gets a number.
fn sides(one: RuntimeKind, other: RuntimeKind) -> [Side; 2] {
    let side = |name: String, runtime: RuntimeKind| Side { name, runtime: runtime.to_string() };
    let second = if one == other { format!("{other}#2") } else { other.to_string() };
    [side(one.to_string(), one), side(second, other)]
}

/// The name of a trial without its runtime.
fn scenario_of(trial: &Trial) -> &str {
    trial.name.split_once("::").map_or(trial.name.as_str(), |(_, scenario)| scenario)
}

/// Compares; the first Ctrl-C ends the comparison in order and shows what there is, the second ends it at once.
pub async fn run(args: &CompareArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let Chosen { sides, scenarios, cluster } = args.chosen()?;
    if meaning(&args.metric).is_none() {
        return Err(CliError::Usage(format!(
            "failed to compare `{}`: no metric has this name; `{PRIMARY}`, `trial` and `phase.chains` are some",
            args.metric
        )));
    }
    let gates = args.gates(&sides)?;
    let machine = Machine::here();
    let baseline = args.baseline.as_deref().map(|path| read_baseline(path, &machine)).transpose()?;
    let trials: Vec<_> = scenarios.iter().flat_map(|(_, trials)| trials.clone()).collect();
    let files: Vec<_> = trials.iter().map(|trial| &*trial.path).collect();
    let reports = two_targets([args.json.as_deref(), args.html.as_deref()], &files)?;
    let [json, html] = &reports;
    threads::enough_for(&trials, 1)?;
    if let Some(warning) = open_files::enough_for(&trials, 1)? {
        notice(&warning);
    }
    let interrupt = interrupt::on_signal();
    let preparation =
        Preparation { anvil: &args.anvil, keep: Keep::Never, trial_timeout: args.trial_timeout, output: None };
    let prepared = Box::pin(preparation.settings(&trials, cluster));
    let settings = interrupt::unless_interrupted(&interrupt, prepared).await?;
    // This process adopts what an ending component leaves behind.
    reaper::adopt_orphans()?;
    let seed = args.seed.unwrap_or_else(random_seed);
    let plan = Plan { sides, scenarios, runs: args.runs, warm_up: args.warm_up, seed };
    notice(&format!("{} trials, in the order of seed {seed}", plan.trials()));
    let (started, clock) = (Timestamp::now(), Instant::now());
    let (samples, end) = Box::pin(plan.run(&settings, &interrupt, &notice)).await;
    let names: Vec<_> = plan.scenarios.iter().map(|(name, _)| name.clone()).collect();
    let metrics = judge(&names, &plan.sides, &args.metric, seed, &samples);
    let mut comparison = Comparison {
        version: hourglass_base::Version,
        started,
        duration_ms: (clock.elapsed().as_secs_f64() * 1e6).round() / 1e3,
        outcome: outcome(&end),
        seed,
        runs: args.runs,
        warm_up: args.warm_up,
        sides: plan.sides,
        scenarios: names,
        primary: args.metric.clone(),
        machine,
        samples,
        metrics,
        gates: Vec::new(),
    };
    if matches!(end, End::Complete) {
        comparison.gates = gates.iter().flat_map(|gate| evaluate(gate, &comparison, baseline.as_ref())).collect();
    }
    let mut status = status_of(&end, &comparison.gates);
    let mut failures: Vec<CliError> = Vec::new();
    failures.extend(json.as_ref().and_then(|target| write_json(target, &comparison).err()));
    failures.extend(html.as_ref().and_then(|target| Some(write_comparison(target, &comparison).err()?.into())));
    failures.extend(tidy(&settings.cluster).await.err());
    // A comparison that could not be shown is none.
    let shown = show_result(&table(&comparison), &reports, out);
    if let End::TrialFailed(report) = &end {
        notice(failure_text(report, AGAIN).trim_end());
    }
    for error in failures {
        error.show();
        status = status.max(error.status());
    }
    shown?;
    Ok(end_orphans(status))
}

/// The comparison of an earlier time, if its figures can be held against those of this machine.
fn read_baseline(path: &Path, machine: &Machine) -> Result<Comparison, CliError> {
    let text = fs::read(path).map_err(|source| CliError::File { doing: "read", path: path.to_owned(), source })?;
    let refused = |reason: String| CliError::Usage(format!("failed to use the baseline {}: {reason}", path.display()));
    let baseline = Comparison::from_json(&text).map_err(|error| refused(with_causes(&error)))?;
    if baseline.machine == *machine {
        return Ok(baseline);
    }
    Err(refused(format!("it is of another kind of machine, {}; this one has {machine}", baseline.machine)))
}

fn outcome(end: &End) -> Outcome {
    match end {
        End::Complete => Outcome::Complete,
        End::TooBusy { discarded, planned } => Outcome::TooBusy { discarded: *discarded, planned: *planned },
        End::TrialFailed(report) => Outcome::TrialFailed { trial: report.trial.clone() },
        End::Interrupted => Outcome::Interrupted,
    }
}

fn status_of(end: &End, gates: &[GateResult]) -> ExitStatus {
    match end {
        End::TooBusy { .. } => ExitStatus::Environment,
        End::TrialFailed(report) => status_of_trial(report),
        End::Interrupted => ExitStatus::Interrupted,
        End::Complete if gates.iter().all(|gate| gate.held) => ExitStatus::Passed,
        End::Complete => ExitStatus::Failed,
    }
}

/// A trial that is skipped measures nothing, so that it is no success here.
fn status_of_trial(report: &TrialReport) -> ExitStatus {
    match ExitStatus::from(&report.verdict) {
        ExitStatus::Passed => ExitStatus::Environment,
        status => status,
    }
}

fn write_json(target: &Target, comparison: &Comparison) -> Result<(), CliError> {
    Ok(target.write(comparison.to_json()?.as_bytes())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(held: bool) -> GateResult {
        let text = String::new;
        GateResult { gate: text(), scenario: text(), held, figure: None, interval: None, sentence: text() }
    }

    #[rstest::rstest]
    #[case::all_gates_hold(&End::Complete, &[true, true], 0)]
    #[case::no_gate(&End::Complete, &[], 0)]
    #[case::one_is_broken(&End::Complete, &[true, false], 1)]
    #[case::too_busy(&End::TooBusy { discarded: 3, planned: 10 }, &[], 3)]
    #[case::interrupted(&End::Interrupted, &[], 130)]
    fn the_exit_code_tells_how_it_ended(#[case] end: &End, #[case] held: &[bool], #[case] code: u8) {
        let gates: Vec<_> = held.iter().copied().map(gate).collect();
        assert_eq!(status_of(end, &gates).code(), code);
    }

    #[test]
    fn equal_runtimes_are_told_apart() {
        let names = |one, other| sides(one, other).map(|side| side.name);
        assert_eq!(names(RuntimeKind::Docker, RuntimeKind::Kubernetes), ["docker", "kubernetes"]);
        assert_eq!(names(RuntimeKind::Docker, RuntimeKind::Docker), ["docker", "docker#2"]);
    }
}
