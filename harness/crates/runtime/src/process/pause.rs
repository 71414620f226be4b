//! Components that stand still: SIGSTOP to a process group, and SIGCONT.

use std::{fs, io, time::Duration};

use hourglass_child::Child;
use hourglass_component::timeout::timeout;
use hourglass_reaper::{self as reaper, NotSignalled};
use hourglass_scenario::ComponentRef;
use rustix::process::Signal;
use tokio::time::sleep;

use super::{component::RunningComponent, performers::ProcessLabels};
use crate::{RuntimeError, performers::pauses};

/// How long the kernel may take to stop a process that was told to.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);

/// The processes of a component that stand still.
#[derive(Debug, Clone)]
pub(super) struct PausedGroup {
    /// Which component: an executor's performers are paused by themselves.
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

    /// Lets it go on. A group that is gone needs no signal.
    pub(super) fn wake(&self) {
        let _ = reaper::signal_group(self.leader, &self.labels.all(), Signal::CONT);
    }

    /// Waits until its leader stands still: the signal is taken when a thread next comes by the kernel, and nothing tells
    /// others than the parent of it.
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
    /// Whether it, or its performers when `component` is one, stands still.
    pub(super) fn is_paused(&self, component: &ComponentRef) -> bool {
        self.paused.iter().any(|paused| paused.component == *component)
    }

    /// Lets what was paused go on.
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

/// The letter by which the kernel calls a process's state; it follows the name, which may hold anything in brackets.
fn state(process: i32) -> io::Result<Option<char>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    Ok(stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()))
}
