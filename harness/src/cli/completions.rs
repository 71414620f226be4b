//! `harness completions` and `harness man`: what shells and `man` know of the commands.

use std::{
    fs,
    path::{Path, PathBuf},
};

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};
use clap_mangen::{Man, generate_to};

use super::{Cli, CliError, Output, OutputError};

/// The name of the executable.
const NAME: &str = "harness";

/// Prints the completions of a shell
///
/// For bash: `harness completions bash > ~/.local/share/bash-completion/completions/harness`.
#[derive(Debug, Clone, clap::Args)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Prints the manual page, or writes that of each command to a folder
#[derive(Debug, Clone, clap::Args)]
pub struct ManArgs {
    /// The folder, which is created if it is missing, for example `~/.local/share/man/man1`
    #[arg(value_name = "DIR")]
    pub folder: Option<PathBuf>,
}

/// Writes the completions to `out`.
pub fn run(args: &CompletionsArgs, out: &mut impl Output) -> Result<(), CliError> {
    let mut script = Vec::new();
    generate(args.shell, &mut Cli::command(), NAME, &mut script);
    Ok(write!(out, "{}", String::from_utf8_lossy(&script))?)
}

/// Writes the page to `out`, or all pages to the folder.
pub fn man(args: &ManArgs, out: &mut impl Output) -> Result<(), CliError> {
    if let Some(folder) = &args.folder {
        return pages(folder).map_err(|source| CliError::File { doing: "write", path: folder.clone(), source });
    }
    let mut page = Vec::new();
    Man::new(Cli::command()).render(&mut page).map_err(OutputError)?;
    Ok(write!(out, "{}", String::from_utf8_lossy(&page))?)
}

fn pages(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    generate_to(Cli::command(), folder)
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum as _;

    use super::*;

    #[test]
    fn every_shell_completes_the_commands() {
        for shell in Shell::value_variants() {
            let mut out = Vec::new();
            run(&CompletionsArgs { shell: *shell }, &mut out).unwrap();
            let script = String::from_utf8(out).unwrap();
            for word in ["scenario", "explain", "fail-fast"] {
                assert!(script.contains(word), "{shell}: {word} is missing");
            }
            assert!(!script.contains("\\u{"), "{shell}: a character is escaped");
        }
    }

    /// Commands that only the harness itself calls have no page.
    #[test]
    fn every_command_has_a_manual_page() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("man/man1");
        let mut out = Vec::new();
        man(&ManArgs { folder: Some(folder.clone()) }, &mut out).unwrap();
        assert_eq!(out, b"");
        for name in ["harness", "harness-run", "harness-scenario-list", "harness-explain"] {
            let page = fs::read_to_string(folder.join(name).with_extension("1")).unwrap();
            assert!(page.contains(".TH ") && page.contains("SYNOPSIS"), "{name}: {page}");
        }
        assert!(!folder.join("harness-supervise.1").exists());
        man(&ManArgs { folder: None }, &mut out).unwrap();
        assert!(String::from_utf8(out).unwrap().contains(".TH harness 1"));
    }
}
