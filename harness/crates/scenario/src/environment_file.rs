//! Files with environment variables in the format of `.env`, which many tools read.

use std::{collections::BTreeMap, path::Path};

use super::bounded_file;

/// A larger file, in bytes, is none of variables.
const LARGEST: u64 = 1 << 20;

/// The variables of the file at `path`; or why they cannot be read.
pub(super) fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let bytes =
        bounded_file::read(path, LARGEST).map_err(|error| format!("failed to read {}: {error}", path.display()))?;
    let variables = dotenvy::from_read_iter(bytes.as_slice()).collect::<Result<BTreeMap<_, _>, _>>();
    variables.map_err(|error| format!("failed to read {} as variables: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::fs;

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
}
