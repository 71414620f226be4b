//! The documents that the harness reads and writes, by name, each with its JSON Schema.

use hourglass_compare::Comparison;
use hourglass_load::LoadReport;
use hourglass_report::JsonReport;
use hourglass_runner::TrialDocument;
use hourglass_scenario::{ScenarioError, project_schema_text, schema_text};
use hourglass_timeline::TimelineRecord;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Map, Value};

use super::{
    CliError, devnet::document::DevnetDocument, doctor::MachineReport, doctor_cluster::ClusterReport, list::TrialList,
    ls::ClusterList, plan::Plan, ps::RunList, task::document::TaskDocument,
};

/// The folder of the schemas' identifiers. Nothing is fetched from there: the domain is reserved and has no address.
const SCHEMAS: &str = "https://hourglass-harness.invalid/schema/";

/// A document that has a JSON Schema.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Document {
    /// A scenario file
    Scenario,
    /// The project file, `harness.yaml`
    Project,
    /// The report of a run: `harness run --json FILE`
    RunReport,
    /// The report of a comparison: `harness compare --json FILE`
    CompareReport,
    /// The report of a load: `harness load --json FILE`
    LoadReport,
    /// What stands where: `harness devnet --format json`
    Devnet,
    /// A task: `harness task call --format json`
    Task,
    /// The report of a kept trial: `trial.json` in its folder
    TrialReport,
    /// A line of `timeline.jsonl`
    TimelineRecord,
    /// `harness scenario list --format json`
    ScenarioList,
    /// `harness scenario plan --format json`
    ScenarioPlan,
    /// `harness cluster list --format json`
    ClusterList,
    /// `harness runs list --format json`
    RunList,
    /// `harness doctor --format json`
    Doctor,
    /// `harness doctor --cluster NAME --format json`
    ClusterDoctor,
}

impl Document {
    /// Its name, which is the stem of its committed schema.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Project => "project",
            Self::RunReport => "run-report",
            Self::CompareReport => "compare-report",
            Self::LoadReport => "load-report",
            Self::Devnet => "devnet",
            Self::Task => "task",
            Self::TrialReport => "trial-report",
            Self::TimelineRecord => "timeline-record",
            Self::ScenarioList => "scenario-list",
            Self::ScenarioPlan => "scenario-plan",
            Self::ClusterList => "cluster-list",
            Self::RunList => "run-list",
            Self::Doctor => "doctor",
            Self::ClusterDoctor => "cluster-doctor",
        }
    }

    /// The text of its JSON Schema, with a newline at its end.
    pub fn schema(self) -> Result<String, CliError> {
        let schema: Map<String, Value> = serde_json::from_str(&self.without_id()?)?;
        let id = Value::from(format!("{SCHEMAS}{}.json", self.name()));
        // First of all keys, where readers look for it.
        let identified: Map<_, _> = [("$id".to_owned(), id)].into_iter().chain(schema).collect();
        Ok(format!("{:#}\n", Value::from(identified)))
    }

    fn without_id(self) -> Result<String, CliError> {
        Ok(match self {
            Self::Scenario => schema_text().map_err(ScenarioError::from)?,
            Self::Project => project_schema_text().map_err(ScenarioError::from)?,
            Self::RunReport => output_schema::<JsonReport<'_>>(),
            Self::CompareReport => output_schema::<Comparison>(),
            Self::LoadReport => output_schema::<LoadReport>(),
            Self::Devnet => output_schema::<DevnetDocument>(),
            Self::Task => output_schema::<TaskDocument>(),
            Self::TrialReport => output_schema::<TrialDocument<'_>>(),
            Self::TimelineRecord => output_schema::<TimelineRecord<'_>>(),
            Self::ScenarioList => output_schema::<TrialList<'_>>(),
            Self::ScenarioPlan => output_schema::<Plan<'_>>(),
            Self::ClusterList => output_schema::<ClusterList<'_>>(),
            Self::RunList => output_schema::<RunList<'_>>(),
            Self::Doctor => output_schema::<MachineReport<'_>>(),
            Self::ClusterDoctor => output_schema::<ClusterReport<'_>>(),
        })
    }
}

/// The schema of a document that is only written. It accepts unknown keys: later versions have more.
fn output_schema<T: JsonSchema>() -> String {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let schema = settings.into_generator().into_root_schema_for::<T>();
    format!("{:#}\n", Value::from(schema))
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    /// A name in the help text finds the file of that name.
    #[test]
    fn the_command_line_takes_the_names_of_the_files() {
        for document in Document::value_variants() {
            assert_eq!(document.to_possible_value().unwrap().get_name(), document.name());
        }
    }

    /// A schema is the same one wherever its file is.
    #[test]
    fn every_schema_has_an_identifier() {
        for document in Document::value_variants() {
            let schema: serde_json::Value = serde_json::from_str(&document.schema().unwrap()).unwrap();
            let id = schema["$id"].as_str().unwrap();
            assert!(id.starts_with("https://") && id.ends_with(&format!("/{}.json", document.name())), "{id}");
        }
    }

    /// A program checks by the version whether it knows a document.
    #[test]
    fn every_output_has_a_version() {
        let is_output = |document: &&Document| ![Document::Scenario, Document::Project].contains(document);
        let outputs = Document::value_variants().iter().filter(is_output);
        for output in outputs {
            let schema: serde_json::Value = serde_json::from_str(&output.schema().unwrap()).unwrap();
            assert_eq!(schema["properties"]["version"]["const"], 1, "{output:?}");
            let required = schema["required"].as_array().unwrap();
            assert!(required.contains(&"version".into()), "{output:?}: {required:?}");
        }
    }
}
