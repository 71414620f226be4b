//! A test that executes itself: what concerns a whole process (its environment, its home) runs in one of its own.

use std::{env, ffi::OsString, process::Stdio};

use tokio::process::Command;

/// Set for the process that acts; tests look at it to know their part.
const ACTS: &str = "CHAIN_TEST_ACTS";

/// Whether this process is the one that acts.
pub(crate) fn acts() -> bool {
    env::var_os(ACTS).is_some()
}

/// Executes the test of this name once more, as the one that acts, with a changed environment; it must pass.
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
