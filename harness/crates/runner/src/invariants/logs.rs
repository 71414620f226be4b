//! What components must not log.

use hourglass_runtime::Invariant;
use hourglass_scenario::{ComponentRef, Trial};
use hourglass_timeline::{Event, Level, Source};
use jiff::Timestamp;

use super::{Aftermath, Finding};

/// How many ERROR records a report shows individually.
const ERRORS_SHOWN: usize = 20;

pub(super) const NO_ERROR: Invariant = Invariant {
    name: "no ERROR in a log",
    meaning: "No component logs a record of level ERROR that no expression of `invariants.allowed_errors` matches, and all \
              output can be judged to its end. What a program of the user's logs after it was told to end is exempt.",
};

/// Judged at the very end: components may log errors while they are taken down.
pub(super) fn no_error(aftermath: &Aftermath<'_>) -> Vec<Finding> {
    let mut findings: Vec<_> = match in_logs(aftermath.events, aftermath.trial, aftermath.taking_down) {
        Ok(errors) => {
            let expected = "no ERROR record that invariants.allowed_errors does not match";
            let more = errors.len().saturating_sub(ERRORS_SHOWN);
            let shown = errors.into_iter().take(ERRORS_SHOWN);
            let shown = shown.map(|(text, event)| {
                Finding::new(expected, format!("{}: {text}", event.source)).of_task(event.task_hash)
            });
            let more = (more > 0).then(|| Finding::new(expected, format!("{more} more, in timeline.jsonl")));
            shown.chain(more).collect()
        }
        Err(reason) => {
            vec![Finding::new("expressions in invariants.allowed_errors that can be used", reason)]
        }
    };
    // A trial that cannot be judged has not passed.
    findings.extend(aftermath.timeline.unjudged().into_iter().map(|(component, what)| {
        let seen = format!("{component}: left out of the timeline are {what}");
        Finding::new("output that can be judged to its end", seen)
    }));
    findings
}

/// The logged errors that the scenario does not allow; or the expression of the scenario that cannot be used.
///
/// Errors that a user's program logs after `taking_down`, once it was told to end, do not count: the public aggregator
/// calls every end an error. The reference components must end without one.
fn in_logs(events: &[Event], trial: &Trial, taking_down: Option<Timestamp>) -> Result<Vec<(String, Event)>, String> {
    let allowed = trial.scenario.invariants.compile()?;
    let is_allowed = |event: &Event| {
        let text = text(event);
        allowed.iter().any(|expression| expression.is_match(&text))
    };
    let is_last_word = |event: &Event, component: &ComponentRef| {
        taking_down.is_some_and(|since| event.at >= since) && trial.scenario.is_replaced(component, trial.runtime)
    };
    let errors = events.iter().filter(|event| match &event.source {
        Source::Component(component) => {
            event.level == Some(Level::Error) && !is_allowed(event) && !is_last_word(event, component)
        }
        Source::Chain(_) | Source::Harness => false,
    });
    Ok(errors.map(|event| (text(event), event.clone())).collect())
}

fn text(event: &Event) -> String {
    match event.fields.get("error").and_then(|error| error.as_str()) {
        Some(error) => format!("{}: {error}", event.message),
        None => event.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use RuntimeKind::{Docker, Kubernetes, Process};
    use hourglass_base::RuntimeKind;
    use hourglass_scenario::Loader;
    use hourglass_timeline::parse_line;

    use super::*;

    fn trial(runtime: RuntimeKind, head: &str) -> Trial {
        let text = format!(
            "name: own\ndescription: A user's own.\n{head}steps:\n  - create_task: {{payload: \"1\"}}\n  - expect_verified: \
             {{}}\n"
        );
        Loader::new().unwrap().parse(Path::new("own.yaml"), text).unwrap().trials(&[runtime]).remove(0)
    }

    fn found(events: &[Event], trial: &Trial, taking_down: Option<Timestamp>) -> Vec<String> {
        in_logs(events, trial, taking_down).unwrap().into_iter().map(|(text, _)| text).collect()
    }

    /// Protects the invariant itself: an error that is not allowed must be found, and only that.
    #[test]
    fn errors_are_found_unless_they_are_allowed() {
        let events = [
            r#"{"level":"INFO","message":"fine"}"#,
            r#"{"level":"ERROR","message":"lost a block","error":"gone"}"#,
            r#"{"level":"ERROR","message":"known trouble"}"#,
        ]
        .map(|line| parse_line(&ComponentRef::Aggregator, line));
        let allowing = trial(Process, "invariants: {allowed_errors: [\"^known\"]}\n");
        assert_eq!(found(&events, &allowing, None), ["lost a block: gone"]);
        assert_eq!(found(&events, &trial(Process, ""), None).len(), 2);
    }

    const BOTH: &str = "{command: [mine], image: mine}";

    /// Only the user's program is exempt, as command or as image, and only for what it logs once it was told to end.
    #[rstest::rstest]
    #[case::reference(Process, "aggregator", "{}", ComponentRef::Aggregator, false)]
    #[case::aggregator(Process, "aggregator", BOTH, ComponentRef::Aggregator, true)]
    #[case::aggregator_as_image(Docker, "aggregator", "{image: mine, command: [x]}", ComponentRef::Aggregator, true)]
    #[case::a_command_in_a_container(Docker, "aggregator", "{command: [mine]}", ComponentRef::Aggregator, false)]
    #[case::executor(Kubernetes, "executor", BOTH, ComponentRef::Executor("operator".to_owned()), true)]
    #[case::performer(Process, "performer", BOTH, ComponentRef::performer("operator"), true)]
    #[case::performer_as_image(Kubernetes, "performer", BOTH, ComponentRef::performer("operator"), true)]
    #[case::of_another(Process, "performer", BOTH, ComponentRef::Executor("operator".to_owned()), false)]
    fn shutdown_errors_of_a_replaced_component_are_ignored(
        #[case] runtime: RuntimeKind,
        #[case] key: &str,
        #[case] given: &str,
        #[case] component: ComponentRef,
        #[case] excused: bool,
    ) {
        let events = [
            r#"{"level":"error","ts":"2026-01-02T03:04:05.000Z","msg":"running"}"#,
            r#"{"level":"error","ts":"2026-01-02T03:04:07.000Z","msg":"ending"}"#,
        ]
        .map(|line| parse_line(&component, line));
        let trial = trial(runtime, &format!("components: {{{key}: {given}}}\n"));
        let taking_down = "2026-01-02T03:04:06Z".parse().ok();
        let expected: &[_] = if excused { &["running"] } else { &["running", "ending"] };
        assert_eq!(found(&events, &trial, taking_down), expected);
        assert_eq!(found(&events, &trial, None).len(), 2, "it was not told to end");
    }

    /// An expression that allows errors must not be ignored silently.
    #[test]
    fn an_invalid_expression_is_reported() {
        let mut trial = trial(Process, "");
        std::sync::Arc::make_mut(&mut trial.scenario).invariants.allowed_errors.push("a(".to_owned());
        assert!(in_logs(&[], &trial, None).unwrap_err().contains("`a(`"));
    }
}
