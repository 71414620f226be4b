//! `harness scenario list`: the trials there are.

use hourglass_base::RuntimeKind;
use hourglass_component::text::safe_json;
use hourglass_scenario::{Selected, Selection, Trial};
use serde::Serialize;

use super::{CliError, Output, format::Format, notice};

/// Lists trials: one for each scenario, combination of its matrix, and runtime
#[derive(Debug, Clone, clap::Args)]
pub struct ListArgs {
    /// Which trials
    #[command(flatten)]
    pub selection: Selection,
    /// How to write them
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// One line of the list.
#[derive(Debug, Serialize)]
struct Entry<'a> {
    name: &'a str,
    scenario: &'a str,
    runtime: RuntimeKind,
    tags: &'a [String],
    description: &'a str,
    path: String,
    proof: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    runtimes_because: Option<&'a str>,
}

/// Writes the trials to `out`.
pub fn run(args: &ListArgs, out: &mut impl Output) -> Result<(), CliError> {
    let Selected { trials, notices } = args.selection.select()?;
    for text in &notices {
        notice(text);
    }
    match args.format {
        Format::Text => text(&trials, out),
        Format::Json => {
            let entries: Vec<_> = trials.iter().map(entry).collect();
            json(&entries, out)
        }
    }
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

fn entry(trial: &Trial) -> Entry<'_> {
    Entry {
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
