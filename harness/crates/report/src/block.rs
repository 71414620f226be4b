//! The text about a trial that did not pass, for people: for the terminal and for JUnit.

use std::{fmt::Write, path::Path, time::Duration};

use console::Style;
use hourglass_component::text::{safe, safe_line};
use hourglass_scenario::{DEFAULT_DIRECTORY, WITHOUT_FAULT};

use hourglass_runner::{
    parity::Parity,
    verdict::{TaskReport, TrialReport, Verdict, Violation},
};

/// With colours or without.
#[derive(Debug, Clone, Copy)]
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    pub(super) fn style(self) -> Style {
        Style::new().force_styling(self.colour)
    }

    fn label(self, label: &str) -> String {
        self.style().dim().apply_to(format!("{label:<8}")).to_string()
    }
}

/// Why the trial did not pass, where its evidence is, and how to run it again. Each line ends with a line feed.
///
/// `command` runs a trial when its name is appended, for example `harness run`.
pub(super) fn block(report: &TrialReport, command: &str, paint: Paint) -> String {
    block_with(report, &again(&report.scenario, &report.trial, command), paint)
}

/// [`block`] with the whole command that runs the trial again.
fn block_with(report: &TrialReport, again: &str, paint: Paint) -> String {
    let mut text = String::new();
    match &report.verdict {
        Verdict::Passed => {}
        Verdict::Failed { violations } => {
            for (index, violation) in violations.iter().enumerate() {
                // One timeline for each task: several expectations of one task would repeat it.
                let told = violations[..index].iter().any(|earlier| earlier.task == violation.task);
                text.push_str(&describe(violation, !told, paint));
                text.push('\n');
            }
        }
        Verdict::EnvironmentFailed { error, remedy } => {
            let _ = writeln!(text, "  {}", paint.style().bold().apply_to("the environment failed"));
            text.push_str(&field(4, "error", error, paint));
            if let Some(remedy) = remedy {
                text.push_str(&field(4, "remedy", remedy, paint));
            }
            text.push('\n');
        }
        Verdict::Skipped { reason } => text.push_str(&skipped(reason, paint)),
        Verdict::Interrupted => {
            let _ = writeln!(text, "  {}\n", paint.style().bold().apply_to("interrupted before its end"));
        }
    }
    text.push_str(&footer(report, again, paint));
    text
}

/// Why a trial was not run.
pub(super) fn skipped(reason: &str, paint: Paint) -> String {
    field(2, "skipped", reason, paint)
}

/// `block` without colours, for other displays.
pub fn failure_text(report: &TrialReport, command: &str) -> String {
    block(report, command, Paint { colour: false })
}

/// [`failure_text`] of a trial without a scenario file; `again` is the whole command that runs it again.
pub fn failure_text_with(report: &TrialReport, again: &str) -> String {
    block_with(report, again, Paint { colour: false })
}

/// Seconds with two decimals, and minutes if there are any.
pub(super) fn time(duration: Duration) -> String {
    // Rounded first, or 59.996 s would be shown as 60.00 s.
    let hundredths = (duration.as_millis() + 5) / 10;
    let (minutes, rest) = (hundredths / 6000, hundredths % 6000);
    let seconds = format!("{}.{:02} s", rest / 100, rest % 100);
    if minutes == 0 { seconds } else { format!("{minutes} min {seconds}") }
}

fn describe(violation: &Violation, with_timeline: bool, paint: Paint) -> String {
    let mut text = format!("  {}", paint.style().bold().apply_to(safe_line(&violation.what)));
    if let Some(place) = &violation.place {
        let _ = write!(text, " at {}", safe_line(place));
    }
    text.push('\n');
    text.push_str(&field(4, "expected", &violation.expected, paint));
    text.push_str(&field(4, "seen", &violation.seen, paint));
    if let Some(task) = &violation.task {
        text.push_str(&field(4, "task", task, paint));
    }
    if with_timeline && !violation.timeline.is_empty() {
        text.push_str(&field(4, "timeline", &violation.timeline.join("\n"), paint));
    }
    text
}

fn footer(report: &TrialReport, again: &str, paint: Paint) -> String {
    let mut text = String::new();
    let phases: Vec<_> = report.phases.iter().map(|phase| format!("{} {}", phase.name, time(phase.duration))).collect();
    if !phases.is_empty() {
        text.push_str(&field(2, "phases", &phases.join(", "), paint));
    }
    for task in concerned(report) {
        text.push_str(&field(2, "task", &stages(task), paint));
    }
    let folder = if report.kept {
        format!("{} (timeline.jsonl, scenario.yaml, logs)", report.directory.display())
    } else {
        "removed; `--keep always` keeps it".to_owned()
    };
    text.push_str(&field(2, "folder", &folder, paint));
    text.push_str(&running(report, paint));
    text.push_str(&field(2, "again", again, paint));
    text
}

