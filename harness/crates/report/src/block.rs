//! The text about a trial that did not pass, for people: for the terminal and for JUnit.

use std::{fmt::Write, time::Duration};

use console::Style;
use hourglass_component::text::{safe, safe_line};
use hourglass_scenario::ComponentRef;

use hourglass_runner::{
    again, again_with_options, last_output,
    parity::Parity,
    verdict::{TaskReport, TrialReport, Verdict, Violation},
};

/// How many lines of performers are shown.
const LINES: usize = 5;

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
    block_with(report, &again_with_options(report, command), paint)
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
    let mut text = performers(report, paint);
    let phases: Vec<_> = report.phases.iter().map(|phase| format!("{} {}", phase.name, time(phase.duration))).collect();
    if !phases.is_empty() {
        text.push_str(&field(2, "phases", &phases.join(", "), paint));
    }
    for task in concerned(report) {
        text.push_str(&field(2, "task", &stages(task), paint));
    }
    let folder = if report.kept {
        format!("{} (index.md, timeline.jsonl, scenario.yaml, logs)", report.directory.display())
    } else {
        "removed; `--keep always` keeps it".to_owned()
    };
    text.push_str(&field(2, "folder", &folder, paint));
    text.push_str(&running(report, paint));
    text.push_str(&field(2, "again", again, paint));
    text
}

/// The last lines of the performers, apart from routine records; empty if there are none, or if the trial failed for
/// another reason than its components.
fn performers(report: &TrialReport, paint: Paint) -> String {
    if !matches!(report.verdict, Verdict::Failed { .. } | Verdict::EnvironmentFailed { .. }) {
        return String::new();
    }
    let output = last_output(&report.events, LINES, false);
    let is_performer = |component: &ComponentRef| matches!(component, ComponentRef::Performer(_));
    let lines = output.into_iter().filter(|output| is_performer(&output.component)).flat_map(|output| {
        let name = output.component.to_string();
        output.lines.into_iter().map(move |line| format!("{name}: {line}"))
    });
    let lines: Vec<_> = lines.take(LINES).collect();
    if lines.is_empty() { String::new() } else { field(2, "said", &lines.join("\n"), paint) }
}

/// The differences between the runtimes, and how to compare them again. Each line ends with a line feed.
pub fn parity_text(parity: &Parity, command: &str) -> String {
    let again = parity_again(parity, command);
    format!("{}\n{}", safe(&parity.text()), field(2, "again", &again, Paint { colour: false }))
}

/// The command that compares the runtimes again.
pub(super) fn parity_again(parity: &Parity, command: &str) -> String {
    let command = parity.runtimes.iter().fold(command.to_owned(), |words, runtime| words + " --runtime " + runtime);
    let name = parity.name.split_once("::").map_or(parity.name.as_str(), |(_, scenario)| scenario);
    again(&parity.scenario, name, &command)
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

pub(super) fn stages(task: &TaskReport) -> String {
    let reached: Vec<_> = task.phases.reached().iter().map(|(name, at)| format!("{name} {at:.1}")).collect();
    format!("{} on {}, {}: {} ms", safe_line(&task.alias), task.chain, task.status, reached.join(", "))
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

    #[rstest::rstest]
    #[case(840, "0.84 s")]
    #[case(4, "0.00 s")]
    #[case(59_996, "1 min 0.00 s")]
    #[case(3_723_450, "62 min 3.45 s")]
    fn times_are_formatted_for_people(#[case] milliseconds: u64, #[case] text: &str) {
        assert_eq!(time(Duration::from_millis(milliseconds)), text);
    }
}
