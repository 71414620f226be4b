//! `harness watch`: runs the scenarios that changed files touch, until it is interrupted.

mod view;

use std::{
    collections::BTreeSet,
    env,
    num::NonZero,
    path::{Path, PathBuf},
    time::Duration,
};

use hourglass_base::{ExitStatus, RuntimeKind};
use hourglass_cluster::ClusterChoice;
use hourglass_component::document::DocumentError;
use hourglass_project::watch::{Events, resolved};
use hourglass_runner::Keep;
use hourglass_scenario::{ScenarioError, Selection, Trial, WITHOUT_FAULT};
use tokio::task::block_in_place;

use super::{
    AnvilArgs, CliError, Output,
    chosen::ChosenArgs,
    interrupt,
    run::{RunArgs, run_chosen, runtimes_of},
    run_cluster::ClusterChoiceArgs,
    source::SourceArgs,
    values::{duration, jobs},
};
use view::{Touched, View};

/// The most changed files, and the most scenarios, that are named.
const NAMED: usize = 3;

/// Runs the scenarios that a changed file touches, until Ctrl-C
///
/// A scenario is touched by its file and by the files that it names; all are touched by the project file and by what `prepare`
/// builds from. Changes during a run are run after it. Left out are hidden files, what `.gitignore` names, `target`,
/// `node_modules`, and what `creates` of `prepare` names.
///
/// Exit codes: 0 it was ended by Ctrl-C, whatever came of its runs; 2 the command line is wrong; 3 files cannot be watched.
#[derive(Debug, Clone, clap::Args)]
pub struct WatchArgs {
    /// Scenario files, names of scenarios or trials, parts of names, or patterns with `*` [default: all]
    #[arg(value_name = "FILES|NAMES")]
    pub patterns: Vec<String>,
    /// Where the scenarios come from
    #[command(flatten)]
    pub source: SourceArgs,
    /// Only trials on this runtime; without it those of the process runtime
    #[arg(long = "runtime", value_name = "RUNTIME", value_delimiter = ',')]
    pub runtimes: Vec<RuntimeKind>,
    /// What is put over the scenarios
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// The cluster of Kubernetes trials
    #[command(flatten)]
    pub cluster: ClusterChoiceArgs,
    /// How many trials run at once; default: the number of processors
    #[arg(long, short, value_name = "N", value_parser = jobs)]
    pub jobs: Option<NonZero<usize>>,
    /// Start no further trial of a run after the first that fails
    #[arg(long)]
    pub fail_fast: bool,
    /// Show the output of components on standard error while trials run, each line with its trial and component
    #[arg(long)]
    pub logs: bool,
    /// How long a trial may take from the start of its chains to the end of its steps; default: `timeout` of the
    /// scenario, else ten minutes, or more where its steps may take longer
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub trial_timeout: Option<Duration>,
    /// Where chains come from
    #[command(flatten)]
    pub anvil: AnvilArgs,
}

impl WatchArgs {
    /// The trials that are watched, and the cluster for those of Kubernetes.
    pub(super) fn chosen(&self) -> Result<(Vec<Trial>, ClusterChoice), CliError> {
        self.run_args(self.selection()).chosen()
    }

    /// A selection that has not read anything yet.
    fn selection(&self) -> Selection {
        Selection { runtimes: self.runtimes.clone(), ..self.source.selection(self.patterns.clone()) }
    }

    fn run_args(&self, selection: Selection) -> RunArgs {
        RunArgs {
            selection,
            chosen: self.chosen.clone(),
            cluster: self.cluster.clone(),
            jobs: self.jobs,
            fail_fast: self.fail_fast,
            repeat: 1,
            failed: false,
            logs: self.logs,
            keep: Keep::default(),
            trial_timeout: self.trial_timeout,
            junit: None,
            json: None,
            bundle: None,
            html: None,
            anvil: self.anvil.clone(),
        }
    }

    /// The run of the trials that are touched; `None` if the command line selects none of them.
    fn run_of(&self, view: &View, touched: &Touched<'_>) -> Result<Option<(RunArgs, Chosen)>, CliError> {
        let named = self.selection();
        let meant = named.meant(&view.trials())?;
        let mut selection = named.clone();
        if selection.runtimes.is_empty() {
            selection.runtimes = runtimes_of(&named.patterns, view.project());
        }
        selection.patterns = touched.good.iter().map(|scenario| scenario.path.display().to_string()).collect();
        // Values for variables of other scenarios have no effect on these.
        selection.set.retain(|assignment| touched.good.iter().any(|scenario| scenario.has_variable(&assignment.name)));
        let args = self.run_args(selection);
        let (mut trials, cluster) = match args.chosen() {
            Err(CliError::Scenario(ScenarioError::NotMeant { .. } | ScenarioError::NothingLeft(_))) => return Ok(None),
            chosen => chosen?,
        };
        trials.retain(|trial| {
            let name = trial.name.strip_suffix(WITHOUT_FAULT).unwrap_or(&trial.name);
            let takes_long = trial.is_large() && named.patterns.is_empty();
            meant.contains(name) && !takes_long
        });
        Ok((!trials.is_empty()).then_some((args, (trials, cluster))))
    }
}

