//! The runtime wrapper that leaves out unavailable capabilities (docs/decisions/0011).

use std::{
    fs,
    io::Write as _,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    path::Path,
};

use super::DockerSetupError;

const TEXT: &str = include_str!("runc-bounded");
const MODE: u32 = 0o755;

/// Whether the program exists. An earlier version does as well: it is not replaced under a running engine.
pub(super) fn is_there(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
}

/// Writes it whole or not at all: an engine may start it at any moment.
pub(super) fn write(path: &Path) -> Result<(), DockerSetupError> {
    let fail = |error| DockerSetupError::file("write", path)(error);
    let folder = path.parent().unwrap_or(path);
    fs::create_dir_all(folder).map_err(fail)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(fail)?;
    file.write_all(TEXT.as_bytes()).map_err(fail)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(MODE)).map_err(fail)?;
    file.persist(path).map_err(|error| fail(error.error)).map(drop)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use serde_json::{Value, json};

    use super::*;

    /// Runs the wrapper with a bounding set and a `runc` of the test's own; returns the description that runc would
    /// read.
    fn rewritten(description: &str, bounding: &str, argument: &str) -> String {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("status"), format!("Name:\tsh\nCapBnd:\t{bounding}\n")).unwrap();
        fs::write(at("config.json"), description).unwrap();
        let text = TEXT.replace("/proc/self/status", &at("status").display().to_string());
        for (name, text) in [("wrapper", text.as_str()), ("runc", "#!/bin/sh\nprintf '%s ' \"$@\"\n")] {
            fs::write(at(name), text).unwrap();
            fs::set_permissions(at(name), fs::Permissions::from_mode(MODE)).unwrap();
        }
        let value = if argument == "--process" { at("config.json") } else { folder.path().to_owned() };
        let path = format!("{}:/usr/bin:/bin", folder.path().display());
        let output = Command::new(at("wrapper"))
            .args(["--root", "/run/runc", "create", argument])
            .arg(&value)
            .arg("the-id")
            .env("PATH", path)
            .output()
            .unwrap();
        let passed = format!("--root /run/runc create {argument} {} the-id ", value.display());
        assert_eq!(String::from_utf8_lossy(&output.stdout), passed, "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 4, "a file of the wrapper's is left");
        fs::read_to_string(at("config.json")).unwrap()
    }

    /// All but `CAP_SYS_RESOURCE`.
    const BOUNDED: &str = "000001fffeffffff";

    fn description() -> Value {
        let tricky = "say \"capabilities\": {\"bounding\": [\"CAP_SYS_RESOURCE\"]}";
        json!({
            "process": {
                "args": ["CAP_SYS_RESOURCE", "x", tricky],
                "env": ["WANTED=CAP_SYS_RESOURCE"],
                "capabilities": {
                    "bounding": ["CAP_CHOWN", "CAP_SYS_RESOURCE"],
                    "effective": ["CAP_SYS_RESOURCE", "CAP_CHOWN"],
                    "permitted": ["CAP_CHOWN", "CAP_SYS_RESOURCE", "CAP_SYS_TIME"],
                    "inheritable": ["CAP_SYS_RESOURCE"],
                },
            },
            "annotations": {"CAP_SYS_RESOURCE": "1"},
        })
    }

    /// A container keeps its arguments whatever they are, and loses only what it could not have.
    #[rstest::rstest]
    #[case::bundle("--bundle")]
    #[case::process("--process")]
    fn only_capability_lists_lose_missing_capabilities(#[case] argument: &str) {
        let mut expected = description();
        expected["process"]["capabilities"] = json!({
            "bounding": ["CAP_CHOWN"],
            "effective": ["CAP_CHOWN"],
            "permitted": ["CAP_CHOWN", "CAP_SYS_TIME"],
            "inheritable": [],
        });
        let (compact, pretty) = (description().to_string(), serde_json::to_string_pretty(&description()).unwrap());
        for text in [compact, pretty] {
            let after: Value = serde_json::from_str(&rewritten(&text, BOUNDED, argument)).unwrap();
            assert_eq!(after, expected, "of {text}");
        }
    }

    #[test]
    fn a_full_bounding_set_changes_nothing() {
        let text = description().to_string();
        assert_eq!(rewritten(&text, "000001ffffffffff", "--bundle"), text);
    }
}
