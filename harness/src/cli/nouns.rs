//! Commands about clusters, runs and scenarios, told apart by nouns. The commands themselves are in files of their own.

use clap::Subcommand;

use super::{down, gc, lint, list, logs, ls, plan, ps, schema, up};

/// Clusters that the harness makes: up, down, list, logs
#[derive(Debug, Subcommand)]
pub(super) enum ClusterCommand {
    /// Makes a cluster that stays, or says that it is there
    Up(up::UpArgs),
    /// Removes clusters
    Down(down::DownArgs),
    /// Lists the clusters of this machine
    List(ls::LsArgs),
    /// Says what is broken in a cluster, with all evidence of it
    Logs(logs::LogsArgs),
}

/// Runs of which something is there: list, gc
#[derive(Debug, Subcommand)]
pub(super) enum RunsCommand {
    /// Lists what runs, what was kept, and what has no owner any more
    List(ps::PsArgs),
    /// Ends and removes what nobody is at
    Gc(gc::GcArgs),
}

/// Scenario files and the trials that they make: list, lint, plan, schema
#[derive(Debug, Subcommand)]
pub(super) enum ScenarioCommand {
    /// Lists trials
    List(list::ListArgs),
    /// Checks scenario files and shows all problems of all of them
    Lint(lint::LintArgs),
    /// Shows what would happen
    Plan(plan::PlanArgs),
    /// Writes the JSON Schema of scenario files
    Schema(schema::SchemaArgs),
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory as _, Parser as _};

    use crate::cli::Cli;

    /// Scripts of the version before go on working; help shows the new names alone.
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
    fn a_command_is_found_under_its_noun_and_its_name_before(#[case] before: &[&str], #[case] now: &[&str]) {
        for words in [before, now] {
            Cli::try_parse_from([&["harness"], words].concat()).unwrap();
        }
        let help = Cli::command().render_help().to_string();
        let shown = |name: &str| help.lines().any(|line| line.split_whitespace().next() == Some(name));
        assert!(shown(now[0]), "{help}");
        let stays = ["lint", "gc", "up", "down"].contains(&before[0]);
        assert_eq!(shown(before[0]), stays, "{help}");
    }

    #[test]
    fn json_is_asked_for_once() {
        Cli::try_parse_from(["harness", "cluster", "list", "--json", "--format", "text"]).unwrap_err();
    }
}
