//! Values with a syntax of their own: names of components, bytes, scalars.
//!
//! The schema's pattern is as strict as the parser, so that an invalid value is reported at its position.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// One component of an environment: `aggregator`, `executor/NAME`, `performer/NAME` or `performer/NAME/AVS`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ComponentRef {
    /// The aggregator, of which there is one.
    Aggregator,
    /// The executor of the operator with this name.
    Executor(String),
    /// A performer of an operator.
    Performer(PerformerRef),
}

/// The performer of one operator for one AVS: `NAME` for the first AVS, `NAME/AVS` for another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PerformerRef {
    /// The name of the operator.
    pub operator: String,
    /// The name of the AVS; `None` for the first.
    pub avs: Option<String>,
}

impl PerformerRef {
    /// The performer of an operator for the first AVS.
    pub fn of(operator: impl Into<String>) -> Self {
        Self { operator: operator.into(), avs: None }
    }

    /// The performer of an operator for an AVS.
    pub fn of_avs(operator: impl Into<String>, avs: Option<&str>) -> Self {
        Self { operator: operator.into(), avs: avs.map(str::to_owned) }
    }

    /// Its name as that of a file, without a slash.
    pub fn file_name(&self) -> String {
        self.to_string().replace('/', "-")
    }
}

impl fmt::Display for PerformerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.avs {
            None => f.write_str(&self.operator),
            Some(avs) => write!(f, "{}/{avs}", self.operator),
        }
    }
}

impl ComponentRef {
    /// The performer of an operator for the first AVS.
    pub fn performer(operator: impl Into<String>) -> Self {
        Self::Performer(PerformerRef::of(operator))
    }

    /// The operator that the component belongs to; the aggregator belongs to none.
    pub fn operator(&self) -> Option<&str> {
        match self {
            Self::Aggregator => None,
            Self::Executor(name) => Some(name),
            Self::Performer(performer) => Some(&performer.operator),
        }
    }

    /// Whether it is a performer that an executor starts.
    pub fn is_performer_of(&self, executor: &Self) -> bool {
        match (self, executor) {
            (Self::Performer(performer), Self::Executor(name)) => performer.operator == *name,
            _ => false,
        }
    }

    /// Its name as that of a file, without a slash.
    pub fn file_name(&self) -> String {
        self.to_string().replace('/', "-")
    }
}

impl fmt::Display for ComponentRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Aggregator => f.write_str("aggregator"),
            Self::Executor(name) => write!(f, "executor/{name}"),
            Self::Performer(performer) => write!(f, "performer/{performer}"),
        }
    }
}

/// A text that names no component.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is none of `aggregator`, `executor/NAME`, `performer/NAME`, `performer/NAME/AVS`")]
pub struct BadComponentRef(String);

impl FromStr for ComponentRef {
    type Err = BadComponentRef;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.split_once('/') {
            None if text == "aggregator" => Ok(Self::Aggregator),
            Some(("executor", name)) if is_word(name) => Ok(Self::Executor(name.to_owned())),
            Some(("performer", name)) => match name.split_once('/') {
                None if is_word(name) => Ok(Self::performer(name)),
                Some((operator, avs)) if is_word(operator) && is_word(avs) => {
                    Ok(Self::Performer(PerformerRef::of_avs(operator, Some(avs))))
                }
                _ => Err(BadComponentRef(text.to_owned())),
            },
            _ => Err(BadComponentRef(text.to_owned())),
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && !text.contains('/')
}

impl Serialize for ComponentRef {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ComponentRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl JsonSchema for ComponentRef {
    fn schema_name() -> Cow<'static, str> {
        "ComponentRef".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "component",
            "type": "string",
            "pattern": "^(aggregator|(executor|performer)/[a-z][a-z0-9-]*|performer/[a-z][a-z0-9-]*/[a-z][a-z0-9-]*)$",
            "examples": ["aggregator", "executor/NAME", "performer/NAME"],
        })
    }
}

/// Bytes written as hexadecimal digits, with or without `0x`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct HexBytes(pub Vec<u8>);

impl fmt::Display for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "0x{}", hex::encode(&self.0))
    }
}

impl fmt::Debug for HexBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for HexBytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for HexBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        hex::decode(text.strip_prefix("0x").unwrap_or(&text)).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for HexBytes {
    fn schema_name() -> Cow<'static, str> {
        "HexBytes".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "even number of hexadecimal digits",
            "type": "string",
            "pattern": "^(0x)?([0-9a-fA-F]{2})*$",
            "examples": ["0x04", "c0ffee"],
        })
    }
}

/// A text, number or truth value: what a variable can hold.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scalar(pub serde_json::Value);

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            serde_json::Value::String(text) => f.write_str(text),
            other => other.fmt(f),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// The schema of a variable's value: that of a [`Scalar`], to which editors add nothing at all.
pub(super) struct DefaultValue;

impl JsonSchema for DefaultValue {
    fn schema_name() -> Cow<'static, str> {
        "DefaultValue".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}

impl JsonSchema for Scalar {
    fn schema_name() -> Cow<'static, str> {
        "Scalar".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number", "boolean"] })
    }
}
