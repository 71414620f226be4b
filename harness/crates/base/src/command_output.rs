//! What a command of the user's wrote, for messages about its failure.

use std::{
    fs::File,
    io::{Read as _, Seek as _, SeekFrom},
};

use hourglass_component::text::safe;

/// How much of the output is shown.
const SHOWN_LINES: usize = 30;
const SHOWN_BYTES: u64 = 16 * 1024;

/// A command as people write it: program and arguments.
pub fn shown_command(command: &[String]) -> String {
    command.iter().map(|part| safe(part).into_owned()).collect::<Vec<_>>().join(" ")
}

/// The end of the file that a command wrote to, at most 30 lines.
pub fn last_lines(output: &mut File) -> String {
    let mut bytes = Vec::new();
    let length = output.metadata().map_or(0, |metadata| metadata.len());
    let read = output
        .seek(SeekFrom::Start(length.saturating_sub(SHOWN_BYTES)))
        .and_then(|_| output.take(SHOWN_BYTES).read_to_end(&mut bytes));
    if let Err(error) = read {
        return format!("its output could not be read: {error}");
    }
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let lines = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    lines.iter().map(|line| safe(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// Lines below the sentence of an error.
pub fn below(output: &str) -> String {
    output.lines().fold(String::new(), |text, line| text + "\n    " + line)
}
