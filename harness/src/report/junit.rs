//! A run as JUnit XML, for CI.

use std::path::Path;

use jiff::Timestamp;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{
    ReportError, RunReport,
    block::{Paint, block, parity_text},
    file,
};
use crate::runner::{
    parity::{PARITY, Parity, ParityVerdict},
    verdict::{TrialReport, Verdict},
};

/// Writes the run as a JUnit document: a suite a runtime, `<failure>` for what was tested and `<error>` for the rest.
///
/// `command` is what runs a trial when its name is added.
pub fn write_junit(path: &Path, run: &RunReport, command: &str) -> Result<(), ReportError> {
    let text = render(run, command)
        .map_err(|source| ReportError::Render { path: path.to_owned(), source: Box::new(source) })?;
    file::write(path, text.as_bytes())
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
        status.set_message("the run ended before this trial");
        suite(&mut report, runtime).add_test_case(classified(TestCase::new(name.as_str(), status), runtime));
    }
    for parity in &run.parity {
        suite(&mut report, PARITY).add_test_case(comparison(parity, command));
    }
    // Suites were filled in place, where the report does not count along.
    report.tests = report.test_suites.iter().map(|suite| suite.tests).sum();
    report.failures = report.test_suites.iter().map(|suite| suite.failures).sum();
    report.errors = report.test_suites.iter().map(|suite| suite.errors).sum();
    report.skipped = report.test_suites.iter().map(|suite| suite.skipped).sum();
    report.to_string()
}

fn suite<'a>(report: &'a mut Report, runtime: &str) -> &'a mut TestSuite {
    let place = report.test_suites.iter().position(|suite| suite.name.as_str() == runtime).unwrap_or_else(|| {
        report.test_suites.push(TestSuite::new(runtime));
        report.test_suites.len() - 1
    });
    &mut report.test_suites[place]
}

fn case(trial: &TrialReport, command: &str) -> TestCase {
    let mut case = TestCase::new(trial.trial.as_str(), status(&trial.verdict));
    case.set_time(trial.duration);
    case.timestamp = date(trial.started);
    case.extra.insert("file".into(), trial.scenario.to_string_lossy().into());
    if trial.verdict.is_trouble() {
        case.set_system_out(block(trial, command, Paint { colour: false }));
    } else if trial.kept {
        case.set_system_out(format!("folder {}\n", trial.directory.display()));
    }
    classified(case, &trial.runtime)
}

fn comparison(parity: &Parity, command: &str) -> TestCase {
    let status = match &parity.verdict {
        ParityVerdict::Passed => TestCaseStatus::success(),
        ParityVerdict::Failed { differences } => {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            let first = differences.first().map(|difference| difference.what.clone()).unwrap_or_default();
            status.set_type("difference").set_message(first).set_description(parity.text());
            status
        }
        ParityVerdict::NotCompared { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(format!("not compared: {reason}"));
            status
        }
    };
    let failed = matches!(parity.verdict, ParityVerdict::Failed { .. });
    let mut case = classified(TestCase::new(parity.name.as_str(), status), PARITY);
    if failed {
        case.set_system_out(parity_text(parity, command));
    }
    case
}

fn classified(mut case: TestCase, runtime: &str) -> TestCase {
    case.set_classname(format!("hourglass.{runtime}"));
    case
}

fn status(verdict: &Verdict) -> TestCaseStatus {
    let (kind, name, message) = match verdict {
        Verdict::Passed => return TestCaseStatus::success(),
        Verdict::Skipped { reason } => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(reason.as_str());
            return status;
        }
        Verdict::Failed { violations } => {
            let messages: Vec<_> = violations
                .iter()
                .map(|violation| {
                    format!("{}: expected {}, seen {}", violation.what, violation.expected, violation.seen)
                })
                .collect();
            (NonSuccessKind::Failure, "violation", messages.join("\n"))
        }
        Verdict::EnvironmentFailed { error, .. } => (NonSuccessKind::Error, "environment", error.clone()),
        Verdict::Interrupted => (NonSuccessKind::Error, "interrupted", "interrupted before its end".to_owned()),
    };
    let mut status = TestCaseStatus::non_success(kind);
    // The attribute is a headline, the text below it the whole.
    status.set_type(name).set_message(message.lines().next().unwrap_or_default()).set_description(message);
    status
}

/// Parsed from text: the format's date type belongs to a crate that nothing else here needs.
fn date<T: std::str::FromStr>(timestamp: Timestamp) -> Option<T> {
    timestamp.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::samples;

    #[test]
    fn failures_and_errors_are_told_apart_and_counted() {
        insta::assert_snapshot!(render(&samples::run(), "harness run").unwrap());
    }
}
