use std::{collections::BTreeMap, path::Path, sync::Arc};

use hourglass_runner::verdict::{TrialReport, Verdict, Violation};
use hourglass_timeline::{Event, Level};
use jiff::SignedDuration;

use super::*;
use crate::samples;

const HOSTILE: &str = "</script><img src=x onerror=alert(1)>\"'&\u{1b}[2J\u{202e}";

fn page(run: &RunReport) -> String {
    render(run, "harness run", None, &BTreeMap::new()).unwrap()
}

#[test]
fn the_page_has_every_kind_of_verdict() {
    let page = page(&samples::run());
    for part in ["failed", "environment failed", "interrupted", "skipped", "not run", "differs", "not compared"] {
        assert!(page.contains(part), "{part} is missing");
    }
    for part in ["<h1>1 passed, 1 failed", "scenarios/wrong_result.yaml:12", "the result 0x10", "signed by operators"] {
        assert!(page.contains(part), "{part} is missing");
    }
    assert!(page.contains("<mark>0x11</mark>"), "the difference between the runtimes is not marked");
    assert!(page.contains("harness run --runtime process --runtime docker wrong_result"), "parity cannot be repeated");
}

/// What needs attention comes first and is open.
#[test]
fn failed_trials_are_first_and_open() {
    let page = page(&samples::run());
    let sections: Vec<_> = page.split("<section class=\"trial ").skip(1).collect();
    let open: Vec<_> = sections.iter().map(|section| section.contains("<details open>\n<summary><h3")).collect();
    assert_eq!(open, [true, true, true, false, false]);
}

/// Names and outputs of others must neither run in a reader's browser nor change what it shows.
#[test]
fn text_from_outside_is_escaped() {
    let mut trial = samples::failed();
    let Verdict::Failed { violations } = &mut trial.verdict else { panic!("another verdict") };
    violations[0] = Violation {
        what: HOSTILE.to_owned(),
        place: Some(HOSTILE.to_owned()),
        expected: HOSTILE.to_owned(),
        seen: HOSTILE.to_owned(),
        task: None,
        timeline: vec![HOSTILE.to_owned()],
    };
    trial.trial = format!("process::{HOSTILE}");
    trial.steps[0].title = HOSTILE.to_owned();
    trial.tasks[0].alias = HOSTILE.to_owned();
    trial.usage[0].component = HOSTILE.to_owned();
    trial.directory = HOSTILE.into();
    trial.running = [(HOSTILE.to_owned(), HOSTILE.to_owned())].into();
    let mut event = Event { level: Some(Level::Error), at: trial.started, ..Event::of_harness(HOSTILE) };
    event.fields.insert(HOSTILE.to_owned(), HOSTILE.into());
    trial.events = Arc::from([event]);
    let scenario = trial.scenario.clone();
    let not_run = vec![HOSTILE.to_owned()];
    let mut parity = samples::parity();
    parity[1].name = format!("parity::{HOSTILE}");
    let run = RunReport { trials: vec![trial], not_run, parity, ..RunReport::default() };
    let source = HOSTILE.repeat(3) + &"\n".repeat(20);
    let page = render(&run, HOSTILE, None, &[(scenario.as_path(), source)].into()).unwrap();
    assert!(!page.contains("<img") && page.matches("</script>").count() == 1, "it is not escaped");
    assert!(page.matches("&#60;img").count() > 10, "the texts are missing");
    assert!(!page.contains(['\u{1b}', '\u{202e}']), "control characters are in the page");
}

/// A page of fifty trials can be attached and opened; what is left out is said.
#[rstest::rstest]
#[case::all_passed(0)]
#[case::some_failed(3)]
#[case::all_failed(50)]
fn a_page_of_fifty_trials_is_below_two_megabytes(#[case] failed: usize) {
    let run = large(50, failed);
    let page = page(&run);
    assert!(page.len() < 2_000_000, "{} bytes", page.len());
    assert!(page.len() > 600_000, "{} bytes: more could be shown", page.len());
    assert!(page.contains("entries are left out here"), "nothing says that entries are left out");
    // What is wrong is shown, wherever it stands.
    assert!(page.matches("the chain was lost").count() >= 50, "errors are left out");
}

#[test]
fn a_page_of_a_thousand_trials_stays_small() {
    let page = page(&large(1000, 20));
    assert!(page.len() < 4_000_000, "{} bytes", page.len());
    assert!(page.contains("more trials that passed have no section here"), "nothing says that sections are missing");
}

/// The script and the stylesheet run because of their digests; anything else is refused.
#[test]
fn the_policy_allows_only_what_the_page_brings() {
    let page = page(&samples::run());
    let policy = page.split("Content-Security-Policy\" content=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.starts_with("default-src &#39;none&#39;; style-src &#39;sha256-"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for part in ["style=\"", "onclick", "http://www", "https://"] {
        assert!(!page.contains(part), "{part}");
    }
}

fn large(count: usize, failed: usize) -> RunReport {
    let trials = (0..count).map(|index| {
        let trial = if index < failed { samples::failed() } else { samples::passed() };
        let events = (0..3000).map(|number| {
            let offset = SignedDuration::from_micros(number * 700);
            let (level, message) = if number == 1500 {
                (Level::Error, "the chain was lost".to_owned())
            } else {
                (Level::Info, format!("<{number}> {}", "word ".repeat(20)))
            };
            Event { at: trial.started + offset, level: Some(level), ..Event::of_harness(message) }
        });
        let events = events.collect();
        TrialReport { trial: format!("process::scenario_{index}"), events, ..trial }
    });
    RunReport { trials: trials.collect(), ..RunReport::default() }
}

/// The folder of a trial is linked from where the page is.
#[test]
fn evidence_is_linked_relative_to_the_page() {
    let run = RunReport { trials: vec![samples::failed()], ..RunReport::default() };
    let page = render(&run, "harness run", Some(Path::new("/runs/reports")), &BTreeMap::new()).unwrap();
    assert!(page.contains("href=\"../r1/wrong_result%5Bn%3D4%5D/timeline.jsonl\""), "{page}");
}
