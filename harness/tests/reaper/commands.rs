//! `harness runs list` and `harness gc` beside objects of others.

use std::{
    collections::BTreeSet,
    fs,
    path::Path,
    process::{Command, Stdio},
};

use hourglass_harness::reaper::{Labels, Owner, RunId};
use hourglass_test_support::{Test, tests};
use tempfile::TempDir;

use crate::{
    acting::Run,
    docker::{Strangers, objects_labelled},
    engine_objects::{Container, EngineObjects},
};

const RUNS_VARIABLE: &str = "HARNESS_RUNS";

/// The tests of this file.
pub(crate) fn tests() -> [Test; 3] {
    tests![
        docker_gc_removes_ownerless_objects_and_says_why,
        docker_gc_finds_a_network_and_a_volume_without_containers,
        docker_ps_reports_a_missing_engine,
    ]
}

fn docker_gc_removes_ownerless_objects_and_says_why() {
    let (engine_objects, runs) = (EngineObjects::new(), TempDir::new().unwrap());
    let strangers = Strangers::make(&engine_objects);
    let (gone, expired, alive) = (Run::new(), Run::new(), Run::new());
    let owner = Owner::current().map(|owner| Owner { started: 1, ..owner });
    objects_labelled(&engine_objects, "gone", &Labels { owner, ..Labels::new(gone.id.clone(), "docker::square") });
    let past = Some(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(3));
    let labels = Labels { expires: past, ..Labels::new(expired.id.clone(), "docker::burst") };
    engine_objects.start("expired", &Container { labels: labels.to_map(), ..Container::default() });
    let before: BTreeSet<_> = engine_objects.names();
    let labels = Labels::new(alive.id.clone(), "docker::square").to_map();
    let at_work = engine_objects.start("at-work", &Container { labels, ..Container::default() });

    let listed = harness(runs.path(), &["ps"]);
    for text in [gone.id.as_str(), "orphaned  docker::square", "performer", "expired 3h ago", "running"] {
        assert!(listed.contains(text), "{text:?} is not listed:\n{listed}");
    }
    let names = [gone.id.as_str(), expired.id.as_str(), alive.id.as_str()];
    let why = format!("its owner, process {}, is gone", std::process::id());
    let told = |text: &str| {
        for expected in [&why, "performer-that-ended", "expired 3h ago", "under way, left alone"] {
            assert!(text.contains(expected), "{expected:?} is not told:\n{text}");
        }
        assert!(!text.contains("strange"), "something of a stranger is told:\n{text}");
    };
    told(&harness(runs.path(), &[&["gc", "--dry-run"], &names[..]].concat()));
    assert!(engine_objects.names().is_superset(&before), "a dry run removed something");

    told(&harness(runs.path(), &[&["gc"], &names[..]].concat()));
    let expected: BTreeSet<_> = strangers.names.iter().cloned().chain([at_work.clone()]).collect();
    assert_eq!(engine_objects.names(), expected, "not exactly what nobody needs was removed");
    assert!([&strangers.container, &strangers.guest, &at_work].into_iter().all(|name| engine_objects.runs(name)));
}

/// Objects of an engine survive a restart of the machine; a network without containers is enough to find the run.
fn docker_gc_finds_a_network_and_a_volume_without_containers() {
    let (engine_objects, runs, run) = (EngineObjects::new(), TempDir::new().unwrap(), Run::new());
    let owner = Owner::current().map(|owner| Owner { boot: "another".to_owned(), ..owner });
    let labels = Labels { owner, ..Labels::new(run.id.clone(), "docker::square") }.to_map();
    engine_objects.network("network", &labels);
    engine_objects.volume("volume", &labels);
    let told = harness(runs.path(), &["gc", run.id.as_str()]);
    assert!(told.contains(": removing network ") && told.contains(": removing volume "), "{told}");
    assert_eq!(engine_objects.names(), BTreeSet::new());
}

fn docker_ps_reports_a_missing_engine() {
    let runs = TempDir::new().unwrap();
    let run = RunId::generate();
    fs::create_dir(runs.path().join(run.as_str())).unwrap();
    let mut command = command(runs.path(), &["ps"]);
    let output = command.env("DOCKER_HOST", runs.path().join("no.sock")).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        output.status.success() && text.contains(run.as_str()) && text.contains("containers are not listed"),
        "{text}"
    );
}

fn command(runs: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    command.args(arguments).env(RUNS_VARIABLE, runs).env("HARNESS_SCENARIOS", scenarios).stdin(Stdio::null());
    command
}

/// Runs the harness to its end, which must be a success, and returns its output.
fn harness(runs: &Path, arguments: &[&str]) -> String {
    let output = command(runs, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (said, complained) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "harness {arguments:?}: {}\n{said}{complained}", output.status);
    said
}
