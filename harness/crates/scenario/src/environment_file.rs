//! Files with environment variables in the format of `.env`, which many tools read.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read},
    path::{Component, Path, PathBuf},
};

use super::bounded_file;

/// A larger file, in bytes, is none of variables.
const LARGEST: u64 = 1 << 20;

/// The variables of the file at `path`; or why they cannot be read, without any part of its content, which may be secret.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let failed = |error: io::Error| format!("failed to read {}: {error}", readable(path).display());
    let bytes = bounded_file::read(path, LARGEST).map_err(failed)?;
    // Some editors begin a file with a byte order mark.
    let content = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if let Some(line) = with_reference(content) {
        let path = readable(path);
        return Err(format!(
            "failed to read {} as variables: line {line} has a `$`, which some tools replace by the value of a variable; single \
             quotes around the value keep it",
            path.display()
        ));
    }
    let mut lines = Lines { rest: content, given: 0 };
    let variables = dotenvy::from_read_iter(&mut lines).collect::<Result<BTreeMap<_, _>, _>>();
    variables.map_err(|error| {
        let reason = match error {
            // A value in quotes may have several lines; the first of them has the name.
            dotenvy::Error::LineParse(text, _) => format!(
                "line {} is no `NAME=value`; a value with spaces or quotes in it needs quotes around it",
                (lines.given + 1).saturating_sub(text.lines().count().max(1))
            ),
            dotenvy::Error::Io(error) if error.kind() == io::ErrorKind::InvalidData => {
                format!("line {} is not UTF-8", lines.given)
            }
            _ => format!("line {} cannot be read", lines.given),
        };
        format!("failed to read {} as variables: {reason}", readable(path).display())
    })
}

/// The first line, counted from 1, with a `$` by which the format refers to a variable: one outside of single quotes and
/// comments, without a backslash before it. The parser would replace it by what this machine's environment has, or by
/// nothing, and half of a password would arrive.
fn with_reference(content: &[u8]) -> Option<usize> {
    let (mut line, mut quote, mut before) = (1, None, b'\n');
    let (mut is_escaped, mut is_comment) = (false, false);
    for &byte in content {
        match byte {
            b'\n' => {
                line += 1;
                is_escaped = false;
                is_comment = false;
            }
            _ if is_comment => {}
            _ if is_escaped => is_escaped = false,
            b'\'' if quote == Some(b'\'') => quote = None,
            _ if quote == Some(b'\'') => {}
            b'\\' => is_escaped = true,
            b'$' => return Some(line),
            b'"' if quote.is_some() => quote = None,
            b'"' | b'\'' if quote.is_none() => quote = Some(byte),
            b'#' if quote.is_none() && before.is_ascii_whitespace() => is_comment = true,
            _ => {}
        }
        before = byte;
    }
    None
}

/// A content that is given line by line, so that its reader has taken as many lines as it was given.
struct Lines<'a> {
    rest: &'a [u8],
    given: usize,
}

impl Read for Lines<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let end = self.rest.iter().position(|byte| *byte == b'\n').map_or(self.rest.len(), |newline| newline + 1);
        let (mut line, _) = self.rest.split_at(end);
        let length = line.read(buffer)?;
        self.rest = &self.rest[length..];
        if length > 0 && line.is_empty() {
            self.given += 1;
        }
        Ok(length)
    }
}

