//! A run as JUnit XML, for CI.

use hourglass_component::text::{cut, safe, safe_line};
use hourglass_runner::{
    parity::{PARITY, Parity, ParityVerdict},
    verdict::{TrialReport, Verdict, Violation},
};
use jiff::Timestamp;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{
    ReportError, RunReport, Target,
    block::{Paint, block, parity_text},
};

/// The longest headline, in bytes; the text below it has more.
const HEADLINE: usize = 1 << 10;

/// Writes the run as a JUnit document: a suite for each runtime, `<failure>` for what was tested and `<error>` for the
/// rest.
///
/// `command` runs a trial when its name is appended.
pub(super) fn write(target: &Target, run: &RunReport, command: &str) -> Result<(), ReportError> {
    let text = render(run, command).map_err(|source| target.unrenderable(source))?;
    target.write(text.as_bytes())
}

fn render(run: &RunReport, command: &str) -> Result<String, quick_junit::SerializeError> {
    let mut report = Report::new("hourglass");
    report.set_time(run.duration);
    report.timestamp = date(run.started);
    for trial in &run.trials {
        suite(&mut report, &trial.runtime).add_test_case(case(trial, command));
    }
    for name in &run.not_run {
        let runtime = name.split_once("::").map_or("", |(runtime, _)| runtime);
        let mut status = TestCaseStatus::skipped();
        match &run.stopped_by {
            Some(failed) => status.set_message(format!("not started, because {} had failed", shown(failed))),
            None => status.set_message("the run ended before this trial"),
        };
        suite(&mut report, runtime).add_test_case(classified(named(name, status), runtime));
    }
    for parity in &run.parity {
        suite(&mut report, PARITY).add_test_case(comparison(parity, command));
    }
    // The suites were filled in place, so the report has not counted their cases.
    report.tests = report.test_suites.iter().map(|suite| suite.tests).sum();
    report.failures = report.test_suites.iter().map(|suite| suite.failures).sum();
    report.errors = report.test_suites.iter().map(|suite| suite.errors).sum();
    report.skipped = report.test_suites.iter().map(|suite| suite.skipped).sum();
    report.to_string()
}

fn suite<'a>(report: &'a mut Report, runtime: &str) -> &'a mut TestSuite {
    let index =
        report.test_suites.iter().position(|suite| suite.name.as_str() == safe_line(runtime)).unwrap_or_else(|| {
            report.test_suites.push(TestSuite::new(safe_line(runtime)));
            report.test_suites.len() - 1
        });
    &mut report.test_suites[index]
}

fn case(trial: &TrialReport, command: &str) -> TestCase {
    let mut case = named(&trial.trial, status(trial, command));
    case.set_time(trial.duration);
    case.timestamp = date(trial.started);
    case.extra.insert("file".into(), safe_line(&trial.scenario.to_string_lossy()).into());
    if trial.kept && !trial.verdict.is_trouble() {
        case.set_system_out(format!("folder {}\n", safe_line(&trial.directory.to_string_lossy())));
    }
    classified(case, &trial.runtime)
}

fn comparison(parity: &Parity, command: &str) -> TestCase {
    let status = match &parity.verdict {
        ParityVerdict::Passed => TestCaseStatus::success(),
        ParityVerdict::Failed { differences } => {
            let first = differences.first().map(|difference| difference.what.clone()).unwrap_or_default();
            trouble(NonSuccessKind::Failure, "difference", &first, &parity_text(parity, command))
        }
        ParityVerdict::NotCompared { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not compared: {}", shown(reason)));
            status
        }
    };
    classified(named(&parity.name, status), PARITY)
}

/// A case whose name contains no character that XML forbids: the format's own texts would drop it silently.
fn named(name: &str, status: TestCaseStatus) -> TestCase {
    TestCase::new(safe_line(name), status)
}

fn shown(headline: &str) -> String {
    cut(&safe_line(headline), HEADLINE).into_owned()
}

fn classified(mut case: TestCase, runtime: &str) -> TestCase {
    case.set_classname(format!("hourglass.{}", safe_line(runtime)));
    case
}

fn status(trial: &TrialReport, command: &str) -> TestCaseStatus {
    let (kind, name, headline) = match &trial.verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::Skipped { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(shown(reason));
            return status;
        }
        Verdict::Failed { violations } => (NonSuccessKind::Failure, "violation", headline(violations)),
        Verdict::EnvironmentFailed { error, .. } => (NonSuccessKind::Error, "environment", error.clone()),
        Verdict::Interrupted => (NonSuccessKind::Error, "interrupted", "interrupted before its end".to_owned()),
    };
    trouble(kind, name, &headline, &block(trial, command, Paint { colour: false }))
}

/// The first violation, and the number of the others.
fn headline(violations: &[Violation]) -> String {
    let Some((first, others)) = violations.split_first() else { return String::new() };
    let seen = first.seen.lines().next().unwrap_or_default();
    let more = if others.is_empty() { String::new() } else { format!(" (and {} more)", others.len()) };
    format!("{}: expected {}, seen {seen}{more}", first.what, first.expected)
}

/// The attribute is a headline. The text is that of the terminal: most viewers show no other part of a case.
fn trouble(kind: NonSuccessKind, name: &str, headline: &str, text: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    status.set_type(name).set_message(shown(headline.lines().next().unwrap_or_default())).set_description(safe(text));
    status
}

/// Parsed from text: the format's date type belongs to a crate that nothing else here needs.
fn date<T: std::str::FromStr>(timestamp: Timestamp) -> Option<T> {
    timestamp.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    #[test]
    fn failures_and_errors_are_told_apart_and_counted() {
        insta::assert_snapshot!(render(&samples::run(), "harness run").unwrap());
    }

    #[test]
    fn a_trial_that_was_not_started_is_skipped_with_the_reason() {
        let run = RunReport { stopped_by: Some(samples::failed().trial), ..samples::run() };
        let text = render(&run, "harness run").unwrap();
        assert!(
            text.contains("<skipped message=\"not started, because process::wrong_result[n=4] had failed\"/>"),
            "{text}"
        );
    }
}
