//! What components used, and what surrounds them.

use std::collections::BTreeMap;

use hourglass_runner::verdict::TrialReport;

use super::names;

/// Processor time and memory of each component for which the trial has them.
#[expect(clippy::cast_precision_loss, reason = "bytes of memory are far below 2^52")]
pub(super) fn of(report: &TrialReport) -> BTreeMap<String, f64> {
    let of_component = report.usage.iter().flat_map(|usage| {
        let cpu = usage.cpu_seconds.map(|seconds| (names::cpu(&usage.component), seconds));
        let memory = usage.peak_memory_bytes.map(|bytes| (names::memory(&usage.component), bytes as f64));
        cpu.into_iter().chain(memory)
    });
    of_component.collect()
}
