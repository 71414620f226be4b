//! Whether an output takes colours.

use std::{env, ffi::OsString, io::IsTerminal};

/// Decided by `NO_COLOR`, `CLICOLOR_FORCE` and `CLICOLOR` (<https://bixense.com/clicolors>), else by whether the stream
/// is a terminal with colours. The available libraries treat `CLICOLOR_FORCE=0` as a request for colours.
pub fn takes_colour(stream: &impl IsTerminal) -> bool {
    decide(stream.is_terminal(), |name| env::var_os(name))
}

fn decide(terminal: bool, variable: impl Fn(&str) -> Option<OsString>) -> bool {
    let value = |name| variable(name).filter(|value| !value.is_empty());
    if value("NO_COLOR").is_some() {
        return false;
    }
    if value("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    terminal && value("CLICOLOR").is_none_or(|value| value != "0") && value("TERM").is_none_or(|value| value != "dumb")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case(true, &[], true)]
    #[case(false, &[], false)]
    #[case(true, &[("NO_COLOR", "1")], false)]
    #[case(true, &[("NO_COLOR", "")], true)]
    #[case(true, &[("CLICOLOR", "0")], false)]
    #[case(false, &[("CLICOLOR", "1")], false)]
    #[case(false, &[("CLICOLOR_FORCE", "1")], true)]
    #[case(false, &[("CLICOLOR_FORCE", "0")], false)]
    #[case(false, &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false)]
    #[case(false, &[("CLICOLOR_FORCE", "1"), ("CLICOLOR", "0")], true)]
    #[case(false, &[("CLICOLOR_FORCE", "1"), ("TERM", "dumb")], true)]
    #[case(true, &[("TERM", "dumb")], false)]
    #[case(true, &[("TERM", "xterm-256color")], true)]
    fn user_settings_win_over_the_terminal(
        #[case] terminal: bool,
        #[case] variables: &[(&str, &str)],
        #[case] colours: bool,
    ) {
        let variable = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        assert_eq!(decide(terminal, variable), colours);
    }
}
