//! The kernel's data about one process that the reaper needs.

use std::{fs, io};

/// From `/proc/PID/stat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stat {
    /// The letter of its state.
    pub(super) state: char,
    /// The process that is notified of its end.
    pub(super) parent: i32,
    /// Its start in clock ticks since the machine started: no two processes with one id have the same.
    pub(super) started: u64,
}

impl Stat {
    /// The data of one process; `None` if there is none.
    pub(super) fn of(pid: i32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The data of every visible process of the machine.
    pub(super) fn of_all() -> io::Result<impl Iterator<Item = (i32, Self)>> {
        let pids = fs::read_dir("/proc")?.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse::<i32>().ok());
        Ok(pids.filter_map(|pid| Some((pid, Self::of(pid)?))))
    }

    /// Whether it has ended and its parent was not notified yet.
    pub(super) fn has_ended(self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Whether it is stopped, and can neither run nor fork until it is resumed.
    pub(super) fn stands_still(self) -> bool {
        matches!(self.state, 'T' | 't') || self.has_ended()
    }

    fn parse(text: &str) -> Option<Self> {
        // The command in parentheses may contain any character. The start time is field 22, and field 3 follows the
        // command.
        let (_, fields) = text.rsplit_once(") ")?;
        let mut fields = fields.split_whitespace();
        let state = fields.next()?.chars().next()?;
        Some(Self { state, parent: fields.next()?.parse().ok()?, started: fields.nth(17)?.parse().ok()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A program chooses its own name, and must not be able to hide its parent with it.
    #[test]
    fn a_process_name_with_brackets_and_blanks_is_skipped() {
        let text = "7 (a) S 1 (b) R 5 6 0 0 0 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 0 0";
        assert_eq!(Stat::parse(text), Some(Stat { state: 'R', parent: 5, started: 4711 }));
    }
}
