//! What commands write their findings to.

use std::{fmt, io};

/// Standard output, or what a test reads in its place.
///
/// Its failures have a type of their own, so that no other failure of the system can be taken for one: a command that
/// cannot read a file must not say that it cannot write its output.
pub trait Output {
    /// What `write!` and `writeln!` call.
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), OutputError>;

    /// Hands over what is held back.
    fn flush(&mut self) -> Result<(), OutputError>;
}

impl<W: io::Write> Output for W {
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<(), OutputError> {
        io::Write::write_fmt(self, text).map_err(OutputError)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        io::Write::flush(self).map_err(OutputError)
    }
}

/// The output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("write the output")]
pub struct OutputError(#[source] pub io::Error);

/// Says something to the user that is no finding: a notice, a warning, a complaint.
pub(super) fn notice(text: &str) {
    // Nowhere to say that nothing can be said.
    let _ = io::Write::write_all(&mut io::stderr(), format!("{text}\n").as_bytes());
}
