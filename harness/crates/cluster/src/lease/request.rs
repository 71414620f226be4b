//! A request for a lease.

use std::{env, time::Duration};

use crate::{ClusterError, ClusterName, ClusterSpec};

/// How long an unused cluster is kept, as `90m`.
pub const IDLE_VARIABLE: &str = "HARNESS_CLUSTER_IDLE";
const IDLE: Duration = Duration::from_hours(1);
/// How long a cluster of `harness up` is kept by default.
pub const UP_IDLE: Duration = Duration::from_hours(24);
/// nextest gives all test processes of one run the same value.
const NEXTEST_VARIABLE: &str = "NEXTEST_RUN_ID";

/// Which cluster is needed, by whom and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRequest {
    /// What the cluster must be like.
    pub spec: ClusterSpec,
    /// This cluster and no other; without it, any that matches.
    pub name: Option<ClusterName>,
    /// The run of nextest that asks, to show who uses the cluster.
    pub run: Option<String>,
    /// How long it is kept when nobody uses it. A cluster that already has a longer time keeps it.
    pub idle: Duration,
}

impl LeaseRequest {
    /// Any cluster that matches, for as long as `HARNESS_CLUSTER_IDLE` says (an hour), for the run of nextest that
    /// `NEXTEST_RUN_ID` names.
    pub fn new(spec: ClusterSpec) -> Result<Self, ClusterError> {
        let run = env::var(NEXTEST_VARIABLE).ok().filter(|run| !run.is_empty());
        let idle = idle(env::var(IDLE_VARIABLE).ok())?;
        Ok(Self { spec, name: None, run, idle })
    }
}

fn idle(value: Option<String>) -> Result<Duration, ClusterError> {
    let Some(text) = value.filter(|value| !value.is_empty()) else { return Ok(IDLE) };
    humantime::parse_duration(&text).map_err(|source| ClusterError::Idle { text, source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_variable_sets_the_idle_time() {
        assert_eq!(idle(None).unwrap(), IDLE);
        assert_eq!(idle(Some(String::new())).unwrap(), IDLE);
        assert_eq!(idle(Some("90m".to_owned())).unwrap(), Duration::from_mins(90));
        let error = idle(Some("soon".to_owned())).unwrap_err();
        assert!(error.to_string().contains(IDLE_VARIABLE), "{error} does not say what is wrong");
    }
}
