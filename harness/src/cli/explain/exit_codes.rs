//! The exit codes, as their type describes them.

use hourglass_base::ExitStatus;
use schemars::schema_for;
use serde_json::Value;

/// All statuses; a match in the tests keeps the list complete.
const ALL: [ExitStatus; 5] =
    [ExitStatus::Passed, ExitStatus::Failed, ExitStatus::Usage, ExitStatus::Environment, ExitStatus::Interrupted];

/// The exit codes with their names in reports and their descriptions.
pub(super) struct ExitCodes(Vec<(String, String, String)>);

impl ExitCodes {
    pub(super) fn new() -> Self {
        let schema = Value::from(schema_for!(ExitStatus));
        let described = |name: &str| {
            let mut choices = schema["oneOf"].as_array().into_iter().flatten();
            let choice = choices.find(|choice| choice["const"] == name)?;
            let text = choice["description"].as_str()?;
            // The code stands before its description.
            Some(text.split_once(": ").map_or(text, |(_, text)| text).to_owned())
        };
        let all = ALL.into_iter().filter_map(|status| {
            let name = serde_json::to_value(status).ok()?.as_str()?.to_owned();
            Some((status.code().to_string(), name.clone(), described(&name)?))
        });
        Self(all.collect())
    }

    /// Codes and descriptions.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(code, _, text)| (code.as_str(), text.as_str()))
    }

    /// The page of a code, or of its name in reports.
    pub(super) fn explained(&self, topic: &str) -> Option<String> {
        let (code, name, text) = self.0.iter().find(|(code, name, _)| topic == code || topic == name)?;
        Some(format!(
            "exit code {code}: {name}\n  {text}\n\n  example   harness run; test $? -eq {code} && echo {name}\n  schema    run-report.json#/$defs/ExitStatus, `\"outcome\": \"{name}\"`\n"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whoever adds a status adds it to the list as well.
    #[test]
    fn every_status_is_explained() {
        let schema = Value::from(schema_for!(ExitStatus));
        assert_eq!(schema["oneOf"].as_array().unwrap().len(), ALL.len());
        let codes = ExitCodes::new();
        assert_eq!(codes.all().count(), ALL.len());
        for status in ALL {
            assert!(codes.explained(&status.code().to_string()).unwrap().starts_with("exit code "));
        }
        assert_eq!(codes.explained("environment"), codes.explained("3"));
    }
}
