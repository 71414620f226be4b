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
    let start = length.saturating_sub(SHOWN_BYTES);
    let read = output.seek(SeekFrom::Start(start)).and_then(|_| output.take(SHOWN_BYTES).read_to_end(&mut bytes));
    if let Err(error) = read {
        return format!("its output could not be read: {error}");
    }
    let text = String::from_utf8_lossy(&bytes);
    // The rest of a word may be most of a key, which nobody would recognise to hide it.
    let text = if start == 0 { &*text } else { text.trim_start_matches(char::is_alphanumeric) };
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let lines = &lines[lines.len().saturating_sub(SHOWN_LINES)..];
    lines.iter().map(|line| safe(line).into_owned()).collect::<Vec<_>>().join("\n")
}

/// Lines below the sentence of an error.
pub fn below(output: &str) -> String {
    output.lines().fold(String::new(), |text, line| text + "\n    " + line)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// A word of which the beginning is not read must not be shown: it may be a key.
    #[rstest::rstest]
    #[case::short(8, "key=0123456789abcdef rest")]
    #[case::cut(SHOWN_BYTES - 12, " rest")]
    fn output_begins_with_a_whole_word(#[case] after: u64, #[case] begins: &str) {
        let mut file = tempfile::tempfile().unwrap();
        let filled = "-".repeat(usize::try_from(after).unwrap());
        write!(file, "key=0123456789abcdef rest{filled}").unwrap();
        let shown = last_lines(&mut file);
        assert!(shown.starts_with(begins) && shown.ends_with('-'), "{}", &shown[..40.min(shown.len())]);
    }
}
