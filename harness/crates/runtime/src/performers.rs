//! The performers of an executor, as its management service reports them on every runtime.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};
use hourglass_component::{
    events::PERFORMER_FAULT_FIELD,
    health,
    keys::{Address, EcdsaKey},
    timeout::timeout,
};
use hourglass_proto::services::v1::{Performer, executor_management_service_client::ExecutorManagementServiceClient};
use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, Source, Timeline};
use tokio::time::sleep;

use super::{ExecutorSpec, PerformerSpec, RuntimeError, management::listed};

/// The field of an executor's records that holds the AVS of a performer.
pub(super) const AVS_FIELD: &str = "avs";
/// How long an executor that is not ready may take to report its performers.
const TOLD_WITHIN: Duration = Duration::from_secs(2);

/// One of the performers that an executor is configured with: its processes, containers or objects follow one another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ConfiguredPerformer {
    /// Its name.
    pub component: ComponentRef,
    /// Its AVS.
    pub avs: Address,
}

impl ConfiguredPerformer {
    /// Those of an executor.
    pub(super) fn all(spec: &ExecutorSpec) -> Vec<Self> {
        let of = |performer: &PerformerSpec| Self {
            component: ComponentRef::Performer(performer.name.clone()),
            avs: performer.avs,
        };
        spec.performers.iter().map(of).collect()
    }

    /// The one of an AVS, whose address components write; an executor with one performer need not name the AVS.
    pub(super) fn of_avs<'a>(all: &'a [Self], avs: Option<&str>) -> Option<&'a Self> {
        let named = |one: &&Self| avs.is_some_and(|avs| avs.eq_ignore_ascii_case(&format!("{:?}", one.avs)));
        match all {
            [only] => Some(only),
            several => several.iter().find(named),
        }
    }
}

/// An executor's performers, and the purpose of the request.
#[derive(Debug, Clone, Copy)]
pub(super) struct PerformersOf<'a> {
    /// The address of their executor.
    pub executor: &'a str,
    /// The key of its operator, the only one that its management service serves.
    pub key: &'a EcdsaKey,
    /// Their name.
    pub component: &'a ComponentRef,
    /// Their AVS, of an executor that has performers of several.
    pub avs: Option<Address>,
    /// The fault to inject, as `pause`.
    pub fault: &'static str,
}

impl PerformersOf<'_> {
    /// All of this name that the executor has.
    pub(super) async fn list(&self) -> Result<Vec<Performer>, RuntimeError> {
        let channel = health::channel(self.executor).map_err(|error| self.failed(error.to_string()))?;
        let refused =
            |status: tonic::Status| self.failed(format!("its executor says {:?}: {}", status.code(), status.message()));
        // An empty address is that of no AVS: the executor lists the performers of all.
        let avs = self.avs.map(|avs| format!("{avs:?}")).unwrap_or_default();
        let client = ExecutorManagementServiceClient::new(channel);
        let mut performers = listed(client, self.key, avs.clone()).await.map_err(refused)?;
        performers.retain(|performer| avs.is_empty() || performer.avs_address.eq_ignore_ascii_case(&avs));
        Ok(performers)
    }

    /// Waits until the executor has healthy performers, and none of the previous ones; `output` is what was written
    /// last.
    pub(super) async fn replaced(
        &self,
        before: &[String],
        within: Duration,
        output: impl FnOnce() -> String,
    ) -> Result<(), RuntimeError> {
        let mut state = "its executor has no performer".to_owned();
        let replaced = async {
            // The executor reports its own health late, and has no watch for its performers'.
            for pause in pauses() {
                let now = self.list().await?;
                let is_new =
                    |performer: &Performer| performer.application_healthy && !before.contains(&performer.container_id);
                if !now.is_empty() && now.iter().all(is_new) {
                    break;
                }
                if let Some(performer) = now.iter().find(|performer| !is_new(performer)) {
                    let (resource, health) = (&performer.container_id, performer.application_healthy);
                    state = format!("performer {resource:?} has application_healthy {health}");
                }
                sleep(pause).await;
            }
            Ok(())
        };
        let replaced = timeout(within, replaced).await;
        replaced.unwrap_or_else(|_| {
            let component = self.component.clone();
            Err(RuntimeError::NotReady { component, within, state, output: output() })
        })
    }

    /// The fault could not be injected.
    pub(super) fn failed(&self, reason: String) -> RuntimeError {
        RuntimeError::Fault { fault: self.fault, component: self.component.clone(), reason }
    }
}

/// The error of an executor that is not ready, or that of its performer if the executor names it as the reason;
/// `output` returns a performer's last lines.
pub(super) fn attributed(
    error: RuntimeError,
    timeline: &Timeline,
    performers: &[ConfiguredPerformer],
    output: impl FnOnce(&ComponentRef) -> String,
) -> RuntimeError {
    let found = match &error {
        RuntimeError::Ended { component, .. } | RuntimeError::NotReady { component, .. } => {
            let told = timeline.read(|events| fault(events, component));
            told.and_then(|told| {
                let performer = ConfiguredPerformer::of_avs(performers, told.avs.as_deref())?;
                Some((performer.component.clone(), told.how))
            })
        }
        RuntimeError::Performer { performer, how, .. } => Some((performer.clone(), how.clone())),
        _ => None,
    };
    let Some((performer, how)) = found else { return error };
    let output = output(&performer);
    RuntimeError::Performer { performer, how, output }
}

/// A fault of a performer.
#[derive(Debug)]
pub(super) struct ReportedFault {
    /// The AVS of the performer.
    avs: Option<String>,
    how: String,
}

/// The fault of a performer that keeps its executor from being ready, as the executor reports.
pub(super) fn fault(events: &[Event], executor: &ComponentRef) -> Option<ReportedFault> {
    let of_executor = |event: &&Event| event.source == Source::Component(executor.clone());
    let text = |event: &Event, name: &str| Some(event.fields.get(name)?.as_str()?.to_owned());
    let told =
        |event: &Event| Some(ReportedFault { how: text(event, PERFORMER_FAULT_FIELD)?, avs: text(event, AVS_FIELD) });
    events.iter().rev().filter(of_executor).find_map(told)
}

/// The error of the performer that an answering executor still waits for, if it does.
pub(super) async fn unready(configured: &[ConfiguredPerformer], address: &str, key: &EcdsaKey) -> Option<RuntimeError> {
    let first = configured.first()?;
    let performers = PerformersOf { executor: address, key, component: &first.component, avs: None, fault: "find" };
    let listed = timeout(TOLD_WITHIN, performers.list()).await.ok()?.ok()?;
    let waited_for = listed.into_iter().find(|performer| !performer.application_healthy)?;
    let performer = ConfiguredPerformer::of_avs(configured, Some(&waited_for.avs_address))?.component.clone();
    let runs = if waited_for.resource_healthy { "it runs" } else { "it does not run" };
    let how = format!("{runs}, and its health does not say SERVING");
    Some(RuntimeError::Performer { performer, how, output: String::new() })
}

/// The pauses between two checks of a state that has no event.
pub(super) fn pauses() -> impl Iterator<Item = Duration> {
    let first = Duration::from_millis(5);
    ExponentialBuilder::default()
        .with_min_delay(first)
        .with_max_delay(20 * first)
        .with_factor(1.5)
        .without_max_times()
        .build()
}
