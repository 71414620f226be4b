//! Converts a builder into the scenario that a file would contain: the document is written as text and loaded, so that
//! all checks and defaults are the loader's.

use std::{
    panic::Location,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use hourglass_base::RuntimeKind;
use hourglass_component::document::DocumentError;
use hourglass_scenario::{Loader, Scenario, Step, Trial};
use serde_json::{Map, Value, json};

/// A task that exists only in the document, for steps that need one before them.
const PLACEHOLDER: &str = "placeholder";

/// The content of an environment's scenario file, without its steps.
#[derive(Debug, Clone)]
pub(crate) struct EnvironmentDocument {
    pub(crate) name: String,
    pub(crate) runtime: RuntimeKind,
    /// The keys that were set: `topology`, `components`, `contracts`, `invariants`, `timeout`.
    pub(crate) keys: Map<String, Value>,
}

/// What an earlier step has made, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Earlier {
    /// A task, and the AVS that it is for; `None` for the first.
    Task {
        alias: String,
        avs: Option<String>,
    },
    Performer {
        alias: String,
        operator: String,
    },
}

impl Earlier {
    /// A step that makes it.
    fn step(&self) -> Value {
        match self {
            Self::Task { alias, avs: None } => json!({"create_task": {"as": alias, "payload": "1"}}),
            Self::Task { alias, avs: Some(avs) } => {
                json!({"create_task": {"as": alias, "payload": "1", "avs": literal(avs)}})
            }
            Self::Performer { alias, operator } => json!({"deploy_performer": {"as": alias, "operator": operator}}),
        }
    }
}

impl EnvironmentDocument {
    /// The trial of this environment, without steps. `location` is the position of the test's call.
    pub(crate) fn trial(&self, location: &Location<'_>) -> Result<Trial, DocumentError> {
        let mut trial = self.load(location, &[])?;
        Arc::make_mut(&mut trial.scenario).steps.clear();
        trial.path = Path::new(location.file()).into();
        Ok(trial)
    }

    /// The step that a file would contain as `{kind: keys}`, after steps that made what it names. Reports show `location` as its
    /// position.
    pub(crate) fn step(
        &self,
        kind: &str,
        keys: &Value,
        earlier: &[Earlier],
        location: &Location<'_>,
    ) -> Result<Step, DocumentError> {
        let mut steps: Vec<_> = earlier.iter().map(Earlier::step).collect();
        steps.push(json!({kind: keys}));
        let trial = self.load(location, &steps)?;
        let mut step = Scenario::clone(&trial.scenario).steps.swap_remove(earlier.len());
        step.location.path = Path::new(location.file()).into();
        step.location.line = location.line() as usize;
        Ok(step)
    }

    fn load(&self, location: &Location<'_>, steps: &[Value]) -> Result<Trial, DocumentError> {
        let mut document = self.keys.clone();
        document.insert("name".to_owned(), self.name.as_str().into());
        document.insert("description".to_owned(), literal(&format!("A Rust test at {location}.")));
        let runtime = self.runtime.as_str();
        document.insert("runtimes".to_owned(), json!([runtime]));
        document.insert("runtimes_because".to_owned(), "The test names its runtime.".into());
        // What a scenario requires and an environment lacks: a step, and an expectation.
        let placeholder = [
            json!({"create_task": {"as": PLACEHOLDER, "payload": "1"}}),
            json!({"expect_verified": {"task": PLACEHOLDER}}),
        ];
        document.insert("steps".to_owned(), steps.iter().chain(&placeholder).cloned().collect());
        // JSON is YAML in which every text is marked as one.
        let text = format!("{:#}", Value::Object(document));
        // The last part of a scenario's path is its name.
        let path = PathBuf::from(format!("{}:{}", location.file(), location.line())).join(&self.name);
        let file = Loader::new()?.parse(&path, text)?;
        let mut trials = file.trials(&[self.runtime]);
        // With one runtime and no matrix there is exactly one.
        Ok(trials.swap_remove(0))
    }
}

/// A text that is not substituted: `${` begins no variable in it.
pub(crate) fn literal(text: &str) -> Value {
    text.replace("${", "$${").into()
}

/// JSON whose texts are not substituted.
pub(crate) fn literals(value: Value) -> Value {
    match value {
        Value::String(text) => literal(&text),
        Value::Array(items) => items.into_iter().map(literals).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, literals(value))).collect(),
        other => other,
    }
}