/// The path without `FOLDER/..`, which a path of a file in another folder has.
fn readable(path: &Path) -> PathBuf {
    let mut short = PathBuf::new();
    for component in path.components() {
        let is_below = matches!(short.components().next_back(), Some(Component::Normal(_)));
        if component == Component::ParentDir && is_below {
            short.pop();
        } else {
            short.push(component);
        }
    }
    let folder = |path: &Path| fs::canonicalize(Path::new(".").join(path.parent().unwrap_or(Path::new(""))));
    match (folder(&short), folder(path)) {
        (Ok(one), Ok(other)) if one == other => short,
        // Behind a link, `..` leads elsewhere.
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_those_of_the_format() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "# A comment\nexport KEY=value\nQUOTED=\"a b # c\"\n\nEMPTY=\nPORT=0755 # octal\n").unwrap();
        let expected = [("EMPTY", ""), ("KEY", "value"), ("PORT", "0755"), ("QUOTED", "a b # c")];
        assert_eq!(read(&path).unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())).into());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("missing");
        assert!(read(&path).unwrap_err().starts_with(&format!("failed to read {}: ", path.display())));
        fs::write(&path, "no variable\n").unwrap();
        assert!(read(&path).unwrap_err().starts_with(&format!("failed to read {} as variables: ", path.display())));
        assert!(read(folder.path()).unwrap_err().ends_with("it is no ordinary file"));
    }

    /// The place is told, and nothing of what stands there.
    #[rstest::rstest]
    #[case::a_value_with_spaces(b"# Ours\nA=1\nTOKEN=s3cr3t with space\nB=2\n", "line 3 is no `NAME=value`")]
    #[case::the_last_line(b"A=1\nTOKEN s3cr3t", "line 2 is no `NAME=value`")]
    #[case::quotes_of_several_lines(b"KEY=\"a\nb\"\nTOKEN=\"s3cr3t\nmore\n", "line 3 is no `NAME=value`")]
    #[case::after_several_lines(b"KEY=\"a\nb\"\n\ns3cr3t\n", "line 4 is no `NAME=value`")]
    #[case::other_characters(b"A=1\nTOKEN=s3cr3t\xff\n", "line 2 is not UTF-8")]
    fn a_line_that_cannot_be_read_is_not_shown(#[case] content: &[u8], #[case] expected: &str) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, content).unwrap();
        let reason = read(&path).unwrap_err();
        let expected = format!("failed to read {} as variables: {expected}", path.display());
        assert!(reason.starts_with(&expected) && !reason.contains("s3cr3t"), "{reason}");
    }

    /// `A=p@$$word` would arrive as `p@`.
    #[rstest::rstest]
    #[case::alone("A=1\nB=p@$$word\n", Some(2))]
    #[case::in_double_quotes("A=\"it's ${HOME}\"\n", Some(1))]
    #[case::after_several_lines("A='a\n$b'\nC=$d\n", Some(3))]
    #[case::in_single_quotes("A='p@$$word'\n", None)]
    #[case::after_a_backslash("A=p@\\$\\$word\n", None)]
    #[case::in_a_comment("# it's $5\nA=1 # $5\n", None)]
    fn a_value_is_not_made_of_variables(#[case] content: &str, #[case] line: Option<usize>) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, content).unwrap();
        match (read(&path), line) {
            (Ok(variables), None) => assert!(variables["A"] == "1" || variables["A"] == "p@$$word", "{variables:?}"),
            (Err(reason), Some(line)) => assert!(reason.contains(&format!(": line {line} has a `$`")), "{reason}"),
            (other, _) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, "\u{feff}A=1\n").unwrap();
        assert_eq!(read(&path).unwrap(), [("A".to_owned(), "1".to_owned())].into());
    }

    #[test]
    fn a_long_line_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        fs::write(&path, format!("A={}\nnone\n", "x".repeat(100_000))).unwrap();
        assert!(read(&path).unwrap_err().contains(": line 2 is no "));
    }

    #[test]
    fn a_path_is_shown_without_a_way_back() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("scenarios/deep")).unwrap();
        std::os::unix::fs::symlink("scenarios/deep", folder.path().join("link")).unwrap();
        let shown = |path: &str| readable(&folder.path().join(path));
        assert_eq!(shown("scenarios/../.env"), folder.path().join(".env"));
        assert_eq!(shown("link/../.env"), folder.path().join("link/../.env"));
        assert_eq!(readable(Path::new("../.env")), Path::new("../.env"));
    }
}
