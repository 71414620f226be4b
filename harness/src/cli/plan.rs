//! `harness scenario plan`: shows what a run would do, with variables filled in and defaults spelled out. Nothing is
//! started.

use std::collections::BTreeMap;

use hourglass_base::{RuntimeKind, Version};
use hourglass_scenario::{Build, CompiledContract, Component, Pull, Scenario, Selection, Step, StepKind, Trial};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::{
    CliError, Output, OutputError,
    chosen::ChosenArgs,
    format::{Format, TrialsForm},
    list::{json, runtimes},
};

/// Shows what a run would do; starts nothing
///
/// JSON has `version` and `trials`, each with `name`, `runtime`, `path` and `scenario`, whose variables are filled in and
/// defaults spelled out; `harness schema scenario-plan` describes it.
#[derive(Debug, Clone, clap::Args)]
pub struct PlanArgs {
    /// Which trials
    #[command(flatten)]
    pub selection: Selection,
    /// What is put over the scenarios
    #[command(flatten)]
    pub chosen: ChosenArgs,
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
}

/// What a run would do.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Plan of a run")]
pub(super) struct Plan<'a> {
    version: Version<1>,
    /// The trials, in the order in which they would begin.
    trials: Vec<PlannedTrial<'a>>,
}

/// What a trial would do.
#[derive(Debug, Serialize, JsonSchema)]
struct PlannedTrial<'a> {
    /// Its name, for example `docker::square`.
    name: &'a str,
    /// Where its components would run.
    runtime: RuntimeKind,
    /// The file of its scenario.
    path: String,
    /// The scenario, its variables filled in and its defaults spelled out.
    scenario: &'a Scenario,
}

/// Writes the plan of each trial to `out`.
pub fn run(args: &PlanArgs, form: TrialsForm, out: &mut impl Output) -> Result<(), CliError> {
    let trials = args.chosen.trials(&args.selection)?;
    match args.format {
        Format::Json => {
            let trials: Vec<_> = trials.iter().map(planned).collect();
            match form {
                TrialsForm::Document => json(&Plan { version: Version, trials }, out),
                TrialsForm::Array => json(&trials, out),
            }
        }
        Format::Text => {
            for (index, trial) in trials.iter().enumerate() {
                if index > 0 {
                    writeln!(out)?;
                }
                text(trial, out)?;
            }
            Ok(())
        }
    }
}

fn planned(trial: &Trial) -> PlannedTrial<'_> {
    PlannedTrial {
        name: &trial.name,
        runtime: trial.runtime,
        path: trial.path.display().to_string(),
        scenario: &trial.scenario,
    }
}

fn text(trial: &Trial, out: &mut impl Output) -> Result<(), OutputError> {
    let scenario = &*trial.scenario;
    let topology = &scenario.topology;
    writeln!(out, "{}", trial.name)?;
    writeln!(out, "  {} ({})", scenario.description, trial.path.display())?;
    if let Some(reason) = &scenario.runtimes_because {
        writeln!(out, "  runtimes    {}: {reason}", runtimes(&scenario.runtimes))?;
    }
    if !scenario.variables.is_empty() {
        let variables = scenario.variables.iter().map(|(name, value)| format!("{name}={value:?}"));
        writeln!(out, "  variables   {}", variables.collect::<Vec<_>>().join(" "))?;
    }
    writeln!(out, "  chains      l1 and l2, mining {}, task SLA {}", topology.mining, topology.task_sla)?;
    quorum(scenario, None, out)?;
    writeln!(out, "  aggregator  {}", component(&scenario.components.aggregator))?;
    members(scenario, None, out)?;
    for avs in topology.avs_names().flatten() {
        writeln!(out, "  avs         {avs}, task SLA {}", topology.task_sla_of(Some(avs)))?;
        quorum(scenario, Some(avs), out)?;
        members(scenario, Some(avs), out)?;
    }
    for CompiledContract { name, contract, .. } in &scenario.contracts {
        let role = contract.role.map(|role| format!(", {role}")).unwrap_or_default();
        writeln!(out, "  contract    {name} on {}{role}, from {}", contract.chain, contract.artifact.display())?;
    }
    for script in &scenario.deploy_scripts {
        let deploys = if script.deploys.is_empty() { String::new() } else { format!(", {}", script.deploys.join(" ")) };
        writeln!(out, "  deploys     with `{}`{deploys}", script.run.join(" "))?;
    }
    for error in &scenario.invariants.allowed_errors {
        writeln!(out, "  allowed     ERROR records that match `{error}`")?;
    }
    for component in &scenario.invariants.expected_ends {
        writeln!(out, "  expected    an end of {component}")?;
    }
    writeln!(out, "  steps")?;
    steps(&scenario.steps, "    ", out)
}

fn quorum(scenario: &Scenario, avs: Option<&str>, out: &mut impl Output) -> Result<(), OutputError> {
    let topology = &scenario.topology;
    let (total, threshold) = (topology.total_weight(avs), topology.threshold_of(avs));
    let needed = total * u128::from(threshold) / 10_000;
    writeln!(out, "  quorum      {needed} of {total} ({threshold} basis points), {}", topology.curve)
}

