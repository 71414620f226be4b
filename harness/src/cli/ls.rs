//! `harness cluster list`: the clusters of this machine.

use std::{collections::BTreeSet, fmt::Write as _};

use hourglass_base::Version;
use hourglass_cluster::{ClusterFolders, Condition, FoundCluster, look};
use hourglass_component::causes::with_causes;
use hourglass_engine::Engine;
use hourglass_reaper::rounded;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{CliError, Output, format::FormatArgs, list::json, up::counted};

/// Lists the clusters that the harness made on this machine: what they are, how they are, and who uses them
///
/// JSON has `version`; `clusters`, each with `name`, `condition` (creating, idle, in-use, broken), `why`, `kubernetes`, `spec`,
/// `fingerprint`, `created`, `used`, `expires`, `holders` and `kubeconfig`; and `engine_error`. `harness schema cluster-list` describes it.
#[derive(Debug, Clone, clap::Args)]
pub struct LsArgs {
    /// How to write them
    #[command(flatten)]
    pub format: FormatArgs,
}

/// The clusters of this machine.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "List of clusters")]
pub(super) struct ClusterList<'a> {
    version: Version<1>,
    /// Those that the harness made on this machine, by name.
    clusters: &'a [FoundCluster],
    /// Why none of them can be used; null where the engine answers.
    engine_error: Option<String>,
}

/// Writes the clusters to `out`.
pub async fn run(args: &LsArgs, out: &mut impl Output) -> Result<(), CliError> {
    let engine = Engine::connect().await;
    let clusters = look(engine.as_ref(), &ClusterFolders::locate()?).await?;
    if args.format.is_json() {
        let engine_error = engine.err().map(|error| with_causes(&error));
        return json(&ClusterList { version: Version, clusters: &clusters, engine_error }, out);
    }
    if clusters.is_empty() {
        writeln!(out, "no cluster is there; `harness up` makes one")?;
        return Ok(());
    }
    Ok(write!(out, "{}", table(&clusters, Timestamp::now()))?)
}

/// One line for each cluster, below a heading.
fn table(clusters: &[FoundCluster], now: Timestamp) -> String {
    let heading = ["NAME", "KUBERNETES", "NODES", "FINGERPRINT", "AGE", "STATE"].map(str::to_owned);
    let rows: Vec<_> = [heading].into_iter().chain(clusters.iter().map(|found| row(found, now))).collect();
    let mut text = String::new();
    for row in &rows {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            let width = rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
            // Writing to a string does not fail.
            let _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(found: &FoundCluster, now: Timestamp) -> [String; 6] {
    let unknown = || "-".to_owned();
    [
        found.name.to_string(),
        found.kubernetes.clone().unwrap_or_else(unknown),
        found.spec.as_ref().map_or_else(unknown, |spec| (u32::from(spec.workers) + 1).to_string()),
        found.fingerprint.as_ref().map_or_else(unknown, ToString::to_string),
        found.created.map_or_else(unknown, |created| rounded(created, now)),
        state(found, now),
    ]
}

fn state(found: &FoundCluster, now: Timestamp) -> String {
    let why = found.why.as_deref().unwrap_or_default();
    match found.condition {
        Condition::Creating => found.maker.map_or("creating".to_owned(), |pid| format!("creating by process {pid}")),
        Condition::InUse => format!("in use by {}", counted_processes(found)),
        Condition::Broken if found.holders.is_empty() => format!("broken: {why}"),
        Condition::Broken => format!("broken, in use by {}: {why}", counted_processes(found)),
        Condition::Idle => {
            let since = found.used.map(|used| format!(" for {}", rounded(used, now))).unwrap_or_default();
            let expires = match found.expires {
                Some(expires) if expires > now => format!(", expires in {}", rounded(now, expires)),
                Some(_) => ", expired".to_owned(),
                None => String::new(),
            };
            format!("idle{since}{expires}")
        }
    }
}

/// `1 process (12)`, `2 processes (12, 13)`
fn counted_processes(found: &FoundCluster) -> String {
    // A process may hold it several times, once for each trial.
    let pids: BTreeSet<_> = found.holders.iter().map(|holder| holder.owner.pid).collect();
    let pids: Vec<_> = pids.iter().map(ToString::to_string).collect();
    let what = if pids.len() == 1 { "process" } else { "processe" };
    format!("{} ({})", counted(pids.len(), what), pids.join(", "))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hourglass_cluster::{ClusterSpec, Holder};
    use hourglass_reaper::Owner;

    use super::*;

    #[test]
    fn a_line_tells_what_a_cluster_is_and_how_it_is() {
        let now = Timestamp::UNIX_EPOCH + Duration::from_hours(100);
        let ago = |hours| Some(now - Duration::from_hours(hours));
        let spec = ClusterSpec { workers: 2, ..ClusterSpec::default() };
        let idle = FoundCluster {
            name: "r0m5s2v7q-abcdefgh".parse().unwrap(),
            condition: Condition::Idle,
            why: None,
            kubernetes: Some("v1.34.4".to_owned()),
            fingerprint: Some(spec.fingerprint("sha256:1")),
            spec: Some(spec),
            maker: None,
            created: ago(30),
            used: ago(2),
            expires: Some(now + Duration::from_hours(22)),
            holders: Vec::new(),
            kubeconfig: "/kubeconfig".into(),
        };
        let holder = |pid| Holder { owner: Owner { pid, started: 1, boot: String::new() }, run: None, since: now };
        let in_use = FoundCluster {
            name: "dev".parse().unwrap(),
            condition: Condition::InUse,
            holders: vec![holder(8), holder(7), holder(8)],
            ..idle.clone()
        };
        let broken = FoundCluster {
            condition: Condition::Broken,
            why: Some("node a-worker does not run".to_owned()),
            kubernetes: None,
            holders: vec![holder(7)],
            ..idle.clone()
        };
        let creating = FoundCluster { condition: Condition::Creating, maker: Some(9), ..broken.clone() };
        insta::assert_snapshot!(table(&[idle, in_use, broken, creating], now));
    }
}
