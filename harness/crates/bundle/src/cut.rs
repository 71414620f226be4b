//! The content of a file, without its middle if it is large.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    path::Path,
};

use bytesize::ByteSize;

use crate::secrets::Secrets;

/// How much is read beyond a cut, so that a secret across it is found.
const MARGIN: u64 = 4 << 10;
/// How many bytes are looked at to tell text from other content.
const LOOKED_AT: usize = 8 << 10;

/// The content of a file as it is packed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Content {
    /// All of it.
    Whole(Vec<u8>),
    /// Its beginning and its end; how many bytes between them are missing.
    Cut(Vec<u8>, u64),
    /// Nothing of it: a part of it would be of no use.
    Unusable,
}

/// Reads a file of at most `most` bytes, or its beginning and its end, without secrets.
pub(crate) fn content(path: &Path, most: u64, secrets: &Secrets) -> io::Result<Content> {
    let mut file = File::open(path)?;
    let size = file.metadata()?.len();
    if size <= most {
        // Not more, even if it grows.
        return Ok(Content::Whole(secrets.redacted(read(&mut file, size)?)));
    }
    let half = (most / 2).saturating_sub(128);
    let beginning = read(&mut file, (half + MARGIN).min(size))?;
    if beginning.iter().take(LOOKED_AT).any(|byte| *byte == 0) {
        return Ok(Content::Unusable);
    }
    let mut text = secrets.redacted(beginning);
    text.truncate(bytes(half));
    let kept = text.iter().rposition(|byte| *byte == b'\n').map_or(text.len(), |end| end + 1);
    text.truncate(kept);
    file.seek(SeekFrom::Start(size.saturating_sub(half + MARGIN)))?;
    let end = secrets.redacted(read(&mut file, half + MARGIN)?);
    // From the beginning of a line, if lines are not very long.
    let begin = end.len().saturating_sub(bytes(half));
    let begin =
        end[begin..].iter().take(bytes(MARGIN)).position(|byte| *byte == b'\n').map_or(begin, |at| begin + at + 1);
    let end = &end[begin..];
    let missing = size.saturating_sub(u64::try_from(text.len() + end.len()).unwrap_or(u64::MAX));
    text.extend_from_slice(format!("\n[{} are left out here by the harness]\n", ByteSize(missing)).as_bytes());
    text.extend_from_slice(end);
    Ok(Content::Cut(text, missing))
}

fn read(file: &mut File, count: u64) -> io::Result<Vec<u8>> {
    let mut content = Vec::with_capacity(bytes(count));
    file.take(count).read_to_end(&mut content)?;
    Ok(content)
}

fn bytes(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn beginning_and_end_of_a_large_text_are_kept_in_whole_lines() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let lines: Vec<_> = (0..10_000).map(|line| format!("line {line}\n")).collect();
        fs::write(file.path(), lines.concat()).unwrap();
        let Content::Cut(text, missing) = content(file.path(), 20_000, &Secrets::of([])).unwrap() else {
            panic!("it is not cut");
        };
        let text = String::from_utf8(text).unwrap();
        assert!(text.starts_with("line 0\n") && text.ends_with("line 9999\n"), "{text}");
        assert!(text.len() <= 20_000 && missing > 60_000, "{} bytes, {missing} missing", text.len());
        assert!(text.contains(" are left out here by the harness]\n"), "{text}");
        let whole = |line: &&str| line.is_empty() || line.starts_with('[') || lines.contains(&format!("{line}\n"));
        assert!(text.lines().all(|line| whole(&line)), "a line is cut:\n{text}");
    }

    /// A part of a key must not stay where a log is cut.
    #[test]
    fn a_secret_across_the_cut_is_removed() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let key = "5e".repeat(32);
        let secrets = Secrets::of([key.clone()]);
        for offset in 0..80 {
            let text =
                format!("{}{key}{}{key}{}", "x".repeat(4_800 + offset), "y".repeat(40_000), "z".repeat(4_800 + offset));
            fs::write(file.path(), text).unwrap();
            let Content::Cut(text, _) = content(file.path(), 10_000, &secrets).unwrap() else {
                panic!("it is not cut")
            };
            let text = String::from_utf8(text).unwrap();
            assert!(!text.contains("5e5e5e"), "at {offset}: {text}");
        }
    }

    #[test]
    fn half_a_compressed_file_is_of_no_use() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), [0; 5_000]).unwrap();
        assert_eq!(content(file.path(), 4_000, &Secrets::of([])).unwrap(), Content::Unusable);
    }
}
