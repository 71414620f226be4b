//! A harness that is not root: containers run as another user, and yet they can read their configuration.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown},
    path::Path,
    process::Command,
};

use hourglass_test_support::{FILES, anvil, run};

use crate::{
    HARNESS,
    docker_trial::{DockerTrial, SQUARE},
};

/// The user and the group `nobody`.
const NOBODY: u32 = 65534;

/// A container's user could not read a file for the harness's user alone, and a file for everybody would give every
/// user of the machine the keys.
pub(crate) fn a_harness_that_is_not_root_gives_containers_their_configuration() {
    let test = DockerTrial::new();
    let scenario = test.scenario(&SQUARE.replace("0x10", "0x11"));
    let outcome = if rustix::process::geteuid().is_root() {
        let Some(mut command) = as_nobody(&test, &scenario) else {
            eprintln!("not run as another user: there is no setpriv");
            return;
        };
        run(&mut command)
    } else {
        run(&mut test.harness(&scenario))
    };
    // The folder of a failed trial must exist afterwards; a verified task shows that everything was readable.
    outcome.assert_code(1).assert_shows(&["expected  result \"0x11\"", "seen      result \"0x10\""]);
    test.assert_nothing_runs();
    let [folder] = test.sandbox.run_folders().try_into().unwrap();
    for name in ["executor-operator.yaml", "aggregator.yaml"] {
        let path = folder.join(name);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600, "{name}");
        let content = fs::read_to_string(path).unwrap();
        assert!(content.contains("\"privateKey\": \"(left out)\""), "{name} holds a key\n{content}");
    }
}

/// The command that runs the scenario as a user who may use the engine's socket, and no other files of this user.
fn as_nobody(test: &DockerTrial, scenario: &Path) -> Option<Command> {
    let path = |name: &str| test.sandbox.path(name);
    let readable = |path: &Path| fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
    readable(&path("."));
    for (program, from) in [("harness", Path::new(HARNESS)), ("anvil", anvil())] {
        if fs::hard_link(from, path(program)).is_err() {
            fs::copy(from, path(program)).unwrap();
        }
        readable(&path(program));
    }
    for folder in ["runs", "cache", "home"] {
        fs::create_dir(path(folder)).unwrap();
        chown(path(folder), Some(NOBODY), Some(NOBODY)).unwrap();
    }
    let group = fs::metadata(test.socket()).unwrap().gid().to_string();
    if Command::new("setpriv").arg("--version").output().is_err() {
        return None;
    }
    let mut command = test.sandbox.command("setpriv");
    command
        .args(["--reuid", &NOBODY.to_string(), "--regid", &NOBODY.to_string(), "--groups", &group, "--no-new-privs"])
        .arg(path("harness"))
        .args(["run", "--runtime", "docker"])
        .arg(scenario)
        .env("HOME", path("home"))
        .env("HARNESS_CACHE", path("cache"))
        .env("HARNESS_SCENARIOS", path(FILES))
        .env("HARNESS_ANVIL", path("anvil"));
    Some(command)
}
