//! The names of metrics, and what each means.

use crate::model::Unit;

/// The metric that decides unless another is chosen.
pub const PRIMARY: &str = "verified";
/// A whole trial.
pub(super) const TRIAL: &str = "trial";
/// The latency of the slowest tasks of a trial.
pub(super) const TAIL: &str = "verified_p95";
/// Tasks in a second.
pub(super) const THROUGHPUT: &str = "throughput";
/// The gas of a task.
pub(super) const GAS: &str = "gas";
/// The delivery of images.
pub(super) const IMAGES: &str = "images";
/// The start of a performer.
pub(super) const PERFORMER_READY: &str = "performer_ready";

/// Families of metrics of which a trial has several: the name of one is that of its family, a point, and of what it is.
const PHASE: &str = "phase";
const RECOVERY: &str = "recovery";
const CPU: &str = "cpu";
const MEMORY: &str = "memory";
/// In the order in which they are shown.
const FAMILIES: [&str; 4] = [PHASE, RECOVERY, CPU, MEMORY];

/// What the name of a metric means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// In words.
    pub title: String,
    /// The unit of its values.
    pub unit: Unit,
}

/// Metrics of which a trial has one, in the order in which they are shown.
const SINGLE: [(&str, &str, Unit); 13] = [
    ("observed", "from TaskCreated until the aggregator took notice of the task", Unit::Milliseconds),
    ("dispatched", "from TaskCreated until the aggregator had sent the task to the executors", Unit::Milliseconds),
    ("performer_started", "from TaskCreated until the first performer began", Unit::Milliseconds),
    ("performer_finished", "from TaskCreated until the last performer ended", Unit::Milliseconds),
    ("signed", "from TaskCreated until enough weight had signed", Unit::Milliseconds),
    ("submitted", "from TaskCreated until the submission of the certificate was confirmed", Unit::Milliseconds),
    (PRIMARY, "from TaskCreated to TaskVerified", Unit::Milliseconds),
    (TAIL, "from TaskCreated to TaskVerified, for 95 % of the tasks of a trial", Unit::Milliseconds),
    (
        THROUGHPUT,
        "verified tasks in a second, from the first TaskCreated to the last TaskVerified",
        Unit::TasksPerSecond,
    ),
    (GAS, "gas of the transactions that create a task and submit its certificate", Unit::Gas),
    (TRIAL, "a trial from the beginning of its stand-up to the end of its teardown", Unit::Milliseconds),
    (IMAGES, "the delivery of images to where components run", Unit::Milliseconds),
    (PERFORMER_READY, "from an executor that listens until its performer is in service", Unit::Milliseconds),
];

/// What the metric of this name is; `None` if no metric has such a name.
pub fn meaning(name: &str) -> Option<Meaning> {
    if let Some((_, title, unit)) = SINGLE.iter().find(|single| single.0 == name) {
        return Some(Meaning { title: (*title).to_owned(), unit: *unit });
    }
    let (family, of) = name.split_once('.').filter(|(_, of)| !of.is_empty())?;
    let words = of.replace('_', " ");
    let (title, unit) = match family {
        PHASE => (format!("the phase `{words}` of a trial"), Unit::Milliseconds),
        RECOVERY => (format!("from the end of the step `{words}` to the next TaskVerified"), Unit::Milliseconds),
        CPU => (format!("processor time of {words}"), Unit::ProcessorSeconds),
        MEMORY => (format!("the most memory of {words} at one time"), Unit::Bytes),
        _ => return None,
    };
    Some(Meaning { title, unit })
}

/// The place of a metric among others; those of one place are in the order of their names.
pub fn rank(name: &str) -> usize {
    SINGLE.iter().position(|single| single.0 == name).unwrap_or_else(|| {
        let family = name.split_once('.').map_or(name, |(family, _)| family);
        SINGLE.len() + FAMILIES.iter().position(|known| *known == family).unwrap_or(FAMILIES.len())
    })
}

/// The metric of a phase of a trial, for example `phase.chain_state`.
pub(super) fn phase(phase: &str) -> String {
    format!("{PHASE}.{}", word(phase))
}

/// The metric of a step and the line in which it is written, for example `recovery.kill_12`.
pub(super) fn recovery(step: &str, line: usize) -> String {
    format!("{RECOVERY}.{}_{line}", word(step))
}

/// The metric of a component's processor time, for example `cpu.executor/operator`.
pub(super) fn cpu(component: &str) -> String {
    format!("{CPU}.{}", word(component))
}

/// The metric of a component's memory.
pub(super) fn memory(component: &str) -> String {
    format!("{MEMORY}.{}", word(component))
}

/// A name without spaces, so that it is one word of a gate.
fn word(name: &str) -> String {
    name.split_whitespace().collect::<Vec<_>>().join("_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case("verified", "from TaskCreated to TaskVerified", Unit::Milliseconds)]
    #[case(&phase("chain state"), "the phase `chain state` of a trial", Unit::Milliseconds)]
    #[case(&recovery("kill", 12), "from the end of the step `kill 12` to the next TaskVerified", Unit::Milliseconds)]
    #[case(&cpu("executor/alice"), "processor time of executor/alice", Unit::ProcessorSeconds)]
    #[case(&memory("control plane"), "the most memory of control plane at one time", Unit::Bytes)]
    fn every_name_has_a_meaning(#[case] name: &str, #[case] title: &str, #[case] unit: Unit) {
        assert_eq!(meaning(name), Some(Meaning { title: title.to_owned(), unit }));
    }

    #[rstest::rstest]
    #[case("verifed")]
    #[case("phase.")]
    #[case("disk.l1")]
    #[case("")]
    fn other_names_have_none(#[case] name: &str) {
        assert_eq!(meaning(name), None);
    }
}
