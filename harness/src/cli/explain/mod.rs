//! `harness explain`: the reference of a step, of a key of scenario files or the project file, or of an exit code.
//!
//! `reference` finds the entries in the JSON Schemas of both files, `words` says what a schema accepts, `example` takes
//! examples from the scenarios that the executable embeds. Nothing is written a second time here.

mod example;
mod exit_codes;
mod reference;
mod words;

use std::fmt::Write as _;

use hourglass_component::document::suggest;
use hourglass_scenario::STEP_KEYS;

use super::{CliError, Output, document::Document};
use example::Examples;
use exit_codes::ExitCodes;
use reference::{Entry, Reference};

/// Explains a step, a key of scenario files, or an exit code
#[derive(Debug, Clone, clap::Args)]
pub struct ExplainArgs {
    /// A step such as `kill`, a key such as `topology.threshold` or `kill.component`, an exit code such as `3`; without one,
    /// all topics are listed
    #[arg(value_name = "STEP|KEY|CODE")]
    pub topic: Option<String>,
}

/// Writes the explanation of a topic, or the list of topics, to `out`.
pub fn run(args: &ExplainArgs, out: &mut impl Output) -> Result<(), CliError> {
    let schemas = schemas()?;
    let references = schemas.each_ref().map(|(file, schema)| Reference::of(file, schema));
    let [scenario, project] = &references;
    let codes = ExitCodes::new();
    let Some(topic) = args.topic.as_deref().map(str::trim) else { return list(scenario, project, &codes, out) };
    if let Some(text) = codes.explained(topic) {
        return Ok(write!(out, "{text}")?);
    }
    // Most keys of a project file are those of scenarios.
    let found = scenario.find(topic);
    let (reference, found) = if found.is_empty() { (project, project.find(topic)) } else { (scenario, found) };
    match found.as_slice() {
        [] => Err(unknown(topic, scenario, project)),
        [entry] => Ok(write!(out, "{}", explained(entry, reference, &Examples::new()))?),
        several => {
            writeln!(out, "`{topic}` is the name of several keys:")?;
            let width = several.iter().map(|entry| entry.path.len()).max().unwrap_or_default();
            for entry in several {
                writeln!(out, "  {:width$}  {}", entry.path, first_sentence(entry.description()))?;
            }
            Ok(())
        }
    }
}

