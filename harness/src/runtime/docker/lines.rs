//! Lines from the pieces in which an engine hands out a container's output.

use bollard::container::LogOutput;

/// Puts lines together, those of standard output and of standard error apart.
#[derive(Debug, Default)]
pub(super) struct Lines {
    output: Vec<u8>,
    error: Vec<u8>,
}

impl Lines {
    /// The lines that a piece completes, without their ends.
    pub(super) fn push(&mut self, piece: LogOutput) -> Vec<String> {
        let (unread, bytes) = match piece {
            LogOutput::StdErr { message } => (&mut self.error, message),
            LogOutput::StdOut { message } | LogOutput::Console { message } => (&mut self.output, message),
            LogOutput::StdIn { .. } => return Vec::new(),
        };
        unread.extend_from_slice(&bytes);
        let Some(end) = unread.iter().rposition(|byte| *byte == b'\n') else { return Vec::new() };
        let rest = unread.split_off(end + 1);
        let whole = std::mem::replace(unread, rest);
        let lines = whole[..end].split(|byte| *byte == b'\n');
        lines.map(|line| String::from_utf8_lossy(line).trim_end_matches('\r').to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn out(text: &str) -> LogOutput {
        LogOutput::StdOut { message: text.to_owned().into() }
    }

    /// Engines cut long lines, and both outputs arrive through one stream.
    #[test]
    fn lines_are_whole_whatever_they_were_cut_into() {
        let mut lines = Lines::default();
        assert_eq!(lines.push(out("one\ntw")), ["one"]);
        assert_eq!(lines.push(LogOutput::StdErr { message: "oops\n".into() }), ["oops"]);
        assert_eq!(lines.push(out("o\n\nthree")), ["two", ""]);
        assert_eq!(lines.push(out("\n")), ["three"]);
    }
}
