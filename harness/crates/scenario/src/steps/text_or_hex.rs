//! Bytes that a step has as text under `KEY` or in hexadecimal under `KEY_hex`: payloads and results.

use hourglass_component::document::{Pointer, Problem, Problems};

use crate::check_limits;
use crate::texts::HexBytes;

/// The bytes, if there are any. Loading makes sure that at most one of the two is given.
pub(super) fn bytes(text: Option<&String>, raw: Option<&HexBytes>) -> Option<Vec<u8>> {
    text.map(|text| text.as_bytes().to_vec()).or_else(|| raw.map(|raw| raw.0.clone()))
}

/// Adds the problems of a payload, which is required.
pub(super) fn check_payload(text: Option<&String>, raw: Option<&HexBytes>, at: &Pointer, problems: &mut Problems) {
    check_limits::payload(text, raw, at, problems);
    exclusive("payload", text.is_some() && raw.is_some(), at, problems);
    if text.is_none() && raw.is_none() && !problems.touch(at) {
        problems.add(
            Problem::at_key(at, "`payload` is missing")
                .label("has no `payload`")
                .help("add `payload` (text) or `payload_hex` (raw bytes)"),
        );
    }
}

/// Adds the problems of the payload of a task, which must not be empty.
pub(super) fn check_task_payload(text: Option<&String>, raw: Option<&HexBytes>, at: &Pointer, problems: &mut Problems) {
    check_payload(text, raw, at, problems);
    if text.is_some_and(String::is_empty) || raw.is_some_and(|raw| raw.0.is_empty()) {
        let key = if text.is_some() { "payload" } else { "payload_hex" };
        problems.add(
            Problem::at_value(&at.key(key), "the mailbox refuses tasks with an empty payload")
                .label("empty")
                .help("`expect_rejected` with `error: PayloadIsEmpty` tests that"),
        );
    }
}

/// The shortest data, in bytes, that is taken to be meant as data: a word of a contract. Performers that read numbers get
/// them as short texts, such as `0x04`.
const DATA: usize = 32;

/// Adds a warning of a text that is the hexadecimal form of data, and is sent as text.
pub(super) fn warn_of_digits(text: Option<&String>, at: &Pointer, warnings: &mut Problems) {
    let Some(text) = text else { return };
    let Some(digits) = text.strip_prefix("0x").filter(|digits| digits.len() >= 2 * DATA) else { return };
    if digits.len().is_multiple_of(2) && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        let (sent, data) = (text.len(), digits.len() / 2);
        warnings.add(
            Problem::at_value(&at.key("payload"), format!("this is text of {sent} bytes, not {data} bytes of data"))
                .label("sent as text")
                .help("use `payload_hex` for data"),
        );
    }
}

/// Adds the problems of an expected result, which is optional.
pub(super) fn check_result(text: Option<&String>, raw: Option<&HexBytes>, at: &Pointer, problems: &mut Problems) {
    check_limits::result(text, raw, at, problems);
    exclusive("result", text.is_some() && raw.is_some(), at, problems);
}

fn exclusive(key: &str, both: bool, at: &Pointer, problems: &mut Problems) {
    let hex = format!("{key}_hex");
    if both {
        problems.add(
            Problem::at_key(&at.key(&hex), format!("both `{key}` and `{hex}` are given"))
                .label("a second time")
                .help("keep one of the two"),
        );
    }
}
