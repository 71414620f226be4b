//! From the arguments and a scenario to a load: which environment, which payloads, and how tasks are created.

use std::{sync::Arc, time::Duration};

use hourglass_base::ComponentHost;
use hourglass_cluster::ClusterChoice;
use hourglass_component::document::{Document, Pointer, Problems};
use hourglass_scenario::{
    CreateTask, ExpectVerified, ExpectedResult, HexBytes, Load, LoadPayload, Location, Scenario, ScenarioError, Step,
    StepKind, Trial,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::LoadArgs;
use crate::cli::{
    CliError,
    again::Given,
    chosen::{ChosenArgs, of_default},
    run::runtimes_of,
};

/// The scenario whose environment is used if none is chosen.
const SCENARIO: &str = "square";
/// The name of the tasks.
pub(super) const ALIAS: &str = "load";
/// The rate at which a search begins.
const FIRST_RATE: f64 = 10.0;
/// How long each load of a search takes if nothing says so.
const PROBE: Duration = Duration::from_secs(10);
/// The time of a trial besides its loads, and its shortest limit.
const BESIDES: Duration = Duration::from_mins(5);
const SHORTEST: Duration = Duration::from_mins(10);

/// What is to be run.
#[derive(Debug)]
pub(in crate::cli) struct Chosen {
    /// The environment: the trial of the scenario, without steps.
    pub(super) trial: Trial,
    /// The same with the load as its step, for what depends on that.
    pub(super) planned: Trial,
    /// The load; of a search, the first.
    pub(super) load: Load,
    /// The cluster of a Kubernetes trial.
    pub(super) cluster: ClusterChoice,
}

/// A file with several payloads.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Mix of payloads")]
struct MixDocument {
    /// The payloads.
    #[schemars(length(min = 1))]
    mix: Vec<LoadPayload>,
}

impl LoadArgs {
    /// What is to be run. Nothing is created before this is known.
    pub(in crate::cli) fn chosen(&self) -> Result<Chosen, CliError> {
        if self.rate.is_none() && self.concurrency.is_none() && self.find_rate.is_none() {
            return Err(CliError::Usage(
                "failed to choose when tasks are created: one of --rate, --concurrency and --find-rate is needed, for example `harness load --tasks 500 --rate 50`"
                    .to_owned(),
            ));
        }
        if self.tasks.is_none() && self.duration.is_none() && self.find_rate.is_none() {
            return Err(CliError::Usage(
                "failed to choose when the load ends: --tasks, --duration or both are needed, for example `--tasks 500`"
                    .to_owned(),
            ));
        }
        let trial = self.trial()?;
        if self.workers.is_some() && trial.runtime.capabilities().host != ComponentHost::Cluster {
            let reason = format!("workers are pods, and `{}` does not use the kubernetes runtime", trial.name);
            let remedy = "choose `--runtime kubernetes`, or leave the option out";
            return Err(ScenarioError::WithoutEffect { option: "--workers", reason, remedy }.into());
        }
        let load = self.load(&trial.scenario)?;
        if let Some(problem) = load.idle_workers() {
            return Err(CliError::Usage(format!("failed to share the load: {problem}; have fewer with `--workers`")));
        }
        let step = step(load.clone());
        let mut trial = trial.without_steps();
        Arc::make_mut(&mut trial.scenario).timeout = limit(std::slice::from_ref(&load)).into();
        let mut planned = trial.clone();
        Arc::make_mut(&mut planned.scenario).steps.push(step);
        let cluster = self.cluster.choice(std::slice::from_ref(&planned))?;
        self.cluster.leaves_namespace_free(std::slice::from_ref(&planned), None, self.keep)?;
        if self.anvil.anvil.is_some() {
            self.cluster.leaves_anvil_to_be_chosen(std::slice::from_ref(&planned))?;
        }
        Ok(Chosen { trial, planned, load, cluster })
    }

    /// The only trial of the scenario.
    fn trial(&self) -> Result<Trial, CliError> {
        let name = self.scenario.clone().unwrap_or_else(|| SCENARIO.to_owned());
        let mut selection = self.source.selection(vec![name.clone()]);
        selection.runtimes = match self.runtime {
            Some(runtime) => vec![runtime],
            None => runtimes_of(&selection.patterns, selection.project()?.as_deref()),
        };
        let chosen = ChosenArgs {
            images: self.images.clone(),
            allowed_errors: self.allowed_errors.clone(),
            without_fault: false,
        };
        let mut trials = chosen.trials(&selection).map_err(|error| match &self.scenario {
            Some(_) => error,
            None => of_default(error, SCENARIO),
        })?;
        if trials.len() > 1 {
            let names: Vec<_> = trials.iter().take(5).map(|trial| trial.name.as_str()).collect();
            return Err(CliError::Usage(format!(
                "failed to choose a scenario: `{name}` selects {} trials, such as {}, and a load runs in one; give the name of one",
                trials.len(),
                names.join(", ")
            )));
        }
        let given = Given {
            set: &self.source.set,
            contracts: &self.source.contracts,
            project: self.source.project.as_deref(),
            images: &self.images,
            allowed_errors: &self.allowed_errors,
            cluster: &self.cluster,
            trial_timeout: self.trial_timeout,
            anvil: &self.anvil,
        };
        given.note(&mut trials)?;
        trials.pop().ok_or_else(|| CliError::Usage(format!("failed to choose a scenario: `{name}` selects none")))
    }

    fn load(&self, scenario: &Scenario) -> Result<Load, CliError> {
        let task = first_task(scenario);
        let mix = self.mix.as_deref().map(|path| Document::open_checked(path, check)).transpose()?;
        let mix = mix.map(|document: Document<MixDocument>| document.value.mix).unwrap_or_default();
        let single = match (task, mix.is_empty()) {
            (Some(task), true) => Some(payload_of(task, scenario)?),
            (None, true) => {
                return Err(CliError::Usage(format!(
                    "failed to choose a payload: the scenario `{}` creates no task; name a file with payloads, `--mix FILE`",
                    scenario.name
                )));
            }
            (_, false) => None,
        };
        let LoadPayload { payload, payload_hex, result, result_hex, .. } = single.unwrap_or_else(nothing);
        let is_search = self.find_rate.is_some();
        let ends = self.tasks.is_some() || self.duration.is_some();
        Ok(Load {
            alias: ALIAS.to_owned(),
            chain: task.map(|task| task.chain).unwrap_or_default(),
            rate: self.rate.or(is_search.then_some(FIRST_RATE)),
            concurrency: self.concurrency,
            tasks: self.tasks,
            duration: self.duration.or((is_search && !ends).then_some(PROBE)).map(Into::into),
            payload,
            payload_hex,
            result,
            result_hex,
            mix,
            within: self.within.into(),
            workers: self.workers,
        })
    }

    /// The command that runs the load again when the name of the trial is appended.
    pub(super) fn again(&self) -> String {
        let time = |time: &Duration| humantime::format_duration(*time).to_string().replace(' ', "");
        let options = [
            ("find-rate", self.find_rate.map(|bound| format!("'{bound}'"))),
            ("rate", self.rate.map(|rate| rate.to_string())),
            ("concurrency", self.concurrency.map(|tasks| tasks.to_string())),
            ("tasks", self.tasks.map(|tasks| tasks.to_string())),
            ("duration", self.duration.as_ref().map(time)),
            ("mix", self.mix.as_ref().map(|path| format!("'{}'", path.display()))),
            ("within", Some(time(&self.within))),
            ("workers", self.workers.map(|workers| workers.to_string())),
        ];
        let options = options.into_iter().filter_map(|(name, value)| Some(format!(" --{name} {}", value?)));
        format!("harness load{}", options.collect::<String>())
    }
}

/// How long a trial with these loads may take from the start of its chains to the end of its steps.
pub(super) fn limit(loads: &[Load]) -> Duration {
    let each = loads.iter().map(|load| StepKind::Load(load.clone()).within().unwrap_or_default());
    each.fold(BESIDES, Duration::saturating_add).max(SHORTEST)
}

/// The step of a load. It stands in no file.
pub(super) fn step(load: Load) -> Step {
    let location = Location { path: std::path::Path::new("harness load").into(), line: 1 };
    Step { kind: StepKind::Load(load), name: None, location }
}

fn first_task(scenario: &Scenario) -> Option<&CreateTask> {
    Step::all_in(&scenario.steps).into_iter().find_map(|step| match &step.kind {
        StepKind::CreateTask(create) => Some(create),
        _ => None,
    })
}

/// The payload of the task, and the result that the scenario expects of it.
fn payload_of(task: &CreateTask, scenario: &Scenario) -> Result<LoadPayload, CliError> {
    let expected = Step::all_in(&scenario.steps).into_iter().find_map(|step| match &step.kind {
        StepKind::ExpectVerified(expect) if expect.task == task.alias => Some(expect),
        _ => None,
    });
    let result_hex = match expected.and_then(ExpectVerified::expected_result) {
        None => None,
        Some(ExpectedResult::Bytes(bytes)) => Some(HexBytes(bytes)),
        Some(ExpectedResult::Abi(values)) => values.encoded().map(HexBytes),
        Some(ExpectedResult::Json(_) | ExpectedResult::Matches(_)) => {
            return Err(CliError::Usage(format!(
                "failed to use the expected result of the scenario `{}`: a load compares results byte for byte; name a file with payloads and results, `--mix FILE`",
                scenario.name
            )));
        }
    };
    let payload_hex = task.payload.is_none().then(|| HexBytes(task.payload_bytes()));
    Ok(LoadPayload { payload: task.payload.clone(), payload_hex, result_hex, ..nothing() })
}

fn nothing() -> LoadPayload {
    LoadPayload { payload: None, payload_hex: None, weight: 1, result: None, result_hex: None }
}

fn check(document: &MixDocument, problems: &mut Problems) {
    let at = Pointer::root().key("mix");
    for (index, payload) in document.mix.iter().enumerate() {
        payload.check(&at.item(index), problems);
    }
}
