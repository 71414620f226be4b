//! `harness up`: a warm cluster, created if there is none, and how to use it.

use std::time::{Duration, Instant};

use hourglass_cluster::{
    ClusterFolders, ClusterName, ClusterSpec, Lease, LeaseRequest, LeaseSource, NODE_IMAGE, UP_IDLE,
};
use hourglass_engine::Engine;

use super::{CliError, Output, notice, values::whole};

/// Gives a warm Kubernetes cluster: one that is there, healed where that is needed, else a new one
///
/// What it writes can be evaluated by a shell: `eval "$(harness up)"`. The cluster is also lent to trials that ask for one
/// like it. When nobody has leased it for as long as --idle says, it may be removed by whatever else makes or leases a
/// cluster, and by `harness gc`; what kubectl does is not seen. `HARNESS_CLUSTER_IDLE` says the same of clusters that
/// trials make (default: 1h).
#[derive(Debug, Clone, clap::Args)]
pub struct UpArgs {
    /// The cluster of this name; default: any that is alike
    #[arg(long, value_name = "NAME")]
    pub name: Option<ClusterName>,
    /// Nodes beside the control plane
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = whole::<u8>(0..=u64::from(u8::MAX)))]
    pub workers: u8,
    /// The image that nodes are made of
    #[arg(long, value_name = "IMAGE", default_value = NODE_IMAGE)]
    pub node_image: String,
    /// How long it stays when nobody uses it; one that was to stay longer does [default: 24h]
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub idle: Option<Duration>,
}

/// Leases a cluster, ends the lease, and writes to `out` how to use the cluster.
pub async fn run(args: &UpArgs, out: &mut impl Output) -> Result<(), CliError> {
    let engine = Engine::connect().await.map_err(hourglass_cluster::ClusterError::from)?;
    let spec = ClusterSpec { node_image: args.node_image.clone(), workers: args.workers, ..ClusterSpec::default() };
    let request =
        LeaseRequest { name: args.name.clone(), idle: args.idle.unwrap_or(UP_IDLE), ..LeaseRequest::new(spec)? };
    let begin = Instant::now();
    let lease = Lease::acquire(&engine, &ClusterFolders::locate()?, &request, &notice).await?;
    let took = begin.elapsed().as_secs_f64();
    let how = match lease.source {
        LeaseSource::Warm => "warm",
        LeaseSource::Healed => "healed",
        LeaseSource::Made => "made",
    };
    let nodes = usize::from(args.workers) + 1;
    let name = &lease.name;
    writeln!(out, "# cluster {name}: {} of {}, {how} in {took:.2} s", counted(nodes, "node"), args.node_image)?;
    writeln!(out, "export KUBECONFIG={}", quoted(&lease.kubeconfig.to_string_lossy()))?;
    writeln!(out, "# `harness cluster list` says how it is, `harness down {name}` removes it")?;
    Ok(())
}

/// `1 node`, `2 nodes`
pub(super) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

/// Quoted as one word of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/._-+@:,%=".contains(letter);
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("/home/a/.cache/kubeconfig", "/home/a/.cache/kubeconfig")]
    #[case("/home/a b/kubeconfig", "'/home/a b/kubeconfig'")]
    #[case("/home/o'b/kubeconfig", r"'/home/o'\''b/kubeconfig'")]
    fn any_path_is_quoted_as_one_shell_word(#[case] path: &str, #[case] expected: &str) {
        assert_eq!(quoted(path), expected);
    }
}
