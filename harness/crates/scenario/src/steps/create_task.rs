//! `create_task`.

use std::time;

use hourglass_component::document::{Duration, Pointer, Problem};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::abi::AbiValues;
use super::check::StepCheck;
use super::defaults::{default_task, one};
use super::definition::{CreatedTasks, StepDefinition, StepProperties};
use super::payload_file::PayloadFile;
use super::text_or_hex::{bytes, check_task_payload, warn_of_digits};
use crate::avs::FIRST_AVS;
use crate::check_limits;
use crate::texts::HexBytes;
use crate::values::Chain;

/// How long a single task may take until it is mined.
const TASK_MINED_WITHIN: time::Duration = time::Duration::from_secs(30);
/// How much longer each further task of a group may take.
const FURTHER_TASK: time::Duration = time::Duration::from_millis(100);

/// Creates a task, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// The name by which later steps mean this task, or this group of tasks.
    #[serde(default = "default_task", rename = "as")]
    #[schemars(title = "task name", regex(pattern = "^[a-z][a-z0-9_-]*$"), extend("examples" = ["task"]))]
    pub alias: String,
    /// The chain on which the task is created.
    #[serde(default)]
    pub chain: Chain,
    /// The AVS that the task is for, one of `topology.avss`. Default: the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(regex(pattern = "^[a-z][a-z0-9-]*$"))]
    pub avs: Option<String>,
    /// The payload as text, sent as its UTF-8 bytes. Either this, `payload_hex`, `payload_abi` or `payload_file`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The payload as raw bytes in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_hex: Option<HexBytes>,
    /// The payload as values that are encoded as `abi.encode` of a contract encodes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_abi: Option<AbiValues>,
    /// A file whose bytes are the payload, as they are; its path is relative to the folder of the scenario's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", length(min = 1))]
    pub payload_file: Option<PayloadFile>,
    /// How many tasks; more than one make a group, of which each is expected to end alike.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub count: u32,
    /// How long it may take until all are mined. Default: 30 s, and a tenth of a second more for each
    /// further task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
}

impl CreateTask {
    /// The payload's bytes.
    pub fn payload_bytes(&self) -> Vec<u8> {
        let given = bytes(self.payload.as_ref(), self.payload_hex.as_ref());
        let encoded = || self.payload_abi.as_ref()?.encoded();
        let of_file = || Some(self.payload_file.as_ref()?.bytes()?.to_vec());
        given.or_else(encoded).or_else(of_file).unwrap_or_default()
    }
}

impl StepDefinition for CreateTask {
    const PROPERTIES: StepProperties = StepProperties::ACTION;

    fn within(&self) -> Duration {
        let by_count = TASK_MINED_WITHIN + self.count.saturating_sub(1) * FURTHER_TASK;
        self.within.unwrap_or_else(|| by_count.into())
    }

    fn fill_defaults(&mut self) {
        self.within = Some(self.within());
        self.avs.take_if(|avs| avs == FIRST_AVS);
    }

    fn creates(&self) -> Option<CreatedTasks<'_>> {
        Some(CreatedTasks { alias: &self.alias, count: self.count, avs: self.avs.as_deref() })
    }

    fn check(&self, at: &Pointer, check: &mut StepCheck<'_>) {
        let ways = [
            ("payload", self.payload.is_some()),
            ("payload_hex", self.payload_hex.is_some()),
            ("payload_abi", self.payload_abi.is_some()),
            ("payload_file", self.payload_file.is_some()),
        ];
        let given: Vec<_> = ways.into_iter().filter(|(_, is_given)| *is_given).map(|(key, _)| key).collect();
        if let [one, other, ..] = given.as_slice() {
            check.problems.add(
                Problem::at_key(&at.key(other), format!("both `{one}` and `{other}` are given"))
                    .label("a second time")
                    .help("keep one of the two"),
            );
        }
        if let Some(avs) = &self.avs {
            check.avs(avs, &at.key("avs"));
        }
        warn_of_digits(self.payload.as_ref(), at, check.warnings);
        if let Some(values) = &self.payload_abi {
            values.check(&at.key("payload_abi"), check.problems);
            check_limits::payload(None, values.encoded().map(HexBytes).as_ref(), at, check.problems);
        } else if let Some(file) = &self.payload_file {
            file.read(check.folder, &at.key("payload_file"), check.problems);
        } else {
            check_task_payload(self.payload.as_ref(), self.payload_hex.as_ref(), at, check.problems);
        }
    }
}
