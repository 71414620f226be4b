//! Pages of real runs, each made once.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};

use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const HARNESS: &str = env!("CARGO_BIN_EXE_harness");

/// Markup that would leave a message on the console if a page did not escape it.
pub(crate) const HOSTILE: &str = "</script><img src=x onerror=console.error('ran')>";

/// A trial that passed, and one whose expectation is wrong and whose performers write markup.
pub(crate) static FAILED: LazyLock<Page> = LazyLock::new(|| {
    Page::of(
        &[
            (
                "good",
                json!({}),
                json!([{ "create_task": { "payload": "0x04" } }, { "expect_verified": { "result": "0x10" } }]),
            ),
            (
                "wrong",
                json!({}),
                json!([
                    { "create_task": { "payload": "0x04" } },
                    { "expect_verified": { "result": HOSTILE } },
                    { "mine": { "blocks": 1 } },
                ]),
            ),
        ],
        &["--runtime", "process"],
        1,
    )
});

/// Trials that passed.
pub(crate) static PASSED: LazyLock<Page> = LazyLock::new(|| {
    let steps = json!([
        { "create_task": { "as": "many", "payload": "0x04", "count": 5 } },
        { "expect_verified": { "task": "many", "result": "0x10" } },
    ]);
    Page::of(&[("many", json!({}), steps)], &["--runtime", "process"], 0)
});

/// A comparison of processes with processes.
pub(crate) fn comparison() -> Page {
    let steps = json!([{ "create_task": { "payload": "0x04" } }, { "expect_verified": { "result": "0x10" } }]);
    let options = ["--runtimes", "process,process", "--runs", "3", "--warm-up", "1", "compared"];
    Page::of_command("compare", &[("compared", json!({}), steps)], &options, 0)
}

/// A load with tasks that are not verified.
pub(crate) fn load() -> Page {
    let components = json!({ "performer": { "environment": { "TASK_DELAY_MS": "5000" } } });
    let steps = json!([{ "create_task": { "payload": "0x04" } }, { "expect_verified": { "result": "0x10" } }]);
    Page::of_command(
        "load",
        &[("slow", components, steps)],
        &["--tasks", "5", "--rate", "10", "--within", "1s", "slow"],
        1,
    )
}

/// The page of a run, in a folder of its own.
pub(crate) struct Page {
    folder: TempDir,
}

impl Page {
    /// The page of these scenarios, whose run ends with this code.
    pub(crate) fn of(scenarios: &[(&str, Value, Value)], options: &[&str], code: i32) -> Self {
        Self::of_command("run", scenarios, options, code)
    }

    /// The same of another command.
    pub(crate) fn of_command(name: &str, scenarios: &[(&str, Value, Value)], options: &[&str], code: i32) -> Self {
        let subcommand = name;
        let folder = tempfile::tempdir().unwrap();
        for (name, components, steps) in scenarios {
            let scenario = json!({
                "name": name, "description": "A scenario of a test.", "components": components, "steps": steps,
            });
            let text = serde_yaml::to_string(&scenario).unwrap();
            fs::write(folder.path().join(format!("{name}.yaml")), text).unwrap();
        }
        let page = Self { folder };
        let mut command = Command::new(HARNESS);
        command.args([subcommand, "--html"]).arg(page.path()).arg("--scenarios").arg(page.folder.path()).args(options);
        let output: Output = command.env("HARNESS_RUNS", page.folder.path().join("runs")).output().unwrap();
        let shown = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{shown}{}", String::from_utf8_lossy(&output.stderr));
        page
    }

    /// The file.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("report.html")
    }

    /// A copy of the page with another text in it.
    pub(crate) fn changed(&self, from: &str, to: &str) -> (TempDir, PathBuf) {
        let text = fs::read_to_string(self.path()).unwrap();
        assert!(text.contains(from), "{from} is not in the page");
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("changed.html");
        fs::write(&path, text.replace(from, to)).unwrap();
        (folder, path)
    }
}

/// The page of a run of this scenario on processes and in Docker, whose performers differ.
pub(crate) fn parity(image: &str) -> Page {
    let performer = json!({ "performer": {
        "image": image,
        "command": ["env", "-u", "TASK_WRONG_RESULT", HARNESS, "component", "performer"],
        "environment": { "TASK_WRONG_RESULT": true },
    } });
    let steps = json!([{ "create_task": { "payload": "0x04" } }, { "expect_verified": { "within": "60s" } }]);
    Page::of(&[("open_result", performer, steps)], &["--runtime", "process,docker"], 1)
}

/// Fails with what was found, if anything was.
pub(crate) fn nothing(what: &str, page: &Path, found: &[String]) {
    assert!(found.is_empty(), "{what} of {}:\n{}", page.display(), found.join("\n"));
}
