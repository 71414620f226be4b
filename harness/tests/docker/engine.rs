//! Engines that cannot be used: reported before anything is started.

use std::{
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt as _, chown},
        net::UnixListener,
        process::CommandExt as _,
    },
    path::Path,
};

use hourglass_test_support::{Outcome, run};

use crate::{
    HARNESS,
    docker_trial::{DockerTrial, SQUARE},
};

/// The user `nobody`, on every machine.
const NOBODY: u32 = 65534;

#[track_caller]
fn with_engine(test: &DockerTrial, address: &str) -> Outcome {
    run(test.harness(&test.scenario(SQUARE)).env("DOCKER_HOST", address))
}

pub(crate) fn one_that_is_not_there_is_named() {
    let test = DockerTrial::new();
    let socket = test.sandbox.path("none.sock").display().to_string();
    let outcome = with_engine(&test, &format!("unix://{socket}"));
    outcome.assert_code(3).assert_shows(&[
        &format!("failed to find a Docker engine: there is no {socket}"),
        "harness setup docker",
        "DOCKER_HOST",
    ]);
    test.assert_nothing_begun();
}

/// A killed engine leaves such a socket, and a mistyped path may name one.
pub(crate) fn socket_without_listener_is_named() {
    let test = DockerTrial::new();
    let socket = test.sandbox.path("dead.sock");
    drop(UnixListener::bind(&socket).unwrap());
    let file = test.sandbox.file("file.sock", "");
    for path in [socket, file] {
        let outcome = with_engine(&test, &format!("unix://{}", path.display()));
        outcome.assert_code(3).assert_shows(&[
            &format!("failed to reach the Docker engine at {}: nobody listens there", path.display()),
            "start the engine",
        ]);
        test.assert_nothing_begun();
    }
}

pub(crate) fn silent_engine_is_given_up() {
    let test = DockerTrial::new();
    let socket = test.sandbox.path("silent.sock");
    let listener = UnixListener::bind(&socket).unwrap();
    let outcome = with_engine(&test, &format!("unix://{}", socket.display()));
    outcome.assert_code(3).assert_shows(&[
        "timed out after ",
        &format!("waiting for an answer of the Docker engine at {}", socket.display()),
        "see that DOCKER_HOST, or the context of the docker command, names a Docker engine",
    ]);
    test.assert_nothing_begun();
    drop(listener);
}

pub(crate) fn address_without_listener_is_named() {
    let test = DockerTrial::new();
    // Bound but not listening: no other process gets the port, and none answers.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = format!("tcp://{}", socket.local_addr().unwrap());
    let outcome = with_engine(&test, &address);
    outcome.assert_code(3).assert_shows(&[
        &format!("failed to get an answer of the Docker engine at {address}"),
        "Connection refused",
        "see that DOCKER_HOST, or the context of the docker command, names a Docker engine",
    ]);
    test.assert_nothing_begun();
}

/// A user who was never added to the group, the most common cause.
pub(crate) fn engine_without_permission_is_named() {
    let test = DockerTrial::new();
    let scenario = test.scenario(SQUARE);
    let mut command = test.harness(&scenario);
    let socket = if rustix::process::geteuid().is_root() {
        as_nobody(&test, &mut command);
        test.socket().to_owned()
    } else {
        // The engine's socket is for this user; the other one is for nobody.
        let path = test.sandbox.path("forbidden.sock");
        drop(UnixListener::bind(&path).unwrap());
        fs::set_permissions(&path, Permissions::from_mode(0o0)).unwrap();
        path
    };
    let outcome = run(command.env("DOCKER_HOST", format!("unix://{}", socket.display())));
    outcome.assert_code(3).assert_shows(&[
        &format!("failed to use the Docker engine at {}: this user may not", socket.display()),
        "usermod -aG docker",
    ]);
    test.assert_nothing_begun();
}

/// Runs the command as a user who has only copies of the programs and this test's folder.
fn as_nobody(test: &DockerTrial, command: &mut std::process::Command) {
    let own = |path: &Path| chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
    let root = test.sandbox.path("");
    let copy = |program: &Path, name: &str| {
        let copy = test.sandbox.path(name);
        fs::copy(program, &copy).unwrap();
        own(&copy);
        copy
    };
    let harness = copy(Path::new(HARNESS), "harness");
    let anvil = command.get_envs().find(|(name, _)| *name == "HARNESS_ANVIL").unwrap().1.unwrap().to_owned();
    let anvil = copy(Path::new(&anvil), "anvil");
    own(&root);
    let mut as_nobody = std::process::Command::new(harness);
    as_nobody.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => as_nobody.env(name, value),
            None => as_nobody.env_remove(name),
        };
    }
    as_nobody
        .env("HARNESS_ANVIL", anvil)
        .env("HARNESS_CACHE", test.sandbox.path("cache"))
        .env("HARNESS_SCENARIOS", test.sandbox.path(""))
        .env("HOME", &root)
        .current_dir(&root)
        .uid(NOBODY)
        .gid(NOBODY);
    *command = as_nobody;
}