type Chosen = (Vec<Trial>, ClusterChoice);

/// Watches until the first Ctrl-C, which is its normal end.
pub async fn run(args: &WatchArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    if args.source.builtin {
        return Err(CliError::Usage(
            "failed to watch with --builtin: scenarios that the executable embeds do not change".to_owned(),
        ));
    }
    let interrupt = interrupt::on_signal();
    let (mut view, broken) = block_in_place(|| View::take(|| args.selection(), None))?;
    if broken.is_empty() {
        // What the command line gets wrong is refused at once.
        args.chosen()?;
    }
    let mut events = Events::start()?;
    events.follow(view.snapshot.folders())?;
    broken.into_iter().for_each(show);
    writeln!(out, "watching {}; Ctrl-C ends it", counted(view.len(), "scenario"))?;
    out.flush()?;
    loop {
        tokio::select! {
            biased;
            () = interrupt.cancelled() => return Ok(ExitStatus::Passed),
            () = events.next() => {}
        }
        // Again after a run, for what has changed meanwhile.
        while let Some(args) = next_run(args, &mut view, &mut events, out)? {
            let (args, chosen) = args;
            let prepared = || block_in_place(|| view.accept_built());
            match Box::pin(run_chosen(&args, chosen, || interrupt.clone(), prepared)).await {
                Err(error) if !interrupt.is_cancelled() => error.show(),
                _ => {}
            }
            if interrupt.is_cancelled() {
                return Ok(ExitStatus::Passed);
            }
            writeln!(out, "\nwatching {}; Ctrl-C ends it", counted(view.len(), "scenario"))?;
            out.flush()?;
        }
    }
}

/// Looks at the files again, tells what has changed, and returns the run for it; `None` if nothing is to be run.
fn next_run(
    args: &WatchArgs,
    view: &mut View,
    events: &mut Events,
    out: &mut impl Output,
) -> Result<Option<(RunArgs, Chosen)>, CliError> {
    let (now, mut broken) = match block_in_place(|| View::take(|| args.selection(), Some(view))) {
        Ok(taken) => taken,
        // A mistake in the project file, or no scenario is left: what was there is watched on.
        Err(error) => {
            let changes = block_in_place(|| view.look_again())?;
            if !changes.is_empty() {
                writeln!(out, "changed  {}", some(changes.iter().map(|path| shown(path))))?;
                out.flush()?;
                error.show();
            }
            return Ok(None);
        }
    };
    let changes = now.snapshot.changes_since(&view.snapshot);
    let before = std::mem::replace(view, now);
    // Files may be named that were not, and folders may be new.
    events.follow(view.snapshot.folders())?;
    if changes.is_empty() {
        return Ok(None);
    }
    let touched = view.touched(&before, &changes);
    let files = some(changes.iter().map(|path| shown(path)));
    let run = if touched.good.is_empty() { Ok(None) } else { args.run_of(view, &touched) };
    let runs = match &run {
        Ok(Some((_, (trials, _)))) => {
            let names: BTreeSet<_> = trials.iter().map(|trial| trial.scenario.name.clone()).collect();
            format!("; runs {}", some(names.into_iter()))
        }
        _ => String::new(),
    };
    writeln!(out, "changed  {files}{runs}")?;
    out.flush()?;
    broken.retain(|(path, _)| touched.broken.contains(path));
    broken.into_iter().for_each(show);
    match run {
        Ok(run) => Ok(run),
        Err(error) => {
            error.show();
            Ok(None)
        }
    }
}

fn show((_, error): (PathBuf, DocumentError)) {
    CliError::from(ScenarioError::Invalid(vec![error])).show();
}

/// The path as people write it, from the current folder.
fn shown(path: &Path) -> String {
    let current = env::current_dir().map(|current| resolved(&current.join(".")));
    let below = current.ok().and_then(|current| path.strip_prefix(current).ok());
    below.unwrap_or(path).display().to_string()
}

/// The first of these, and how many others there are.
fn some(names: impl ExactSizeIterator<Item = String>) -> String {
    let more = names.len().saturating_sub(NAMED);
    let text = names.take(NAMED).collect::<Vec<_>>().join(", ");
    if more == 0 { text } else { format!("{text} and {more} more") }
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_many_names_the_first_are_shown() {
        let names = |count: usize| some((0..count).map(|number| number.to_string()).collect::<Vec<_>>().into_iter());
        assert_eq!((names(1), names(3), names(5)), ("0".into(), "0, 1, 2".into(), "0, 1, 2 and 2 more".into()));
    }
}