/// The schemas of the files that people write, each with its name.
fn schemas() -> Result<[(&'static str, serde_json::Value); 2], CliError> {
    let schema = |document: Document| Ok::<_, CliError>(serde_json::from_str(&document.schema()?)?);
    Ok([("scenario.json", schema(Document::Scenario)?), ("project.json", schema(Document::Project)?)])
}

fn list(
    reference: &Reference<'_>,
    project: &Reference<'_>,
    codes: &ExitCodes,
    out: &mut impl Output,
) -> Result<(), CliError> {
    let width = STEP_KEYS.iter().map(|key| key.len()).max().unwrap_or_default();
    let mut part = |title: &str, entries: Vec<(&str, String)>| -> Result<(), CliError> {
        writeln!(out, "{title}")?;
        for (name, text) in entries {
            writeln!(out, "  {name:width$}  {text}")?;
        }
        Ok(writeln!(out)?)
    };
    let of = |entry: &Entry<'_>| first_sentence(entry.description());
    let steps = STEP_KEYS.iter().filter_map(|key| Some((*key, of(reference.step(key)?))));
    part("Steps", steps.collect())?;
    part("Keys of a scenario", reference.below("").iter().map(|entry| (entry.name(), of(entry))).collect())?;
    let known: Vec<_> = reference.below("").iter().map(|entry| entry.name()).collect();
    let of_project = project.below("").into_iter().filter(|entry| !known.contains(&entry.name()));
    part("Further keys of the project file", of_project.map(|entry| (entry.name(), of(entry))).collect())?;
    part("Exit codes", codes.all().map(|(code, text)| (code, text.to_owned())).collect())?;
    writeln!(out, "Keys within others are explained by their paths: `harness explain topology.operators.weight`")?;
    Ok(())
}

fn unknown(topic: &str, scenario: &Reference<'_>, project: &Reference<'_>) -> CliError {
    let suggestion =
        suggest(topic, scenario.topics().chain(project.topics())).map(|name| format!("; did you mean `{name}`?"));
    let suggestion = suggestion.unwrap_or_else(|| "; `harness explain` lists all topics".to_owned());
    CliError::Usage(format!("failed to explain `{topic}`: no step, key or exit code has this name{suggestion}"))
}

/// The page of one entry.
fn explained(entry: &Entry<'_>, reference: &Reference<'_>, examples: &Examples) -> String {
    let mut text = format!("{}: {}\n", entry.path, words::accepted(entry.node, reference.schema));
    for line in entry.description().lines() {
        // Writing to a string does not fail, here and below.
        let _ = writeln!(text, "  {line}");
    }
    text += "\n";
    let mut row = |title: &str, value: &str| {
        let _ = writeln!(text, "  {title:<9} {value}");
    };
    if let Some(default) = entry.node.get("default") {
        row("default", &example::flow(default));
    }
    let found = examples.of(entry, reference.schema);
    row("example", &found.text);
    if let Some(place) = &found.place {
        row("", &format!("at {place}"));
    }
    row("schema", &format!("{}#{}", reference.file, entry.pointer));
    let below = reference.below(&entry.path);
    if !below.is_empty() {
        let required = entry.target["required"].as_array().cloned().unwrap_or_default();
        let width = below.iter().map(|entry| entry.name().len()).max().unwrap_or_default();
        text += "\n  keys\n";
        for entry in below {
            let must = if required.contains(&entry.name().into()) { "required; " } else { "" };
            let _ = writeln!(text, "    {:width$}  {must}{}", entry.name(), first_sentence(entry.description()));
        }
    }
    text
}

/// The first sentence of a description, in one line.
fn first_sentence(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.split_once(". ") {
        Some((first, _)) => format!("{first}."),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn explain(topic: Option<&str>) -> Result<String, CliError> {
        let mut out = Vec::new();
        run(&ExplainArgs { topic: topic.map(str::to_owned) }, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    /// A step or a key that is added later is explained without anybody thinking of it, or the test fails.
    #[test]
    fn every_step_and_every_key_has_an_explanation() {
        let [(file, schema), _] = schemas().unwrap();
        let reference = Reference::of(file, &schema);
        let examples = Examples::new();
        for key in STEP_KEYS {
            let text = explain(Some(key)).unwrap();
            assert!(text.starts_with(&format!("steps.{key}: ")) && text.contains("  example "), "{text}");
        }
        let entries = reference.all();
        assert!(entries.len() > 100, "{}", entries.len());
        for entry in entries {
            let text = explained(entry, &reference, &examples);
            assert!(!entry.description().trim().is_empty(), "{} has no description", entry.path);
            let example = text.lines().find_map(|line| line.strip_prefix("  example ")).unwrap_or_default();
            assert!(!example.trim().is_empty(), "{} has no example", entry.path);
            assert!(schema.pointer(&entry.pointer).is_some(), "{} is not at {}", entry.path, entry.pointer);
            assert_eq!(explain(Some(&entry.path)).unwrap(), text, "its path finds it");
        }
    }

    /// Keys that only the project file has, and those of mappings of names.
    #[rstest::rstest]
    #[case("namespace", "namespace: ", "project.json#/properties/namespace")]
    #[case("prepare.creates", "prepare.creates: ", "project.json#/$defs/PrepareCommand/properties/creates")]
    #[case("creates", "prepare.creates: ", "project.json#")]
    #[case("contracts.artifact", "contracts.artifact: ", "scenario.json#/$defs/Contract/properties/artifact")]
    fn keys_of_projects_and_of_named_values_are_explained(
        #[case] topic: &str,
        #[case] beginning: &str,
        #[case] place: &str,
    ) {
        let text = explain(Some(topic)).unwrap();
        assert!(text.starts_with(beginning) && text.contains(place), "{text}");
    }

    #[test]
    fn pages_of_each_kind() {
        insta::assert_snapshot!("key", explain(Some("topology.threshold")).unwrap());
        insta::assert_snapshot!("step", explain(Some("kill")).unwrap());
        insta::assert_snapshot!("code", explain(Some("3")).unwrap());
    }

    /// As errors of lint write a place, and as people shorten it.
    #[rstest::rstest]
    #[case("topology.operators[1].weight", "topology.operators.weight")]
    #[case("steps[3].kill.component", "steps.kill.component")]
    #[case("kill.component", "steps.kill.component")]
    #[case("mining", "topology.mining")]
    #[case("/topology/threshold", "topology.threshold")]
    #[case("steps.parallel.kill", "steps.kill")]
    fn topics_may_be_written_in_several_ways(#[case] topic: &str, #[case] path: &str) {
        assert!(explain(Some(topic)).unwrap().starts_with(&format!("{path}: ")));
    }

    #[test]
    fn a_name_of_several_keys_lists_them() {
        let text = explain(Some("within")).unwrap();
        assert!(text.starts_with("`within` is the name of several keys:"), "{text}");
        assert!(text.contains("  steps.expect_verified.within "), "{text}");
    }

    #[rstest::rstest]
    #[case("kil", "did you mean `kill`?")]
    #[case("prepar", "did you mean `prepare`?")]
    #[case("topolgy", "did you mean `topology`?")]
    #[case("topology.treshold", "did you mean `topology.threshold`?")]
    #[case("4", "`harness explain` lists all topics")]
    #[case("", "`harness explain` lists all topics")]
    fn an_unknown_topic_is_refused_with_a_suggestion(#[case] topic: &str, #[case] suggestion: &str) {
        let error = explain(Some(topic)).unwrap_err();
        assert_eq!(error.status(), hourglass_base::ExitStatus::Usage);
        assert!(error.to_string().contains(suggestion), "{error}");
    }

    #[test]
    fn without_a_topic_all_are_listed() {
        let text = explain(None).unwrap();
        for name in STEP_KEYS.iter().chain(&["topology", "matrix", "prepare", "130"]) {
            assert!(text.lines().any(|line| line.trim_start().starts_with(&format!("{name} "))), "{name}: {text}");
        }
    }
}
