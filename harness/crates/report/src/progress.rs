//! The current activity of a run, as transient lines on a terminal.

use std::{
    collections::HashMap,
    env,
    io::{self, IsTerminal as _},
    time::Duration,
};

use hourglass_component::text::safe_line;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::records;

/// One line for each running trial and one for the run; none at all if there is no terminal to erase them from.
#[derive(Debug)]
pub(super) struct Progress {
    lines: MultiProgress,
    run: Option<ProgressBar>,
    trials: HashMap<String, ProgressBar>,
}

/// Whether standard error is a capable terminal and shows no records.
pub(super) fn can_be_shown() -> bool {
    let capable = env::var_os("TERM").is_none_or(|term| term != "dumb");
    capable && io::stderr().is_terminal() && !records::are_shown()
}

/// Often enough for a spinner, rarely enough to cost nothing.
const TICK: Duration = Duration::from_millis(120);

impl Progress {
    pub(super) fn new(visible: bool) -> Self {
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let lines = MultiProgress::with_draw_target(target);
        Self { lines, run: None, trials: HashMap::new() }
    }

    pub(super) fn start(&mut self, trials: usize) {
        let bar = ProgressBar::new(trials.try_into().unwrap_or(u64::MAX)).with_style(style("{pos}/{len}  {elapsed}"));
        let bar = self.lines.add(bar);
        self.tick(&bar);
        self.run = Some(bar);
    }

    pub(super) fn begin(&mut self, trial: &str) {
        let line = ProgressBar::new_spinner().with_style(style("{spinner} {prefix}  {wide_msg}"));
        let line = match &self.run {
            Some(run) => self.lines.insert_before(run, line),
            None => self.lines.add(line),
        };
        line.set_prefix(safe_line(trial).into_owned());
        self.tick(&line);
        self.trials.insert(trial.to_owned(), line);
    }

    pub(super) fn message(&self, trial: &str, message: &str) {
        if let Some(line) = self.trials.get(trial) {
            line.set_message(safe_line(message).into_owned());
        }
    }

    pub(super) fn end(&mut self, trial: &str) {
        if let Some(line) = self.trials.remove(trial) {
            line.finish_and_clear();
            self.lines.remove(&line);
        }
        if let Some(run) = &self.run {
            run.inc(1);
        }
    }

    /// Erases the lines while permanent text is written.
    pub(super) fn aside<T>(&self, write: impl FnOnce() -> T) -> T {
        self.lines.suspend(write)
    }

    pub(super) fn clear(&mut self) {
        for (_, line) in self.trials.drain() {
            line.finish_and_clear();
        }
        if let Some(run) = self.run.take() {
            run.finish_and_clear();
        }
    }

    fn tick(&self, line: &ProgressBar) {
        // Each ticking line has a thread, even if it is hidden.
        if !self.lines.is_hidden() {
            line.enable_steady_tick(TICK);
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

pub(super) fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}
