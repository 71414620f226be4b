//! All checks together, and their meaning for the runtimes.

use hourglass_base::{ExitStatus, RuntimeKind};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Check, Facts, Verdict, checks};

/// The runtimes that the status is about if none is named.
pub fn checked_by_default() -> Vec<RuntimeKind> {
    RuntimeKind::with(|capabilities| capabilities.checked_by_default)
}

/// What the machine is fit for; its JSON is what `harness doctor --format json` prints, with a version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Diagnosis {
    /// The runtimes that lack nothing.
    pub usable: Vec<RuntimeKind>,
    /// The runtimes that lack something, each with the names of the checks that say what.
    pub unusable: Vec<Unusable>,
    /// What was looked at. What depends on an engine that does not answer was not.
    pub checks: Vec<Check>,
}

/// A runtime that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unusable {
    /// Which one.
    pub runtime: RuntimeKind,
    /// The names of the checks that found something missing.
    pub because: Vec<&'static str>,
}

impl Diagnosis {
    /// The diagnosis for these facts.
    pub fn of(facts: &Facts) -> Self {
        Self::from_checks(checks::all(facts))
    }

    fn from_checks(checks: Vec<Check>) -> Self {
        let all = RuntimeKind::ALL.map(|runtime| Unusable { runtime, because: missing(&checks, runtime) });
        let (usable, unusable): (Vec<_>, Vec<_>) = all.into_iter().partition(|entry| entry.because.is_empty());
        Self { usable: usable.into_iter().map(|entry| entry.runtime).collect(), unusable, checks }
    }

    /// Whether these runtimes can be used; if none is named, those of [`checked_by_default`].
    pub fn status(&self, runtimes: &[RuntimeKind]) -> ExitStatus {
        let asked = if runtimes.is_empty() { checked_by_default() } else { runtimes.to_vec() };
        if asked.iter().all(|runtime| self.usable.contains(runtime)) {
            ExitStatus::Passed
        } else {
            ExitStatus::Environment
        }
    }
}

fn missing(checks: &[Check], runtime: RuntimeKind) -> Vec<&'static str> {
    let missing = checks.iter().filter(|check| check.verdict == Verdict::Missing);
    missing.filter(|check| check.needed_by.contains(&runtime)).map(|check| check.name).collect()
}

#[cfg(test)]
mod tests {
    use RuntimeKind::{Docker, Kubernetes, Process};
    use hourglass_base::Topic;

    use super::*;

    fn status(checks: Vec<Check>, runtimes: &[RuntimeKind]) -> (Vec<RuntimeKind>, u8) {
        let diagnosis = Diagnosis::from_checks(checks);
        let code = diagnosis.status(runtimes).code();
        (diagnosis.usable, code)
    }

    /// CI relies on this: a requirement that is missing fails, and nothing else does.
    #[test]
    fn only_missing_requirements_fail_the_status() {
        let engine = Topic { name: "docker-engine", needed_by: &[Docker, Kubernetes] };
        let anvil = Topic { name: "anvil", needed_by: &RuntimeKind::ALL };
        let kind = Topic { name: "privileged-containers", needed_by: &[Kubernetes] };
        assert_eq!(status(vec![engine.ok("there")], &[]), (RuntimeKind::ALL.into(), 0));
        assert_eq!(status(vec![engine.warning("old", "renew")], &[]), (RuntimeKind::ALL.into(), 0));
        assert_eq!(status(vec![engine.missing("not there", "get it")], &[]), (vec![Process], 3));
        assert_eq!(status(vec![engine.missing("not there", "get it")], &[Process]), (vec![Process], 0));
        assert_eq!(status(vec![anvil.missing("not there", "get it")], &[Process]), (vec![], 3));
        assert_eq!(status(vec![kind.missing("not there", "get it")], &[]), (vec![Process, Docker], 0));
        assert_eq!(status(vec![kind.missing("not there", "get it")], &[Kubernetes]), (vec![Process, Docker], 3));
    }

    /// A machine on which trials pass must not be called unusable, whichever runtime is asked for.
    #[test]
    fn every_runtime_can_be_usable() {
        for runtime in RuntimeKind::ALL {
            assert_eq!(status(vec![], &[runtime]), (RuntimeKind::ALL.into(), 0));
        }
    }
}
