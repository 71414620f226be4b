//! `expect_rejected`.

use hourglass_component::document::{Duration, Pointer};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::check::StepCheck;
use super::defaults::default_within;
use super::definition::{StepDefinition, StepProperties};
use super::text_or_hex::{bytes, check_payload, warn_of_digits};
use crate::texts::HexBytes;
use crate::values::Chain;

/// Creates a task for the first AVS that the mailbox must refuse with this error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectRejected {
    /// The chain on which the task is created.
    #[serde(default)]
    pub chain: Chain,
    /// The payload as text, sent as its UTF-8 bytes. Either this or `payload_hex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The payload as raw bytes in hexadecimal. Either this or `payload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_hex: Option<HexBytes>,
    /// The name of the contract's custom error, or the text of its `require`.
    #[schemars(title = "error of a contract", length(min = 1), extend("examples" = ["PayloadIsEmpty"]))]
    pub error: String,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

impl ExpectRejected {
    /// The payload's bytes.
    pub fn payload_bytes(&self) -> Vec<u8> {
        bytes(self.payload.as_ref(), self.payload_hex.as_ref()).unwrap_or_default()
    }
}

impl StepDefinition for ExpectRejected {
    const PROPERTIES: StepProperties = StepProperties::EXPECTATION;

    fn within(&self) -> Duration {
        self.within
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        warn_of_digits(self.payload.as_ref(), at, check.warnings);
        check_payload(self.payload.as_ref(), self.payload_hex.as_ref(), at, check.problems);
        check.error(&self.error, &at.key("error"));
    }
}
