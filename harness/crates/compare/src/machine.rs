//! The kind of machine that a comparison ran on: figures of another kind are not comparable.

use std::{env::consts::ARCH, fmt, fs};

use hourglass_base::processors;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Machine {
    /// Processors that the harness may use.
    pub processors: usize,
    /// Memory, rounded to GiB.
    pub memory_gib: u64,
    /// For example `x86_64`.
    pub architecture: String,
    /// The model of the processor as the system calls it; `unknown` where it does not.
    pub model: String,
}

impl Machine {
    /// This machine.
    pub fn here() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        Self {
            processors: processors(),
            memory_gib: memory_gib(&read("/proc/meminfo")).unwrap_or_default(),
            architecture: ARCH.to_owned(),
            model: model(&read("/proc/cpuinfo")).unwrap_or("unknown").to_owned(),
        }
    }
}

fn memory_gib(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some((kibibytes + (1 << 19)) >> 20)
}

fn model(text: &str) -> Option<&str> {
    let value = text.lines().find_map(|line| line.strip_prefix("model name"))?;
    Some(value.split_once(':')?.1.trim())
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { processors, memory_gib, architecture, model } = self;
        write!(f, "{processors} processors ({model}, {architecture}), {memory_gib} GiB of memory")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_machine_is_read() {
        assert_eq!(memory_gib("MemTotal:       24689764 kB\nMemFree: 1 kB\n"), Some(24));
        assert_eq!(model("processor\t: 0\nmodel name\t: Intel(R) Xeon(R)\n"), Some("Intel(R) Xeon(R)"));
        let here = Machine::here();
        assert!(here.processors > 0 && here.memory_gib > 0, "{here}");
        assert_eq!(here, Machine::here());
    }
}
