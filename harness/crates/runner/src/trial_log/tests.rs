use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    sync::{Arc, Barrier},
    thread,
};

use serde_json::Value;
use tempfile::TempDir;
use tracing::{Dispatch, dispatcher::with_default, info_span};
use tracing_subscriber::layer::SubscriberExt as _;

use super::*;

fn subscriber() -> Dispatch {
    Dispatch::new(tracing_subscriber::registry().with(TrialLog::layer()))
}

/// The folder of a trial, with a subscriber of its own.
struct TrialFolder {
    folder: TempDir,
    run: RunId,
}

impl TrialFolder {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), run: RunId::generate() }
    }

    fn span(&self, name: &str) -> tracing::Span {
        info_span!("trial", name, run = self.run.as_str())
    }

    fn make(&self) {
        folder_made(&self.run, self.folder.path());
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(TrialLog::FILE)
    }

    fn records(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.file()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    fn messages(&self) -> Vec<String> {
        self.records().iter().map(|record| record["message"].as_str().unwrap().to_owned()).collect()
    }
}

/// Records of concurrent trials must not be mixed, even if one thread works for both.
#[test]
fn records_go_to_the_log_of_their_trial() {
    let trial_folders = [TrialFolder::new(), TrialFolder::new()];
    let dispatch = subscriber();
    let together = Arc::new(Barrier::new(2));
    thread::scope(|scope| {
        for (trial_folder, name) in trial_folders.iter().zip(["process::one", "process::other"]) {
            let (dispatch, together) = (dispatch.clone(), Arc::clone(&together));
            scope.spawn(move || {
                with_default(&dispatch, || {
                    let _trial = trial_folder.span(name).entered();
                    trial_folder.make();
                    for count in 0..100_u64 {
                        together.wait();
                        let _component = info_span!("component", name = "aggregator").entered();
                        tracing::debug!(count, trial = name, "counted");
                    }
                });
            });
        }
    });
    for (trial_folder, name) in trial_folders.iter().zip(["process::one", "process::other"]) {
        let records = trial_folder.records();
        assert_eq!(records.len(), 100);
        for (count, record) in records.iter().enumerate() {
            assert_eq!((&record["trial"], &record["count"]), (&name.into(), &count.into()));
            assert_eq!((&record["level"], &record["target"]), (&"DEBUG".into(), &module_path!().into()));
            let run = trial_folder.run.as_str();
            let spans = serde_json::json!([
                {"span": "trial", "name": name, "run": run},
                {"span": "component", "name": "aggregator"},
            ]);
            assert_eq!(record["spans"], spans);
        }
    }
}

/// A trial learns its id after its span was created, and gets its folder later still.
#[test]
fn records_before_the_folder_are_kept() {
    let trial_folder = TrialFolder::new();
    with_default(&subscriber(), || {
        let trial = info_span!("trial", run = tracing::field::Empty);
        let _trial = trial.enter();
        trial.record("run", trial_folder.run.as_str());
        tracing::info!("early");
        trial_folder.make();
        tracing::info!("late");
    });
    assert_eq!(trial_folder.messages(), ["early", "late"]);
    assert_eq!(fs::metadata(trial_folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
}

#[test]
fn records_outside_of_trials_and_of_other_crates_are_left_out() {
    let trial_folder = TrialFolder::new();
    with_default(&subscriber(), || {
        tracing::info!("before the trial");
        let trial = trial_folder.span("process::one").entered();
        trial_folder.make();
        tracing::info!(target: "hyper::client", "of another crate");
        tracing::trace!("too fine");
        tracing::info!("of the trial");
        drop(trial);
        tracing::info!("after the trial");
    });
    assert_eq!(trial_folder.messages(), ["of the trial"]);
}

/// A trial that repeats a record for ever must not fill the disk, and its log must not look complete.
#[test]
fn the_log_has_a_limit_and_says_so() {
    let trial_folder = TrialFolder::new();
    let long = "x".repeat(10 << 10);
    with_default(&subscriber(), || {
        let _trial = trial_folder.span("process::one").entered();
        trial_folder.make();
        for _ in 0..1000 {
            tracing::debug!(long, "said");
        }
    });
    let size = usize::try_from(fs::metadata(trial_folder.file()).unwrap().len()).unwrap();
    assert!(size > TrialLog::LIMIT - 2 * long.len() && size < TrialLog::LIMIT + 1000, "it has {size} bytes");
    let messages = trial_folder.messages();
    let said = messages.iter().filter(|message| *message == "said").count();
    let [.., first, last] = messages.as_slice() else { panic!("{messages:?}") };
    assert_eq!(*first, format!("the log ends here, at its limit of {} bytes", TrialLog::LIMIT));
    assert_eq!(*last, format!("{} records were left out", 1000 - said));
}

#[test]
fn held_records_have_a_limit_and_the_log_says_so() {
    let trial_folder = TrialFolder::new();
    let long = "x".repeat(10 << 10);
    with_default(&subscriber(), || {
        let _trial = trial_folder.span("process::one").entered();
        for _ in 0..200 {
            tracing::debug!(long, "held");
        }
        trial_folder.make();
        tracing::debug!("after");
    });
    let messages = trial_folder.messages();
    let [.., remark, last] = messages.as_slice() else { panic!("{messages:?}") };
    assert!(remark.starts_with("records were left out here"), "{remark}");
    assert_eq!(last, "after");
    assert!(fs::metadata(trial_folder.file()).unwrap().len() < TrialLog::HELD_LIMIT as u64 + 1000);
}

/// Records contain names and errors from outside the harness.
#[test]
fn texts_are_safe_and_short() {
    let trial_folder = TrialFolder::new();
    let hostile = "\u{1b}[2J\u{1b}[31mred\u{202e}\nnext";
    let error = std::io::Error::other(hostile);
    with_default(&subscriber(), || {
        let _trial = trial_folder.span(hostile).entered();
        trial_folder.make();
        tracing::info!(name = hostile, error = &error as &dyn std::error::Error, debugged = ?hostile, "{hostile}");
        tracing::info!("{}", "x".repeat(1 << 20));
    });
    let text = fs::read_to_string(trial_folder.file()).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(!text.contains(hourglass_component::text::is_harmful), "{text}");
    let record = &trial_folder.records()[0];
    let safe = "\\u{1b}[2Jred\\u{202e}\nnext";
    for shown in [&record["message"], &record["name"], &record["error"], &record["spans"][0]["name"]] {
        assert_eq!(shown, safe);
    }
    assert!(text.len() < 20 << 10, "it has {} bytes", text.len());
}

/// `/dev/full` fails like a full disk.
#[test]
fn a_full_disk_ends_the_log_and_nothing_else() {
    let trial_folder = TrialFolder::new();
    std::os::unix::fs::symlink("/dev/full", trial_folder.file()).unwrap();
    with_default(&subscriber(), || {
        let _trial = trial_folder.span("process::one").entered();
        tracing::info!("held");
        trial_folder.make();
        tracing::info!("written");
    });
}
