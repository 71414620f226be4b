//! `harness gc`: ends runs that were kept, have expired or have no owner any more, and removes their folders and the
//! clusters that nobody needs.

use std::{collections::BTreeSet, error::Error, io, path::PathBuf, time::Duration};

use bytesize::ByteSize;
use hourglass_base::cache::{Dropped, cache_folder, keep_within};
use hourglass_cluster::{
    self as cluster, Cleaned, Cluster, ClusterError, ClusterFolders, ClusterName, Existing, Namespaces, Removal,
    RemovedNamespace, Stage, kind::Kind, namespaces_of_runs, operator, sweep_namespaces,
};
use hourglass_component::causes::with_causes;
use hourglass_engine::{Engine, EngineAddress, EngineError};
use hourglass_image::{self as image, ImageError};
use hourglass_reaper::{ClusterAddress, FoundRun, Inventory, RunId, RunState, SweepTargets, rounded, sweep, sweep_all};
use hourglass_runner::RunFolders;
use jiff::Timestamp;

use super::{CliError, Output, notice, run_cluster::ExistingArgs, single_threaded};

/// Ends environments that `harness run --keep` left running, devnets that are past their time, and whatever has no owner any more (processes, containers,
/// networks, volumes), removes the folders of failed trials, and the clusters that nobody has used for as long as they
/// were to stay or that never became usable. Keeps the cache within its bound
#[derive(Debug, Clone, clap::Args)]
pub struct GcArgs {
    /// Only these runs; default: all that nobody is at
    #[arg(value_name = "RUN", conflicts_with = "existing-cluster")]
    pub runs: Vec<RunId>,
    /// Say what would be ended, and end nothing
    #[arg(long)]
    pub dry_run: bool,
    /// How much the harness's cache may hold, as 5GB or 500MiB; what was not used for longest goes first, and what somebody
    /// uses or has used within the hour stays
    #[arg(long, value_name = "SIZE", env = "HARNESS_CACHE_LIMIT", default_value = "5GB")]
    pub cache_limit: ByteSize,
    /// Instead of what is on this machine: what nobody needs any more in a cluster that others made
    #[command(flatten)]
    pub existing: ExistingArgs,
}

/// How long a process may take to end in order.
const GRACE: Duration = Duration::from_secs(5);
/// How long the namespace of a trial may take to be removed.
const NAMESPACE_WITHIN: Duration = Duration::from_mins(1);

/// Ends runs, removes their folders, and writes to `out` what it did and why.
pub fn run(args: &GcArgs, out: &mut impl Output) -> Result<(), CliError> {
    if args.existing.any() {
        return single_threaded()?.block_on(remove_from(&args.existing, args.dry_run, out));
    }
    let wanted: BTreeSet<_> = args.runs.iter().collect();
    let address = EngineAddress::locate();
    let folders = RunFolders::locate();
    folders.check()?;
    let Inventory { runs, engine } = Inventory::take(folders.runs(), &address)?;
    // If there has never been an engine, nothing is missed.
    if let Some(error) = engine.as_ref().err().filter(|error| !matches!(error, EngineError::NotThere { .. })) {
        complain("what is in a Docker engine is left alone", error);
    }
    if let Some(run) = wanted.iter().find(|run| !runs.iter().any(|found| found.run == ***run)) {
        return Err(unknown(run));
    }
    let engine = engine.is_ok().then_some(address);
    let images = engine.clone().filter(|_| wanted.is_empty());
    let now = Timestamp::now();
    for found in runs {
        let named = wanted.contains(&found.run);
        if found.state == RunState::Running && (named || (wanted.is_empty() && found.here)) {
            writeln!(out, "{}: under way, left alone: {}", found.run, found.why)?;
        } else if named || (wanted.is_empty() && found.is_orphaned(now)) {
            end(&found, args.dry_run, engine.clone(), out)?;
            if named && !args.dry_run {
                end_in_clusters(&found.run, out)?;
            }
        } else if wanted.is_empty() && found.here && found.devnet {
            writeln!(out, "{run}: a devnet that was kept, left alone: `harness down {run}` ends it", run = found.run)?;
        }
    }
    if wanted.is_empty() {
        shrink_cache(args, out)?;
    }
    let Some(engine) = images else { return Ok(()) };
    single_threaded()?.block_on(async {
        let engine = Engine::connect_to(engine).await.map_err(ImageError::from)?;
        remove_images(&engine, args.dry_run, out).await?;
        remove_clusters(&engine, args.dry_run, out).await?;
        remove_namespaces(&engine, args.dry_run, out).await
    })
}

