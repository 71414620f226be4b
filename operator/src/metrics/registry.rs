//! The metrics and their registry.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use kube::runtime::reflector::Store;
use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use super::ApiRequest;
use crate::api::{Performer, PerformerPhase};

/// Bounds in seconds, closer together around the goal that a reconcile takes 100 ms at most.
const BOUNDS: [f64; 14] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];
const PHASES: [PerformerPhase; 5] = [
    PerformerPhase::Pending,
    PerformerPhase::Running,
    PerformerPhase::Upgrading,
    PerformerPhase::Terminating,
    PerformerPhase::Failed,
];

/// How a reconcile ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Everything is as it should be, or on its way.
    Success,
    /// The API server refuses what the Performer needs.
    Refused,
    /// The API server could not be asked, or another writer was faster; the reconcile is tried again.
    Error,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Phase {
    phase: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Watch {
    watch: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answer {
    verb: String,
    group: String,
    resource: String,
    code: String,
}

/// Everything that `/metrics` reports.
pub(crate) struct Metrics {
    registry: Registry,
    reconciles: Family<Ended, Counter>,
    durations: Histogram,
    waits: Histogram,
    performers: Family<Phase, Gauge>,
    leading: Gauge,
    requests: Family<Answer, Counter>,
    watch_errors: Family<Watch, Counter>,
    stores: Mutex<Vec<Store<Performer>>>,
}

impl Default for Metrics {
    fn default() -> Self {
        let mut metrics = Self {
            registry: Registry::with_prefix("hourglass_operator"),
            reconciles: Family::default(),
            durations: Histogram::new(BOUNDS),
            waits: Histogram::new(BOUNDS),
            performers: Family::default(),
            leading: Gauge::default(),
            requests: Family::default(),
            watch_errors: Family::default(),
            stores: Mutex::default(),
        };
        metrics.register();
        metrics
    }
}

impl Metrics {
    /// Records that a reconcile has begun that was requested `wait` ago; `None` if only its own schedule requested it.
    pub(crate) fn began(&self, wait: Option<Duration>) {
        if let Some(wait) = wait {
            self.waits.observe(wait.as_secs_f64());
        }
    }

    /// Records that a reconcile has ended after `took`.
    pub(crate) fn ended(&self, outcome: Outcome, took: Duration) {
        let result = match outcome {
            Outcome::Success => "success",
            Outcome::Refused => "refused",
            Outcome::Error => "error",
        };
        self.reconciles.get_or_create(&Ended { result }).inc();
        self.durations.observe(took.as_secs_f64());
    }

    /// Counts a request to the API server by the `code` of its answer.
    pub(crate) fn asked(&self, request: ApiRequest, code: &str) {
        let ApiRequest { verb, group, resource } = request;
        self.requests.get_or_create(&Answer { verb, group, resource, code: code.to_owned() }).inc();
    }

    /// Counts a watch that broke.
    pub(crate) fn watch_failed(&self, watch: &str) {
        self.watch_errors.get_or_create(&Watch { watch: watch.to_owned() }).inc();
    }

    /// Records whether this operator acts.
    pub(crate) fn lead(&self, leading: bool) {
        self.leading.set(leading.into());
    }

    /// Counts the Performers in `store` by phase, as long as this operator acts.
    pub(crate) fn count(&self, store: Store<Performer>) {
        self.stores.lock().unwrap_or_else(PoisonError::into_inner).push(store);
    }

    /// All metrics in the text format of `OpenMetrics`.
    pub(crate) fn text(&self) -> Result<String, fmt::Error> {
        self.count_phases();
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }

    fn count_phases(&self) {
        let mut phases: BTreeMap<String, i64> = PHASES.iter().map(|phase| (format!("{phase:?}"), 0)).collect();
        if self.leading.get() == 1 {
            for performer in self.stores.lock().unwrap_or_else(PoisonError::into_inner).iter().flat_map(Store::state) {
                let phase = performer.status.as_ref().map(|status| status.phase).unwrap_or_default();
                *phases.entry(format!("{phase:?}")).or_default() += 1;
            }
        }
        for (phase, count) in phases {
            self.performers.get_or_create(&Phase { phase }).set(count);
        }
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("reconciles", "Reconciles by result", self.reconciles.clone());
        registry.register(
            "reconcile_duration_seconds",
            "How long reconciles worked, without what they waited in the queue",
            self.durations.clone(),
        );
        registry.register(
            "queue_wait_seconds",
            "From the event that asked for a reconcile until it began",
            self.waits.clone(),
        );
        registry.register("performers", "Performers by phase, where this operator acts", self.performers.clone());
        registry.register("leader", "1 where this operator acts, 0 where it stands by", self.leading.clone());
        registry.register(
            "api_requests",
            "Requests to the API server by verb, group, resource and the code of the answer",
            self.requests.clone(),
        );
        registry.register("watch_errors", "How often a watch broke", self.watch_errors.clone());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_exposed() {
        let metrics = Metrics::default();
        metrics.began(Some(Duration::from_millis(3)));
        metrics.began(None);
        metrics.ended(Outcome::Success, Duration::from_millis(20));
        metrics.ended(Outcome::Error, Duration::from_millis(20));
        let request = ApiRequest { verb: "list".to_owned(), group: String::new(), resource: "pods".to_owned() };
        metrics.asked(request, "403");
        metrics.watch_failed("pods");
        metrics.lead(true);
        let text = metrics.text().unwrap();
        for line in [
            "hourglass_operator_reconciles_total{result=\"success\"} 1",
            "hourglass_operator_reconciles_total{result=\"error\"} 1",
            "hourglass_operator_reconcile_duration_seconds_bucket{le=\"0.025\"} 2",
            "hourglass_operator_queue_wait_seconds_count 1",
            "hourglass_operator_performers{phase=\"Pending\"} 0",
            "hourglass_operator_leader 1",
            "hourglass_operator_api_requests_total{verb=\"list\",group=\"\",resource=\"pods\",code=\"403\"} 1",
            "hourglass_operator_watch_errors_total{watch=\"pods\"} 1",
        ] {
            assert!(text.lines().any(|told| told == line), "{line} is not told by\n{text}");
        }
    }
}
