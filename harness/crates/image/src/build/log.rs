//! The last lines of a build's output.

use std::collections::VecDeque;

/// How many lines are kept.
const LINES: usize = 40;
/// The longest line, in bytes.
const LONGEST: usize = 400;

/// The last lines of an output that arrives in pieces.
#[derive(Debug, Default)]
pub(super) struct LastLines {
    lines: VecDeque<String>,
    /// The line whose end has not arrived.
    current: String,
}

impl LastLines {
    pub(super) fn push(&mut self, text: &str) {
        for piece in text.split_inclusive('\n') {
            let room = LONGEST.saturating_sub(self.current.len());
            let line = piece.trim_end_matches(['\n', '\r']);
            self.current.push_str(&line[..line.floor_char_boundary(room)]);
            if piece.ends_with('\n') {
                self.end_line();
            }
        }
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.current);
        if line.trim().is_empty() {
            return;
        }
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// The lines, each indented.
    pub(super) fn into_text(mut self) -> String {
        self.end_line();
        let lines: Vec<_> = self.lines.iter().map(|line| format!("  {line}")).collect();
        if lines.is_empty() { "  (nothing)".to_owned() } else { lines.join("\n") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A build may write megabytes; the reason of its failure stands at their end.
    #[test]
    fn the_last_lines_are_kept_and_bounded() {
        let mut log = LastLines::default();
        assert_eq!(LastLines::default().into_text(), "  (nothing)");
        for number in 0..100 {
            log.push(&format!("line {number}\n\n"));
        }
        log.push("no such ");
        log.push(&format!("file{}", "é".repeat(LONGEST)));
        let text = log.into_text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!((lines.len(), lines[0]), (LINES, "  line 61"));
        assert!(lines[LINES - 1].starts_with("  no such fileé") && lines[LINES - 1].len() <= LONGEST + 2);
    }
}