fn shrink_cache(args: &GcArgs, out: &mut impl Output) -> Result<(), CliError> {
    let (cache, limit) = (cache_folder().map_err(|error| CliError::Environment(Box::new(error)))?, args.cache_limit);
    let bound = keep_within(&cache, limit.as_u64(), args.dry_run);
    let bound = bound.map_err(|source| CliError::File { doing: "remove", path: cache.clone(), source })?;
    let now = Timestamp::now();
    for Dropped { path, size, used } in &bound.dropped {
        let used = Timestamp::try_from(*used).map_or_else(|_| "long".to_owned(), |used| rounded(used, now));
        let (path, size) = (path.display(), ByteSize(*size));
        writeln!(out, "cache {path}: {size}, used {used} ago, and the cache is to hold {limit}")?;
    }
    if bound.size > limit.as_u64() {
        let held = ByteSize(bound.size);
        notice(&format!("the cache holds {held}, more than {limit}: what is in use, and what clusters need, stays"));
    }
    Ok(())
}

/// Removes the namespaces of a named run; those of others are removed if nobody needs them.
pub(super) fn end_in_clusters(run: &RunId, out: &mut impl Output) -> Result<(), CliError> {
    let folders = ClusterFolders::locate()?;
    for name in folders.names()? {
        let folder = folders.folder_of(&name);
        if !matches!(folder.state(), Ok(Some(state)) if state.stage == Stage::Usable) {
            continue;
        }
        // The name of kind's context.
        let context = format!("kind-{}", name.in_kind());
        let namespaces = Namespaces::at(ClusterAddress { kubeconfig: folder.kubeconfig(), context, namespace: None });
        match sweep(run, &[&namespaces]) {
            Ok(swept) => {
                for leftover in swept.leftovers {
                    writeln!(out, "{run}: removing {leftover} of cluster {name}")?;
                }
            }
            Err(error) => complain(&format!("cluster {name} is left alone"), &error),
        }
    }
    Ok(())
}

/// Removes what killed trials left in clusters that stay.
async fn remove_namespaces(engine: &Engine, dry_run: bool, out: &mut impl Output) -> Result<(), CliError> {
    let folders = ClusterFolders::locate()?;
    for name in folders.names()? {
        let state = folders.folder_of(&name).state();
        if !matches!(state, Ok(Some(state)) if state.stage == Stage::Usable) {
            continue;
        }
        match namespaces_of(engine, &folders, &name, dry_run).await {
            Ok(found) => {
                for (namespace, why) in found {
                    writeln!(out, "cluster {name}: namespace {namespace}: {why}")?;
                }
            }
            // A cluster that does not answer is healed or replaced by the next process that needs it.
            Err(error) => complain(&format!("the namespaces of cluster {name} are left alone"), &error),
        }
    }
    Ok(())
}

async fn namespaces_of(
    engine: &Engine,
    folders: &ClusterFolders,
    name: &ClusterName,
    dry_run: bool,
) -> Result<Vec<(String, String)>, ClusterError> {
    orphaned(&Kind::new(engine.clone(), folders, name.clone()).connect().await?, dry_run).await
}

