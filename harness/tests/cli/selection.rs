//! The selection of trials, and the messages about everything that is not selected.

use std::{
    ffi::OsStr,
    fs::{self, File},
    os::unix::{ffi::OsStrExt as _, fs::symlink},
    process::Command,
};

use hourglass_test_support::{FILES, Sandbox, run};

use crate::HARNESS;

const STEPS: &str = "steps:\n  - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x10\"}\n";

/// A variable that is not set in a script must not turn one trial into all trials.
#[rstest::rstest]
#[case::name(&["run", ""])]
#[case::name_beside_another(&["run", "square", ""])]
#[case::tag(&["run", "--tag", ""])]
#[case::listed(&["list", ""])]
#[case::linted(&["lint", ""])]
fn empty_name_exits_with_2(#[case] arguments: &[&str]) {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.run(arguments).assert_code(2).assert_complains(&["failed to select trials: a ", " is empty"]);
    sandbox.assert_nothing_left();
}

/// The scenario exists, and its file says why it does not run.
#[test]
fn scenario_for_other_runtimes_is_reported() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["run", "--runtime", "process,docker", "node_drained"]);
    outcome.assert_code(2).assert_complains(&[
        "`node_drained` is not meant for process and docker, only for kubernetes: ",
        "remedy: choose `--runtime kubernetes`",
    ]);
    let outcome = sandbox.run(&["list", "--runtime", "process", "docker::square"]);
    outcome.assert_code(2).assert_complains(&["no trial has the name `docker::square` and the runtime `process`"]);
}

/// Of files that a shell has listed, those for other runtimes are reported, and the rest is run.
#[test]
fn files_for_other_runtimes_are_reported() {
    let sandbox = Sandbox::new(HARNESS);
    let head = "runtimes: [docker]\nruntimes_because: It says so.\n";
    let (other, own) = (sandbox.scenario("other", &format!("{head}{STEPS}")), sandbox.scenario("own", STEPS));
    let outcome = run(sandbox.harness(&["list", "--runtime", "process"]).args([&other, &own]));
    outcome.assert_code(0).assert_shows(&["process::own"]).assert_complains(&["left out: ", "only for docker"]);
    let outcome = run(sandbox.harness(&["list", "--runtime", "process"]).arg(&other));
    outcome.assert_code(2).assert_complains(&["other.yaml` is not meant for process, only for docker: It says so"]);
}

#[test]
fn a_file_that_is_named_twice_is_one_scenario() {
    let sandbox = Sandbox::new(HARNESS);
    let path = sandbox.scenario("own", STEPS);
    let again = path.parent().unwrap().join(".").join("own.yaml");
    let outcome = run(sandbox
        .harness(&["list", "--runtime", "process", "--scenarios"])
        .arg(path.parent().unwrap())
        .args([&path, &path, &again])
        .arg("own"));
    outcome.assert_code(0);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
}

/// From another folder, a scenario is still about the performer of its project.
#[test]
fn the_project_of_a_named_file_is_found_from_another_folder() {
    let sandbox = Sandbox::new(HARNESS);
    let scenario = |name: &str| format!("name: {name}\ndescription: A test's own.\n{STEPS}");
    for folder in ["elsewhere", "counter/scenarios"] {
        fs::create_dir_all(sandbox.path(folder)).unwrap();
    }
    let own = sandbox.file("counter/scenarios/own.yaml", &scenario("own"));
    let plan = |arguments: &[&OsStr]| {
        let mut command = sandbox.harness(&["scenario", "plan", "--runtime", "process"]);
        run(command.args(arguments).env_remove("HARNESS_SCENARIOS").current_dir(sandbox.path("elsewhere")))
    };
    let outcome = plan(&[own.as_os_str()]);
    outcome.assert_code(0).assert_shows(&["process::own"]);
    assert!(!outcome.stdout.contains("alice"), "{}", outcome.stdout);
    sandbox.file("counter/harness.yaml", "topology: {operators: [{name: alice}, {name: bob}]}\n");
    let relative = OsStr::new("../counter/scenarios/own.yaml");
    plan(&[relative]).assert_code(0).assert_shows(&["process::own", "alice", "bob"]);
    let folder = own.parent().unwrap().as_os_str();
    plan(&["--scenarios".as_ref(), folder]).assert_code(0).assert_shows(&["process::own", "alice", "bob"]);
    let other = sandbox.file("other.yaml", &scenario("other"));
    let outcome = plan(&[relative, other.as_os_str()]);
    outcome.assert_code(2).assert_complains(&[
        "failed to choose a project: `../counter/scenarios/own.yaml` belongs to `",
        "other.yaml` belongs to none",
        "remedy: name scenarios of one project at a time",
    ]);
}

