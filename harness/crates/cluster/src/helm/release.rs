//! A chart, installed under a name.

use std::{
    fmt,
    path::PathBuf,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hourglass_base::age;
use jiff::Timestamp;
use serde_json::Value;
use tokio::time::timeout;

use super::{
    Helm, HelmError, ReleaseStatus,
    command::{Question, argument},
    record::{forget, settled, status},
};

/// How long Helm may take: it waits only for hooks, and the charts of the harness have none.
const WITHIN: Duration = Duration::from_mins(2);
/// How long a Helm may go on after its harness was killed.
const GRACE: Duration = Duration::from_secs(5);
/// How many revisions are kept.
const HISTORY: &str = "5";

/// A chart, installed under a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Release {
    /// Its name.
    pub name: String,
    /// Its namespace, which must exist.
    pub namespace: String,
    /// The chart: a folder or an archive.
    pub chart: PathBuf,
    /// The values that differ from the chart's own; Helm reads them from its standard input, since they may hold
    /// secrets.
    pub values: Value,
}

impl fmt::Display for Release {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.namespace, self.name)
    }
}

impl Release {
    /// Installs the release, or upgrades the one that exists. Its objects exist then, and need not work yet: the caller
    /// waits, since it knows what to watch.
    ///
    /// A release that a killed Helm left unfinished is taken over. In an existing cluster, the Helm of another machine
    /// may still work on it, so that Helm gets its full time limit first.
    pub async fn install(&self, helm: &Helm) -> Result<(), HelmError> {
        self.take_over(helm).await?;
        let arguments = vec!["upgrade", "--install", &self.name, argument(&self.chart)?, "--values", "-"];
        let options = ["--history-max", HISTORY, "--output", "json"];
        self.ask(helm, "install", [arguments, options.to_vec()].concat(), Some(self.values.to_string())).await
    }

    /// Rolls the release back to a revision, or to the one before the last if none is named.
    pub async fn roll_back(&self, helm: &Helm, revision: Option<u32>) -> Result<(), HelmError> {
        self.take_over(helm).await?;
        // For Helm, 0 means the previous revision.
        let revision = revision.unwrap_or_default().to_string();
        self.ask(helm, "roll back", vec!["rollback", &self.name, &revision, "--history-max", HISTORY], None).await
    }

    /// Removes the release and its objects, except those that its chart keeps. Objects may exist a while longer. A
    /// release that does not exist is no error.
    pub async fn uninstall(&self, helm: &Helm) -> Result<(), HelmError> {
        self.ask(helm, "remove", vec!["uninstall", &self.name, "--ignore-not-found"], None).await
    }

    /// The status of its last revision; `None` if there is none. Helm is not run.
    pub async fn status(&self, helm: &Helm) -> Result<Option<ReleaseStatus>, HelmError> {
        Ok(status(helm.cluster(), self).await?)
    }

    async fn ask(
        &self,
        helm: &Helm,
        doing: &'static str,
        arguments: Vec<&str>,
        input: Option<String>,
    ) -> Result<(), HelmError> {
        helm.ask(Question { doing, release: self, arguments, input, within: WITHIN }).await.map(drop)
    }

    /// Helm refuses a release that another Helm works on, even if that Helm was killed.
    async fn take_over(&self, helm: &Helm) -> Result<(), HelmError> {
        let cluster = helm.cluster();
        let Some(found) = status(cluster, self).await?.filter(ReleaseStatus::is_pending) else { return Ok(()) };
        // All work on a release in a cluster of the harness happens on this machine, one after the other.
        let is_ours = cluster.machine.is_some();
        let patience = if is_ours { GRACE } else { left_of(&found, Timestamp::now()).max(GRACE) };
        let last = Mutex::new(found);
        let see = |status: &ReleaseStatus| *last.lock().unwrap_or_else(PoisonError::into_inner) = status.clone();
        if let Ok(settled) = timeout(patience, settled(cluster, self, see)).await {
            return Ok(settled?);
        }
        let last = last.into_inner().unwrap_or_else(PoisonError::into_inner);
        if !is_ours && !left_of(&last, Timestamp::now()).is_zero() {
            let (release, cluster, stage) = (self.to_string(), cluster.name.clone(), last.stage.to_string());
            return Err(HelmError::Busy { release, cluster, stage, within: patience });
        }
        forget(cluster, self, &last).await
    }
}

/// How much longer the Helm that works on a revision may take.
fn left_of(status: &ReleaseStatus, now: Timestamp) -> Duration {
    WITHIN.saturating_sub(age(status.modified, now))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;
    use crate::helm::ReleaseStage;

    /// A working Helm must get its full time, and a clock that is ahead must not give it more.
    #[rstest::rstest]
    #[case::just_begun(0, WITHIN)]
    #[case::half_way(60, Duration::from_mins(1))]
    #[case::too_late(600, Duration::ZERO)]
    #[case::clock_ahead(-600, WITHIN)]
    fn another_helm_gets_its_full_time_limit(#[case] age: i64, #[case] left: Duration) {
        let now = Timestamp::from_second(10_000).unwrap();
        let modified = now - SignedDuration::from_secs(age);
        let stage = ReleaseStage::Pending("pending-upgrade".to_owned());
        assert_eq!(left_of(&ReleaseStatus { revision: 1, stage, modified, record: String::new() }, now), left);
    }
}
