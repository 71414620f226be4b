//! One entry of the timeline.

use std::{borrow::Cow, fmt, str::FromStr as _, time::Duration};

use hourglass_component::{events::TaskEvent, keys::H256};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use serde_json::{Map, Value};

use hourglass_scenario::{Chain, ComponentRef};

/// The name of the harness as a source.
const HARNESS: &str = "harness";
/// The field of the entry about the delivery of images: how many milliseconds it took.
const IMAGES_MS: &str = "images_ms";

/// One entry: who says what, when, about which task.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Event {
    /// When it happened by this machine's clock; a component's record carries its own time.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub at: Timestamp,
    /// Who says it: `harness`, a chain (`l1`, `l2`) or a component (`aggregator`, `executor/NAME`, `performer/NAME`).
    #[schemars(with = "String")]
    pub source: Source,
    /// The level of a log record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// The stage that a task has reached.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event: Option<TaskEvent>,
    /// The task that it is about.
    #[serde(skip_serializing_if = "Option::is_none", serialize_with = "whole_hash")]
    #[schemars(with = "String", extend("pattern" = "^0x[0-9a-f]{64}$"))]
    pub task_hash: Option<H256>,
    /// In words.
    pub message: String,
    /// Everything else that a record or an event carries.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub fields: Map<String, Value>,
}

/// The source of an entry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Source {
    /// A chain, by the events of its mailbox.
    Chain(Chain),
    /// A component, by its log.
    Component(ComponentRef),
    /// The harness: steps and its actions on the environment.
    Harness,
}

/// Severity of a log record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// For following single calls.
    Trace,
    /// For developers.
    Debug,
    /// The normal course of things.
    Info,
    /// Something is wrong with a peer, or will be.
    Warn,
    /// The component itself is broken.
    Error,
}

impl Event {
    /// An entry of the harness itself, now.
    pub fn of_harness(message: impl Into<String>) -> Self {
        Self {
            at: Timestamp::now(),
            source: Source::Harness,
            level: None,
            event: None,
            task_hash: None,
            message: message.into(),
            fields: Map::new(),
        }
    }

    /// The entry of the harness that images are where the components of the trial run, which took `took`.
    pub fn images_delivered(took: Duration) -> Self {
        let fields = Map::from_iter([(IMAGES_MS.to_owned(), Value::from(took.as_secs_f64() * 1e3))]);
        Self { fields, ..Self::of_harness("images are delivered") }
    }

    /// How many milliseconds the delivery of images took, if this is the entry about it.
    pub fn images_ms(&self) -> Option<f64> {
        (self.source == Source::Harness).then(|| self.fields.get(IMAGES_MS)?.as_f64())?
    }

    /// The operator that the entry is about, in the form that components write.
    pub fn operator(&self) -> Option<&str> {
        self.fields.get("operator").and_then(Value::as_str)
    }
}

impl fmt::Display for Source {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(chain) => formatter.pad(chain.as_str()),
            Self::Component(component) => formatter.pad(&component.to_string()),
            Self::Harness => formatter.pad(HARNESS),
        }
    }
}

impl Serialize for Source {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Source {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let chain = [Chain::L1, Chain::L2].into_iter().find(|chain| chain.as_str() == text);
        match chain {
            Some(chain) => Ok(Self::Chain(chain)),
            None if text == HARNESS => Ok(Self::Harness),
            None => ComponentRef::from_str(&text).map(Self::Component).map_err(D::Error::custom),
        }
    }
}

impl Level {
    /// The level that loggers give this name, in any case, or this number: pino and bunyan write 10 to 60, syslog and GELF 0 to 7, and
    /// Go's `slog` a distance from a name, as `ERROR+4`. What other loggers rank above an error is an error.
    pub fn parse(name: &str) -> Option<Self> {
        let name = name.trim();
        if let Ok(number) = name.parse::<u32>() {
            return match number {
                0..=3 | 50.. => Some(Self::Error),
                4 | 40..=49 => Some(Self::Warn),
                5 | 6 | 30..=39 => Some(Self::Info),
                7 | 20..=29 => Some(Self::Debug),
                10..=19 => Some(Self::Trace),
                8 | 9 => None,
            };
        }
        let word = name.split(['+', '-']).next().unwrap_or_default();
        match word.to_ascii_lowercase().as_str() {
            "trace" | "verbose" | "silly" => Some(Self::Trace),
            "debug" => Some(Self::Debug),
            "info" | "information" | "notice" => Some(Self::Info),
            "warn" | "warning" => Some(Self::Warn),
            "error" | "err" | "severe" | "critical" | "crit" | "alert" | "emerg" | "emergency" | "dpanic" | "panic"
            | "fatal" => Some(Self::Error),
            _ => None,
        }
    }
}

#[expect(clippy::ref_option, reason = "serde hands a reference to the field")]
fn whole_hash<S: Serializer>(hash: &Option<H256>, serializer: S) -> Result<S::Ok, S::Error> {
    match hash {
        Some(hash) => serializer.serialize_some(&format!("{hash:?}")),
        None => serializer.serialize_none(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An error must not be missed because of the logger that a performer uses.
    #[rstest::rstest]
    #[case::python("CRITICAL", Some(Level::Error))]
    #[case::pino("50", Some(Level::Error))]
    #[case::pino_fatal("60", Some(Level::Error))]
    #[case::pino_warning("40", Some(Level::Warn))]
    #[case::gelf("3", Some(Level::Error))]
    #[case::gelf_notice("5", Some(Level::Info))]
    #[case::java("SEVERE", Some(Level::Error))]
    #[case::slog("ERROR+4", Some(Level::Error))]
    #[case::slog_below_info("INFO-2", Some(Level::Info))]
    #[case::syslog("emerg", Some(Level::Error))]
    #[case::dotnet("Information", Some(Level::Info))]
    #[case::not_a_level("errors", None)]
    #[case::nothing("", None)]
    fn levels_of_loggers_are_known(#[case] name: &str, #[case] level: Option<Level>) {
        assert_eq!(Level::parse(name), level);
    }
}
