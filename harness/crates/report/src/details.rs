//! The parts of a trial that its block does not show, for people: every step with its outcome, every task with its
//! phases, and the last entries of the timeline.

use std::{fmt::Write as _, io};

use hourglass_component::text::safe_line;
use hourglass_runner::verdict::{StepReport, TrialReport};
use hourglass_timeline::{Event, lines_of};

use super::{
    RunEvent, RunReport, Terminal, TerminalOptions,
    block::{stages, time},
    event::Reporter as _,
};

/// How many entries of the timeline are shown.
const ENTRIES: usize = 20;
/// How many tasks are shown; a burst has thousands.
const TASKS: usize = 100;

/// A trial as the terminal shows it at its end, then its steps, its tasks and the last entries of its timeline.
pub fn trial_text(report: &TrialReport, events: &[Event], options: TerminalOptions) -> String {
    let mut text = Terminal::new(io::sink(), options).trial(report);
    let gap = if text.ends_with("\n\n") { "" } else { "\n" };
    text.push_str(gap);
    let parts = [steps(&report.steps), tasks(report), timeline(report, events)];
    text + &parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// A run as the terminal shows it.
pub fn run_text(run: &RunReport, options: TerminalOptions) -> io::Result<String> {
    let mut terminal = Terminal::new(Vec::new(), options);
    let trials = run.trials.iter().map(|trial| trial.trial.clone()).chain(run.not_run.iter().cloned()).collect();
    let started = RunEvent::RunStarted { started: run.started, trials };
    let finished = run.trials.iter().map(|trial| RunEvent::TrialFinished(Box::new(trial.clone())));
    let judged = run.parity.iter().map(|parity| RunEvent::ParityJudged(parity.clone()));
    let end = RunEvent::RunFinished { duration: run.duration };
    for event in [started].into_iter().chain(finished).chain(judged).chain([end]) {
        terminal.show(&event, run)?;
    }
    Ok(String::from_utf8_lossy(&terminal.into_output()).into_owned())
}

fn steps(steps: &[StepReport]) -> String {
    if steps.is_empty() {
        return String::new();
    }
    let titles: Vec<_> = steps.iter().map(|step| safe_line(&step.title)).collect();
    let width = titles.iter().map(|title| title.chars().count()).max().unwrap_or_default();
    let mut text = "  steps\n".to_owned();
    for (step, title) in steps.iter().zip(&titles) {
        let began = step.began.map(|began| format!("  {:>8.3}s", began.as_secs_f64())).unwrap_or_default();
        let took = step.duration.map(|took| format!("  {}", time(took))).unwrap_or_default();
        let line = step.line;
        // Writing to a String cannot fail.
        let _ = writeln!(text, "    {:<17}  line {line:<4}  {title:<width$}{began}{took}", step.outcome.word());
    }
    text
}

fn tasks(report: &TrialReport) -> String {
    if report.tasks.is_empty() {
        return String::new();
    }
    let mut text = "  tasks\n".to_owned();
    for task in report.tasks.iter().take(TASKS) {
        let _ = writeln!(text, "    {}\n      {}", safe_line(&stages(task)), safe_line(&task.hash));
    }
    let more = report.tasks.len().saturating_sub(TASKS);
    if more > 0 {
        let _ = writeln!(text, "    and {more} more");
    }
    text
}

fn timeline(report: &TrialReport, events: &[Event]) -> String {
    if events.is_empty() {
        return String::new();
    }
    let last = &events[events.len().saturating_sub(ENTRIES)..];
    let mut text = format!("  timeline, the last {} of {} entries\n", last.len(), events.len());
    for line in lines_of(last, report.started) {
        let _ = writeln!(text, "    {line}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;

    fn options() -> TerminalOptions {
        TerminalOptions { colour: false, progress: false, command: "harness run".to_owned() }
    }

    #[test]
    fn a_trial_shows_its_block_steps_tasks_and_last_entries() {
        let report = samples::failed();
        let events: Vec<_> = (0..25).map(|number| samples::event(number, &format!("entry {number}"))).collect();
        insta::assert_snapshot!(trial_text(&report, &events, options()));
    }

    #[test]
    fn a_run_is_shown_as_the_terminal_shows_it() {
        let text = run_text(&samples::run(), options()).unwrap();
        for part in ["PASS  process::square", "FAIL  process::wrong_result", "Summary 6 trials", "FAIL  parity::wrong"]
        {
            assert!(text.contains(part), "{part} is missing:\n{text}");
        }
    }

    /// A title must not look like another line.
    #[test]
    fn hostile_names_stay_on_their_line() {
        let mut report = samples::failed();
        report.steps[0].title = "a\n    done  forged\u{1b}[2J".to_owned();
        report.tasks[0].alias = "b\nforged".to_owned();
        let text = trial_text(&report, &[], options());
        assert!(!text.lines().any(|line| line.trim_start().starts_with("forged")), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
    }
}
