//! The owner of a run: a process, identified so that a later process with the same id differs.

use std::fs;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::stat::Stat;

/// A process of this machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Owner {
    /// Its process id.
    pub pid: u32,
    /// Its start time in clock ticks since the machine started.
    pub started: u64,
    /// Which start of the machine that was.
    #[serde(default)]
    pub boot: String,
}

impl Owner {
    /// The running process; `None` if the system does not provide the data.
    pub fn current() -> Option<Self> {
        Self::of(std::process::id())
    }

    /// The process that has this id now.
    pub fn of(pid: u32) -> Option<Self> {
        let Stat { started, .. } = Stat::of(i32::try_from(pid).ok()?)?;
        Some(Self { pid, started, boot: boot_id() })
    }

    /// Whether it still runs. A process from before the last boot does not.
    pub fn is_alive(&self) -> bool {
        Self::of(self.pid).as_ref() == Some(self)
    }
}

fn boot_id() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_a_later_process_nor_another_boot_is_the_owner() {
        let owner = Owner::current().unwrap();
        assert!(owner.is_alive());
        assert!(!Owner { started: owner.started + 1, ..owner.clone() }.is_alive(), "a later process with the same id");
        assert!(!Owner { boot: "another".to_owned(), ..owner }.is_alive(), "a process before the machine started anew");
    }
}