/// Bytes as in a scenario file: `KEY` as text, or `KEY_hex`.
pub(crate) fn bytes(key: &str, bytes: &[u8]) -> (String, Value) {
    match std::str::from_utf8(bytes) {
        Ok(text) => (key.to_owned(), literal(text)),
        Err(_) => (format!("{key}_hex"), format!("0x{}", hex::encode(bytes)).into()),
    }
}

/// A duration as in a scenario file, in one unit if possible.
pub(crate) fn duration(duration: Duration) -> Value {
    let (seconds, rest) = (duration.as_secs(), duration.subsec_nanos());
    match (seconds, rest) {
        (seconds, 0) => format!("{seconds}s"),
        (0..100_000, rest) if rest.is_multiple_of(1_000_000) => format!("{}ms", duration.as_millis()),
        (seconds, rest) => format!("{seconds}s {rest}ns"),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use hourglass_scenario::StepKind;

    use super::*;

    fn environment(keys: Value) -> EnvironmentDocument {
        let Value::Object(keys) = keys else { panic!("no mapping") };
        EnvironmentDocument { name: "own".to_owned(), runtime: RuntimeKind::Process, keys }
    }

    /// The defaults are the loader's, and the steps of the document are not part of the environment.
    #[test]
    fn an_environment_without_keys_has_the_defaults() {
        let trial = environment(json!({})).trial(Location::caller()).unwrap();
        assert_eq!(trial.name, "process::own");
        assert_eq!(trial.scenario.topology, hourglass_scenario::Topology::default());
        assert_eq!(trial.scenario.steps, []);
    }

    /// A text must arrive unchanged, whatever it looks like in a file.
    #[rstest::rstest]
    #[case("0x04")]
    #[case("${payload}")]
    #[case("$${payload} and ${")]
    #[case("0755\n\t\"yes\": no # \u{1F980} \u{7f}")]
    fn a_payload_arrives_unchanged(#[case] payload: &str) {
        let keys = Value::Object(Map::from_iter([bytes("payload", payload.as_bytes())]));
        let step = environment(json!({})).step("create_task", &keys, &[], Location::caller()).unwrap();
        let StepKind::CreateTask(create) = &step.kind else { panic!("{step:?}") };
        assert_eq!(create.payload_bytes(), payload.as_bytes());
    }

    #[test]
    fn bytes_that_are_not_utf8_arrive_unchanged() {
        let keys = Value::Object(Map::from_iter([bytes("payload", &[0xff, 0x00, 0x7f])]));
        let step = environment(json!({})).step("create_task", &keys, &[], Location::caller()).unwrap();
        let StepKind::CreateTask(create) = &step.kind else { panic!("{step:?}") };
        assert_eq!(create.payload_bytes(), [0xff, 0x00, 0x7f]);
    }

    #[rstest::rstest]
    #[case(Duration::from_secs(10))]
    #[case(Duration::from_millis(1500))]
    #[case(Duration::from_hours(48))]
    #[case(Duration::new(3, 7))]
    fn a_duration_arrives_unchanged(#[case] within: Duration) {
        let keys = json!({"task": "task", "within": duration(within)});
        let earlier = [Earlier::Task { alias: "task".to_owned(), avs: None }];
        let step = environment(json!({})).step("expect_verified", &keys, &earlier, Location::caller()).unwrap();
        assert_eq!(step.kind.within(), Some(within));
    }

    /// Who can sign a task depends on its AVS.
    #[test]
    fn a_step_is_about_a_task_of_its_avs() {
        let second = json!({"name": "second", "operators": [{"name": "carol"}]});
        let document = environment(json!({"topology": {"operators": [{"name": "alice"}], "avss": [second]}}));
        let signed_by = |name: &str, avs: Option<&str>| {
            let earlier = [Earlier::Task { alias: "task".to_owned(), avs: avs.map(str::to_owned) }];
            let keys = json!({"task": "task", "signed_by": [name]});
            document.step("expect_verified", &keys, &earlier, Location::caller()).is_ok()
        };
        assert!(signed_by("carol", Some("second")) && signed_by("alice", None));
        assert!(!signed_by("alice", Some("second")) && !signed_by("carol", None));
    }

    /// A report must name the line of the test.
    #[test]
    fn a_step_has_the_position_of_the_tests_call() {
        let location = Location::caller();
        let step = environment(json!({})).step("kill", &json!({"component": "aggregator"}), &[], location).unwrap();
        assert_eq!(step.location.to_string(), format!("{}:{}", location.file(), location.line()));
    }
}
