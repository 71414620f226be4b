//! Every option of the commands that select trials, on every runtime: it has an effect, or it is refused.

use std::{collections::BTreeSet, fmt::Debug, path::Path};

use RuntimeKind::{Docker, Kubernetes, Process};
use clap::{CommandFactory as _, Parser as _};
use hourglass_base::{ExitStatus, RuntimeKind};

use super::{Cli, CliError, Command, list};

/// The behaviour of an option on a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    /// It changes what would be run.
    Effect,
    /// It is refused; the text says why and what to do.
    Refused,
    /// It is about the command, not about its trials.
    General,
}
use Cell::{Effect, General, Refused};

/// An option with its words, the options that it needs, and its behaviour on processes, in Docker, in Kubernetes.
struct Row(&'static str, &'static [&'static str], &'static [&'static str], [Cell; 3]);

const RUNTIMES: [RuntimeKind; 3] = [Process, Docker, Kubernetes];
const EVERYWHERE: [Cell; 3] = [Effect; 3];
const GENERAL: [Cell; 3] = [General; 3];
const CONTAINERS: [Cell; 3] = [Refused, Effect, Effect];
const CLUSTER: [Cell; 3] = [Refused, Refused, Effect];
/// An artefact whose constructor takes nothing.
const CONTRACT: &[&str] = &[
    "--contract",
    concat!("avs_task_hook=", env!("CARGO_MANIFEST_DIR"), "/../fixtures/contracts/artifacts/ProxyAdmin.json"),
];
const OTHERS: &[&str] = &["--context", "lab"];

/// The selection of scenarios, and how the command reports.
const SELECTION: &[Row] = &[
    Row("tag", &["--tag", "fault"], &[], EVERYWHERE),
    Row("scenarios", &["--scenarios", "."], &[], GENERAL),
    Row("project", &["--project", "harness.yaml"], &[], GENERAL),
    Row("builtin", &["--builtin"], &[], GENERAL),
    Row("exclude", &["--exclude", "square"], &[], EVERYWHERE),
    Row("exclude-tag", &["--exclude-tag", "fault"], &[], EVERYWHERE),
    Row("set", &["--set", "payload=five"], &["empty_payload"], EVERYWHERE),
    Row("contract", CONTRACT, &[], EVERYWHERE),
    Row("verbose", &["-vv"], &[], GENERAL),
];

/// Where one scenario comes from, and how the command reports.
const SOURCE: &[Row] = &[
    Row("builtin", &["--builtin"], &[], GENERAL),
    Row("set", &["--set", "payload=five"], &["invalid_payload"], EVERYWHERE),
    Row("contract", CONTRACT, &[], EVERYWHERE),
    Row("scenarios", &["--scenarios", "."], &[], GENERAL),
    Row("project", &["--project", "harness.yaml"], &[], GENERAL),
    Row("verbose", &["-vv"], &[], GENERAL),
];

/// What is put over the scenarios.
const IMAGES: &[Row] = &[
    Row("performer-image", &["--performer-image", "mine"], &[], CONTAINERS),
    Row("executor-image", &["--executor-image", "mine"], &[], CONTAINERS),
    Row("aggregator-image", &["--aggregator-image", "mine"], &[], CONTAINERS),
];
const ERRORS: &[Row] = &[Row("allow-error", &["--allow-error", "^known"], &[], EVERYWHERE)];

/// The cluster of Kubernetes trials.
const CLUSTERS: &[Row] = &[
    Row("cluster", &["--cluster", "mine"], &[], CLUSTER),
    Row("kubeconfig", &["--kubeconfig", "lab.yaml"], &[], CLUSTER),
    Row("context", &["--context", "lab"], &[], CLUSTER),
    Row("operator", &["--operator", "existing"], OTHERS, CLUSTER),
    Row("registry", &["--registry", "registry.example"], OTHERS, CLUSTER),
    Row("components-image", &["--components-image", "mine"], OTHERS, CLUSTER),
    Row("anvil-image", &["--anvil-image", "mine"], OTHERS, CLUSTER),
    Row("namespace", &["--namespace", "team-a"], OTHERS, CLUSTER),
];

/// What commands that run trials have in common.
const TRIALS: &[Row] = &[
    Row("trial-timeout", &["--trial-timeout", "1m"], &[], GENERAL),
    Row("json", &["--json", "report.json"], &[], GENERAL),
    Row("html", &["--html", "report.html"], &[], GENERAL),
    // An Anvil runs as a process, and the images of chains are built from its executable.
    Row("anvil", &["--anvil", "/bin/anvil"], &[], GENERAL),
    Row("offline", &["--offline"], &[], GENERAL),
];

const RUN: &[Row] = &[
    Row("runtime", &["--runtime", "process,docker,kubernetes"], &[], GENERAL),
    Row("without-fault", &["--without-fault"], &[], EVERYWHERE),
    Row("shard", &["--shard", "1/2"], &[], EVERYWHERE),
    Row("repeat", &["--repeat", "2"], &[], EVERYWHERE),
    Row("fail-fast", &["--fail-fast"], &[], GENERAL),
    Row("failed", &["--failed"], &[], GENERAL),
    Row("logs", &["--logs"], &[], GENERAL),
    Row("jobs", &["--jobs", "2"], &[], GENERAL),
    Row("keep", &["--keep", "always"], &[], GENERAL),
    Row("junit", &["--junit", "junit.xml"], &[], GENERAL),
    Row("bundle", &["--bundle", "failures"], &[], GENERAL),
];

/// It runs what changed files touch.
const WATCH: &[Row] = &[
    Row("scenarios", &["--scenarios", "."], &[], GENERAL),
    Row("project", &["--project", "harness.yaml"], &[], GENERAL),
    Row("builtin", &["--builtin"], &[], GENERAL),
    Row("set", &["--set", "payload=five"], &["empty_payload"], EVERYWHERE),
    Row("contract", CONTRACT, &[], EVERYWHERE),
    Row("verbose", &["-vv"], &[], GENERAL),
    Row("runtime", &["--runtime", "process,docker,kubernetes"], &[], GENERAL),
    Row("without-fault", &["--without-fault"], &[], EVERYWHERE),
    Row("jobs", &["--jobs", "2"], &[], GENERAL),
    Row("fail-fast", &["--fail-fast"], &[], GENERAL),
    Row("logs", &["--logs"], &[], GENERAL),
    Row("trial-timeout", &["--trial-timeout", "1m"], &[], GENERAL),
    Row("anvil", &["--anvil", "/bin/anvil"], &[], GENERAL),
    Row("offline", &["--offline"], &[], GENERAL),
];

const COMPARE: &[Row] = &[
    Row("runtimes", &["--runtimes", "process,docker"], &[], GENERAL),
    Row("without-fault", &["--without-fault"], &["--tag", "fault"], EVERYWHERE),
    Row("runs", &["--runs", "5"], &[], GENERAL),
    Row("warm-up", &["--warm-up", "1"], &[], GENERAL),
    Row("seed", &["--seed", "7"], &[], GENERAL),
    Row("metric", &["--metric", "trial"], &[], GENERAL),
    Row("baseline", &["--baseline", "earlier.json"], &[], GENERAL),
    Row("gate", &["--gate", "verified.p95 docker <= 60ms"], &[], GENERAL),
];

/// `--rate` and `--tasks` are given to a load, which needs them.
const LOAD: &[Row] = &[
    Row("runtime", &["--runtime", "process"], &[], GENERAL),
    Row("rate", &["--rate", "5"], &[], GENERAL),
    Row("concurrency", &["--concurrency", "5"], &[], GENERAL),
    Row("tasks", &["--tasks", "5"], &[], GENERAL),
    Row("duration", &["--duration", "10s"], &[], EVERYWHERE),
    Row("within", &["--within", "10s"], &[], EVERYWHERE),
    Row("workers", &["--workers", "3"], &[], CLUSTER),
    Row("mix", &["--mix", "mix.yaml"], &[], GENERAL),
    Row("find-rate", &["--find-rate", "p99<=200ms"], &[], GENERAL),
    Row("keep", &["--keep", "always"], &[], GENERAL),
];

const DEVNET: &[Row] = &[
    Row("runtime", &["--runtime", "process"], &[], GENERAL),
    Row("logs", &["--logs"], &[], GENERAL),
    Row("keep", &["--keep"], &[], GENERAL),
    Row("keep-for", &["--keep-for", "8h"], &["--keep"], GENERAL),
    Row("env-file", &["--env-file", "devnet.env"], &[], GENERAL),
    Row("format", &["--format", "json"], &[], GENERAL),
    Row("anvil", &["--anvil", "/bin/anvil"], &[], GENERAL),
    Row("offline", &["--offline"], &[], GENERAL),
];

const PLAN: &[Row] = &[
    Row("shard", &["--shard", "1/2"], &[], EVERYWHERE),
    Row("runtime", &["--runtime", "process,docker,kubernetes"], &[], GENERAL),
    Row("without-fault", &["--without-fault"], &[], EVERYWHERE),
    Row("format", &["--format", "json"], &[], GENERAL),
];

const LIST: &[Row] = &[
    Row("shard", &["--shard", "1/2"], &[], EVERYWHERE),
    Row("runtime", &["--runtime", "process,docker,kubernetes"], &[], GENERAL),
    Row("format", &["--format", "json"], &[], GENERAL),
];

/// It reads what a run left.
const SHOW: &[Row] = &[
    Row("trial", &["--trial", "process::square"], &[], GENERAL),
    Row("format", &["--format", "trace"], &[], GENERAL),
    Row("output", &["--output", "trace.json"], &[], GENERAL),
    Row("open", &["--open"], &[], GENERAL),
    Row("verbose", &["-vv"], &[], GENERAL),
];

/// It runs nothing, on no runtime.
const LINT: &[Row] = &[
    Row("scenarios", &["--scenarios", "."], &[], GENERAL),
    Row("project", &["--project", "harness.yaml"], &[], GENERAL),
    Row("builtin", &["--builtin"], &[], GENERAL),
    Row("set", &["--set", "payload=five"], &[], GENERAL),
    Row("contract", CONTRACT, &[], GENERAL),
    Row("short", &["--short"], &[], GENERAL),
    Row("verbose", &["-vv"], &[], GENERAL),
];

/// The plan of a command as text, or why the command refuses.
fn outcome(words: &[&str]) -> Result<String, CliError> {
    fn text(value: impl Debug) -> String {
        format!("{value:?}")
    }
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios").display().to_string();
    let words = ["harness"].iter().chain(words).copied().chain(["--scenarios", &folder]);
    let cli = Cli::try_parse_from(words).map_err(|error| CliError::Usage(error.to_string()))?;
    match cli.command {
        Command::Run(args) => args.chosen().map(text),
        Command::Watch(args) => args.chosen().map(text),
        Command::Compare(args) => args.chosen().map(text),
        Command::Load(args) => args.chosen().map(text),
        Command::Devnet(args) => args.chosen().map(text),
        Command::Plan(args) => args.chosen.trials(&args.selection).map(text),
        Command::List(args) => Ok(text(list::trials(&args.selection)?.0)),
        Command::Lint(args) => Ok(text(args)),
        other => panic!("{other:?} has no table"),
    }
}

#[rstest::rstest]
#[case::run("run", &[SELECTION, IMAGES, ERRORS, CLUSTERS, TRIALS, RUN])]
#[case::watch("watch", &[IMAGES, ERRORS, CLUSTERS, WATCH])]
#[case::compare("compare", &[SELECTION, IMAGES, ERRORS, CLUSTERS, TRIALS, COMPARE])]
#[case::load("load", &[SOURCE, IMAGES, ERRORS, CLUSTERS, TRIALS, LOAD])]
#[case::devnet("devnet", &[SOURCE, IMAGES, CLUSTERS, DEVNET])]
#[case::plan("plan", &[SELECTION, IMAGES, ERRORS, PLAN])]
#[case::list("list", &[SELECTION, LIST])]
#[case::lint("lint", &[LINT])]
#[case::show("show", &[SHOW])]
fn every_option_is_in_the_table(#[case] command: &str, #[case] table: &[&[Row]]) {
    let mut cli = Cli::command();
    // Passes global options on to each command.
    cli.build();
    let arguments = cli.find_subcommand(command).unwrap().get_arguments();
    let known: BTreeSet<_> =
        arguments.filter_map(|argument| argument.get_long()).filter(|name| *name != "help").collect();
    assert_eq!(
        known,
        table.iter().copied().flatten().map(|row| row.0).collect(),
        "the options of `harness {command}`, and those of the table"
    );
}

/// An option that is accepted without an effect makes a run say something else than was meant.
#[rstest::rstest]
#[case::run("run", &[SELECTION, IMAGES, ERRORS, CLUSTERS, TRIALS, RUN])]
#[case::watch("watch", &[IMAGES, ERRORS, CLUSTERS, WATCH])]
#[case::compare("compare", &[SELECTION, IMAGES, ERRORS, CLUSTERS, TRIALS, COMPARE])]
#[case::load("load", &[SOURCE, IMAGES, ERRORS, CLUSTERS, TRIALS, LOAD])]
#[case::devnet("devnet", &[SOURCE, IMAGES, CLUSTERS, DEVNET])]
#[case::plan("plan", &[SELECTION, IMAGES, ERRORS, PLAN])]
#[case::list("list", &[SELECTION, LIST])]
fn an_option_has_an_effect_or_is_refused(#[case] command: &str, #[case] table: &[&[Row]]) {
    for Row(name, words, needed, cells) in table.iter().copied().flatten() {
        for (runtime, cell) in RUNTIMES.into_iter().zip(cells) {
            // Scenarios with a fault, and one without; `--scenarios` and `--runtime` are given already.
            let both = format!("{runtime},{runtime}");
            let (option, chosen) =
                if command == "compare" { ("--runtimes", both.as_str()) } else { ("--runtime", runtime.as_str()) };
            let of_command: &[&str] = if command == "load" { &["--rate", "7", "--tasks", "70"] } else { &[] };
            let base: Vec<_> = [command, option, chosen].iter().chain(of_command).chain(*needed).copied().collect();
            let with: Vec<_> = base.iter().chain(*words).copied().collect();
            match cell {
                General => {}
                Effect => {
                    let (without, with) = (outcome(&base).unwrap(), outcome(&with));
                    assert_ne!(with.unwrap(), without, "--{name} on {runtime} changes nothing");
                }
                Refused => {
                    let Err(error) = outcome(&with) else { panic!("--{name} on {runtime} is taken") };
                    assert_eq!(error.status(), ExitStatus::Usage, "--{name} on {runtime}: {error}");
                    let text = error.text(false);
                    // If an option needs another, that one is refused first.
                    let option = needed.first().copied().map_or_else(|| format!("--{name}"), str::to_owned);
                    for part in [option.as_str(), "remedy: ", "runtime"] {
                        assert!(text.contains(part), "`{part}` is missing for --{name} on {runtime}: {text}");
                    }
                }
            }
        }
    }
}

/// Each option that only an existing cluster needs, on its own.
#[rstest::rstest]
fn an_option_of_an_existing_cluster_needs_one(#[values("process", "docker", "kubernetes")] runtime: &str) {
    for Row(name, words, needed, _) in RUN.iter().filter(|row| !row.2.is_empty()) {
        let words: Vec<_> = ["run", "--runtime", runtime].iter().chain(*words).copied().collect();
        let error = outcome(&words).unwrap_err();
        let text = error.text(false);
        assert_eq!(error.status(), ExitStatus::Usage);
        for part in [&format!("use --{name}: "), "kubernetes", "remedy: "] {
            assert!(text.contains(part), "`{part}` is missing for --{name} without {needed:?} on {runtime}: {text}");
        }
    }
}

/// If two options say the same, one of them has no effect.
#[rstest::rstest]
#[case::two_anvils(&["--context", "lab", "--anvil", "/bin/anvil", "--anvil-image", "mine"], "--anvil")]
#[case::all_images(&["--context", "lab", "--registry", "r", "--components-image", "c", "--anvil-image", "a"], "--registry")]
#[case::no_expression(&["--allow-error", "a("], "--allow-error")]
#[case::empty_expression(&["--allow-error", ""], "--allow-error")]
#[case::empty_name(&[""], "a name is empty")]
#[case::blank_name(&[" "], "a name is empty")]
#[case::empty_tag(&["--tag", ""], "a tag is empty")]
#[case::empty_exclusion(&["--exclude", ""], "an excluded name is empty")]
#[case::empty_excluded_tag(&["--exclude-tag", ""], "an excluded tag is empty")]
#[case::variable_twice(&["--set", "fault=true", "--set", "fault=false"], "--set gives it two values")]
#[case::contract_twice(&["--contract", "avs_task_hook=a.json", "--contract", "avs_task_hook=b.json"], "--contract gives it two files")]
#[case::unknown_contract(&["--contract", "mailbox=a.json"], "no contract of the harness is called `mailbox`")]
#[case::two_sources(&["--builtin"], "--builtin")]
#[case::no_shard(&["--shard", "3/2"], "no shard 3 of 2")]
#[case::no_repetition(&["--repeat", "0"], "a whole number from 1 to 1000")]
#[case::empty_image(&["--performer-image", ""], "--performer-image")]
fn contradictory_options_are_refused(#[case] words: &[&str], #[case] named: &str) {
    let words: Vec<_> = ["run", "--runtime", "kubernetes"].iter().chain(words).copied().collect();
    let error = outcome(&words).unwrap_err();
    assert_eq!(error.status(), ExitStatus::Usage, "{error}");
    assert!(error.to_string().contains(named), "{error}");
}

/// lint does not accept options that it ignores.
#[rstest::rstest]
#[case(&["--tag", "fault"])]
#[case(&["--runtime", "docker"])]
fn lint_takes_no_option_that_selects_trials(#[case] words: &[&str]) {
    let words: Vec<_> = ["lint"].iter().chain(words).copied().collect();
    assert!(outcome(&words).unwrap_err().to_string().contains(words[1]));
}
