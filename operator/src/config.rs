//! The operator's configuration file.

use std::{
    fs, io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

/// Why a configuration cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("failed to read the operator's configuration {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// The file is no YAML, or has keys or values that mean nothing to the operator.
    #[error("failed to understand the operator's configuration {}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and where.
        source: serde_yaml::Error,
    },
    /// Values that do not go together.
    #[error("failed to use the operator's configuration {}: {problem}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// The keys concerned, and what they should be.
        problem: String,
    },
}

/// The configuration of an operator.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct OperatorConfig {
    /// Where `/metrics` is served; nowhere where it is null.
    pub metrics_bind_address: Option<SocketAddr>,
    /// Where `/healthz` and `/readyz` are served; nowhere where it is null.
    pub health_probe_bind_address: Option<SocketAddr>,
    /// The election that decides which of several operators acts.
    pub leader_election: LeaderElection,
    /// The namespaces whose Performers are acted on; empty means all.
    pub watch_namespaces: Vec<String>,
    /// How log records are written.
    pub log_format: LogFormat,
    /// The least severe records that are written.
    pub log_level: LogLevel,
    /// How Performers are removed.
    pub drain: Drain,
}

impl Default for OperatorConfig {
    fn default() -> Self {
        let everywhere = |port| Some(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        Self {
            metrics_bind_address: everywhere(8080),
            health_probe_bind_address: everywhere(8081),
            leader_election: LeaderElection::default(),
            watch_namespaces: Vec::new(),
            log_format: LogFormat::default(),
            log_level: LogLevel::default(),
            drain: Drain::default(),
        }
    }
}

/// The election that decides which of several operators acts: the holder of a Lease.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct LeaderElection {
    /// Whether there is an election; without one, every operator acts.
    pub enabled: bool,
    /// Where the Lease is; the operator's own namespace where it is null.
    pub namespace: Option<String>,
    /// What the Lease is called.
    pub name: String,
    /// How long a leader that is gone holds the others up; whole seconds.
    #[serde(deserialize_with = "duration")]
    pub lease_duration: Duration,
    /// How long a leader tries to renew the Lease before it gives up.
    #[serde(deserialize_with = "duration")]
    pub renew_deadline: Duration,
    /// How often a leader renews the Lease.
    #[serde(deserialize_with = "duration")]
    pub retry_period: Duration,
}

impl Default for LeaderElection {
    fn default() -> Self {
        Self {
            enabled: true,
            namespace: None,
            name: "hourglass-operator".to_owned(),
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
        }
    }
}

/// How log records are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// One JSON object a line, fields at its top.
    #[default]
    Json,
    /// For people.
    Text,
}

/// How severe a log record is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogLevel {
    /// The operator cannot continue.
    Error,
    /// Something is not as it should be.
    Warn,
    /// What the operator does.
    #[default]
    Info,
    /// Why it does what it does.
    Debug,
    /// Everything.
    Trace,
}

/// How Performers are removed.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Drain {
    /// How long the removal of a Performer waits for its pods; they are not waited for where it is zero.
    #[serde(deserialize_with = "duration")]
    pub timeout: Duration,
}

impl Default for Drain {
    fn default() -> Self {
        Self { timeout: Duration::from_secs(30) }
    }
}

impl OperatorConfig {
    /// Reads and checks the file; an empty one means the defaults.
    pub fn load(path: &Path) -> Result<Self, ConfigError> {
        let text = fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.to_owned(), source })?;
        let config = serde_yaml::from_str::<Option<Self>>(&text)
            .map_err(|source| ConfigError::Parse { path: path.to_owned(), source })?
            .unwrap_or_default();
        config.check().map_err(|problem| ConfigError::Invalid { path: path.to_owned(), problem })?;
        Ok(config)
    }

    fn check(&self) -> Result<(), String> {
        let LeaderElection { name, lease_duration, renew_deadline, retry_period, .. } = &self.leader_election;
        if name.is_empty() {
            return Err("leaderElection.name is empty: it is the name of a Lease".to_owned());
        }
        if retry_period.is_zero() || retry_period >= renew_deadline || renew_deadline >= lease_duration {
            return Err("leaderElection needs retryPeriod < renewDeadline < leaseDuration, and none of them zero: \
                 a leader must have given up before another one may take over"
                .to_owned());
        }
        if lease_duration.subsec_nanos() != 0 {
            return Err("leaderElection.leaseDuration has to be whole seconds: a Lease holds no fractions".to_owned());
        }
        if self.watch_namespaces.iter().any(String::is_empty) {
            return Err("watchNamespaces has an empty name: leave the list empty to watch all namespaces".to_owned());
        }
        Ok(())
    }
}

