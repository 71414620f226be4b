//! Components that stand still: SIGSTOP to a process group, and SIGCONT.

use std::{fs, io, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::{sleep, timeout};

use super::{component::RunningComponent, performers::process_id};
use crate::{
    child::Child,
    runtime::{RuntimeError, performers::pauses},
    scenario::ComponentRef,
};

/// How long the kernel may take to stop a process that was told to.
const STOPPED_WITHIN: Duration = Duration::from_secs(5);

/// The processes of a component that stand still.
#[derive(Debug, Clone)]
pub(super) struct PausedGroup {
    /// Which component: an executor's performers are paused by themselves.
    pub(super) component: ComponentRef,
    group: Pid,
}

/// Lets it go on. A group that is gone needs no signal.
pub(super) fn wake(paused: &PausedGroup) {
    let _ = kill_process_group(paused.group, Signal::CONT);
}

impl RunningComponent {
    /// Stops its process group, or those of its performers when `component` is one, and waits until they stand still.
    pub(super) async fn pause(&mut self, component: &ComponentRef) -> Result<(), RuntimeError> {
        if self.paused.iter().any(|paused| paused.component == *component) {
            return Err(fault("pause", component, "it is paused already"));
        }
        let groups = match component {
            ComponentRef::Performer(_) => self.performers().await?.iter().filter_map(process_id).collect(),
            _ => self.own_group(),
        };
        if groups.is_empty() {
            return Err(fault("pause", component, "it is not running"));
        }
        for group in groups {
            kill_process_group(group, Signal::STOP).map_err(|error| fault("pause", component, &error.to_string()))?;
            self.paused.push(PausedGroup { component: component.clone(), group });
            stands_still(group, component).await?;
        }
        Ok(())
    }

    /// Lets what was paused go on.
    pub(super) fn resume(&mut self, component: &ComponentRef) -> Result<(), RuntimeError> {
        let (paused, others): (Vec<_>, Vec<_>) =
            self.paused.drain(..).partition(|paused| paused.component == *component);
        self.paused = others;
        if paused.is_empty() {
            return Err(fault("resume", component, "it is not paused"));
        }
        paused.iter().for_each(wake);
        Ok(())
    }

    fn own_group(&self) -> Vec<Pid> {
        let running = self.child.as_ref().filter(|child| child.status().is_none()).map(Child::pid);
        running.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?)).into_iter().collect()
    }
}

pub(super) fn fault(fault: &'static str, component: &ComponentRef, reason: &str) -> RuntimeError {
    RuntimeError::Fault { fault, component: component.clone(), reason: reason.to_owned() }
}

/// The signal is taken when a thread next comes by the kernel, and nothing tells others than the parent of it.
async fn stands_still(process: Pid, component: &ComponentRef) -> Result<(), RuntimeError> {
    let mut seen = "it was not looked at".to_owned();
    let stopped = async {
        for pause in pauses() {
            match state(process) {
                Ok(Some('T')) => break,
                Ok(state) => seen = format!("its state is {state:?}"),
                Err(error) => seen = error.to_string(),
            }
            sleep(pause).await;
        }
    };
    let stopped = timeout(STOPPED_WITHIN, stopped).await;
    stopped.map_err(|_| RuntimeError::Timeout {
        what: format!("{component} paused"),
        within: STOPPED_WITHIN,
        state: seen,
    })
}

/// The letter by which the kernel calls a process's state; it follows the name, which may hold anything in brackets.
fn state(process: Pid) -> io::Result<Option<char>> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", process.as_raw_nonzero()))?;
    Ok(stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next()))
}
