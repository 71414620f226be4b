//! The process group of a program that somebody else has written, and that starts others.

use rustix::process::{Pid, Signal, kill_process_group};

/// A program that was started in a process group of its own, and its child processes. They are killed if this is dropped before
/// [`ProcessGroupGuard::has_ended`].
#[derive(Debug)]
#[must_use]
pub struct ProcessGroupGuard(Option<Pid>);

impl ProcessGroupGuard {
    /// The group of the process with this id, which is its leader; `None` for one that has ended already.
    pub fn of(leader: Option<u32>) -> Self {
        Self(leader.and_then(|leader| Pid::from_raw(i32::try_from(leader).ok()?)))
    }

    /// The program was waited for, and what it has started is to end as well. Its id stays the group's as long as a process is in it.
    pub fn end_the_rest(self) {
        drop(self);
    }

    /// The program was waited for: its id may be another process's by now.
    pub fn has_ended(mut self) {
        self.0 = None;
    }
}

impl Drop for ProcessGroupGuard {
    fn drop(&mut self) {
        if let Some(leader) = self.0 {
            // A process that has ended meanwhile gets no signal.
            let _ = kill_process_group(leader, Signal::KILL);
        }
    }
}