/// The differences between the runtimes, and how to compare them again. Each line ends with a line feed.
pub fn parity_text(parity: &Parity, command: &str) -> String {
    let command = parity.runtimes.iter().fold(command.to_owned(), |words, runtime| words + " --runtime " + runtime);
    let name = parity.name.split_once("::").map_or(parity.name.as_str(), |(_, scenario)| scenario);
    let again = again(&parity.scenario, name, &command);
    format!("{}\n{}", safe(&parity.text()), field(2, "again", &again, Paint { colour: false }))
}

/// The command that runs only this trial again, from the same working folder.
fn again(scenario: &Path, name: &str, command: &str) -> String {
    let folder = scenario.parent().unwrap_or(Path::new(""));
    let (name, command) = match name.strip_suffix(WITHOUT_FAULT) {
        Some(name) => (name, format!("{command} --without-fault")),
        None => (name, command.to_owned()),
    };
    let trial = quoted(name);
    match folder.to_str() {
        // The default folder needs no option.
        Some(DEFAULT_DIRECTORY) | None => format!("{command} {trial}"),
        Some("") => format!("{command} --scenarios . {trial}"),
        Some(folder) => format!("{command} --scenarios {} {trial}", quoted(folder)),
    }
}

/// What was left running and how to end it; empty if nothing was.
pub(super) fn running(report: &TrialReport, paint: Paint) -> String {
    if report.running.is_empty() {
        return String::new();
    }
    let width = report.running.keys().map(String::len).max().unwrap_or_default();
    let parts: Vec<_> = report.running.iter().map(|(name, address)| format!("{name:<width$}  {address}")).collect();
    let run = report.directory.file_name().unwrap_or_default().to_string_lossy();
    field(2, "running", &parts.join("\n"), paint) + &field(2, "end it", &format!("harness gc {run}"), paint)
}

/// The tasks that a violation names, or the first if none is named: a burst has a hundred.
fn concerned(report: &TrialReport) -> Vec<&TaskReport> {
    let Verdict::Failed { violations } = &report.verdict else { return vec![] };
    let is_named = |task: &&TaskReport| violations.iter().any(|violation| violation.task.as_ref() == Some(&task.hash));
    let named: Vec<_> = report.tasks.iter().filter(is_named).collect();
    if named.is_empty() { report.tasks.iter().take(1).collect() } else { named }
}

fn stages(task: &TaskReport) -> String {
    let reached: Vec<_> = task.phases.reached().iter().map(|(name, at)| format!("{name} {at:.1}")).collect();
    format!("{} on {}, {}: {} ms", task.alias, task.chain, task.status, reached.join(", "))
}

/// A label and a text whose further lines are aligned below its first.
fn field(indent: usize, label: &str, text: &str, paint: Paint) -> String {
    let text = safe(text);
    let mut lines = text.lines();
    let mut field = format!("{:indent$}{}  {}\n", "", paint.label(label), lines.next().unwrap_or_default());
    for line in lines {
        let _ = writeln!(field, "{:indent$}{:8}  {line}", "", "");
    }
    field
}

/// The name as a word of a shell command: brackets of a matrix value are a pattern to some shells.
fn quoted(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-:./=,".contains(letter);
    if name.chars().all(plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    const PLAIN: Paint = Paint { colour: false };

    #[test]
    fn a_failure_says_what_where_when_and_how_to_repeat_it() {
        insta::assert_snapshot!(block(&samples::failed(), "harness run", PLAIN));
    }

    #[test]
    fn an_environment_failure_says_the_cause_and_the_remedy() {
        insta::assert_snapshot!(block(&samples::broken(), "harness run", PLAIN));
    }

    #[test]
    fn colours_are_the_only_difference() {
        let coloured = block(&samples::failed(), "harness run", Paint { colour: true });
        assert!(coloured.contains('\u{1b}'), "colour was asked for and is missing");
        assert_eq!(console::strip_ansi_codes(&coloured), block(&samples::failed(), "harness run", PLAIN));
    }

    /// A name is looked up in a folder: a folder other than the default must be named with it.
    #[rstest::rstest]
    #[case("scenarios/x.yaml", "harness run process::square")]
    #[case("x.yaml", "harness run --scenarios . process::square")]
    #[case("/my own/x.yaml", "harness run --scenarios '/my own' process::square")]
    fn the_command_selects_the_same_trial(#[case] scenario: &str, #[case] command: &str) {
        assert_eq!(again(Path::new(scenario), "process::square", "harness run"), command);
    }

    #[test]
    fn a_proof_is_repeated_as_a_proof() {
        let again = again(Path::new("scenarios/x.yaml"), "process::quorum_lost::without_fault", "harness run");
        assert_eq!(again, "harness run --without-fault process::quorum_lost");
    }

    #[rstest::rstest]
    #[case(840, "0.84 s")]
    #[case(4, "0.00 s")]
    #[case(59_996, "1 min 0.00 s")]
    #[case(3_723_450, "62 min 3.45 s")]
    fn times_are_formatted_for_people(#[case] milliseconds: u64, #[case] text: &str) {
        assert_eq!(time(Duration::from_millis(milliseconds)), text);
    }
}