/// The operators of an AVS; an operator of several has one executor.
fn members(scenario: &Scenario, avs: Option<&str>, out: &mut impl Output) -> Result<(), OutputError> {
    let topology = &scenario.topology;
    let is_known = |name: &str| {
        let mut earlier = topology.avs_names().take_while(|earlier| *earlier != avs);
        earlier.any(|earlier| topology.members(earlier).iter().any(|operator| operator.name == name))
    };
    for operator in topology.members(avs) {
        writeln!(out, "  operator    {}, weight {}", operator.name, operator.weight)?;
        let shared = if is_known(&operator.name) { " (the same)" } else { "" };
        writeln!(out, "    executor   {}{shared}", component(&scenario.components.executor))?;
        writeln!(out, "    performer  {}", component(&operator.performer))?;
    }
    Ok(())
}

fn steps(steps: &[Step], indent: &str, out: &mut impl Output) -> Result<(), OutputError> {
    for (index, step) in steps.iter().enumerate() {
        let name = step.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
        write!(out, "{indent}{}. {}{name}", index + 1, step.kind.key())?;
        if let StepKind::Parallel(branches) = &step.kind {
            writeln!(out, "  line {}", step.location.line)?;
            self::steps(branches, &format!("{indent}   "), out)?;
        } else {
            let size = payload_size(&step.kind).map(|size| format!(" (payload of {size} bytes)"));
            writeln!(out, "{}{}  line {}", arguments(&step.kind), size.unwrap_or_default(), step.location.line)?;
        }
    }
    Ok(())
}

/// ` task=task within=10s`: the step's fields as they will be used.
fn arguments(kind: &StepKind) -> String {
    let value = serde_json::to_value(kind).unwrap_or_default();
    let fields = value[kind.key()].as_object().cloned().unwrap_or_default();
    fields.iter().map(|(name, value)| format!(" {name}={}", argument(name, value))).collect::<Vec<_>>().concat()
}

/// How many bytes each task of the step carries, if all carry the same.
fn payload_size(kind: &StepKind) -> Option<usize> {
    match kind {
        StepKind::CreateTask(step) => Some(step.payload_bytes().len()),
        StepKind::ExpectRejected(step) => Some(step.payload_bytes().len()),
        StepKind::Load(step) if step.mix.is_empty() => Some(step.payloads()[0].payload_bytes().len()),
        _ => None,
    }
}

fn argument(name: &str, value: &Value) -> String {
    match value {
        // Payloads and results are data: without quotes an empty one would be invisible.
        Value::String(text) if !matches!(name, "payload" | "result") => text.clone(),
        other => other.to_string(),
    }
}

fn component(component: &Component) -> String {
    let mut parts = Vec::new();
    if let Some(command) = &component.command {
        parts.push(format!("command {command:?}"));
    }
    if let Some(image) = &component.image {
        parts.push(format!("image {image}"));
    }
    parts.extend(component.pull.map(pulled));
    parts.extend(component.build.as_ref().map(built));
    parts.extend(component.address.as_ref().map(|address| format!("runs already at {address}")));
    if parts.is_empty() {
        parts.push("reference".to_owned());
    }
    parts.extend(component.port.map(|port| format!("port {port}")));
    parts.extend(component.memory.map(|memory| format!("at most {memory} of memory")));
    parts.extend(component.cpus.map(|cpus| format!("at most {cpus} processors")));
    parts.extend(environment(&component.environment));
    parts.join(", ")
}

fn pulled(pull: Pull) -> String {
    let when = match pull {
        Pull::Never => "never",
        Pull::Missing => "if it is missing",
        Pull::Always => "always",
    };
    format!("pulled {when}")
}

fn built(build: &Build) -> String {
    let mut text = format!("built from {} with {}", build.context.display(), build.dockerfile);
    text.extend(build.target.iter().map(|target| format!(", target {target}")));
    text.extend(build.args.iter().map(|(name, value)| format!(" {name}={value:?}")));
    text
}

fn environment(environment: &BTreeMap<String, String>) -> Option<String> {
    let entries: Vec<_> = environment.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
    (!entries.is_empty()).then(|| entries.join(" "))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use hourglass_base::RuntimeKind;

    use super::*;

    fn plan(format: Format, without_fault: bool) -> String {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
        let args = PlanArgs {
            selection: Selection {
                patterns: vec!["quorum_lost".to_owned()],
                runtimes: vec![RuntimeKind::Process],
                directory: Some(directory.clone()),
                ..Selection::default()
            },
            chosen: ChosenArgs { without_fault, ..ChosenArgs::default() },
            format,
        };
        let mut out = Vec::new();
        run(&args, TrialsForm::Document, &mut out).unwrap();
        String::from_utf8(out).unwrap().replace(&directory.display().to_string(), "scenarios")
    }

    /// A plan spells out the defaults of a file, for people and for programs.
    #[test]
    fn a_plan_spells_out_defaults() {
        insta::assert_snapshot!("text", plan(Format::Text, false));
        insta::assert_snapshot!("json", plan(Format::Json, false));
    }

    /// The proof's plan can be shown as well: nothing is killed in it.
    #[test]
    fn the_plan_of_a_proof_is_shown() {
        let text = plan(Format::Text, true);
        assert!(text.starts_with("process::quorum_lost::without_fault\n"), "{text}");
        assert!(!text.contains("kill"), "{text}");
    }
}
