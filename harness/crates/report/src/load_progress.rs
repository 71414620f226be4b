//! What a load is doing while it runs: a line that is updated on a terminal, and plain lines at a slower pace elsewhere.

use std::{
    io::{self, Write as _},
    time::{Duration, Instant},
};

use hourglass_component::text::{safe, safe_line};
use indicatif::{ProgressBar, ProgressDrawTarget};

use super::progress;

/// How often plain lines are written.
const PLAIN_EVERY: Duration = Duration::from_secs(5);

/// Shows on standard error what a load is doing.
#[derive(Debug)]
pub struct LoadProgress {
    line: ProgressBar,
    /// When the last plain line was written.
    written: Option<Instant>,
}

impl LoadProgress {
    /// A line on a terminal if standard error is a capable one and shows no records.
    pub fn detect() -> Self {
        let visible = progress::can_be_shown();
        let target = if visible { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let line = ProgressBar::with_draw_target(None, target).with_style(progress::style("{wide_msg}"));
        Self { line, written: None }
    }

    /// What is being done now; elsewhere than on a terminal this is shown every five seconds.
    pub fn show(&mut self, text: &str) {
        if !self.line.is_hidden() {
            self.line.set_message(safe_line(text).into_owned());
            self.line.tick();
        } else if self.written.is_none_or(|written| written.elapsed() >= PLAIN_EVERY) {
            self.written = Some(Instant::now());
            write(text);
        }
    }

    /// A line that stays.
    pub fn note(&mut self, text: &str) {
        self.line.suspend(|| write(text));
    }

    /// Erases the line on a terminal, before other text is written.
    pub fn clear(&mut self) {
        self.line.finish_and_clear();
    }
}

impl Drop for LoadProgress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn write(text: &str) {
    // If writing to standard error fails, nothing can report it.
    let _ = io::stderr().write_all(format!("{}\n", safe(text)).as_bytes());
}
