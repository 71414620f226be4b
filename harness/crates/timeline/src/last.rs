//! The lines of an output that errors about its writer show: all of a short output, else its first and its last lines.

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use hourglass_component::text::{cut, safe_line};

/// How many lines are shown.
const COUNT: usize = 30;
/// How many of them are the first, if there are more lines: an interpreter says first what is wrong, and then where.
const FIRST: usize = 3;
/// How many bytes of a line are kept: all lines together have space in the text of a verdict.
const LONGEST: usize = 450;

/// The last lines of an output, and the first of one that is longer, safe to show and shortened if they are long; clones share
/// them.
#[derive(Debug, Clone, Default)]
pub struct LastLines(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    first: Vec<String>,
    last: VecDeque<String>,
    /// How many lines between them were dropped.
    dropped: u64,
    /// Whether what is before the first line is not known.
    is_end: bool,
}

impl LastLines {
    /// Those of an output whose beginning was not read.
    pub fn of_end() -> Self {
        Self(Arc::new(Mutex::new(Kept { is_end: true, ..Kept::default() })))
    }

    /// Adds a line; of many, one of the middle is dropped.
    pub fn push(&self, line: &str) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let line = cut(&safe_line(line), LONGEST).into_owned();
        if kept.first.len() < FIRST && !kept.is_end {
            kept.first.push(line);
            return;
        }
        if kept.first.len() + kept.last.len() == COUNT {
            kept.last.pop_front();
            kept.dropped += 1;
        }
        kept.last.push_back(line);
    }
}

/// The lines, indented.
impl fmt::Display for LastLines {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.first.is_empty() && kept.last.is_empty() {
            return formatter.write_str("  (none)");
        }
        let left_out = match kept.dropped {
            _ if kept.is_end => Some("[earlier lines are left out]".to_owned()),
            0 => None,
            1 => Some("[1 line is left out]".to_owned()),
            dropped => Some(format!("[{dropped} lines are left out]")),
        };
        let lines: Vec<_> =
            kept.first.iter().chain(&left_out).chain(&kept.last).map(|line| format!("  {line}")).collect();
        formatter.write_str(&lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(count: usize) -> Vec<String> {
        let lines = LastLines::default();
        (1..=count).for_each(|number| lines.push(&format!("line {number}")));
        lines.to_string().lines().map(|line| line.trim_start().to_owned()).collect()
    }

    /// A stack trace has its reason in its first lines.
    #[test]
    fn a_short_output_is_shown_whole() {
        assert_eq!(shown(0), ["(none)"]);
        let whole = shown(COUNT);
        assert_eq!((whole.len(), whole[0].as_str(), whole[COUNT - 1].as_str()), (COUNT, "line 1", "line 30"));
    }

    #[test]
    fn of_a_long_output_the_middle_is_left_out() {
        let one_more = shown(COUNT + 1);
        assert_eq!(one_more[FIRST - 1..=FIRST + 1], ["line 3", "[1 line is left out]", "line 5"]);
        let long = shown(1_000);
        assert_eq!(long[..=FIRST], ["line 1", "line 2", "line 3", "[970 lines are left out]"]);
        assert_eq!((long.len(), long[FIRST + 1].as_str(), long[COUNT].as_str()), (COUNT + 1, "line 974", "line 1000"));
    }

    #[test]
    fn an_output_whose_beginning_is_not_known_does_not_show_one() {
        let lines = LastLines::of_end();
        (1..=100).for_each(|number| lines.push(&number.to_string()));
        let text = lines.to_string();
        assert!(text.starts_with("  [earlier lines are left out]\n  71\n") && text.ends_with("\n  100"), "{text}");
    }
}
