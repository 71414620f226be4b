//! Commands in groups: about clusters, runs and scenarios. Each command is in a file of its own, which documents it.

use clap::Subcommand;

use super::{down, gc, lint, list, logs, ls, plan, ps, schema, up};

/// Clusters that the harness makes
#[derive(Debug, Subcommand)]
pub(super) enum ClusterCommand {
    Up(up::UpArgs),
    Down(down::DownArgs),
    List(ls::LsArgs),
    Logs(logs::LogsArgs),
}

/// Runs of which something is there
#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    List(ps::PsArgs),
    Gc(gc::GcArgs),
}

/// Scenario files, and the trials that they make
#[derive(Debug, Subcommand)]
pub(super) enum ScenarioCommand {
    List(list::ListArgs),
    Lint(lint::LintArgs),
    Plan(plan::PlanArgs),
    Schema(schema::ScenarioSchemaArgs),
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::cli::Cli;

    /// Scripts that use the old names keep working; help shows the new names only.
    #[rstest::rstest]
    #[case(&["list", "--format", "json"], &["scenario", "list", "--format", "json"])]
    #[case(&["plan", "square"], &["scenario", "plan", "square"])]
    #[case(&["lint", "--short"], &["scenario", "lint", "--short"])]
    #[case(&["schema", "--check", "f"], &["scenario", "schema", "--check", "f"])]
    #[case(&["ps", "--json"], &["runs", "list", "--format", "json"])]
    #[case(&["gc", "r1m8j9em6k-y1sn6nac"], &["runs", "gc", "r1m8j9em6k-y1sn6nac"])]
    #[case(&["ls", "--json"], &["cluster", "list", "--format", "json"])]
    #[case(&["logs", "mine"], &["cluster", "logs", "mine"])]
    #[case(&["up", "--name", "mine"], &["cluster", "up", "--name", "mine"])]
    #[case(&["down", "mine"], &["cluster", "down", "mine"])]
    fn old_names_of_commands_are_hidden_aliases(#[case] old: &[&str], #[case] new: &[&str]) {
        for words in [old, new] {
            Cli::try_parse_from([&["harness"], words].concat()).unwrap();
        }
        let help = Cli::command().render_help().to_string();
        let shown = |name: &str| help.lines().any(|line| line.split_whitespace().next() == Some(name));
        assert!(shown(new[0]), "{help}");
        let stays = ["lint", "gc", "up", "down", "schema"].contains(&old[0]);
        assert_eq!(shown(old[0]), stays, "{help}");
    }

    #[test]
    fn json_and_format_exclude_each_other() {
        Cli::try_parse_from(["harness", "cluster", "list", "--json", "--format", "text"]).unwrap_err();
    }

    /// The help of a command names the keys of its JSON.
    #[rstest::rstest]
    #[case(&["cluster", "list"], "`fingerprint`")]
    #[case(&["doctor"], "`needed_by`")]
    #[case(&["runs", "list"], "`owner_alive`")]
    #[case(&["scenario", "list"], "`runtimes_because`")]
    #[case(&["scenario", "plan"], "`scenario`")]
    fn help_names_the_keys_of_json(#[case] command: &[&str], #[case] key: &str) {
        let words = [&["harness"], command, &["--help"]].concat();
        let help = Cli::try_parse_from(words).unwrap_err().to_string();
        assert!(help.contains(key), "{help}");
    }
}
