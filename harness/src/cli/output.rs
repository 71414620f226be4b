//! The destination of commands' results.

use std::{fmt, io, path::Path};

use hourglass_component::text::{painted, safe};

use hourglass_report::{Target, takes_colour};

use super::CliError;

/// Standard output, or a test's replacement.
///
/// Its failures have a type of their own, so that no other failure of the system can be taken for one: a command that
/// cannot read a file must not report that it cannot write its output.
pub trait Output {
    /// `write!` and `writeln!` call this.
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), OutputError>;

    /// Writes out buffered data.
    fn flush(&mut self) -> Result<(), OutputError>;
}

impl<W: io::Write> Output for W {
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), OutputError> {
        let text = text.to_string();
        // The text contains names, labels and texts from others, which must not control the terminal.
        let text = if takes_colour(&io::stdout()) { painted(&text) } else { safe(&text) };
        io::Write::write_all(self, text.as_bytes()).map_err(OutputError)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        io::Write::flush(self).map_err(OutputError)
    }
}

/// An output whose reader may close it early, as `head` and `grep -q` do. The command then goes on without it: what it
/// does must not stop halfway, and its exit code must not depend on how much somebody reads.
#[derive(Debug)]
pub(super) struct UntilClosed<W> {
    output: W,
    closed: bool,
}

impl<W> UntilClosed<W> {
    /// Writes to this output until its reader closes it.
    pub(super) fn new(output: W) -> Self {
        Self { output, closed: false }
    }

    /// The result of a write, or `instead` if nobody reads any more.
    fn unless_closed<T>(&mut self, written: io::Result<T>, instead: T) -> io::Result<T> {
        match written {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(instead)
            }
            written => written,
        }
    }
}

impl<W: io::Write> io::Write for UntilClosed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.closed {
            return Ok(bytes.len());
        }
        let written = io::Write::write(&mut self.output, bytes);
        self.unless_closed(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.closed {
            return Ok(());
        }
        let flushed = io::Write::flush(&mut self.output);
        self.unless_closed(flushed, ())
    }
}

/// The output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the output")]
pub struct OutputError(#[source] pub io::Error);

/// Shows a result, on standard error if a report takes standard output.
pub(super) fn show_result(text: &str, reports: &[Option<Target>; 2], out: &mut impl Output) -> Result<(), CliError> {
    if reports.iter().flatten().any(Target::is_output) {
        // If writing to standard error fails, nothing can report it.
        let _ = io::Write::write_all(&mut io::stderr(), safe(text).as_bytes());
        return Ok(());
    }
    write!(out, "{text}")?;
    Ok(out.flush()?)
}

/// The targets of two reports, which must be different files, and neither one of `files`.
pub(super) fn two_targets(paths: [Option<&Path>; 2], files: &[&Path]) -> Result<[Option<Target>; 2], CliError> {
    let [one, other] = paths.map(|path| path.map(|path| Target::prepare_beside(path, files)).transpose());
    let (one, other) = (one?, other?);
    if let (Some(one), Some(other)) = (&one, &other) {
        other.differs_from(one)?;
    }
    Ok([one, other])
}

/// Shows the user a message that is not a result: a notice, a warning, a complaint.
pub(super) fn notice(text: &str) {
    // If writing to standard error fails, nothing can report it.
    let _ = io::Write::write_all(&mut io::stderr(), format!("{}\n", safe(text)).as_bytes());
}
