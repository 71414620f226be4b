//! The choices of a scenario file: chain, runtime, curve, way of mining.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr as _;

use bytesize::ByteSize;
pub use hourglass_base::RuntimeKind;
use hourglass_component::document::Duration;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// One of the two chains of an environment.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
    clap::ValueEnum,
)]
#[serde(rename_all = "lowercase")]
pub enum Chain {
    /// The chain of stakes, keys and operator sets.
    L1,
    /// The chain on which most services take their tasks.
    #[default]
    L2,
}

impl Chain {
    /// The word as it stands in scenarios and reports.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
        }
    }
}

impl fmt::Display for Chain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The signature scheme of the operator set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Curve {
    /// One ECDSA signature for each signer.
    #[default]
    Ecdsa,
    /// One aggregated BN254 signature; known, but not supported yet.
    Bn254,
}

impl fmt::Display for Curve {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Ecdsa => "ecdsa",
            Self::Bn254 => "bn254",
        })
    }
}

/// When the chains make blocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mining {
    /// A block for each transaction, or for the few that arrive while one is made; chain time moves one second a block.
    Instant,
    /// As `instant`, and while many transactions wait, each block has all of them.
    #[default]
    Batched,
    /// A block at each interval, with or without transactions.
    Interval(Duration),
}

impl fmt::Display for Mining {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instant => f.write_str("instant"),
            Self::Batched => f.write_str("batched"),
            Self::Interval(interval) => interval.fmt(f),
        }
    }
}

impl Serialize for Mining {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Mining {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        match &*text {
            "instant" => Ok(Self::Instant),
            "batched" => Ok(Self::Batched),
            _ => text.parse().map(Self::Interval).map_err(|error| {
                D::Error::custom(format!("`{text}` is neither `instant`, nor `batched`, nor an interval: {error}"))
            }),
        }
    }
}

impl JsonSchema for Mining {
    fn schema_name() -> Cow<'static, str> {
        "Mining".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        if generator.contract().is_serialize() {
            let interval = generator.subschema_for::<Duration>();
            return json_schema!({ "title": "way of mining", "anyOf": [{ "enum": ["instant", "batched"] }, interval] });
        }
        json_schema!({
            "title": "way of mining",
            "type": "string",
            "pattern": "^(instant|batched|[0-9]{1,9}(ms|s|m|h))$",
            "examples": ["batched", "instant", "1s"],
        })
    }
}

/// A number of processors: `0.5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus {
    /// In thousandths; smaller parts are rounded.
    pub thousandths: u32,
}

impl Cpus {
    /// As a fraction.
    pub fn value(self) -> f64 {
        f64::from(self.thousandths) / 1000.0
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(f)
    }
}

impl Serialize for Cpus {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.thousandths.is_multiple_of(1000) {
            serializer.serialize_u32(self.thousandths / 1000)
        } else {
            serializer.serialize_f64(self.value())
        }
    }
}

impl<'de> Deserialize<'de> for Cpus {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "what is out of range is refused later"
    )]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(|cpus| Self { thousandths: (cpus * 1000.0).round() as u32 })
    }
}

impl JsonSchema for Cpus {
    fn schema_name() -> Cow<'static, str> {
        "Cpus".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "title": "number of processors", "type": "number", "examples": [0.5, 2] })
    }
}

/// An amount of memory: `64MiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Memory {
    /// In bytes.
    pub bytes: u64,
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
        let whole = UNITS.iter().find(|(unit, _)| self.bytes != 0 && self.bytes.is_multiple_of(*unit));
        match whole {
            Some((unit, name)) => write!(f, "{}{name}", self.bytes / unit),
            None => write!(f, "{}B", self.bytes),
        }
    }
}

impl Serialize for Memory {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Memory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        ByteSize::from_str(&text).map(|size| Self { bytes: size.as_u64() }).map_err(D::Error::custom)
    }
}

impl JsonSchema for Memory {
    fn schema_name() -> Cow<'static, str> {
        "Memory".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "amount of memory",
            "type": "string",
            "pattern": "^[0-9]{1,12}(B|KB|MB|GB|KiB|MiB|GiB)$",
            "examples": ["64MiB", "1GiB"],
        })
    }
}
