//! What a project file may say, and what becomes of it in scenarios.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use hourglass_component::document::{DocumentError, Report};

use super::*;
use crate::{Curve, Loader, RuntimeKind, Scenario, Trial};

const SCENARIO: &str = "name: one\ndescription: One.\nsteps: [{create_task: {payload: a}}, {expect_verified: {}}]\n";

fn project(text: &str) -> Result<Project, DocumentError> {
    let root = tempfile::tempdir().unwrap();
    fs::create_dir(root.path().join("cases")).unwrap();
    let path = root.path().join(FILE_NAME);
    fs::write(&path, text).unwrap();
    Project::load(&path)
}

fn trials(project: Project, scenario: &str) -> Result<Vec<Trial>, DocumentError> {
    let mut loader = Loader::of(Some(Arc::new(project))).unwrap();
    Ok(loader.parse(Path::new("one.yaml"), scenario)?.trials(&RuntimeKind::ALL))
}

fn scenario(project: Project, text: &str) -> Scenario {
    (*trials(project, text).unwrap()[0].scenario).clone()
}

#[test]
fn what_a_scenario_leaves_out_comes_from_its_project() {
    let text = "\
components:
  performer: {command: [bin/performer], environment: {A: 1, B: 0x10}}
topology:
  threshold: 5000
  operators: [{name: alice}, {name: bob}]
";
    let alone = scenario(project(text).unwrap(), SCENARIO);
    assert_eq!(alone.components.performer.command, Some(vec!["bin/performer".to_owned()]));
    assert_eq!(alone.components.performer.environment["B"], "0x10", "as written");
    assert_eq!((alone.topology.threshold, alone.topology.operators.len()), (5000, 2));
    assert_eq!(alone.topology.operators[1].performer, alone.components.performer);

    let own = format!(
        "{SCENARIO}components: {{performer: {{environment: {{A: 2}}}}}}\ntopology: {{operators: [{{name: carol}}]}}\n"
    );
    let own = scenario(project(text).unwrap(), &own);
    assert_eq!(own.components.performer.command, Some(vec!["bin/performer".to_owned()]));
    assert_eq!(own.components.performer.environment["A"], "2");
    assert_eq!(own.topology.threshold, 5000, "a key that the scenario does not have");
    assert_eq!(own.topology.operators.len(), 1);
    assert_eq!(own.topology.curve, Curve::Ecdsa);
}

/// Trials know their project: their components start in its folder.
#[test]
fn runtimes_of_the_project_are_those_of_scenarios_without_any() {
    let text = "runtimes: [docker]\nruntimes_because: It has only an image.\ncomponents: {performer: {image: mine}}\n";
    let runtimes = |scenario: &str| -> Vec<_> {
        let trials = trials(project(text).unwrap(), scenario).unwrap();
        assert!(trials.iter().all(|trial| trial.project.is_some()));
        trials.iter().map(|trial| trial.runtime).collect()
    };
    assert_eq!(runtimes(SCENARIO), [RuntimeKind::Docker]);
    let own = format!("{SCENARIO}runtimes: [kubernetes]\nruntimes_because: It drains nodes.\n");
    assert_eq!(runtimes(&own), [RuntimeKind::Kubernetes]);
}

