//! Assembles lines from the pieces of a container's output that an engine returns.

use bollard::container::LogOutput;

use hourglass_timeline::{Line, Lines};

/// Assembles lines, separately for standard output and standard error.
#[derive(Debug, Default)]
pub(super) struct ContainerLines {
    output: Stream,
    error: Stream,
}

#[derive(Debug, Default)]
struct Stream {
    lines: Lines,
    /// How many bytes of it were read.
    read: u64,
    /// How many bytes must be skipped.
    repeated: u64,
}

impl ContainerLines {
    /// The container is read from its beginning again: after a restart, the engine repeats all earlier output.
    pub(super) fn begin_again(&mut self) {
        for stream in [&mut self.output, &mut self.error] {
            stream.repeated = stream.read;
        }
    }

    /// The lines that a piece completes.
    pub(super) fn push(&mut self, piece: LogOutput) -> Vec<Line> {
        let (stream, bytes) = match piece {
            LogOutput::StdErr { message } => (&mut self.error, message),
            LogOutput::StdOut { message } | LogOutput::Console { message } => (&mut self.output, message),
            LogOutput::StdIn { .. } => return Vec::new(),
        };
        let repeated = usize::try_from(stream.repeated).unwrap_or(usize::MAX).min(bytes.len());
        let mut new = &bytes[repeated..];
        stream.repeated -= u64::try_from(repeated).unwrap_or(u64::MAX);
        stream.read += u64::try_from(new.len()).unwrap_or(u64::MAX);
        std::iter::from_fn(|| stream.lines.take(&mut new)).collect()
    }

    /// The last line without a line end, when nothing more is written.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Line> {
        [self.output.lines.rest(), self.error.lines.rest()].into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into() }
    }

    fn texts(lines: impl IntoIterator<Item = Line>) -> Vec<String> {
        lines.into_iter().map(|line| line.text).collect()
    }

    /// Engines split long lines, and both outputs arrive through one stream.
    #[test]
    fn lines_are_assembled_from_any_pieces() {
        let mut lines = ContainerLines::default();
        assert_eq!(texts(lines.push(out("one\ntw"))), ["one"]);
        assert_eq!(texts(lines.push(LogOutput::StdErr { message: "oops\n".into() })), ["oops"]);
        assert_eq!(texts(lines.push(out("o\n\nthree"))), ["two", ""]);
        assert_eq!(texts(lines.push(out("\n"))), ["three"]);
    }

    /// The last error of a container counts, with or without a line end, and must not merge with the output of the next
    /// start.
    #[test]
    fn the_last_line_counts_and_is_not_repeated() {
        let mut lines = ContainerLines::default();
        assert_eq!(texts(lines.push(out("one\nlast"))), ["one"]);
        assert_eq!(texts(lines.push(LogOutput::StdErr { message: "worst".into() })), [] as [&str; 0]);
        assert_eq!(texts(lines.rest()), ["last", "worst"]);
        lines.begin_again();
        assert_eq!(texts(lines.push(out("one\nlas"))), [] as [&str; 0]);
        assert_eq!(texts(lines.push(out("tnew\n"))), ["new"]);
        assert_eq!(texts(lines.push(LogOutput::StdErr { message: "worst\n".into() })), [""]);
        assert_eq!(texts(lines.rest()), [] as [&str; 0]);
    }
}
