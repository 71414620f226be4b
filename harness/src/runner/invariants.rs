//! What must hold after every trial, whatever its steps were.

use hourglass_component::chain::TaskStatus;
use jiff::Timestamp;

use super::{failure::StepFailure, judge::verified_on, verdict::Violation, world::World};
use crate::{
    runtime::{BrokenPromise, Remains, UnexpectedEnd},
    scenario::{Chain, ComponentRef, Components, Invariants},
    timeline::{Event, Level, Source},
};

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

/// What the runtime promises of every trial, while it still stands.
pub(super) async fn of_runtime(world: &World) -> Result<Vec<Violation>, StepFailure> {
    let broken = world.environment.runtime.broken_promises().await?;
    let violation = |broken: BrokenPromise| {
        let BrokenPromise { promise, expected, seen } = broken;
        world.violation(format!("invariant: {promise}"), None, expected, seen, None)
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

/// Errors that components logged and the scenario does not allow.
///
/// What a program of the user's says after `taking_down`, once it was told to end, is its own affair: the public
/// aggregator calls every end an error. The reference components are to end without one.
pub(super) fn in_logs(
    events: &[Event],
    invariants: &Invariants,
    components: &Components,
    taking_down: Option<Timestamp>,
) -> Vec<(String, Event)> {
    // Checked when the file was loaded.
    let allowed = invariants.compile().ok();
    let is_allowed = |event: &Event| allowed.as_ref().is_some_and(|set| set.is_match(&text(event)));
    let errors = events.iter().filter(|event| event.level == Some(Level::Error));
    let is_last_word =
        |event: &Event| taking_down.is_some_and(|since| event.at >= since) && is_replaced(event, components);
    let errors = errors.filter(|event| matches!(event.source, Source::Component(_)));
    let errors = errors.filter(|event| !is_allowed(event) && !is_last_word(event));
    errors.map(|event| (text(event), event.clone())).collect()
}

/// What was left behind.
pub(super) fn nothing_remains(remains: &[Remains]) -> Option<Violation> {
    if remains.is_empty() {
        return None;
    }
    let seen: Vec<_> = remains.iter().map(|remains| remains.what.clone()).collect();
    Some(Violation {
        what: "invariant: nothing of the trial is left".to_owned(),
        place: None,
        expected: "everything ends when it is told to".to_owned(),
        seen: seen.join("; "),
        task: None,
        timeline: Vec::new(),
    })
}

fn is_replaced(event: &Event, components: &Components) -> bool {
    match &event.source {
        Source::Component(ComponentRef::Aggregator) => components.aggregator.command.is_some(),
        Source::Component(ComponentRef::Executor(_)) => components.executor.command.is_some(),
        _ => false,
    }
}

fn text(event: &Event) -> String {
    match event.fields.get("error").and_then(|error| error.as_str()) {
        Some(error) => format!("{}: {error}", event.message),
        None => event.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenario::Component, timeline::parse_line};

    fn logged(line: &str) -> Event {
        parse_line(&ComponentRef::Aggregator, line)
    }

    /// Guards the invariant itself: an error that nobody allowed must be found, and only that.
    #[test]
    fn errors_are_found_unless_they_are_allowed() {
        let events = [
            logged(r#"{"level":"INFO","message":"fine"}"#),
            logged(r#"{"level":"ERROR","message":"lost a block","error":"gone"}"#),
            logged(r#"{"level":"ERROR","message":"known trouble"}"#),
        ];
        let invariants = Invariants { allowed_errors: vec!["^known".to_owned()], ..Invariants::default() };
        let reference = Components::default();
        let found: Vec<_> = in_logs(&events, &invariants, &reference, None).into_iter().map(|(text, _)| text).collect();
        assert_eq!(found, ["lost a block: gone"]);
        assert_eq!(in_logs(&events, &Invariants::default(), &reference, None).len(), 2);
    }

    /// Excused is the user's program alone, and only for what it says once it was told to end.
    #[test]
    fn the_last_words_of_a_replaced_component_are_no_errors() {
        let events = [
            logged(r#"{"level":"error","ts":"2026-01-02T03:04:05.000Z","msg":"running"}"#),
            logged(r#"{"level":"error","ts":"2026-01-02T03:04:07.000Z","msg":"ending"}"#),
        ];
        let taking_down = "2026-01-02T03:04:06Z".parse().ok();
        let command = Some(vec!["aggregator".to_owned()]);
        let replaced =
            Components { aggregator: Component { command, ..Component::default() }, ..Components::default() };
        let count = |components: &Components, since: Option<Timestamp>| {
            in_logs(&events, &Invariants::default(), components, since).len()
        };
        assert_eq!(count(&replaced, taking_down), 1);
        assert_eq!(count(&replaced, None), 2);
        assert_eq!(count(&Components::default(), taking_down), 2);
    }
}
