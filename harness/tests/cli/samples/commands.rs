//! Command lines of the harness in documents: they parse, and use only names that help shows.

use clap::{Command, CommandFactory as _, Parser as _, error::ErrorKind};
use hourglass_harness::cli::Cli;

use super::markdown::{Document, Part};

/// Errors that are allowed in sentences: a sentence may name a command without its arguments; a sample may not.
const INCOMPLETE: [ErrorKind; 3] = [
    ErrorKind::MissingRequiredArgument,
    ErrorKind::MissingSubcommand,
    ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand,
];
/// The words that end a command in a shell.
const SEPARATORS: [&str; 6] = ["|", "||", "&&", ";", "do", "done"];

#[test]
fn command_lines_of_samples_parse() {
    let documents = Document::all();
    let blocks = documents.iter().flat_map(|document| document.blocks_of("console"));
    // `cargo build --bin harness` names the harness and does not call it.
    let lines: Vec<_> = blocks.flat_map(commands_in).filter(|(_, words)| words.len() > 1).collect();
    assert!(lines.len() > 30, "the documents are not read: {lines:?}");
    let wrong: Vec<_> = lines.iter().filter_map(|(place, words)| Some((place, words, problem(words, &[])?))).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn command_lines_in_sentences_parse() {
    let documents = Document::all();
    let spans = documents.iter().flat_map(|document| &document.spans);
    // `harness = false` is a line of a manifest.
    let lines = spans.flat_map(commands_in).filter(|(_, words)| words.len() > 1 && words[1] != "=");
    let lines: Vec<_> = lines.collect();
    assert!(lines.len() > 30, "the documents are not read: {lines:?}");
    let wrong = lines.iter().filter_map(|(place, words)| Some((place, words, problem(words, &INCOMPLETE)?)));
    let wrong: Vec<_> = wrong.collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The command lines of the harness in a text, each with its place.
fn commands_in(part: &Part) -> Vec<(String, Vec<String>)> {
    let mut found = Vec::new();
    for line in part.text.lines() {
        let words: Vec<_> = shlex::Shlex::new(line).collect();
        let mut rest = words.as_slice();
        while let Some((first, after)) = rest.split_first() {
            rest = match (first.rsplit('/').next(), after) {
                (Some("harness"), after) => after,
                (Some("cargo"), [run, dashes, after @ ..]) if run == "run" && dashes == "--" => after,
                _ => {
                    rest = after;
                    continue;
                }
            };
            let mut command = vec!["harness".to_owned()];
            while let Some((word, after)) = rest.split_first() {
                if SEPARATORS.contains(&word.as_str()) || word.contains('>') {
                    break;
                }
                rest = after;
                command.push(word.trim_end_matches(';').to_owned());
                if word.ends_with(';') {
                    break;
                }
            }
            found.push((part.place.clone(), command));
        }
    }
    found
}

/// The problem of a command line, except for errors of these kinds.
fn problem(words: &[String], allowed: &[ErrorKind]) -> Option<String> {
    match Cli::try_parse_from(words) {
        Err(error) if !allowed.contains(&error.kind()) && !is_placeholder(&error) => Some(error.to_string()),
        _ => unshown(words),
    }
}

/// Whether the refused value is a placeholder, such as NAME.
fn is_placeholder(error: &clap::Error) -> bool {
    let value = error.get(clap::error::ContextKind::InvalidValue).map(ToString::to_string).unwrap_or_default();
    matches!(error.kind(), ErrorKind::InvalidValue | ErrorKind::ValueValidation)
        && !value.is_empty()
        && value.chars().all(char::is_uppercase)
}

/// The first name of a command or an option that help does not show: hidden, or an alias.
fn unshown(words: &[String]) -> Option<String> {
    let mut command = Cli::command();
    command.build();
    let mut command: &Command = &command;
    for word in &words[1..] {
        if let Some(option) = word.strip_prefix("--") {
            let name = option.split('=').next().unwrap_or_default();
            let shown = command.get_arguments().any(|known| known.get_long() == Some(name) && !known.is_hide_set());
            if !shown {
                return Some(format!("--{name} is not shown by help"));
            }
        } else if let Some(subcommand) = command.find_subcommand(word) {
            if subcommand.is_hide_set() || subcommand.get_name() != word {
                return Some(format!("the command {word:?} is not shown by help"));
            }
            command = subcommand;
        }
    }
    None
}

/// A test of the check itself.
#[rstest::rstest]
#[case::option("harness run --tags smoke", "unexpected argument '--tags'")]
#[case::value("harness scenario list --format jsn", "invalid value 'jsn'")]
#[case::old_name("harness ps", "the command \"ps\" is not shown")]
#[case::no_command("harness scenarios", "unrecognized subcommand 'scenarios'")]
#[case::after_others("time target/release/harness down one; harness lint --shrt", "unexpected argument '--shrt'")]
fn wrong_command_lines_are_found(#[case] line: &str, #[case] expected: &str) {
    let part = Part { place: "README.md:1".to_owned(), text: format!("$ {line} # a comment") };
    let problems: Vec<_> = commands_in(&part).iter().filter_map(|(_, words)| problem(words, &[])).collect();
    assert!(problems.iter().any(|problem| problem.contains(expected)), "{problems:?}");
}
