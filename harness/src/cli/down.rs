//! `harness down`: ends devnets that were kept, and removes clusters that nobody uses.

use std::str::FromStr;

use hourglass_base::ExitStatus;
use hourglass_cluster::{ClusterError, ClusterFolders, ClusterName, Removal, remove};
use hourglass_engine::{Engine, EngineAddress};
use hourglass_reaper::{FoundRun, Inventory, RunId, RunState};
use hourglass_runner::RunFolders;

use super::{CliError, Output, gc};

/// Ends devnets that were kept, and removes clusters; what somebody uses is left alone, and then the exit code is 3
#[derive(Debug, Clone, clap::Args)]
pub struct DownArgs {
    /// Which: run ids of devnets or of other environments that were kept, and names of clusters; default: the only one
    /// there is
    #[arg(value_name = "RUN|NAME", conflicts_with = "all")]
    pub names: Vec<DownName>,
    /// All devnets that were kept, and all clusters that the harness made on this machine
    #[arg(long)]
    pub all: bool,
}

/// The id of a run, or the name of a cluster: most texts could be either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DownName {
    run: Option<RunId>,
    cluster: Option<ClusterName>,
}

impl FromStr for DownName {
    type Err = <ClusterName as FromStr>::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match (text.parse().ok(), text.parse()) {
            (None, Err(error)) => Err(error),
            (run, cluster) => Ok(Self { run, cluster: cluster.ok() }),
        }
    }
}

/// What is to be ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Chosen {
    runs: Vec<RunId>,
    clusters: Vec<ClusterName>,
}

/// What there is.
struct There {
    runs: Vec<FoundRun>,
    clusters: Vec<ClusterName>,
}

/// Ends and removes them, and writes the results to `out`.
pub fn run(args: &DownArgs, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let folders = RunFolders::locate();
    folders.check()?;
    let address = EngineAddress::locate();
    let Inventory { runs, engine } = Inventory::take(folders.runs(), &address)?;
    let there = There { runs, clusters: ClusterFolders::locate()?.names()? };
    let chosen = chosen(args, &there)?;
    if chosen == Chosen::default() {
        writeln!(out, "no devnet and no cluster is there")?;
        return Ok(ExitStatus::Passed);
    }
    let mut status = ExitStatus::Passed;
    for found in there.runs.iter().filter(|found| chosen.runs.contains(&found.run)) {
        if found.state == RunState::Running {
            writeln!(out, "{}: under way, left alone: {}", found.run, found.why)?;
            status = ExitStatus::Environment;
            continue;
        }
        gc::end(found, false, engine.is_ok().then(|| address.clone()), out)?;
        gc::end_in_clusters(&found.run, out)?;
    }
    if chosen.clusters.is_empty() {
        return Ok(status);
    }
    Ok(status.max(super::runtime()?.block_on(remove_clusters(&chosen.clusters, out))?))
}

async fn remove_clusters(names: &[ClusterName], out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let engine = Engine::connect().await.map_err(ClusterError::from)?;
    let folders = ClusterFolders::locate()?;
    let mut status = ExitStatus::Passed;
    for name in names {
        match remove(&engine, &folders, name).await? {
            Removal::Done => writeln!(out, "cluster {name}: removed")?,
            Removal::LeftAlone(by) => {
                writeln!(out, "cluster {name}: {by}, left alone")?;
                status = ExitStatus::Environment;
            }
        }
    }
    Ok(status)
}

fn chosen(args: &DownArgs, there: &There) -> Result<Chosen, CliError> {
    let devnets = there.runs.iter().filter(|found| found.devnet && found.here && found.state != RunState::Running);
    let all = Chosen { runs: devnets.map(|found| found.run.clone()).collect(), clusters: there.clusters.clone() };
    if args.all {
        return Ok(all);
    }
    if args.names.is_empty() {
        return match all.runs.len() + all.clusters.len() {
            0 | 1 => Ok(all),
            _ => {
                Err(CliError::Usage(format!("nothing is named to end: {}; name some, or all with --all", listed(&all))))
            }
        };
    }
    let mut chosen = Chosen::default();
    for DownName { run, cluster } in &args.names {
        match (run, cluster) {
            (_, Some(name)) if there.clusters.contains(name) => chosen.clusters.push(name.clone()),
            (Some(run), _) if there.runs.iter().any(|found| found.run == *run) => chosen.runs.push(run.clone()),
            // It has the time in it that only a run id has.
            (Some(run), _) if run.began().is_some() => return Err(gc::unknown(run)),
            (Some(run), _) => return Err(missing(run.as_str(), &all)),
            (None, Some(name)) => return Err(missing(name.as_str(), &all)),
            (None, None) => {}
        }
    }
    Ok(chosen)
}

fn missing(name: &str, there: &Chosen) -> CliError {
    CliError::Usage(format!("there is no cluster {name} to remove: {}", listed(there)))
}

fn listed(there: &Chosen) -> String {
    let runs = there.runs.iter().map(|run| format!("devnet {run}"));
    let names: Vec<_> = runs.chain(there.clusters.iter().map(|name| format!("cluster {name}"))).collect();
    if names.is_empty() { "there is none".to_owned() } else { format!("there are {}", names.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RUN: &str = "r1m8jw4p9x-fmbc2888";

    /// A cluster that was not named must not be removed.
    #[rstest::rstest]
    #[case::the_only_one(&[], false, &["a"], Some(&["a"] as &[_]))]
    #[case::none(&[], false, &[], Some(&[] as &[_]))]
    #[case::one_of_several(&[], false, &["a", "b"], None)]
    #[case::all(&[], true, &["a", "b"], Some(&["a", "b"] as &[_]))]
    #[case::named(&["b"], false, &["a", "b"], Some(&["b"] as &[_]))]
    #[case::unknown(&["c"], false, &["a", "b"], None)]
    #[case::an_unknown_run(&[RUN], false, &["a", "b"], None)]
    fn only_the_named_clusters_are_chosen(
        #[case] named: &[&str],
        #[case] all: bool,
        #[case] there: &[&str],
        #[case] expected: Option<&[&str]>,
    ) {
        let names = named.iter().map(|name| name.parse().unwrap()).collect();
        let clusters = |names: &[&str]| names.iter().map(|name| name.parse().unwrap()).collect::<Vec<ClusterName>>();
        let there = There { runs: Vec::new(), clusters: clusters(there) };
        let chosen = chosen(&DownArgs { names, all }, &there);
        assert_eq!(chosen.ok().map(|chosen| chosen.clusters), expected.map(clusters));
    }

    /// The error for a run that is gone names the commands that list runs.
    #[rstest::rstest]
    #[case::run(RUN, "there is nothing of run r1m8jw4p9x-fmbc2888")]
    #[case::cluster("mine", "there is no cluster mine to remove: there are cluster a")]
    fn an_unknown_name_is_refused(#[case] name: &str, #[case] expected: &str) {
        let there = There { runs: Vec::new(), clusters: vec!["a".parse().unwrap()] };
        let error = chosen(&DownArgs { names: vec![name.parse().unwrap()], all: false }, &there).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}
