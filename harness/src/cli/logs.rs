//! `harness cluster logs`: collects the evidence of a cluster.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
};

use hourglass_cluster::{
    Cluster, ClusterFolder, ClusterFolders, ClusterName,
    diagnostics::{self, Limits, Sources},
    kind::Kind,
};
use hourglass_component::causes::with_causes;
use hourglass_engine::Engine;

use super::{CliError, Output, notice};

/// Collects what a cluster has to say: logs of its nodes and pods, events, and objects without secrets
///
/// Says what is broken, and where everything else is. Takes ten seconds at most, whatever does not answer.
#[derive(Debug, Clone, clap::Args)]
pub struct LogsArgs {
    /// The cluster's name
    #[arg(value_name = "CLUSTER")]
    pub cluster: ClusterName,
    /// Only this namespace, and the control plane's; may be repeated; default: all
    #[arg(long = "namespace", short, value_name = "NAMESPACE")]
    pub namespaces: Vec<String>,
    /// Write into this folder, which must be empty or not there yet; default: a new one for temporary files
    #[arg(long, short, value_name = "DIR")]
    pub output: Option<PathBuf>,
}

/// Collects, and writes the summary to `out`.
pub async fn run(args: &LogsArgs, out: &mut impl Output) -> Result<(), CliError> {
    let folders = ClusterFolders::locate()?;
    let folder = folders.folder_of(&args.cluster);
    if folder.state()?.is_none() {
        return Err(unknown(&args.cluster, &folders.names()?));
    }
    let into = match &args.output {
        Some(path) => empty(path)?,
        None => temporary(&args.cluster)?,
    };
    let sources = sources(&args.cluster, &folders, &folder).await;
    let summary = diagnostics::collect(sources, &args.namespaces, &into, &Limits::default()).await?;
    Ok(write!(out, "{summary}")?)
}

/// The sources of the cluster that answer; the others are reported, and do not stop the collection.
async fn sources(name: &ClusterName, folders: &ClusterFolders, folder: &ClusterFolder) -> Sources {
    let engine = Engine::connect().await.map_err(|error| complain(&error)).ok();
    let machine = engine.map(|engine| Kind::new(engine, folders, name.clone()).machine());
    match Cluster::connect(name.as_str(), folder.kubeconfig(), None, machine.clone()).await {
        Ok(cluster) => Sources::from(&cluster),
        Err(error) => {
            complain(&error);
            Sources { cluster: name.to_string(), client: None, machine }
        }
    }
}

fn complain(error: &dyn std::error::Error) {
    notice(&with_causes(error));
}

pub(super) fn unknown(name: &ClusterName, known: &[ClusterName]) -> CliError {
    let known: Vec<_> = known.iter().map(ClusterName::as_str).collect();
    let known = if known.is_empty() {
        "there is none".to_owned()
    } else {
        format!("those that there are: {}", known.join(", "))
    };
    CliError::Usage(format!("there is no cluster {name}: {known}"))
}

/// Files of an earlier collection would be taken for part of this one.
fn empty(path: &Path) -> Result<PathBuf, CliError> {
    let there = match fs::read_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        entries => entries.map_err(|source| unusable("list", path, source))?.next().is_some(),
    };
    if there {
        return Err(not_empty(path));
    }
    std::path::absolute(path).map_err(|source| unusable("make absolute", path, source))
}

pub(super) fn not_empty(path: &Path) -> CliError {
    CliError::Usage(format!("folder {} is not empty; name another one to write into", path.display()))
}

fn temporary(name: &ClusterName) -> Result<PathBuf, CliError> {
    let folder = tempfile::Builder::new().prefix(&format!("harness-logs-{name}-")).tempdir();
    folder.map(tempfile::TempDir::keep).map_err(|source| unusable("make a folder in", &env::temp_dir(), source))
}

fn unusable(doing: &'static str, path: &Path, source: io::Error) -> CliError {
    CliError::File { doing, path: path.to_owned(), source }
}
