//! Where a performer finds a file: a path that every runtime can provide.

use std::path::Path;

/// Folders that containers have of their own.
const OF_THE_SYSTEM: [&str; 4] = ["/proc", "/sys", "/dev", "/tmp"];
/// Files that engines and clusters write into every container.
const WRITTEN: [&str; 3] = ["/etc/hosts", "/etc/hostname", "/etc/resolv.conf"];
/// The greatest length of a path, in bytes.
const LONGEST: usize = 255;

/// Why a performer cannot be given a file at this path, and the remedy.
pub(super) fn refused(path: &str) -> Option<(String, &'static str)> {
    let told = |message: &str, remedy| Some((format!("`{}` {message}", path.escape_default()), remedy));
    let Some(inside) = path.strip_prefix('/') else {
        return told("is no absolute path", "write the path as the performer has it, from `/` on");
    };
    if inside.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return told("is not the plain path of a file", "leave out `.`, `..`, repeated slashes and one at the end");
    }
    if path.contains(|letter: char| letter == ':' || letter.is_control()) {
        return told("has a character that paths of mounts cannot have", "leave out `:` and control characters");
    }
    if path.len() > LONGEST {
        return told("is longer than 255 bytes", "choose a shorter path");
    }
    if OF_THE_SYSTEM.iter().any(|folder| Path::new(path).starts_with(folder)) || WRITTEN.contains(&path) {
        return told(
            "is a place that containers fill themselves",
            "choose a path outside of /proc, /sys, /dev and /tmp, such as /etc/avs/config.json",
        );
    }
    if !inside.contains('/') {
        return told("is in no folder but `/`", "put the file into a folder, such as /config/config.json");
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("/etc/avs/config.json", None)]
    #[case("/etc/config.json", None)]
    #[case("/home/avs/.config/a b", None)]
    #[case("/temporary/..a", None)]
    #[case("/devices/a", None)]
    #[case("etc/avs", Some("no absolute path"))]
    #[case("", Some("no absolute path"))]
    #[case("./a/b", Some("no absolute path"))]
    #[case("/etc/../a", Some("not the plain path"))]
    #[case("/etc/./a", Some("not the plain path"))]
    #[case("/etc//a", Some("not the plain path"))]
    #[case("/etc/avs/", Some("not the plain path"))]
    #[case("/", Some("not the plain path"))]
    #[case("/etc/a:b", Some("a character"))]
    #[case("/etc/a\nb", Some("a character"))]
    #[case(&format!("/etc/{}", "a".repeat(251)), Some("longer than 255"))]
    #[case("/proc/1/a", Some("containers fill"))]
    #[case("/sys/a", Some("containers fill"))]
    #[case("/dev/a", Some("containers fill"))]
    #[case("/tmp/a", Some("containers fill"))]
    #[case("/etc/hosts", Some("containers fill"))]
    #[case("/config.json", Some("in no folder"))]
    fn only_paths_that_every_runtime_can_provide_are_accepted(#[case] path: &str, #[case] expected: Option<&str>) {
        let refused = refused(path);
        match expected {
            Some(expected) => assert!(refused.as_ref().is_some_and(|(why, _)| why.contains(expected)), "{refused:?}"),
            None => assert_eq!(refused, None),
        }
    }
}
