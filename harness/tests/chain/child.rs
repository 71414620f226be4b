//! A test that executes itself: code that affects a whole process (its environment, its home) runs in a process of its
//! own.

use std::{env, ffi::OsString, process::Stdio};

use tokio::process::Command;

/// Set for the child process; tests read it to know their part.
const ACTS: &str = "CHAIN_TEST_ACTS";

/// Whether this process is the child.
pub(crate) fn acts() -> bool {
    env::var_os(ACTS).is_some()
}

/// Executes the test of this name once more, as the child, with a changed environment; it must pass.
pub(crate) async fn act(test: &str, environment: &[(&str, OsString)]) {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ACTS, "1")
        .envs(environment.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains("1 passed"), "no test is called {test}: {said}");
}
