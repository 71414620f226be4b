//! The version of a document that programs read.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The version `N` of a document: it is written as that number, and the document's JSON Schema accepts no other.
///
/// `N` rises when a key of the document is removed or changes its meaning; not when one is added.
///
/// ```
/// # use hourglass_base::Version;
/// #[derive(serde::Serialize, schemars::JsonSchema)]
/// struct Document {
///     version: Version<1>,
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Version<const N: u32>;

impl<const N: u32> Serialize for Version<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u32(N)
    }
}

impl<const N: u32> JsonSchema for Version<N> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Version{N}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Rises when a key goes or changes its meaning; not when one is added.",
            "const": N,
        })
    }
}