/// A duration in words, such as `30s` or `1m 30s`.
fn duration<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    let text = String::deserialize(deserializer)?;
    humantime::parse_duration(&text)
        .map_err(|error| serde::de::Error::custom(format!("{text:?} is no duration such as 30s or 1m: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn loaded(text: &str) -> Result<OperatorConfig, ConfigError> {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), text).unwrap();
        OperatorConfig::load(file.path())
    }

    /// The source's message names the key and the place; the whole chain is what a user reads.
    fn refused(text: &str) -> String {
        let error = loaded(text).unwrap_err();
        std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string)
    }

    #[test]
    fn every_key_is_optional() {
        let defaults = OperatorConfig::default();
        assert_eq!(loaded("").unwrap(), defaults);
        assert_eq!(loaded("leaderElection: {}\ndrain: {}\n").unwrap(), defaults);
        assert_eq!(defaults.metrics_bind_address.unwrap().port(), 8080);
        assert_eq!(defaults.health_probe_bind_address.unwrap().port(), 8081);
    }

    #[test]
    fn every_key_is_read() {
        let config = loaded(
            "metricsBindAddress: null\nhealthProbeBindAddress: 127.0.0.1:0\nwatchNamespaces: [a, b]\nlogFormat: text\n\
             logLevel: debug\ndrain: {timeout: 1m 30s}\nleaderElection: {enabled: false, namespace: n, name: l, \
             leaseDuration: 3s, renewDeadline: 2s, retryPeriod: 500ms}\n",
        )
        .unwrap();
        assert_eq!(config.metrics_bind_address, None);
        assert_eq!(config.health_probe_bind_address, Some("127.0.0.1:0".parse().unwrap()));
        assert_eq!(config.watch_namespaces, ["a", "b"]);
        assert_eq!((config.log_format, config.log_level), (LogFormat::Text, LogLevel::Debug));
        assert_eq!(config.drain.timeout, Duration::from_secs(90));
        let election = config.leader_election;
        assert_eq!((election.enabled, election.namespace.as_deref(), &*election.name), (false, Some("n"), "l"));
        assert_eq!(election.retry_period, Duration::from_millis(500));
    }

    #[test]
    fn unknown_keys_and_values_are_named_with_their_place() {
        let unknown = refused("drain:\n  timeot: 30s\n");
        assert!(unknown.contains("timeot") && unknown.contains("`timeout`") && unknown.contains("line 2"), "{unknown}");
        let duration = refused("drain:\n  timeout: soon\n");
        assert!(duration.contains("\"soon\" is no duration such as 30s"), "{duration}");
        let level = refused("logLevel: verbose\n");
        assert!(level.contains("verbose") && level.contains("debug"), "{level}");
        let address = refused("metricsBindAddress: here\n");
        assert!(address.contains("metricsBindAddress"), "{address}");
    }

    /// Two leaders at once are possible where the one has not given up when the other may take over.
    #[test]
    fn election_with_two_possible_leaders_is_refused() {
        let problem = refused("leaderElection: {leaseDuration: 5s, renewDeadline: 10s}\n");
        assert!(problem.contains("retryPeriod < renewDeadline < leaseDuration"), "{problem}");
        assert!(refused("leaderElection: {retryPeriod: 0s}\n").contains("none of them zero"));
        assert!(refused("leaderElection: {leaseDuration: 15500ms}\n").contains("whole seconds"));
        assert!(refused("leaderElection: {name: ''}\n").contains("leaderElection.name is empty"));
        assert!(refused("watchNamespaces: ['']\n").contains("watchNamespaces has an empty name"));
    }
}
