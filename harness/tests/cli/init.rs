//! `harness init` and project files: from an empty folder to trials of a performer that is not ours.

use std::{fs, path::Path, process::Command, time::Duration};

use hourglass_base::on_path;
use hourglass_test_support::{Sandbox, run, run_within};
use rstest::rstest;

use crate::HARNESS;

/// How long the tools of a language may take to download and build a performer on a busy machine.
const BUILD: Duration = Duration::from_mins(12);

/// The harness in a folder, whose project says where scenarios are.
fn harness(sandbox: &Sandbox, folder: &Path, words: &[&str]) -> Command {
    let mut command = sandbox.harness(words);
    command.env_remove("HARNESS_SCENARIOS").current_dir(folder);
    command
}

/// What a team without anything has after two commands: a performer of its own, tested.
#[rstest]
#[case::go("go", "go")]
#[case::rust("rust", "cargo")]
#[case::js("js", "npm")]
#[case::python("python", "python3")]
fn a_new_project_passes_at_once(#[case] language: &str, #[case] program: &str) {
    if on_path(program).is_none() {
        eprintln!("left out: {program} is not in PATH");
        return;
    }
    let sandbox = Sandbox::new(HARNESS);
    let folder = sandbox.path("new");
    let written = sandbox.run(&["init", "--lang", language, folder.to_str().unwrap()]);
    written.assert_code(0).assert_shows(&["harness.yaml", "Next: cd ", "harness run"]);

    let lint = run(&mut harness(&sandbox, &folder, &["lint"]));
    lint.assert_code(0).assert_shows(&["3 scenario files: no problems"]);
    // From a folder of the project as well.
    let all = run_within(&mut harness(&sandbox, &folder.join("performer"), &["run"]), BUILD);
    all.assert_code(0).assert_shows(&["process::answers", "process::executors_down", "8 passed, 0 failed"]);
    let proof = run(&mut harness(&sandbox, &folder, &["run", "--without-fault"]));
    proof.assert_code(0).assert_shows(&["process::executors_down::without_fault"]);
    sandbox.assert_nothing_left();

    let again = sandbox.run(&["init", "--lang", language, folder.to_str().unwrap()]);
    again.assert_code(2).assert_complains(&["are there already", "nothing was written"]);
}

/// Trials of a repository of the public template are about the contracts that its own scripts deploy, and the doctor looks for the tools
/// that these call, where they would find them.
#[test]
fn a_repository_of_the_template_deploys_its_contracts() {
    let sandbox = Sandbox::new(HARNESS);
    let (folder, foundry) = (sandbox.path("avs"), sandbox.path("foundry"));
    let write = |path: &Path, text: &str| {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    };
    write(&folder.join(".hourglass/context/devnet.yaml"), "executor: {operators: [{socket: \"executor:9090\"}]}\n");
    write(&folder.join(".devkit/scripts/deployL1Contracts"), "#!/bin/sh\nforge script deploy; cast nonce; jq .\n");
    write(&foundry.join("bin/forge"), "#!/bin/sh\necho 'forge Version: 1.7.1-v1.7.1'\n");
    let written = sandbox.run(&["init", folder.to_str().unwrap()]);
    written.assert_code(0).assert_complains(&["forge, cast, jq, yq and make", "harness doctor"]);

    let call = "{call: {to: task_avs_registrar, function: \"owner() returns (address)\", expect: [avs]}}";
    let steps = format!("steps: [{{create_task: {{payload: a}}}}, {call}, {{expect_verified: {{}}}}]\n");
    let scenario = format!("name: registrar\ndescription: A test's own.\n{steps}");
    fs::write(folder.join("scenarios/registrar.yaml"), scenario).unwrap();
    run(&mut harness(&sandbox, &folder, &["lint"])).assert_code(0).assert_shows(&["4 scenario files: no problems"]);

    let mut doctor = harness(&sandbox, &folder, &["doctor", "--runtime", "process"]);
    let seen = run(doctor.env("FOUNDRY_DIR", &foundry).env("PATH", sandbox.path("bin")));
    let forge = format!("1.7.1 at {}/bin/forge (Foundry's folder)", foundry.display());
    let (named, unnamed) =
        ("not found, and deploy scripts of the project name it", "no deploy script of the project names it");
    seen.assert_code(0).assert_shows(&[forge.as_str(), named, unnamed, "harness setup foundry", "package `jq`"]);
    let elsewhere = sandbox.run(&["doctor", "--runtime", "process"]);
    elsewhere.assert_code(0);
    assert!(!elsewhere.stdout.contains("deploy script"), "{}", elsewhere.stdout);
}

/// A performer that does not build says so before anything starts; it is not a failure of a trial.
#[test]
fn a_command_of_the_project_that_fails_is_shown_with_its_output() {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.file("harness.yaml", "scenarios: own\nprepare: [{run: [sh, -c, 'echo no such module >&2; exit 4']}]\n");
    sandbox.scenario("one", "steps: [{create_task: {payload: a}}, {expect_verified: {}}]\n");
    let outcome = run(&mut harness(&sandbox, &sandbox.path(""), &["run"]));
    outcome.assert_code(3).assert_complains(&["exit status: 4", "no such module", "harness.yaml"]);
    assert!(sandbox.run_folders().is_empty());
}

/// The commands of components start in the folder of the project, wherever the harness was started.
#[test]
fn components_start_in_the_folder_of_the_project() {
    let sandbox = Sandbox::new(HARNESS);
    let wrapper = sandbox.file("performer.sh", "#!/bin/sh\npwd >> started\nexec \"$HARNESS\" component performer\n");
    fs::set_permissions(&wrapper, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    sandbox.file("harness.yaml", "scenarios: own\ncomponents: {performer: {command: [./performer.sh]}}\n");
    sandbox.scenario("one", "steps: [{create_task: {payload: \"0x04\"}}, {expect_verified: {result: \"0x10\"}}]\n");
    let below = sandbox.path("own");
    let outcome = run(harness(&sandbox, &below, &["run"]).env("HARNESS", crate::HARNESS));
    outcome.assert_code(0);
    sandbox.assert_nothing_left();
    let started = fs::read_to_string(sandbox.path("started")).unwrap();
    assert_eq!(started.trim(), fs::canonicalize(sandbox.path("")).unwrap().to_str().unwrap());
}

/// A mistake in the project file is shown at its position, once, and not as a problem of each scenario.
#[test]
fn a_mistake_in_the_project_file_is_shown_at_its_position() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.file("other.yaml", "scenarios: own\ncomponent: {}\n");
    sandbox.scenario("one", "steps: [{create_task: {payload: a}}, {expect_verified: {}}]\n");
    for command in ["run", "lint"] {
        let words = [command, "--project", path.to_str().unwrap()];
        let outcome = run(&mut harness(&sandbox, &sandbox.path(""), &words));
        outcome.assert_code(2).assert_complains(&["other.yaml:2:1", "unknown key `component`", "`components`"]);
    }
}
