//! The last lines of an output, for errors about its writer.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use hourglass_component::text::{cut, safe_line};

const COUNT: usize = 12;
/// How many bytes of a line are kept.
const LONGEST: usize = 1 << 10;

/// The last lines of an output, safe to show and shortened if they are long; clones share them.
#[derive(Debug, Clone, Default)]
pub struct LastLines(Arc<Mutex<VecDeque<String>>>);

impl LastLines {
    /// Adds a line; the oldest one is dropped.
    pub fn push(&self, line: &str) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() == COUNT {
            lines.pop_front();
        }
        lines.push_back(cut(&safe_line(line), LONGEST).into_owned());
    }
}

/// The lines, indented.
impl fmt::Display for LastLines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.is_empty() {
            return formatter.write_str("  (none)");
        }
        let lines: Vec<_> = lines.iter().map(|line| format!("  {line}")).collect();
        formatter.write_str(&lines.join("\n"))
    }
}
