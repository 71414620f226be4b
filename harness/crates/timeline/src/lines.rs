//! Lines from the pieces of an output, in linear time and bounded memory.

use std::fmt;

use jiff::Timestamp;

/// How many bytes of one line are kept. A longer line is not a logger's record but a dump, or the output of a program
/// that writes no line ends.
pub const LINE_LIMIT: usize = 64 << 10;

/// A line of output without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// The line, or its beginning if it is longer than [`LINE_LIMIT`]. Invalid UTF-8 is replaced.
    pub text: String,
    /// How many bytes of the line were dropped.
    pub dropped: u64,
    /// When its beginning arrived, if that was before the rest of it. A line that never ends has the time of its
    /// beginning.
    pub began: Option<Timestamp>,
    /// Whether whole lines may be among the dropped bytes: the reader has skipped a part of the output.
    pub gap: bool,
}

impl Line {
    /// A placeholder for unread output that nobody waits for any more.
    pub fn unread() -> Self {
        Self { text: "the rest of the output was not read".to_owned(), dropped: 0, began: None, gap: true }
    }
}

/// Assembles lines.
#[derive(Debug, Default)]
pub struct Lines {
    kept: Vec<u8>,
    dropped: u64,
    began: Option<Timestamp>,
    gap: bool,
}

impl Lines {
    /// Takes the bytes of the current line from the beginning of `bytes`; returns the line once it is complete.
    pub fn take(&mut self, bytes: &mut &[u8]) -> Option<Line> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            if !bytes.is_empty() && self.began.is_none() {
                self.began = Some(Timestamp::now());
            }
            self.keep(std::mem::take(bytes));
            return None;
        };
        let (line, rest) = bytes.split_at(end);
        *bytes = &rest[1..];
        self.keep(line);
        Some(self.finish())
    }

    /// Counts skipped bytes of unknown content as part of the current line.
    pub(super) fn pass_over(&mut self, bytes: u64) {
        self.dropped += bytes;
        self.gap = true;
    }

    /// The line without an end, if there is one: nothing more is written.
    pub fn rest(&mut self) -> Option<Line> {
        (!self.kept.is_empty() || self.gap).then(|| self.finish())
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LINE_LIMIT - self.kept.len();
        let (kept, dropped) = bytes.split_at(bytes.len().min(room));
        self.kept.extend_from_slice(kept);
        self.dropped += u64::try_from(dropped.len()).unwrap_or(u64::MAX);
    }

    fn finish(&mut self) -> Line {
        let dropped = std::mem::take(&mut self.dropped);
        let mut line = self.kept.as_slice();
        while dropped == 0
            && let Some(rest) = line.strip_suffix(b"\r")
        {
            line = rest;
        }
        let text = String::from_utf8_lossy(line).into_owned();
        self.kept.clear();
        Line { text, dropped, began: self.began.take(), gap: std::mem::take(&mut self.gap) }
    }
}

/// The line, with a remark if it is not whole.
impl fmt::Display for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)?;
        match self.dropped {
            0 => Ok(()),
            dropped => write!(formatter, " … (cut: {dropped} more bytes of this line are left out)"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let mut lines = Lines::default();
        let mut found = Vec::new();
        for piece in pieces {
            let mut piece = *piece;
            while let Some(line) = lines.take(&mut piece) {
                found.push(line);
            }
            assert!(piece.is_empty(), "what has no line end is kept");
        }
        found.extend(lines.rest());
        // The time of arrival does not matter here.
        found.into_iter().map(|line| Line { began: None, ..line }).collect()
    }

    fn whole(text: &str) -> Line {
        Line { text: text.to_owned(), dropped: 0, began: None, gap: false }
    }

    #[test]
    fn a_line_is_the_same_however_it_was_cut_into_pieces() {
        let expected = [whole("one"), whole(""), whole("two\u{fffd}"), whole("rest")];
        assert_eq!(lines(&[b"one\n\ntwo\xff\r\nrest"]), expected);
        assert_eq!(lines(&[b"o", b"ne\n", b"\ntwo", b"\xff\r", b"\nre", b"st"]), expected);
    }

    #[test]
    fn the_beginning_of_a_long_line_is_kept_and_the_rest_counted() {
        let long = vec![b'x'; LINE_LIMIT + 10];
        let [cut, next] = lines(&[&long[..7], &long[7..], b"\r\nnext\n"]).try_into().unwrap();
        assert_eq!((cut.text.len(), cut.dropped, next), (LINE_LIMIT, 11, whole("next")));
        assert!(cut.to_string().ends_with("x … (cut: 11 more bytes of this line are left out)"));
        assert_eq!(lines(&[&long])[0].dropped, 10, "a line without an end is cut too");
    }

    /// Output from before a program is told to end must not look as if it came afterwards.
    #[test]
    fn a_line_has_the_time_of_its_beginning() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(&mut &b"begun"[..]), None);
        let begun = Timestamp::now();
        assert!(lines.rest().unwrap().began.unwrap() <= begun);
        assert_eq!(lines.take(&mut &b"whole\n"[..]).unwrap().began, None);
    }

    proptest! {
        /// Split as by the standard library.
        #[test]
        fn nothing_is_lost_between_pieces(text in "[a-c\n]{0,200}", size in 1_usize..20) {
            let pieces: Vec<_> = text.as_bytes().chunks(size).collect();
            let expected: Vec<_> = text.split_terminator('\n').map(whole).collect();
            prop_assert_eq!(lines(&pieces), expected);
        }
    }
}
