//! What commands write their findings to.

use std::{fmt, io};

use hourglass_component::text::{painted, safe};

use hourglass_report::takes_colour;

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
        let text = text.to_string();
        // Names, labels and texts of others are in it: whoever wrote them does not get at the terminal.
        let text = if takes_colour(&io::stdout()) { painted(&text) } else { safe(&text) };
        io::Write::write_all(self, text.as_bytes()).map_err(OutputError)
    }

    fn flush(&mut self) -> Result<(), OutputError> {
        io::Write::flush(self).map_err(OutputError)
    }
}

/// The output cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("failed to write the output")]
pub struct OutputError(#[source] pub io::Error);

/// Says something to the user that is no finding: a notice, a warning, a complaint.
pub(super) fn notice(text: &str) {
    // Nowhere to say that nothing can be said.
    let _ = io::Write::write_all(&mut io::stderr(), format!("{}\n", safe(text)).as_bytes());
}
