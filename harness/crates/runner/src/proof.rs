//! The verdict of a proof trial: the scenario's fault is taken out, and then it must fail (docs/decisions/0007).

use std::path::Path;

use super::verdict::{Verdict, Violation};

/// The verdict of a trial without its fault: it passes when an expectation of the scenario in `path` fails.
///
/// A leak or a logged error would make every scenario fail, with and without its fault. A failed environment proves
/// nothing either way.
pub(super) fn judged(verdict: Verdict, path: &Path) -> Verdict {
    match verdict {
        Verdict::Failed { violations } if violations.iter().any(|violation| violation.place.is_some()) => {
            Verdict::Passed
        }
        Verdict::Failed { mut violations } => {
            let seen = "only invariants failed, none of the scenario's own expectations";
            violations.insert(0, unproved(path, seen));
            Verdict::Failed { violations }
        }
        Verdict::Passed => {
            let seen = "it passes without its fault: its expectations do not notice the fault";
            Verdict::Failed { violations: vec![unproved(path, seen)] }
        }
        other => other,
    }
}

fn unproved(path: &Path, seen: &str) -> Violation {
    Violation {
        what: "without_fault".to_owned(),
        place: Some(path.display().to_string()),
        expected: "an expectation of the scenario fails, since its fault is taken out".to_owned(),
        seen: seen.to_owned(),
        task: None,
        timeline: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violation(place: Option<&str>) -> Violation {
        Violation { place: place.map(str::to_owned), ..unproved(Path::new("x.yaml"), "something else") }
    }

    fn failed(places: &[Option<&str>]) -> Verdict {
        Verdict::Failed { violations: places.iter().map(|place| violation(*place)).collect() }
    }

    fn seen(verdict: &Verdict) -> &str {
        let Verdict::Failed { violations } = verdict else { return "" };
        &violations[0].seen
    }

    #[test]
    fn only_a_failed_expectation_of_the_scenario_is_a_proof() {
        let judged = |verdict| judged(verdict, Path::new("x.yaml"));
        assert_eq!(judged(failed(&[None, Some("x.yaml:7")])), Verdict::Passed);
        assert!(seen(&judged(failed(&[None]))).contains("only invariants failed"));
        assert!(seen(&judged(Verdict::Passed)).contains("it passes without its fault"));
        let broken = Verdict::EnvironmentFailed { error: "start anvil".to_owned(), remedy: None };
        assert_eq!(judged(broken.clone()), broken);
        assert_eq!(judged(Verdict::Interrupted), Verdict::Interrupted);
    }
}
