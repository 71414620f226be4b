//! Paused components: SIGSTOP to a process group, and SIGCONT.

use std::{fs, io, time::Duration};

use hourglass_child::Child;
use hourglass_component::timeout::timeout;
use hourglass_reaper::{self as reaper, NotSignalled};
use hourglass_scenario::ComponentRef;
use rustix::process::Signal;
use tokio::time::sleep;

use super::{component::RunningComponent, performers::ProcessLabels};
use crate::{RuntimeError, performers::pauses};

/// How long the kernel may take to stop a process.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);

/// A paused process group of a component.
#[derive(Debug, Clone)]
pub(super) struct PausedGroup {
    /// The component: an executor's performers are paused separately.
    pub(super) component: ComponentRef,
    /// The process that leads the group.
    pub(super) leader: i32,
    pub(super) labels: ProcessLabels,
}

impl PausedGroup {
    /// Stops its processes, which takes the kernel a moment.
    pub(super) fn stop(&self) -> Result<(), NotSignalled> {
        reaper::signal_group(self.leader, &self.labels.all(), Signal::STOP).map(drop)
    }

    /// Resumes it. A group that is gone needs no signal.
    pub(super) fn wake(&self) {
        let _ = reaper::signal_group(self.leader, &self.labels.all(), Signal::CONT);
    }

    /// Waits until its leader is stopped: the signal takes effect when a thread next enters the kernel, and only the
    /// parent is notified.
    pub(super) async fn stands_still(&self) -> Result<(), RuntimeError> {
        let mut seen = "it was not looked at".to_owned();
        let stopped = async {
            for pause in pauses() {
                match state(self.leader) {
                    Ok(Some('T')) => break,
                    Ok(state) => seen = format!("its state is {state:?}"),
                    Err(error) => seen = error.to_string(),
                }
                sleep(pause).await;
            }
        };
        let stopped = timeout(STOPPED_WITHIN, stopped).await;
        stopped.map_err(|_| RuntimeError::Timeout {
            what: format!("{} to stand still", self.component),
            within: STOPPED_WITHIN,
            state: seen,
        })
    }
}

impl RunningComponent {
    /// Whether it, or its performers when `component` is one, are paused.
    pub(super) fn is_paused(&self, component: &ComponentRef) -> bool {
        self.paused.iter().any(|paused| paused.component == *component)
    }

    /// Resumes what was paused.
    pub(super) fn resume(&mut self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let (paused, others): (Vec<_>, Vec<_>) =
            self.paused.drain(..).partition(|paused| paused.component == *component);
        self.paused = others;
        if paused.is_empty() {
            return Err(fault("resume", component, "it is not paused"));
        }
        paused.iter().for_each(PausedGroup::wake);
        Ok(())
    }

    /// The process that leads its group, while it runs.
    pub(super) fn leader(&self) -> Option<i32> {
        let running = self.child.as_ref().filter(|child| child.status().is_none()).map(Child::pid);
        running.and_then(|pid| i32::try_from(pid).ok())
    }
}

pub(super) fn fault(fault: &'static str, component: &ComponentRef, reason: &str) -> RuntimeError {
    RuntimeError::Fault { fault, component: component.clone(), reason: reason.to_owned() }
}

/// The kernel's letter for a process's state; it follows the name in brackets, which may contain any character.
fn state(process: i32) -> io::Result<Option<char>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    Ok(stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()))
}
