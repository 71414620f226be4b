//! Files that performers are given: who can read them, and what remains of them.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use hourglass_test_support::Sandbox;

use crate::HARNESS;

const SECRET: &str = "hunter2-of-a-performer";
/// Its performer answers with the content of one file, and has another.
const REST: &str = "\
components:
  performer:
    environment: {TASK_RESULT_FILE: /etc/avs/result}
    files: {/etc/avs/result: ../result, /etc/avs/token: ../token, /srv/more/token: {text: hunter2-of-a-performer}}
steps:
  - create_task: {payload: \"0x04\"}
  - expect_verified: {result: \"EXPECTED\"}
";

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn sandbox_with(expected: &str) -> (Sandbox, PathBuf) {
    let sandbox = Sandbox::new(HARNESS);
    sandbox.file("result", "from a file");
    sandbox.file("token", SECRET);
    let path = sandbox.scenario("given", &REST.replace("EXPECTED", expected));
    (sandbox, path)
}

/// Folders of failed trials are kept, and shared.
#[test]
fn no_content_of_a_file_stays_in_the_folder_of_a_failed_trial() {
    let (sandbox, scenario) = sandbox_with("another");
    let outcome = sandbox.run_file(&scenario);
    outcome.assert_code(1).assert_shows(&["seen      result \"from a file\""]);
    let [folder] = &sandbox.run_folders()[..] else { panic!("one trial failed") };
    let files = files_below(folder);
    assert!(files.iter().any(|file| file.ends_with("scenario.yaml")), "{files:?}");
    for file in files {
        let content = fs::read(&file).unwrap();
        assert!(!String::from_utf8_lossy(&content).contains(SECRET), "{} has it", file.display());
    }
    let plan = sandbox.run(&["scenario", "plan", "--format", "json", scenario.to_str().unwrap()]);
    plan.assert_code(0).assert_shows(&["/etc/avs/token", "/../token", "(left out)"]);
    assert!(!plan.stdout.contains(SECRET), "{}", plan.stdout);
}

/// A kept environment still needs its files, which other users of the machine cannot read.
#[test]
fn files_of_a_kept_environment_are_for_their_owner_alone() {
    let (sandbox, scenario) = sandbox_with("from a file");
    sandbox.run(&["run", "--keep", "always", scenario.to_str().unwrap()]).assert_code(0);
    let [folder] = &sandbox.run_folders()[..] else { panic!("one environment is kept") };
    let given = folder.join("performer-files/operator");
    assert_eq!(fs::read_to_string(given.join("srv/more/token")).unwrap(), SECRET);
    for file in files_below(&given) {
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600, "{}", file.display());
    }
    for parent in [given.join("srv/more"), folder.join("performer-files"), folder.clone()] {
        assert_eq!(fs::metadata(&parent).unwrap().permissions().mode() & 0o777, 0o700, "{}", parent.display());
    }
    sandbox.run(&["gc", folder.file_name().unwrap().to_str().unwrap()]).assert_code(0);
    sandbox.assert_nothing_left();
}
