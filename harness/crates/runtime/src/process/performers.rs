//! The performers of an executor: its child processes, whose ids it reports.
//!
//! An executor has a time limit for its answer, and its answer is not trusted: a process without the labels of the
//! trial and of the executor gets no signal.

use std::{path::PathBuf, time::Duration};

use hourglass_child::{COMPONENT_VARIABLE, Child};
use hourglass_component::{
    keys::{Address, EcdsaKey},
    variables::SET_BY_EXECUTORS,
};
use hourglass_proto::services::v1::Performer;
use hourglass_reaper::{self as reaper, EnvironmentLabel, NotSignalled, RunId};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::LastLines;
use rustix::process::Signal;

use super::{component::RunningComponent, output};
use crate::{RuntimeError, performers::PerformersOf};

/// The labels of a component's processes.
#[derive(Debug, Clone)]
pub(super) struct ProcessLabels {
    run: RunId,
    component: String,
    /// The AVS of a performer, which its executor sets; for an executor with performers of several.
    avs: Option<String>,
}

/// The data of one executor's performers, so that no lock is held during a request.
#[derive(Debug, Clone)]
pub(super) struct Performers {
    /// Their name.
    pub(super) component: ComponentRef,
    /// Their AVS, if their executor has performers of others.
    avs: Option<Address>,
    labels: ProcessLabels,
    /// The address of their executor.
    address: String,
    /// The key of its operator.
    key: EcdsaKey,
    /// The executor's process, while it runs.
    executor: Option<i32>,
    /// Whether the executor is paused and cannot be asked.
    is_paused: bool,
    /// The last output of the executor, if it has no file for its performers.
    last: LastLines,
    /// The file that they write to.
    output: Option<PathBuf>,
}

impl ProcessLabels {
    pub(super) fn new(run: &RunId, component: &ComponentRef) -> Self {
        Self { run: run.clone(), component: component.to_string(), avs: None }
    }

    pub(super) fn all(&self) -> Vec<EnvironmentLabel<'_>> {
        let [avs_variable, ..] = SET_BY_EXECUTORS;
        let avs = self.avs.as_deref().map(|avs| (avs_variable, avs));
        [self.run.label(), (COMPONENT_VARIABLE, &*self.component)].into_iter().chain(avs).collect()
    }
}

impl RunningComponent {
    /// The performers of this executor that have a name.
    pub(super) fn performers(&self, component: &ComponentRef, run: &RunId) -> Option<Performers> {
        let executor = &self.launch.component;
        let all = &self.launch.performers;
        let (configured, output) = all.iter().find(|(performer, _)| performer.component == *component)?;
        let avs = (all.len() > 1).then_some(configured.avs);
        let labels = ProcessLabels::new(run, executor);
        Some(Performers {
            component: component.clone(),
            avs,
            labels: ProcessLabels { avs: avs.map(|avs| format!("{avs:?}")), ..labels },
            address: self.address.clone(),
            key: self.launch.key.clone(),
            executor: self.leader(),
            is_paused: self.is_paused(executor),
            last: self.child.as_ref().map(Child::last_lines).unwrap_or_default(),
            output: Some(output.clone()),
        })
    }

    /// They are replaced by now, or will be.
    pub(super) fn forget_paused_performers(&mut self, performer: &ComponentRef) {
        self.paused.retain(|paused| paused.component != *performer);
    }
}

impl Performers {
    /// Kills their processes.
    pub(super) async fn kill(&self) -> Result<(), RuntimeError> {
        let running = self.running("kill").await?;
        if running.is_empty() {
            return Err(self.of("kill").failed("its executor has no performer".to_owned()));
        }
        running.into_iter().try_for_each(|pid| self.signal(pid)).map_err(|error| self.refused(&error, "kill"))
    }

    /// Kills the processes of the running ones, and waits until their executor has healthy replacements.
    pub(super) async fn restart(&self, within: Duration) -> Result<(), RuntimeError> {
        let known = self.of("restart");
        let before = known.list().await?;
        let running: Vec<_> = before.into_iter().filter(|performer| performer.resource_healthy).collect();
        for performer in &running {
            // It may have ended without its executor having noticed.
            match self.signal(self.id(performer, "restart")?) {
                Ok(()) | Err(NotSignalled::Gone(_)) => {}
                Err(error) => return Err(self.refused(&error, "restart")),
            }
        }
        let before: Vec<_> = running.into_iter().map(|performer| performer.container_id).collect();
        known.replaced(&before, within, || self.last_output()).await
    }

    /// The ids of their processes: as their executor reports or, if it is paused, its children.
    pub(super) async fn running(&self, fault: &'static str) -> Result<Vec<i32>, RuntimeError> {
        if let Some(executor) = self.executor.filter(|_| self.is_paused) {
            let children = reaper::children_of(executor, &self.labels.all());
            return children.map_err(|error| self.of(fault).failed(error.to_string()));
        }
        self.of(fault).list().await?.iter().map(|performer| self.id(performer, fault)).collect()
    }

    fn last_output(&self) -> String {
        self.output.as_deref().map_or_else(|| self.last.to_string(), output::last_lines)
    }

    /// The labels that identify a process as one of them: it inherits them from its executor.
    pub(super) fn labels(&self) -> &ProcessLabels {
        &self.labels
    }

    fn id(&self, performer: &Performer, fault: &'static str) -> Result<i32, RuntimeError> {
        let id = performer.container_id.parse().ok().filter(|pid| *pid > 0);
        id.ok_or_else(|| self.of(fault).failed(format!("{:?} is no process id", performer.container_id)))
    }

    fn signal(&self, pid: i32) -> Result<(), NotSignalled> {
        reaper::signal_process(pid, &self.labels.all(), Signal::KILL)
    }

    pub(super) fn refused(&self, error: &NotSignalled, fault: &'static str) -> RuntimeError {
        self.of(fault).failed(format!("of the process that its executor names: {error}"))
    }

    fn of(&self, fault: &'static str) -> PerformersOf<'_> {
        PerformersOf { executor: &self.address, key: &self.key, component: &self.component, avs: self.avs, fault }
    }
}
