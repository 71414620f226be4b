//! A run for people: progress while it runs, one line for each trial, a block for each failure, and a summary.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Write},
};

use hourglass_component::text::{painted, safe, safe_line};
use hourglass_runner::{
    parity::{Parity, ParityVerdict},
    verdict::{TrialReport, Verdict},
};

use super::{
    Reporter, RunEvent, RunReport,
    block::{Paint, block, parity_text, running, skipped, time},
    colour::takes_colour,
    progress::{self, Progress},
};

/// How a run is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TerminalOptions {
    /// Whether the output takes colours.
    pub colour: bool,
    /// Whether standard error shows progress.
    pub progress: bool,
    /// The command that runs a trial when its name is appended; a failure block shows it.
    pub command: String,
}

impl TerminalOptions {
    /// For a run on this output: colours if it supports them, progress if standard error is a capable terminal and
    /// shows no records.
    pub fn detect(command: impl Into<String>, output: &impl IsTerminal) -> Self {
        Self { colour: takes_colour(output), progress: progress::can_be_shown(), command: command.into() }
    }
}

/// Shows a run on an output, usually standard output, with progress on standard error.
#[derive(Debug)]
pub struct Terminal<W> {
    output: W,
    options: TerminalOptions,
    progress: Progress,
    /// Columns of the longest name, so that times are aligned.
    width: usize,
}

impl<W: Write> Terminal<W> {
    /// Shows on this output.
    pub fn new(output: W, options: TerminalOptions) -> Self {
        let progress = Progress::new(options.progress);
        Self { output, options, progress, width: 0 }
    }

    /// The output, after the run.
    pub fn into_output(self) -> W {
        self.output
    }

    fn paint(&self) -> Paint {
        Paint { colour: self.options.colour }
    }

    fn write(&mut self, text: &str) -> io::Result<()> {
        // Texts that were not made safe before: only colours pass, and no other control of the terminal.
        let text = if self.options.colour { painted(text) } else { safe(text) };
        let output = &mut self.output;
        self.progress.aside(|| output.write_all(text.as_bytes()).and_then(|()| output.flush()))
    }

    fn line(&self, report: &TrialReport) -> String {
        let width = self.width;
        format!(
            "{} {:<width$}  {:>8}\n",
            label(&report.verdict, self.paint()),
            safe_line(&report.trial),
            time(report.duration)
        )
    }

    pub(super) fn trial(&self, report: &TrialReport) -> String {
        let line = self.line(report);
        match &report.verdict {
            Verdict::Passed if report.kept => {
                format!("{line}  folder    {}\n{}", report.directory.display(), running(report, self.paint()))
            }
            Verdict::Passed => line,
            Verdict::Skipped { reason } => line + &skipped(reason, self.paint()),
            _ => format!("{line}\n{}\n", block(report, &self.options.command, self.paint())),
        }
    }

    fn parity(&self, parity: &Parity) -> String {
        let style = self.paint().style().bold();
        let (style, label) = match &parity.verdict {
            ParityVerdict::Passed => (style.green(), "PASS"),
            ParityVerdict::Failed { .. } => (style.red(), "FAIL"),
            ParityVerdict::NotCompared { .. } => (style.yellow(), "SKIP"),
        };
        let label = style.apply_to(format!("{label:<5}"));
        let (width, name) = (self.width, safe_line(&parity.name));
        match &parity.verdict {
            ParityVerdict::Passed => format!("{label} {name:<width$}  {}\n", parity.runtimes.join(" = ")),
            ParityVerdict::NotCompared { reason } => {
                format!("{label} {name:<width$}  not compared: {}\n", safe_line(reason))
            }
            ParityVerdict::Failed { .. } => {
                format!("{label} {name}\n\n{}\n", parity_text(parity, &self.options.command))
            }
        }
    }

