//! How the image of a user's program comes into an engine: when it is pulled, or what it is built from.

use std::{collections::BTreeMap, path::PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::model::texts;
use super::texts::Scalar;

/// When the engine pulls an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Pull {
    /// Never: the engine has it.
    Never,
    /// Where the engine does not have it.
    Missing,
    /// For each trial.
    Always,
}

/// What an image is built from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Build {
    /// The folder whose files are sent to the engine, but for those that its `.dockerignore` leaves out; relative to the
    /// folder of this file.
    #[schemars(with = "String", length(min = 1))]
    pub context: PathBuf,
    /// The Dockerfile, relative to the context and inside of it.
    #[serde(default = "default_dockerfile")]
    #[schemars(length(min = 1))]
    pub dockerfile: String,
    /// The stage of the Dockerfile that is built. Default: the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1))]
    pub target: Option<String>,
    /// The values of the Dockerfile's `ARG`s.
    #[serde(default, deserialize_with = "texts", skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(with = "BTreeMap<String, Scalar>")]
    pub args: BTreeMap<String, String>,
}

fn default_dockerfile() -> String {
    "Dockerfile".to_owned()
}
