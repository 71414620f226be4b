//! What the components of a trial use: readings of each of their starts, added up.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use hourglass_component::timeout::timeout;
use hourglass_proto::contracts::addresses as at;
use hourglass_scenario::ComponentRef;
use hourglass_timeline::ComponentUsage;

/// How long the reading may take; what is not read by then is not reported. Some engines need a second.
const READ_WITHIN: Duration = Duration::from_millis(1500);

/// The processors of the engine's own processes.
pub(super) const ENGINE: &str = "engine";
/// What the nodes use besides the components.
pub(super) const CONTROL_PLANE: &str = "control plane";

/// What a component has used since one of its starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Reading {
    /// Its processor time.
    pub cpu: Option<Duration>,
    /// The most memory that it had, in bytes.
    pub peak_memory: Option<u64>,
}

/// The readings of a trial: the highest of each start of each component.
#[derive(Debug, Default)]
pub(super) struct Readings(Mutex<BTreeMap<(String, String), Reading>>);

impl Readings {
    /// Notes a reading. `start` identifies the start of the component, such as a container's id; figures only grow
    /// between two readings of one start. One without figures is that of a component that has ended.
    pub(super) fn note(&self, component: impl Into<String>, start: impl Into<String>, reading: Reading) {
        if reading == Reading::default() {
            return;
        }
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = noted.entry((component.into(), start.into())).or_default();
        known.cpu = known.cpu.max(reading.cpu);
        known.peak_memory = known.peak_memory.max(reading.peak_memory);
    }

    /// Waits until `reading` has noted what is to be noted, but not long: reports must not wait for an engine that does
    /// not answer.
    pub(super) async fn within_limit(reading: impl Future<Output = ()> + Send) {
        if timeout(READ_WITHIN, reading).await.is_err() {
            tracing::info!(within = ?READ_WITHIN, "what the components use is not read in time");
        }
    }

    /// The sum of the processor times of components.
    pub(super) fn cpu_of(&self, is_meant: impl Fn(&str) -> bool) -> Duration {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.iter().filter(|((component, _), _)| is_meant(component)).filter_map(|(_, reading)| reading.cpu).sum()
    }

    /// All starts of each component together, in the order of their names.
    pub(super) fn usage(&self) -> Vec<ComponentUsage> {
        let mut components: BTreeMap<String, Reading> = BTreeMap::new();
        for ((component, _), reading) in self.0.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            let sum = components.entry(component.clone()).or_default();
            sum.cpu = match (sum.cpu, reading.cpu) {
                (Some(before), Some(more)) => Some(before + more),
                (before, more) => before.or(more),
            };
            sum.peak_memory = sum.peak_memory.max(reading.peak_memory);
        }
        let usage = |(component, Reading { cpu, peak_memory })| ComponentUsage {
            component,
            cpu_seconds: cpu.map(|cpu| (cpu.as_secs_f64() * 1e6).round() / 1e6),
            peak_memory_bytes: peak_memory,
        };
        components.into_iter().map(usage).collect()
    }
}

/// The name of a chain in reports, by its id.
pub(super) fn chain_name(chain_id: u64) -> Option<&'static str> {
    match chain_id {
        at::L1_CHAIN_ID => Some("l1"),
        at::L2_CHAIN_ID => Some("l2"),
        _ => None,
    }
}

/// The name in reports of what the label of an object calls a component; chains are labelled `chain-ID`.
pub(super) fn reported_name(label: &str) -> Option<String> {
    match label.strip_prefix("chain-") {
        Some(id) => id.parse().ok().and_then(chain_name).map(str::to_owned),
        None => Some(label.to_owned()),
    }
}

/// Whether a name in reports is that of a component, or of the performers that it may end itself.
pub(super) fn with_performers(component: &ComponentRef) -> impl Fn(&str) -> bool + use<> {
    let component = component.clone();
    move |name| name.parse().is_ok_and(|named: ComponentRef| named == component || named.is_performer_of(&component))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(cpu: u64, peak: u64) -> Reading {
        Reading { cpu: Some(Duration::from_millis(cpu)), peak_memory: Some(peak) }
    }

    /// A component that is read before a fault and at the end counts once, and one that was started again counts twice.
    #[test]
    fn readings_of_one_start_replace_each_other_and_starts_are_added() {
        let readings = Readings::default();
        for (component, start, cpu, peak) in
            [("l1", "a", 5, 7), ("executor/a", "a", 100, 9), ("executor/a", "a", 250, 8), ("executor/a", "b", 50, 20)]
        {
            readings.note(component, start, reading(cpu, peak));
        }
        readings.note("executor/a", "b", Reading::default());
        readings.note("performer/a", "b", Reading::default());
        let seen: Vec<_> = readings
            .usage()
            .into_iter()
            .map(|it| (it.component, it.cpu_seconds.unwrap(), it.peak_memory_bytes.unwrap()))
            .collect();
        assert_eq!(seen, [("executor/a".to_owned(), 0.3, 20), ("l1".to_owned(), 0.005, 7)]);
        assert_eq!(readings.cpu_of(|name| name != "l1"), Duration::from_millis(300));
    }

    #[test]
    fn containers_of_chains_are_reported_as_the_chains() {
        let names = ["chain-31337", "chain-31338", "executor/a", "chain-1"].map(reported_name);
        assert_eq!(names, [Some("l1".to_owned()), Some("l2".to_owned()), Some("executor/a".to_owned()), None]);
    }
}
