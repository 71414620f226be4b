//! The performers of an executor: its child processes, of which it tells the ids.

use std::time::Duration;

use hourglass_proto::services::v1::Performer;
use rustix::process::{Pid, Signal, kill_process};

use super::component::RunningComponent;
use crate::{
    runtime::{RuntimeError, performers::PerformersOf},
    scenario::ComponentRef,
};

impl RunningComponent {
    /// Kills the processes of the executor's performers, of which it tells the ids.
    pub(super) async fn kill_performers(&mut self) -> Result<(), RuntimeError> {
        let component = self.performer();
        let performers = self.of(&component, "kill");
        let running = performers.list().await?;
        if running.is_empty() {
            return Err(performers.failed("its executor has no performer".to_owned()));
        }
        running.iter().try_for_each(|performer| kill(performer, performers))?;
        self.forget_paused_performers();
        Ok(())
    }

    /// Kills the processes of the executor's performers that run, and waits until it has healthy ones in their place.
    pub(super) async fn restart_performers(&mut self, within: Duration) -> Result<(), RuntimeError> {
        self.forget_paused_performers();
        let component = self.performer();
        let performers = self.of(&component, "restart");
        let before = performers.list().await?;
        let running: Vec<_> = before.into_iter().filter(|performer| performer.resource_healthy).collect();
        for performer in &running {
            // It may have ended without its executor having noticed.
            let _ = kill(performer, performers);
        }
        let before: Vec<_> = running.into_iter().map(|performer| performer.container_id).collect();
        performers.replaced(&before, within, || self.last_output_of_performers()).await
    }

    /// What the executor says of its performers.
    pub(super) async fn performers(&self) -> Result<Vec<Performer>, RuntimeError> {
        self.of(&self.performer(), "find").list().await
    }

    fn of<'a>(&'a self, component: &'a ComponentRef, fault: &'static str) -> PerformersOf<'a> {
        PerformersOf { executor: &self.address, component, fault }
    }

    fn forget_paused_performers(&mut self) {
        let performer = self.performer();
        self.paused.retain(|paused| paused.component != performer);
    }

    fn performer(&self) -> ComponentRef {
        let name = self.launch.component.operator().unwrap_or_default();
        ComponentRef::Performer(name.to_owned())
    }
}

fn kill(performer: &Performer, performers: PerformersOf<'_>) -> Result<(), RuntimeError> {
    let id = process_id(performer);
    let pid = id.ok_or_else(|| performers.failed(format!("{:?} is no process id", performer.container_id)))?;
    kill_process(pid, Signal::KILL).map_err(|error| performers.failed(error.to_string()))
}

/// The process that a performer runs as.
pub(super) fn process_id(performer: &Performer) -> Option<Pid> {
    performer.container_id.parse().ok().and_then(Pid::from_raw)
}
