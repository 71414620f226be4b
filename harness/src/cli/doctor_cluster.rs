//! `harness doctor --cluster`: finds the hop of a cluster that does not work.

use std::{env, path::PathBuf};

use hourglass_base::{Check, ExitStatus, Verdict, Version};
use hourglass_cluster::{
    Cluster, ClusterError, ClusterFolders, ClusterName, Existing,
    kind::Kind,
    probe::{ProbeImage, probe},
};
use hourglass_component::shutdown;
use hourglass_engine::Engine;
use hourglass_report::takes_colour;
use schemars::JsonSchema;
use serde::Serialize;

use super::{CliError, Output, doctor::rows, list::json as write_json};

/// Which cluster is looked at, instead of the machine.
#[derive(Debug, Clone, Default, clap::Args)]
#[group(id = "looked-at-cluster", multiple = true)]
pub struct ClusterArgs {
    /// Look at a cluster of ours instead: every hop is tried from a namespace of its own, which is gone afterwards
    #[arg(long, value_name = "NAME", conflicts_with_all = ["kubeconfig", "context"])]
    pub cluster: Option<ClusterName>,
    /// Look at a cluster that others made: that of this kubeconfig; default: KUBECONFIG, then the user's
    #[arg(long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Its context; default: the current one
    #[arg(long, value_name = "CONTEXT")]
    pub context: Option<String>,
    /// The image of the pods that try connections, which holds the harness; default: one made of this executable, which
    /// nodes of ours are given
    #[arg(long, value_name = "IMAGE", requires = "looked-at-cluster")]
    pub probe_image: Option<String>,
}

impl ClusterArgs {
    /// Whether a cluster is to be checked.
    pub fn any(&self) -> bool {
        self.cluster.is_some() || self.kubeconfig.is_some() || self.context.is_some()
    }

    async fn connect(&self) -> Result<Cluster, ClusterError> {
        let Some(name) = &self.cluster else {
            let existing = Existing::new(self.kubeconfig.clone(), self.context.clone());
            return existing.connect(&|_| {}).await;
        };
        let folders = ClusterFolders::locate()?;
        if folders.folder_of(name).state()?.is_none() {
            let known = folders.names()?.iter().map(ToString::to_string).collect();
            return Err(ClusterError::Unknown { name: name.to_string(), known });
        }
        Kind::new(Engine::connect().await?, &folders, name.clone()).connect().await
    }

    fn image(&self) -> Result<ProbeImage, CliError> {
        match &self.probe_image {
            Some(name) => Ok(ProbeImage::Named(name.clone())),
            None => Ok(ProbeImage::Components(env::current_exe().map_err(CliError::Executable)?)),
        }
    }
}

/// Whether a cluster can be used, and which hop does not work.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Diagnosis of a cluster")]
pub(super) struct ClusterReport<'a> {
    version: Version<1>,
    /// The cluster's name.
    cluster: &'a str,
    /// Whether every hop that trials need works.
    usable: bool,
    /// The hops that were tried.
    checks: &'a [Check],
}

/// Writes what was found to `out`. An interruption ends the probes, and their objects are removed all the same.
pub async fn run(args: &ClusterArgs, json: bool, out: &mut impl Output) -> Result<ExitStatus, CliError> {
    let stop = shutdown::on_signal();
    let cluster = args.connect().await?;
    let checks = probe(&cluster, &args.image()?, &stop).await;
    let missing: Vec<_> =
        checks.iter().filter(|check| check.verdict == Verdict::Missing).map(|check| check.name).collect();
    if json {
        let report =
            ClusterReport { version: Version, cluster: &cluster.name, usable: missing.is_empty(), checks: &checks };
        write_json(&report, out)?;
    } else {
        let colour = takes_colour(&std::io::stdout());
        writeln!(out, "{}\n{}", rows(&checks, colour), conclusion(&cluster.name, &missing, colour))?;
    }
    Ok(match (stop.is_cancelled(), missing.is_empty()) {
        (true, _) => ExitStatus::Interrupted,
        (false, true) => ExitStatus::Passed,
        (false, false) => ExitStatus::Environment,
    })
}

fn conclusion(cluster: &str, missing: &[&str], colour: bool) -> String {
    let bold = console::Style::new().force_styling(colour).bold();
    if missing.is_empty() {
        format!("{} cluster {cluster}", bold.apply_to("Usable"))
    } else {
        format!("{} cluster {cluster} (missing: {})", bold.apply_to("Not usable"), missing.join(", "))
    }
}