/// Removes what killed trials left in an existing cluster, and the operator if nobody uses it any more.
async fn remove_from(existing: &ExistingArgs, dry_run: bool, out: &mut impl Output) -> Result<(), CliError> {
    let ExistingArgs { kubeconfig, context } = existing.clone();
    let cluster = Existing::new(kubeconfig, context).connect(&|_| {}).await?;
    for (namespace, why) in orphaned(&cluster, dry_run).await? {
        writeln!(out, "cluster {}: namespace {namespace}: {why}", cluster.name)?;
    }
    if !dry_run && operator::remove_unused(&cluster).await? {
        writeln!(out, "cluster {}: namespace {}: nobody uses its operator", cluster.name, operator::NAMESPACE)?;
    }
    Ok(())
}

/// The namespaces that nobody needs any more, and why; they are removed unless this is a rehearsal.
async fn orphaned(cluster: &Cluster, dry_run: bool) -> Result<Vec<(String, String)>, ClusterError> {
    if dry_run {
        let found = namespaces_of_runs(cluster).await?.into_iter();
        return Ok(found.filter_map(|found| Some((found.name, found.orphaned?))).collect());
    }
    let swept = sweep_namespaces(cluster, NAMESPACE_WITHIN).await?.into_iter();
    let told = swept.map(|RemovedNamespace { found, removed }| {
        let why = found.orphaned.unwrap_or_default();
        let why = removed.map_or_else(|error| format!("{why}; {}", with_causes(&error)), |()| why.clone());
        (found.name, why)
    });
    Ok(told.collect())
}

async fn remove_clusters(engine: &Engine, dry_run: bool, out: &mut impl Output) -> Result<(), CliError> {
    for Cleaned { name, why, removal } in cluster::clean(engine, &ClusterFolders::locate()?, dry_run).await? {
        match removal {
            Removal::Done => writeln!(out, "cluster {name}: {why}")?,
            Removal::LeftAlone(by) => writeln!(out, "cluster {name}: {by}, left alone: {why}")?,
        }
    }
    Ok(())
}

/// Every build of the harness has an image of its own, and nobody needs the old ones.
async fn remove_images(engine: &Engine, dry_run: bool, out: &mut impl Output) -> Result<(), CliError> {
    let superseded = image::superseded(engine).await?;
    if !dry_run {
        image::remove(engine, &superseded).await?;
    }
    for name in superseded {
        writeln!(out, "image {name}: the executable that it was made of has changed since")?;
    }
    Ok(())
}

pub(super) fn end(
    found: &FoundRun,
    dry_run: bool,
    engine: Option<EngineAddress>,
    out: &mut impl Output,
) -> Result<(), CliError> {
    let FoundRun { run, why, .. } = found;
    let things = found.things();
    let removing = if dry_run { "would remove" } else { "removing" };
    for thing in &things {
        writeln!(out, "{run}: {removing} {thing}: {why}")?;
    }
    // Folders below the folder of runs of other users belong to them.
    let folder = found.folder.as_ref().filter(|_| found.here);
    if let Some(folder) = folder {
        let nothing_runs = if things.is_empty() { "nothing runs, " } else { "" };
        writeln!(out, "{run}: {nothing_runs}{removing} folder {}: {why}", folder.display())?;
    }
    if dry_run {
        return Ok(());
    }
    sweep_all(run, GRACE, SweepTargets { engine, cluster: None })?;
    let Some(folder) = folder else { return Ok(()) };
    match std::fs::remove_dir_all(folder) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => Err(unremoved(folder.clone(), source)),
        _ => Ok(()),
    }
}

/// For a named run of which nothing remains.
pub(super) fn unknown(run: &RunId) -> CliError {
    CliError::Usage(format!(
        "there is nothing of run {run}; `harness gc --dry-run` lists what would be ended, and `harness runs list` all runs"
    ))
}

pub(super) fn unremoved(path: PathBuf, source: io::Error) -> CliError {
    CliError::File { doing: "remove", path, source }
}

fn complain(what: &str, error: &(dyn Error + 'static)) {
    notice(&format!("{what}: {}", with_causes(error)));
}
