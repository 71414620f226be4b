//! The performers of an executor: its child processes, of which it tells the ids.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use hourglass_component::health;
use hourglass_proto::services::v1::{
    ListPerformersRequest, Performer, executor_management_service_client::ExecutorManagementServiceClient,
};
use rustix::process::{Pid, Signal, kill_process};
use tokio::time::{sleep, timeout};

use super::component::RunningComponent;
use crate::{child::Child, runtime::RuntimeError, scenario::ComponentRef};

impl RunningComponent {
    /// Kills the processes of the executor's performers, of which it tells the ids.
    pub(super) async fn kill_performers(&mut self) -> Result<(), RuntimeError> {
        let performers = self.performers().await?;
        if performers.is_empty() {
            return Err(self.cannot("kill", "its executor has no performer".to_owned()));
        }
        self.forget_paused_performers();
        performers.iter().try_for_each(|performer| self.kill_process(performer))
    }

    /// Kills the processes of the executor's performers that run, and waits until it has healthy ones in their place.
    pub(super) async fn restart_performers(&mut self, within: Duration) -> Result<(), RuntimeError> {
        let before = self.performers().await?;
        let running: Vec<_> = before.iter().filter(|performer| performer.resource_healthy).cloned().collect();
        for performer in &running {
            // It may have ended without its executor having noticed.
            let _ = self.kill_process(performer);
        }
        self.forget_paused_performers();
        let mut state = "its executor has no performer".to_owned();
        let replaced = async {
            // The executor tells of its own health late, and has no watch for its performers'.
            for pause in pauses() {
                let now = self.performers().await?;
                let is_new = |performer: &Performer| {
                    performer.application_healthy
                        && running.iter().all(|old| old.container_id != performer.container_id)
                };
                if !now.is_empty() && now.iter().all(is_new) {
                    break;
                }
                if let Some(performer) = now.iter().find(|performer| !is_new(performer)) {
                    let (resource, health) = (&performer.container_id, performer.application_healthy);
                    state = format!("performer process {resource:?} has application_healthy {health}");
                }
                sleep(pause).await;
            }
            Ok(())
        };
        let replaced = timeout(within, replaced).await;
        replaced.unwrap_or_else(|_| {
            let output = self.child.as_ref().map(Child::last_output).unwrap_or_default();
            Err(RuntimeError::NotReady { component: self.performer(), within, state, output })
        })
    }

    fn forget_paused_performers(&mut self) {
        let performer = self.performer();
        self.paused.retain(|paused| paused.component != performer);
    }

    fn kill_process(&self, performer: &Performer) -> Result<(), RuntimeError> {
        let id = process_id(performer);
        let pid = id.ok_or_else(|| self.cannot("kill", format!("{:?} is no process id", performer.container_id)))?;
        kill_process(pid, Signal::KILL).map_err(|error| self.cannot("kill", error.to_string()))
    }

    pub(super) fn cannot(&self, fault: &'static str, reason: String) -> RuntimeError {
        RuntimeError::Fault { fault, component: self.performer(), reason }
    }

    pub(super) async fn performers(&self) -> Result<Vec<Performer>, RuntimeError> {
        let fail = |reason: String| self.cannot("find", reason);
        let channel = health::channel(&self.address).map_err(|error| fail(error.to_string()))?;
        let request = ListPerformersRequest::default();
        let answer = ExecutorManagementServiceClient::new(channel).list_performers(request).await;
        Ok(answer
            .map_err(|status| fail(format!("its executor says {:?}: {}", status.code(), status.message())))?
            .into_inner()
            .performers)
    }

    fn performer(&self) -> ComponentRef {
        let name = self.launch.component.operator().unwrap_or_default();
        ComponentRef::Performer(name.to_owned())
    }
}

/// The process that a performer runs as.
pub(super) fn process_id(performer: &Performer) -> Option<Pid> {
    performer.container_id.parse().ok().and_then(Pid::from_raw)
}

/// Between two looks at what has no event to wait for.
pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    let first = Duration::from_millis(5);
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(20 * first)
        .with_factor(1.5)
        .without_max_times()
        .build()
}
