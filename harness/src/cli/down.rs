//! `harness down`: removes clusters that nobody uses.

use hourglass_base::ExitStatus;
use hourglass_cluster::{ClusterError, ClusterFolders, ClusterName, Removal, remove};
use hourglass_engine::Engine;

use super::{CliError, Output};

/// Removes clusters; one that somebody uses is left alone, and then the exit code is 3
#[derive(Debug, Clone, clap::Args)]
pub struct DownArgs {
    /// Which; default: the only one there is
    #[arg(value_name = "NAME", conflicts_with = "all")]
    pub names: Vec<ClusterName>,
    /// All that the harness made on this machine
    #[arg(long)]
    pub all: bool,
}

/// Removes them, and writes the results to `out`.
pub async fn run(args: &DownArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let folders = ClusterFolders::locate()?;
    let names = chosen(args, folders.names()?)?;
    if names.is_empty() {
        writeln!(out, "no cluster is there")?;
        return Ok(ExitStatus::Passed);
    }
    let engine = Engine::connect().await.map_err(ClusterError::from)?;
    let mut status = ExitStatus::Passed;
    for name in names {
        match remove(&engine, &folders, &name).await? {
            Removal::Done => writeln!(out, "cluster {name}: removed")?,
            Removal::LeftAlone(by) => {
                writeln!(out, "cluster {name}: {by}, left alone")?;
                status = ExitStatus::Environment;
            }
        }
    }
    Ok(status)
}

fn chosen(args: &DownArgs, there: Vec<ClusterName>) -> Result<Vec<ClusterName>, CliError> {
    if args.all {
        return Ok(there);
    }
    if let Some(missing) = args.names.iter().find(|name| !there.contains(name)) {
        return Err(CliError::Usage(format!("there is no cluster {missing} to remove: {}", listed(&there))));
    }
    match (args.names.as_slice(), there.as_slice()) {
        ([], [] | [_]) => Ok(there),
        ([], _) => {
            Err(CliError::Usage(format!("no cluster is named: {}; name some, or all with --all", listed(&there))))
        }
        (names, _) => Ok(names.to_vec()),
    }
}

fn listed(there: &[ClusterName]) -> String {
    let names: Vec<_> = there.iter().map(ClusterName::as_str).collect();
    if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A cluster that was not named must not be removed.
    #[rstest::rstest]
    #[case::the_only_one(&[], false, &["a"], Some(&["a"] as &[_]))]
    #[case::none(&[], false, &[], Some(&[] as &[_]))]
    #[case::one_of_several(&[], false, &["a", "b"], None)]
    #[case::all(&[], true, &["a", "b"], Some(&["a", "b"] as &[_]))]
    #[case::named(&["b"], false, &["a", "b"], Some(&["b"] as &[_]))]
    #[case::unknown(&["c"], false, &["a", "b"], None)]
    fn only_the_named_clusters_are_chosen(
        #[case] named: &[&str],
        #[case] all: bool,
        #[case] there: &[&str],
        #[case] expected: Option<&[&str]>,
    ) {
        let names = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<ClusterName>>();
        let chosen = chosen(&DownArgs { names: names(named), all }, names(there));
        assert_eq!(chosen.ok(), expected.map(names));
    }
}
