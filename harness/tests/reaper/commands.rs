//! `harness ps` and `harness gc` where things of strangers are, and the harness killed at any moment of a Docker run.
#![expect(clippy::print_stderr, reason = "moments of kills are said so that they can be repeated")]

use std::{
    collections::BTreeSet,
    env, fs,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use hourglass_harness::reaper::{Labels, Owner, RunId};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use rustix::process::{Pid, Signal, kill_process_group};
use tempfile::TempDir;

use crate::{
    acting::{Run, eventually},
    docker::{Strangers, objects_labelled},
    place::{Container, Place},
};

/// Repeats the moments of an earlier run.
const SEED: &str = "REAPER_TEST_SEED";
const MOMENTS: u32 = 20;
const GONE_WITHIN: Duration = Duration::from_secs(15);
const RUNS_VARIABLE: &str = "HARNESS_RUNS";

/// The tests of this file.
pub(crate) const TESTS: [(&str, fn()); 4] = [
    ("docker_gc_ends_what_has_no_owner_and_says_why", gc_ends_what_has_no_owner_and_says_why),
    ("docker_gc_finds_a_network_and_a_volume_without_containers", gc_finds_a_network_and_a_volume_without_containers),
    ("docker_ps_says_that_there_is_no_engine", ps_says_that_there_is_no_engine),
    ("docker_nothing_is_left_of_a_killed_harness", nothing_is_left_of_a_killed_harness),
];

fn gc_ends_what_has_no_owner_and_says_why() {
    let (place, runs) = (Place::new(), TempDir::new().unwrap());
    let strangers = Strangers::make(&place);
    let (gone, expired, alive) = (Run::new(), Run::new(), Run::new());
    let owner = Owner::current().map(|owner| Owner { started: 1, ..owner });
    objects_labelled(&place, "gone", &Labels { owner, ..Labels::new(gone.id.clone(), "docker::square") });
    let past = Some(jiff::Timestamp::now() - jiff::SignedDuration::from_hours(3));
    let labels = Labels { expires: past, ..Labels::new(expired.id.clone(), "docker::burst") };
    place.start("expired", &Container { labels: labels.to_map(), ..Container::default() });
    let before: BTreeSet<_> = place.names();
    let labels = Labels::new(alive.id.clone(), "docker::square").to_map();
    let at_work = place.start("at-work", &Container { labels, ..Container::default() });

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
    assert!(place.names().is_superset(&before), "a dry run removed something");

    told(&harness(runs.path(), &[&["gc"], &names[..]].concat()));
    let expected: BTreeSet<_> = strangers.names.iter().cloned().chain([at_work.clone()]).collect();
    assert_eq!(place.names(), expected, "not exactly what nobody needs was removed");
    assert!([&strangers.container, &strangers.guest, &at_work].into_iter().all(|name| place.runs(name)));
}

/// What an engine holds outlives the restart of a machine; a network without containers is enough to be found.
fn gc_finds_a_network_and_a_volume_without_containers() {
    let (place, runs, run) = (Place::new(), TempDir::new().unwrap(), Run::new());
    let owner = Owner::current().map(|owner| Owner { boot: "another".to_owned(), ..owner });
    let labels = Labels { owner, ..Labels::new(run.id.clone(), "docker::square") }.to_map();
    place.network("network", &labels);
    place.volume("volume", &labels);
    let told = harness(runs.path(), &["gc", run.id.as_str()]);
    assert!(told.contains(": network ") && told.contains(": volume "), "{told}");
    assert_eq!(place.names(), BTreeSet::new());
}

fn ps_says_that_there_is_no_engine() {
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

/// The proof of the promise: the harness and its process group are killed at random moments of a whole Docker run.
fn nothing_is_left_of_a_killed_harness() {
    let seed = env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
    eprintln!("moments of the kill: {SEED}={seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let (place, runs) = (Place::new(), TempDir::new().unwrap());
    // Images and the state of the chains are made once, so that the second run is as long as those that are killed.
    harness(runs.path(), &["run", "docker::square"]);
    let started = Instant::now();
    harness(runs.path(), &["run", "docker::square"]);
    let whole = started.elapsed();
    let (mut at_work, mut known) = (0, BTreeSet::new());
    for round in 0..MOMENTS {
        let moment = random.random_range(Duration::ZERO..whole);
        let mut harness = command(runs.path(), &["run", "docker::square"]);
        let mut harness = harness.process_group(0).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // No event to wait for: the kill shall hit whatever the harness happens to be doing.
        thread::sleep(moment);
        at_work += usize::from(!place.of_runs_below(runs.path(), &mut known).is_empty());
        // A run that was shorter this time has ended.
        let _ = kill_process_group(Pid::from_child(&harness), Signal::KILL);
        harness.wait().unwrap();
        let gone = eventually(GONE_WITHIN, || {
            let left = left(&place, runs.path(), &mut known);
            if left.is_empty() { Ok(()) } else { Err(left) }
        });
        assert_eq!(gone, Ok(()), "left after the kill of round {round}, {moment:?} into it, {SEED}={seed}");
    }
    assert!(at_work >= 10, "only {at_work} of {MOMENTS} kills hit a harness at work: the test proves little");
}

/// What is there of the trials that have their folders here: folders, what carries the label of one of them, what hangs
/// on their networks, and processes, the supervisors included.
fn left(place: &Place, runs: &Path, known: &mut BTreeSet<String>) -> BTreeSet<String> {
    let folders = fs::read_dir(runs).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut left: BTreeSet<String> = folders.collect();
    left.extend(place.of_runs_below(runs, known));
    let variable = format!("{RUNS_VARIABLE}={}", runs.display());
    for entry in fs::read_dir("/proc").unwrap() {
        let path = entry.unwrap().path();
        // Processes end while they are looked at, and a zombie has no environment.
        let environment = fs::read(path.join("environ")).unwrap_or_default();
        if environment.split(|byte| *byte == 0).any(|found| found == variable.as_bytes()) {
            let command = fs::read(path.join("cmdline")).unwrap_or_default();
            left.insert(String::from_utf8_lossy(&command).replace('\0', " "));
        }
    }
    left
}

fn command(runs: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_harness"));
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    command.args(arguments).env(RUNS_VARIABLE, runs).env("HARNESS_SCENARIOS", scenarios).stdin(Stdio::null());
    command
}

/// Runs the harness to its end, which must be a good one, and gives what it says.
fn harness(runs: &Path, arguments: &[&str]) -> String {
    let output = command(runs, arguments).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let (said, complained) = (text(output.stdout), text(output.stderr));
    assert!(output.status.success(), "harness {arguments:?}: {}\n{said}{complained}", output.status);
    said
}