/// A scenario lies in another folder than its project, and means the same files.
#[test]
fn paths_of_the_project_start_at_its_folder() {
    let root = tempfile::tempdir().unwrap();
    for folder in ["performer", "scenarios"] {
        fs::create_dir(root.path().join(folder)).unwrap();
    }
    fs::write(root.path().join("performer/Dockerfile"), "FROM scratch\n").unwrap();
    fs::write(root.path().join("shared.env"), "A=1\n").unwrap();
    fs::write(root.path().join("alice.env"), "A=2\n").unwrap();
    fs::write(root.path().join("all.json"), "of all").unwrap();
    fs::write(root.path().join("alice.json"), "of alice").unwrap();
    let text = "\
components: {performer: {command: [a], build: {context: performer}, environment_from: shared.env, files: {/etc/avs/a: all.json}}}
topology: {operators: [{name: alice, performer: {environment_from: alice.env, files: {/etc/avs/a: alice.json}}}, {name: bob}], avss: [
  {name: second, operators: [{name: alice, performer: {environment_from: alice.env, files: {/etc/avs/a: alice.json}}}]}]}
";
    fs::write(root.path().join(FILE_NAME), text).unwrap();
    let project = Project::load(&root.path().join(FILE_NAME)).unwrap();
    let mut loader = Loader::of(Some(Arc::new(project))).unwrap();
    let path = root.path().join("scenarios/one.yaml");
    let trials = loader.parse(&path, SCENARIO).unwrap().trials(&[RuntimeKind::Docker]);
    let operators = &trials[0].scenario.topology.operators;
    let context = operators[0].performer.build.as_ref().map(|build| build.context.clone());
    assert_eq!(context, Some(root.path().join("performer")));
    let of = |operator: usize| operators[operator].performer.environment["A"].clone();
    assert_eq!((of(0), of(1)), ("2".to_owned(), "1".to_owned()));
    let given = |operator: usize| operators[operator].performer.files["/etc/avs/a"].bytes().to_owned();
    assert_eq!((given(0), given(1)), (b"of alice".to_vec(), b"of all".to_vec()));
    let of_second = &trials[0].scenario.topology.avss[0].operators[0].performer;
    assert_eq!((of_second.environment["A"].as_str(), of_second.files["/etc/avs/a"].bytes()), ("2", &b"of alice"[..]));
}

#[rstest::rstest]
#[case::no_context("components: {performer: {command: [a], build: {context: nowhere}}}\n", "there is no folder")]
#[case::unknown_key("scenario: cases\n", "unknown key `scenario`")]
#[case::no_folder("scenarios: nowhere\n", "does not exist")]
#[case::reserved_variable("components: {performer: {environment: {GRPC_PORT: 1}}}\n", "GRPC_PORT")]
#[case::two_operators("topology: {operators: [{name: a}, {name: a}]}\n", "two operators are called `a`")]
#[case::image_alone("components: {performer: {image: mine}}\n", "the process runtime has no images")]
#[case::no_reason("runtimes: [docker]\n", "runtimes_because")]
#[case::whose_reason("runtimes: [docker]\n", "the project does not say why it leaves runtimes out")]
#[case::namespace("namespace: Team-A\n", "Team-A")]
#[case::long_namespace(&format!("namespace: {}\n", "a".repeat(64)), "63")]
#[case::no_time("prepare: [{run: [make], within: 0s}]\n", "within")]
#[case::inputs_alone("prepare: [{run: [make], inputs: [a]}]\n", "without `creates`")]
#[case::no_command("prepare: [{run: []}]\n", "run")]
#[case::command_alone("prepare: [make]\n", "write it as `{run: [make]}`")]
#[case::operator_alone("topology: {operators: [a]}\n", "write it as `{name: a}`")]
fn a_mistake_is_a_problem_of_the_project_file(#[case] text: &str, #[case] expected: &str) {
    let error = project(text).unwrap_err();
    let messages: Vec<_> = error.reports().iter().map(Report::one_line).collect();
    assert!(messages.iter().any(|message| message.contains(expected)), "{messages:?}");
}

#[test]
fn an_empty_project_file_changes_nothing_but_where_components_start() {
    let empty = project("{}\n").unwrap();
    assert_eq!(empty.scenarios(), empty.folder.join("scenarios"));
    let named = project("scenarios: cases\n").unwrap();
    assert_eq!(named.scenarios(), named.folder.join("cases"));
    let with = scenario(empty, SCENARIO);
    let without = Loader::new().unwrap().parse(Path::new("one.yaml"), SCENARIO).unwrap();
    assert_eq!(with, *without.variants[0].scenario);
}
