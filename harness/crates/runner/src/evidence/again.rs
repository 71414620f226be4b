//! The command that runs a trial again.

use std::path::Path;

use hourglass_scenario::{BUILTIN, DEFAULT_DIRECTORY, WITHOUT_FAULT};

use crate::verdict::TrialReport;

/// The command that runs the reported trial again, with the options that it had: `command` runs a trial when its name is
/// appended.
pub fn again_with_options(report: &TrialReport, command: &str) -> String {
    let words = report.options.iter().fold(command.to_owned(), |words, option| words + " " + option);
    again(&report.scenario, &report.trial, &words)
}

/// The command that runs only this trial again, from the same working folder: `command` is `harness run`, with options.
pub fn again(scenario: &Path, name: &str, command: &str) -> String {
    let folder = scenario.parent().unwrap_or(Path::new(""));
    let (name, command) = match name.strip_suffix(WITHOUT_FAULT) {
        Some(name) => (name, format!("{command} --without-fault")),
        None => (name, command.to_owned()),
    };
    let trial = quoted(name);
    match folder.to_str() {
        // The default folder needs no option.
        Some(DEFAULT_DIRECTORY) | None => format!("{command} {trial}"),
        Some(_) if folder.starts_with(BUILTIN) => format!("{command} --builtin {trial}"),
        Some("") => format!("{command} --scenarios . {trial}"),
        Some(folder) => format!("{command} --scenarios {} {trial}", quoted(folder)),
    }
}

/// A text as a word of a shell command: brackets of a matrix value are a pattern to some shells.
pub fn quoted(name: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "_-:./=,".contains(letter);
    if name.chars().all(plain) { name.to_owned() } else { format!("'{}'", name.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A name is looked up in a folder: a folder other than the default must be named with it.
    #[rstest::rstest]
    #[case("scenarios/x.yaml", "harness run process::square")]
    #[case("x.yaml", "harness run --scenarios . process::square")]
    #[case("builtin:/x.yaml", "harness run --builtin process::square")]
    #[case("/my own/x.yaml", "harness run --scenarios '/my own' process::square")]
    fn the_command_selects_the_same_trial(#[case] scenario: &str, #[case] command: &str) {
        assert_eq!(again(Path::new(scenario), "process::square", "harness run"), command);
    }

    #[test]
    fn a_proof_is_repeated_as_a_proof() {
        let again = again(Path::new("scenarios/x.yaml"), "process::quorum_lost::without_fault", "harness run");
        assert_eq!(again, "harness run --without-fault process::quorum_lost");
    }
}
