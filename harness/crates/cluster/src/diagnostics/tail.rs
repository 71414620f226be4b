//! The end of a text that may be long.

/// Keeps the last bytes that were pushed.
#[derive(Debug)]
pub(super) struct Tail {
    kept: Vec<u8>,
    limit: usize,
    dropped: u64,
    /// Whether the source gave less than it had.
    begun_late: bool,
}

impl Tail {
    pub(super) fn new(limit: usize) -> Self {
        Self { kept: Vec::new(), limit, dropped: 0, begun_late: false }
    }

    pub(super) fn of(bytes: &[u8], limit: usize) -> Self {
        let mut tail = Self::new(limit);
        tail.push(bytes);
        tail
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.kept.extend_from_slice(bytes);
        // Moving the kept bytes for every piece would cost more than it saves.
        if self.kept.len() > self.limit.saturating_mul(2) {
            self.drop_beginning(self.limit);
        }
    }

    /// Notes that the source has text before this, of unknown length.
    pub(super) fn begins_late(&mut self) {
        self.begun_late = true;
    }

    /// Whether the whole text was kept, and begins like this.
    pub(super) fn starts_with(&self, beginning: &str) -> bool {
        self.dropped == 0 && self.kept.starts_with(beginning.as_bytes())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// At most `limit` bytes: whole lines if possible, and a first line that says what is left out.
    pub(super) fn finish(mut self, limit: usize) -> Vec<u8> {
        let limit = limit.min(self.limit);
        if self.kept.len() <= limit && self.dropped == 0 && !self.begun_late {
            return self.kept;
        }
        let longest = heading(u64::MAX).len();
        if limit <= longest {
            return heading(0).into_bytes().into_iter().take(limit).collect();
        }
        self.drop_beginning(limit - longest);
        if self.dropped > 0
            && let Some(end) = self.kept.iter().position(|byte| *byte == b'\n')
            && end + 1 < self.kept.len()
        {
            self.drop_beginning(self.kept.len() - end - 1);
        }
        let known = if self.begun_late { 0 } else { self.dropped };
        let mut text = heading(known).into_bytes();
        text.append(&mut self.kept);
        text
    }

    fn drop_beginning(&mut self, keep: usize) {
        let surplus = self.kept.len().saturating_sub(keep);
        self.kept.drain(..surplus);
        self.dropped += u64::try_from(surplus).unwrap_or(u64::MAX);
    }
}

/// Zero means an unknown number.
fn heading(dropped: u64) -> String {
    match dropped {
        0 => "[cut: the beginning is left out]\n".to_owned(),
        dropped => format!("[cut: the first {dropped} bytes are left out]\n"),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_end_is_kept_and_the_cut_is_noted() {
        let lines: Vec<_> = (0..1000).map(|line| format!("line {line}")).collect();
        let text = lines.join("\n") + "\n";
        let kept = String::from_utf8(Tail::of(text.as_bytes(), 200).finish(200)).unwrap();
        let (first, rest) = kept.split_once('\n').unwrap();
        let left_out = text.len() - rest.len();
        assert_eq!(first, format!("[cut: the first {left_out} bytes are left out]"));
        assert!(rest.starts_with("line ") && text.ends_with(rest), "{rest}");
    }

    #[test]
    fn text_within_the_limit_is_unchanged() {
        assert_eq!(Tail::of(b"a\nb\n", 4).finish(4), b"a\nb\n");
    }

    #[test]
    fn a_source_that_began_late_is_noted() {
        let mut tail = Tail::of(b"last\n", 100);
        tail.begins_late();
        assert_eq!(tail.finish(100), b"[cut: the beginning is left out]\nlast\n");
    }

    proptest! {
        /// A folder of evidence must not fill a disk, wherever the text was cut.
        #[test]
        fn no_text_exceeds_its_limit(
            pieces in proptest::collection::vec("[a-z\n]{0,80}", 0..40),
            first in 0_usize..300,
            last in 0_usize..300,
        ) {
            let mut tail = Tail::new(first);
            for piece in &pieces {
                tail.push(piece.as_bytes());
            }
            prop_assert!(tail.finish(last).len() <= first.min(last));
        }
    }
}
