//! `expect_verified`.

use std::collections::BTreeSet;

use hourglass_component::document::{Duration, Pointer, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::abi::AbiValues;
use super::check::StepCheck;
use super::defaults::{default_task, default_within};
use super::definition::{StepDefinition, StepProperties};
use super::text_or_hex::{bytes, check_result};
use crate::texts::HexBytes;

/// Waits until the task is verified, and judges result, certificate and status on chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectVerified {
    /// The task, or group of tasks.
    #[serde(default = "default_task")]
    pub task: String,
    /// The result as text. Without this and the other keys of the result, any result will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The result as raw bytes in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_hex: Option<HexBytes>,
    /// Values that the result must be the encoding of, as `abi.encode` of a contract encodes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_abi: Option<AbiValues>,
    /// What the result must contain as JSON: mappings may have more entries, anything else must be equal. If all keys begin with
    /// `/`, they are JSON pointers into the result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_json: Option<Value>,
    /// A regular expression that must match somewhere in the result, which must be text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_matches: Option<String>,
    /// Operators whose signatures must be in the certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<String>,
    /// Operators whose signatures must not be in the certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_signed_by: Vec<String>,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl ExpectVerified {
    /// The expected result's bytes; `None` if they are not given.
    pub fn result_bytes(&self) -> Option<Vec<u8>> {
        bytes(self.result.as_ref(), self.result_hex.as_ref())
    }
}

impl StepDefinition for ExpectVerified {
    const PROPERTIES: StepProperties = StepProperties::EXPECTATION;

    fn within(&self) -> Duration {
        self.within
    }

    fn task(&self) -> Option<&str> {
        Some(&self.task)
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        check_result(self.result.as_ref(), self.result_hex.as_ref(), at, check.problems);
        self.check_expected_result(at, check.problems, check.warnings);
        for (key, names) in [("signed_by", &self.signed_by), ("not_signed_by", &self.not_signed_by)] {
            for (index, name) in names.iter().enumerate() {
                check.signer(name, &self.task, &at.key(key).item(index));
            }
        }
        let signed_by: BTreeSet<_> = self.signed_by.iter().collect();
        for (index, name) in self.not_signed_by.iter().enumerate() {
            if signed_by.contains(name) {
                check.problems.add(
                    Problem::at_value(
                        &at.key("not_signed_by").item(index),
                        format!("`{name}` cannot have signed and not signed"),
                    )
                    .label("also in `signed_by`")
                    .help("keep one of the two"),
                );
            }
        }
    }
}
