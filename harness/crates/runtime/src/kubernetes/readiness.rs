//! Why a component is not ready, with the cluster's own messages about it.

use std::time::Duration;

use hourglass_cluster::diagnostics::of_pod;
use hourglass_scenario::ComponentRef;
use hourglass_timeline::Event;
use k8s_openapi::api::core::v1::Pod;
use kube::api::ListParams;

use super::{KubernetesRuntime, performers, pods::Unready};
use crate::{
    RuntimeError,
    performers::{attributed, fault},
};

/// How long to wait for the last record of an ended executor.
const RECORD_WITHIN: Duration = Duration::from_secs(3);

impl KubernetesRuntime {
    /// The error of a component that is not ready. An executor waits for its Performers, so their state is reported as
    /// well.
    pub(super) async fn not_ready(&self, component: &ComponentRef, within: Duration, error: Unready) -> RuntimeError {
        let ended = matches!(error, Unready::Unrecoverable { .. });
        if ended && matches!(component, ComponentRef::Executor(_)) {
            // Its record may still be on its way; without one, the executor itself has failed.
            let told = |events: &[Event]| fault(events, component).map(drop);
            self.timeline.wait_until(RECORD_WITHIN, told).await;
        }
        let error = self.described(component, within, error).await;
        attributed(error, &self.timeline, self.names.configured(component), |performer| self.logs.output_of(performer))
    }

    async fn described(&self, component: &ComponentRef, within: Duration, error: Unready) -> RuntimeError {
        let component = component.clone();
        self.read_outputs().await;
        match error {
            Unready::Cluster(error) => error.into(),
            Unready::Unrecoverable { trouble, .. } => {
                let status = [trouble, self.troubles(&component).await].join("\n");
                let output = self.logs.output_of(&component);
                RuntimeError::Ended { component, status: status.trim_end().to_owned(), output }
            }
            Unready::Late(seen) => {
                let state = [seen, self.troubles(&component).await].join("\n");
                let output = self.logs.output_of(&component);
                RuntimeError::NotReady { component, within, state: state.trim_end().to_owned(), output }
            }
        }
    }

    /// Why other components of the trial are not ready; empty if that is not known.
    async fn troubles(&self, component: &ComponentRef) -> String {
        if *component == ComponentRef::Aggregator {
            return String::new();
        }
        let performers = performers::list(&self.trial_namespace).await.unwrap_or_default();
        let pods = self.trial_namespace.api::<Pod>().list(&ListParams::default()).await;
        let pods = pods.map(|pods| pods.items).unwrap_or_default();
        let troubles = performers.iter().filter_map(performers::trouble).chain(pods.iter().filter_map(of_pod));
        troubles.collect::<Vec<_>>().join("\n")
    }
}
