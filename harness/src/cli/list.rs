//! `harness scenario list`: lists the trials.

use hourglass_base::{RuntimeKind, Version};
use hourglass_component::text::safe_json;
use hourglass_scenario::{Selected, Selection, Trial};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    CliError, Output,
    chosen::{with_embedded, without_large},
    format::{Format, TrialsForm},
    notice,
};

/// Lists trials: one for each scenario, combination of its matrix, and runtime
///
/// JSON has `version` and `trials`, each with `name`, `scenario`, `runtime`, `tags`, `description`, `path`, `proof` and
/// `runtimes_because`; `harness schema scenario-list` describes it.
#[derive(Debug, Clone, clap::Args)]
pub struct ListArgs {
    /// Which trials
    #[command(flatten)]
    pub selection: Selection,
    /// How to write them
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// The trials there are.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "List of trials")]
pub(super) struct TrialList<'a> {
    version: Version<1>,
    /// The trials, in the order in which they would begin.
    trials: Vec<ListedTrial<'a>>,
}

/// A trial that could be run.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedTrial<'a> {
    /// Its name, for example `docker::square` or `process::chains::chain_l1`.
    name: &'a str,
    /// The name of its scenario.
    scenario: &'a str,
    /// Where its components would run.
    runtime: RuntimeKind,
    /// The tags of its scenario.
    tags: &'a [String],
    /// What its scenario shows, in a sentence.
    description: &'a str,
    /// The file of its scenario.
    path: String,
    /// Whether the scenario can be run without its fault, which proves that it can fail.
    proof: bool,
    /// Why its scenario is not meant for all runtimes; absent where it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    runtimes_because: Option<&'a str>,
}

/// Writes the trials to `out`.
pub fn run(args: &ListArgs, form: TrialsForm, out: &mut impl Output) -> Result<(), CliError> {
    let (trials, notices) = trials(&args.selection)?;
    for text in &notices {
        notice(text);
    }
    match args.format {
        Format::Text => text(&trials, out),
        Format::Json => {
            let trials: Vec<_> = trials.iter().map(listed).collect();
            match form {
                TrialsForm::Document => json(&TrialList { version: Version, trials }, out),
                TrialsForm::Array => json(&trials, out),
            }
        }
    }
}

/// The trials of a selection, and what is to be told about them.
pub(super) fn trials(selection: &Selection) -> Result<(Vec<Trial>, Vec<String>), CliError> {
    let selection = with_embedded(selection);
    let Selected { mut trials, mut notices } = selection.select()?;
    if let Some(shard) = selection.shard {
        // What `run` divides.
        let (divided, large) = without_large(trials, !selection.patterns.is_empty() || !selection.tags.is_empty());
        notices.extend(large);
        trials = shard.of(divided)?;
    }
    Ok((trials, notices))
}

fn text(trials: &[Trial], out: &mut impl Output) -> Result<(), CliError> {
    let width = |text: fn(&Trial) -> String| trials.iter().map(|trial| text(trial).len()).max().unwrap_or_default();
    let (names, tags) = (width(|trial| trial.name.clone()), width(|trial| trial.scenario.tags.join(",")));
    for trial in trials {
        let scenario = &trial.scenario;
        write!(out, "{:names$}  {:tags$}  {}", trial.name, scenario.tags.join(","), scenario.description)?;
        match &scenario.runtimes_because {
            Some(reason) => writeln!(out, " ({}: {reason})", runtimes(&scenario.runtimes))?,
            None => writeln!(out)?,
        }
    }
    Ok(())
}

/// `docker and kubernetes only`
pub(super) fn runtimes(kinds: &[RuntimeKind]) -> String {
    let names: Vec<_> = kinds.iter().map(|kind| kind.as_str()).collect();
    format!("{} only", names.join(" and "))
}

/// Writes `value` as JSON with a newline at its end.
pub(super) fn json(value: &impl Serialize, out: &mut impl Output) -> Result<(), CliError> {
    Ok(writeln!(out, "{}", serde_json::to_string_pretty(&safe_json(value)?)?)?)
}

fn listed(trial: &Trial) -> ListedTrial<'_> {
    ListedTrial {
        name: &trial.name,
        scenario: &trial.scenario.name,
        runtime: trial.runtime,
        tags: &trial.scenario.tags,
        description: &trial.scenario.description,
        path: trial.path.display().to_string(),
        proof: trial.without_fault().is_some(),
        runtimes_because: trial.scenario.runtimes_because.as_deref(),
    }
}