    fn summary(&self, report: &RunReport) -> String {
        let trials = report.trials.len() + report.not_run.len();
        let noun = if trials == 1 { "trial" } else { "trials" };
        let title = self.paint().style().bold().apply_to("Summary");
        // A block ends with an empty line already.
        let after_block = match report.parity.last() {
            Some(parity) => matches!(parity.verdict, ParityVerdict::Failed { .. }),
            None => report.trials.last().is_some_and(|last| last.verdict.is_trouble()),
        };
        let gap = if after_block { "" } else { "\n" };
        let mut text = format!("{gap}{title} {trials} {noun} in {}: {}\n", time(report.duration), report.tally());
        if let Some(tally) = report.parity_tally() {
            let _ = writeln!(text, "{} {tally}", self.paint().style().bold().apply_to("Parity "));
        }
        if let Some(stopped) = report.stopped() {
            let _ = writeln!(text, "{} {}", self.paint().style().bold().apply_to("Stopped"), safe_line(&stopped));
        }
        if let Some(unsaid) = report.unsaid() {
            let _ = writeln!(text, "{} {unsaid}", self.paint().style().bold().apply_to("Code   "));
        }
        if trials > 1 {
            // The blocks have scrolled far up by now.
            text.extend(report.not_passed().map(|trial| self.line(trial)));
        }
        text
    }
}

impl<W: Write> Reporter for Terminal<W> {
    fn show(&mut self, event: &RunEvent, so_far: &RunReport) -> io::Result<()> {
        match event {
            RunEvent::RunStarted { trials, .. } => {
                self.width = trials.iter().map(|name| name.chars().count()).max().unwrap_or_default();
                self.progress.start(trials.len());
            }
            RunEvent::TrialStarted { trial } => self.progress.begin(trial),
            RunEvent::TrialProgress { trial, message } => self.progress.message(trial, message),
            RunEvent::TrialFinished(report) => {
                self.progress.end(&report.trial);
                self.write(&self.trial(report))?;
            }
            // The summary tells how many trials that concerns.
            RunEvent::Stopped { .. } => {}
            RunEvent::ParityJudged(parity) => self.write(&self.parity(parity))?,
            RunEvent::RunFinished { .. } => {
                self.progress.clear();
                self.write(&self.summary(so_far))?;
            }
        }
        Ok(())
    }
}

fn label(verdict: &Verdict, paint: Paint) -> String {
    let style = paint.style().bold();
    let (style, label) = match verdict {
        Verdict::Passed => (style.green(), "PASS"),
        Verdict::Failed { .. } => (style.red(), "FAIL"),
        Verdict::EnvironmentFailed { .. } => (style.magenta(), "ERROR"),
        Verdict::Skipped { .. } => (style.yellow(), "SKIP"),
        Verdict::Interrupted => (style.yellow(), "STOP"),
    };
    style.apply_to(format!("{label:<5}")).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{follow, samples};

    async fn shown(events: Vec<RunEvent>) -> String {
        let (sender, receiver) = tokio::sync::mpsc::unbounded_channel();
        for event in events {
            sender.send(event).unwrap();
        }
        let options = TerminalOptions { colour: false, progress: false, command: "harness run".to_owned() };
        let mut terminal = Terminal::new(Vec::new(), options);
        let (_, written) = follow(receiver, &mut terminal).await;
        written.unwrap();
        String::from_utf8(terminal.into_output()).unwrap()
    }

    #[tokio::test]
    async fn a_pass_is_one_line_and_a_sum() {
        let passed = samples::passed();
        let events = vec![
            RunEvent::RunStarted { started: passed.started, trials: vec![passed.trial.clone()] },
            RunEvent::TrialFinished(Box::new(passed)),
            RunEvent::RunFinished { duration: std::time::Duration::from_millis(851) },
        ];
        insta::assert_snapshot!(shown(events).await);
    }

    #[tokio::test]
    async fn a_run_of_all_verdicts() {
        insta::assert_snapshot!(shown(samples::events()).await);
    }
}
