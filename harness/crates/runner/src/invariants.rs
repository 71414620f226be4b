//! What must hold after every trial, whatever its steps were.

use hourglass_component::chain::TaskStatus;
use hourglass_runtime::{InvariantViolation, Leak, UnexpectedEnd};
use hourglass_scenario::{Chain, ComponentRef, Trial};
use hourglass_timeline::{Event, Level, Source};
use jiff::Timestamp;

use super::{failure::StepFailure, judge::verified_on, verdict::Violation, world::World};

/// Checks of the chains, while they are still there.
pub(super) async fn on_chain(world: &World) -> Result<Vec<Violation>, StepFailure> {
    let mut violations = Vec::new();
    let tasks = world.all_tasks();
    for chain in [Chain::L1, Chain::L2] {
        if !tasks.iter().any(|task| task.chain == chain) {
            continue;
        }
        let verified = verified_on(world, chain).await?;
        for task in tasks.iter().filter(|task| task.chain == chain) {
            let hash = task.record.task;
            let status = world.status(task).await?;
            let events = verified.iter().filter(|verified| verified.task == hash).count();
            let (expected, seen) = match (status, events) {
                (TaskStatus::Verified, 1) | (TaskStatus::Expired, 0) => continue,
                (TaskStatus::Created | TaskStatus::None, _) => {
                    ("an end: verified or expired".to_owned(), format!("status {status:?}"))
                }
                (TaskStatus::Verified, _) => ("exactly one TaskVerified".to_owned(), format!("{events} of them")),
                (TaskStatus::Expired, _) => {
                    ("no TaskVerified for an expired task".to_owned(), format!("{events} of them"))
                }
            };
            let what = format!("invariant: task `{}` has one end", task.alias);
            violations.push(world.violation(what, None, expected, seen, Some(hash)));
        }
    }
    Ok(violations)
}

/// Violations of the runtime's invariants, while the trial still stands.
pub(super) async fn of_runtime(world: &World) -> Result<Vec<Violation>, StepFailure> {
    let broken = world.environment.runtime.invariant_violations().await?;
    let violation = |broken: InvariantViolation| {
        let InvariantViolation { invariant, expected, seen } = broken;
        world.violation(format!("invariant: {invariant}"), None, expected, seen, None)
    };
    Ok(broken.into_iter().map(violation).collect())
}

/// What a component's end means that no step caused.
pub(super) fn ended(world: &World, end: &UnexpectedEnd) -> Violation {
    let UnexpectedEnd { component, how, output } = end;
    let expected = format!("{component} runs until a step or the end of the trial ends it");
    let seen = format!("{component} ended with {how}; its last output:\n{output}");
    world.violation(format!("invariant: {component} keeps running"), None, expected, seen, None)
}

/// The ends that the scenario declares and that did not come: it shows something else than it says.
pub(super) fn declared_ends(world: &World) -> Vec<Violation> {
    let missing = world.environment.runtime.ends().missing();
    let violation = |component: ComponentRef| {
        let expected = format!("{component} ends, as invariants.expected_ends says");
        world.violation("invariant: expected ends", None, expected, format!("{component} did not end"), None)
    };
    missing.into_iter().map(violation).collect()
}

/// Errors that components logged and the scenario does not allow; which of its expressions cannot be used, where one
/// cannot.
///
/// What a program of the user's says after `taking_down`, once it was told to end, is its own affair: the public
/// aggregator calls every end an error. The reference components are to end without one.
pub(super) fn in_logs(
    events: &[Event],
    trial: &Trial,
    taking_down: Option<Timestamp>,
) -> Result<Vec<(String, Event)>, String> {
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

/// What was left behind.
pub(super) fn nothing_remains(leaks: &[Leak]) -> Option<Violation> {
    if leaks.is_empty() {
        return None;
    }
    let seen: Vec<_> = leaks.iter().map(|leaks| leaks.what.clone()).collect();
    Some(Violation {
        what: "invariant: nothing of the trial is left".to_owned(),
        place: None,
        expected: "everything ends when it is told to".to_owned(),
        seen: seen.join("; "),
        task: None,
        timeline: Vec::new(),
    })
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

    /// Guards the invariant itself: an error that is not allowed must be found, and only that.
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

    /// Excused is the user's program alone, as command or as image, and only for what it says once it was told to end.
    #[rstest::rstest]
    #[case::reference(Process, "aggregator", "{}", ComponentRef::Aggregator, false)]
    #[case::aggregator(Process, "aggregator", BOTH, ComponentRef::Aggregator, true)]
    #[case::aggregator_as_image(Docker, "aggregator", "{image: mine, command: [x]}", ComponentRef::Aggregator, true)]
    #[case::a_command_in_a_container(Docker, "aggregator", "{command: [mine]}", ComponentRef::Aggregator, false)]
    #[case::executor(Kubernetes, "executor", BOTH, ComponentRef::Executor("operator".to_owned()), true)]
    #[case::performer(Process, "performer", BOTH, ComponentRef::Performer("operator".to_owned()), true)]
    #[case::performer_as_image(Kubernetes, "performer", BOTH, ComponentRef::Performer("operator".to_owned()), true)]
    #[case::of_another(Process, "performer", BOTH, ComponentRef::Executor("operator".to_owned()), false)]
    fn the_last_words_of_a_replaced_component_are_no_errors(
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

    /// What was allowed must not be forgotten in silence.
    #[test]
    fn an_expression_that_cannot_be_used_is_told() {
        let mut trial = trial(Process, "");
        std::sync::Arc::make_mut(&mut trial.scenario).invariants.allowed_errors.push("a(".to_owned());
        assert!(in_logs(&[], &trial, None).unwrap_err().contains("`a(`"));
    }
}
