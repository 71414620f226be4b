//! Hostile or malformed output: text of components and scenarios is always escaped before it is shown, and costs
//! neither the machine's memory nor its time.

use std::{fs, path::Path, time::Duration, time::Instant};

use hourglass_component::text::is_harmful;
use hourglass_test_support::{Running, Sandbox, run};
use rustix::process::Signal;

use crate::HARNESS;

/// Everything that can deceive a terminal, an XML parser or a reader, in the escapes of `printf`.
const HOSTILE: &str =
    r"\033[2J\033]0;title\007 \001\010\013\177\200\233 \302\2331m \342\200\256 \357\277\276 ]]> <b>&amp; \r";
/// The same in the escapes of JSON and YAML.
const QUOTED: &str = r"\u001b[2J\u001b]0;title\u0007 \u0001\u0008\u000b\u007f \u009b1m \u202e \ufffe ]]> <b>&amp; \r";

/// The harness writes none of it raw, and what it writes remains readable.
#[test]
fn hostile_output_is_always_escaped() {
    let sandbox = Sandbox::new(HARNESS);
    let script = sandbox.file(
        "performer.sh",
        &format!(
            "#!/bin/sh\nprintf '{HOSTILE}\\n'\nprintf '%s\\n' '{{\"level\":\"error\",\"message\":\"lost {QUOTED}\"}}'\nexec \
             {HARNESS} component performer\n"
        ),
    );
    let scenario = sandbox.file(
        "own/hostile.yaml",
        &format!(
            "name: hostile\ndescription: \"{QUOTED}\"\ncomponents:\n  performer:\n    command: [sh, {}]\n    environment: \
             {{TASK_ERROR: \"wrong {QUOTED}\"}}\nsteps:\n  - name: \"create {QUOTED}\"\n    create_task: {{payload: \"0x04\"}}\n  - \
             name: \"step {QUOTED}\"\n    expect_verified: {{result: \"{QUOTED}\", within: 2s}}\n",
            script.display()
        ),
    );
    let (junit, json) = (sandbox.path("junit.xml"), sandbox.path("report.json"));
    let outcome = run(sandbox.harness(&["run", "-vv", "--junit"]).arg(&junit).arg("--json").arg(&json).arg(&scenario));
    outcome.assert_code(1);
    let listed = sandbox.run(&["list", "--scenarios", "own"]);
    let planned = sandbox.run(&["plan", "--scenarios", "own"]);
    let found = sandbox.run(&["ps"]);
    let ended = sandbox.run(&["gc", "--dry-run"]);
    for outcome in [&outcome, &listed, &planned, &found, &ended] {
        assert_harmless("standard output", outcome.stdout.as_bytes());
        assert_harmless("standard error", outcome.stderr.as_bytes());
    }
    // Logs hold the components' own output; everything else is written by the harness.
    let [folder] = sandbox.run_folders().try_into().unwrap();
    let mut files = vec![junit.clone(), json.clone()];
    files.extend(fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file()));
    for name in ["timeline.jsonl", "harness.log"] {
        assert!(files.iter().any(|path| path.ends_with(name)), "{name} is not among {files:?}");
    }
    for path in &files {
        assert_harmless(&path.display().to_string(), &fs::read(path).unwrap());
    }
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let visible = r"lost \u{1b}[2J\u{1b}]0;title\u{7} \u{1}\u{8}\u{b}\u{7f} \u{9b}1m \u{202e} \u{fffe} ]]> <b>&amp; \r";
    let report: serde_json::Value = serde_json::from_str(&read(&json)).unwrap();
    assert!(report.to_string().contains(&serde_json::to_string(visible).unwrap()[1..20]), "{report}");
    outcome.assert_shows(&[visible]);
    let suites = quick_junit::Report::deserialize_from_str(&read(&junit)).unwrap();
    assert!(format!("{suites:?}").contains("lost"), "{suites:?}");
    for name in ["timeline.jsonl", "harness.log"] {
        for line in read(&folder.join(name)).lines() {
            serde_json::from_str::<serde_json::Value>(line).unwrap();
        }
    }
    let log = read(&folder.join("harness.log"));
    assert!(log.contains(r"create \\u{1b}[2J"), "the log does not name the step: {log}");
}

#[track_caller]
fn assert_harmless(what: &str, bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).unwrap_or_else(|error| panic!("{what} is no UTF-8: {error}"));
    let harmful: Vec<_> = text.lines().filter(|line| line.contains(is_harmful)).collect();
    assert!(harmful.is_empty(), "{what} holds {harmful:?}");
    // XML may name characters that it must not contain.
    for name in ["&#27;", "&#x1b;", "&#x1B;", "&#0;", "&#7;", "&#xFFFE;", "&#xfffe;"] {
        assert!(!text.contains(name), "{what} holds {name}");
    }
}

/// A performer that writes without end: short lines, and one line without an end.
const FLOOD: &str = "#!/bin/sh\nyes | head -c 10000000\nhead -c 60000000 /dev/zero | tr '\\0' x\necho\necho \
                     '{\"timestamp\":\"2026-01-01T00:00:00Z\",\"level\":\"error\",\"message\":\"the last word\"}'\nexec HARNESS \
                     component performer\n";

/// Steps keep their limits, memory use stays small, and an error behind the flood is found.
#[test]
fn a_flood_of_output_costs_neither_time_nor_memory() {
    let sandbox = Sandbox::new(HARNESS);
    let script = sandbox.file("performer.sh", &FLOOD.replace("HARNESS", HARNESS));
    let scenario = sandbox.scenario(
        "flood",
        &format!(
            "components: {{performer: {{command: [sh, {}]}}}}\nsteps:\n  - create_task: {{payload: \"0x04\"}}\n  - \
             expect_verified: {{within: 60s}}\n",
            script.display()
        ),
    );
    let harness = Running::start(sandbox.harness(&["run"]).arg(&scenario));
    let peak = harness.peak_memory();
    harness.finish().assert_code(1).assert_shows(&["performer/operator: the last word"]);
    assert!(peak < 150 << 20, "it took {} MiB", peak >> 20);
    let [folder] = sandbox.run_folders().try_into().unwrap();
    let timeline = fs::metadata(folder.join("timeline.jsonl")).unwrap().len();
    assert!(timeline < 8 << 20, "the timeline has {timeline} bytes");
}

/// A flood of output must not delay the end of the run.
#[test]
fn a_run_can_be_ended_during_a_flood() {
    let sandbox = Sandbox::new(HARNESS);
    let script = sandbox
        .file("performer.sh", &format!("#!/bin/sh\nyes | head -c 300000000 &\nexec {HARNESS} component performer\n"));
    let scenario = sandbox.scenario(
        "flood",
        &format!(
            "components: {{performer: {{command: [sh, {}], environment: {{TASK_DELAY_MS: 600000}}}}}}\ntopology: {{mining: \
             1s, task_sla: 8m}}\nsteps:\n  - create_task: {{payload: \"0x04\"}}\n  - expect_verified: {{within: 7m}}\n",
            script.display()
        ),
    );
    let harness = Running::start(sandbox.harness(&["run"]).arg(&scenario));
    sandbox.wait_for_log("executor-operator.log", "performer_started");
    let since = Instant::now();
    harness.signal(Signal::TERM);
    harness.finish().assert_code(130);
    assert!(since.elapsed() < Duration::from_secs(20), "it took {:?}", since.elapsed());
    sandbox.assert_no_process();
}
