//! Daemons that components start. Only their arguments show to which test they belong.

use std::{fs, path::PathBuf};

use rustix::process::{Pid, Signal, kill_process};

/// Daemons that are identified by how long they sleep. Those that are left are killed when this is dropped.
pub struct Daemons {
    seconds: String,
}

impl Default for Daemons {
    fn default() -> Self {
        Self { seconds: rand::random_range(1_000_000_u32..2_000_000_000).to_string() }
    }
}

impl Daemons {
    /// The command that starts one.
    pub fn command(&self) -> String {
        format!("sleep {}", self.seconds)
    }

    /// Those that run.
    pub fn alive(&self) -> Vec<Pid> {
        let arguments = format!("sleep\0{}\0", self.seconds);
        let entries = fs::read_dir("/proc").unwrap().map(|entry| entry.unwrap().path());
        let is_ours = |path: &PathBuf| fs::read(path.join("cmdline")).is_ok_and(|found| found == arguments.as_bytes());
        let pid = |path: PathBuf| Pid::from_raw(path.file_name()?.to_str()?.parse().ok()?);
        entries.filter(is_ours).filter_map(pid).collect()
    }

    /// Asserts that none runs, without waiting.
    #[track_caller]
    pub fn assert_none(&self) {
        let alive = self.alive();
        assert!(alive.is_empty(), "the harness has ended and left {alive:?}");
    }
}

impl Drop for Daemons {
    fn drop(&mut self) {
        for pid in self.alive() {
            let _ = kill_process(pid, Signal::KILL);
        }
    }
}