/// Every file that looks like a scenario is used or named: a green run without it proves nothing.
#[test]
fn skipped_files_are_named() {
    let sandbox = Sandbox::new(HARNESS);
    let folder = sandbox.path(FILES);
    sandbox.scenario("own", STEPS);
    fs::create_dir(folder.join("sub")).unwrap();
    let other = format!("name: other\ndescription: Without a name of its file.\n{STEPS}");
    fs::write(folder.join("sub/.yaml"), &other).unwrap();
    symlink("nowhere", folder.join("lost.yaml")).unwrap();
    let harness = |arguments: &[&str]| run(sandbox.harness(arguments).arg("--scenarios").arg(&folder));

    let names = ["sub/.yaml: it has no name", "lost.yaml: it is a link to nothing"];
    let outcome = harness(&["list", "--runtime", "process"]);
    outcome.assert_code(0).assert_shows(&["process::own"]).assert_complains(&names);
    assert_eq!(outcome.stdout.lines().count(), 1, "{}", outcome.stdout);
    harness(&["lint", "--short"]).assert_code(2).assert_shows(&["2 problems in 2 of 3 scenario files", "sub/.yaml"]);
    let outcome = harness(&["list", "lost"]);
    outcome.assert_code(2).assert_complains(&["nothing is called `lost`", "lost.yaml`?"]);
}

/// Scenarios may be sorted into folders; their names are still names of the whole.
#[test]
fn scenarios_of_subfolders_are_run_by_their_names() {
    let sandbox = Sandbox::new(HARNESS);
    let folder = sandbox.path(FILES);
    sandbox.scenario("own", STEPS);
    for name in ["faults/network", ".git", "empty"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    fs::write(folder.join("faults/network/other.yaml"), format!("name: other\ndescription: Deep.\n{STEPS}")).unwrap();
    fs::write(folder.join(".git/hidden.yaml"), "no: scenario").unwrap();
    let harness = |arguments: &[&str]| run(sandbox.harness(arguments).arg("--scenarios").arg(&folder));
    harness(&["lint"]).assert_code(0).assert_shows(&["2 scenario files: no problems"]);
    harness(&["run"]).assert_code(0).assert_shows(&["PASS  process::own", "PASS  process::other", "2 passed"]);
    harness(&["run", "other"]).assert_code(0).assert_shows(&["PASS  process::other", "Summary 1 trial"]);
    sandbox.assert_nothing_left();

    // One of them would run in place of the other.
    fs::write(folder.join("faults/own.yaml"), format!("name: own\ndescription: Again.\n{STEPS}")).unwrap();
    for arguments in [&["run"][..], &["run", "own"], &["list"]] {
        let outcome = harness(arguments);
        outcome.assert_code(2).assert_complains(&[
            "the name `own` is taken by ",
            "faults/own.yaml",
            "own/own.yaml:1:7",
        ]);
    }
    harness(&["lint", "--short"]).assert_code(2).assert_shows(&["own/own.yaml:1:7: the name `own` is taken by "]);
    harness(&["list", "other", "--runtime", "process"]).assert_code(0).assert_shows(&["process::other"]);
}

#[test]
fn links_and_names_that_are_not_utf_8_are_read() {
    let sandbox = Sandbox::new(HARNESS);
    let folder = sandbox.path(FILES);
    let elsewhere = sandbox.file("elsewhere.yaml", &format!("name: own\ndescription: Of a link.\n{STEPS}"));
    symlink(elsewhere, folder.join("own.yaml")).unwrap();
    let list = || run(sandbox.harness(&["list", "--runtime", "process", "--scenarios"]).arg(&folder));
    list().assert_code(0).assert_shows(&["process::own"]);
    fs::write(folder.join(OsStr::from_bytes(b"x\xff.yaml")), format!("name: x\ndescription: A.\n{STEPS}")).unwrap();
    list().assert_code(2).assert_complains(&["the scenario `x` stands in a file called `x\u{fffd}`"]);
}

/// Errors of writing, reading and starting have different messages.
#[test]
fn errors_name_the_failed_operation() {
    let sandbox = Sandbox::new(HARNESS);
    let full = || File::options().write(true).open("/dev/full").unwrap();
    let outcome = Command::new(HARNESS).args(["schema"]).stdout(full()).output().unwrap();
    let complaint = String::from_utf8(outcome.stderr).unwrap();
    assert!(complaint.starts_with("error: failed to write the output\n"), "{complaint}");
    assert!(complaint.contains("remedy: free space on the disk"), "{complaint}");
    let outcome = sandbox.run(&["schema", "--output", "/nonexistent/schema.json"]);
    outcome.assert_code(3).assert_complains(&["failed to write /nonexistent/schema.json", "No such file"]);
}

/// A limit of open files must not be reported as a missing program.
#[test]
fn too_few_open_files_are_named_with_their_remedy() {
    let sandbox = Sandbox::new(HARNESS);
    let script = format!("ulimit -n 30; exec {HARNESS} run square");
    let outcome = run(sandbox.command("sh").args(["-c", &script]));
    outcome.assert_code(3);
    let text = outcome.stdout + &outcome.stderr;
    assert!(text.contains("Too many open files") && text.contains("`ulimit -n`"), "{text}");
    assert!(!text.contains("make sure that the program exists"), "{text}");
}

/// The doctor reports for each runtime that it is usable or what is missing, and the exit code agrees.
#[test]
fn doctor_reports_every_runtime() {
    let sandbox = Sandbox::new(HARNESS);
    for runtime in ["process", "docker", "kubernetes"] {
        let outcome = sandbox.run(&["doctor", "--json", "--runtime", runtime]);
        let found: serde_json::Value = serde_json::from_str(&outcome.stdout).unwrap();
        let usable = found["usable"].as_array().unwrap().contains(&runtime.into());
        let unusable = found["unusable"].as_array().unwrap().iter().find(|entry| entry["runtime"] == runtime);
        assert_eq!(outcome.status.code(), Some(if usable { 0 } else { 3 }), "{runtime}: {found:#}");
        let reasons = unusable.map_or(0, |entry| entry["because"].as_array().unwrap().len());
        assert_eq!(usable, reasons == 0, "{runtime}: {found:#}");
    }
}

/// An image of the command line is as unlikely to serve several AVSs as one of the scenario, of which `lint` warns.
#[test]
fn images_of_the_command_line_are_warned_of() {
    let sandbox = Sandbox::new(HARNESS);
    let plan = |name| sandbox.run(&["scenario", "plan", "--runtime", "docker", "--executor-image", "mine:1", name]);
    let warning = "warning: --executor-image mine:1: this executor has to sign with a key for each AVS";
    plan("avss_of_one_operator").assert_code(0).assert_complains(&[warning, "`signingKey` in `avsPerformers`"]);
    let one_avs = plan("square");
    one_avs.assert_code(0);
    assert!(!one_avs.stderr.contains("warning"), "{}", one_avs.stderr);
}
