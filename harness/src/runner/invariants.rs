//! What must hold after every trial, whatever its steps were.

use hourglass_component::chain::TaskStatus;

use super::{failure::StepFailure, judge::verified_on, verdict::Violation, world::World};
use crate::{
    runtime::Remains,
    scenario::{Chain, Invariants},
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

/// Errors that components logged and the scenario does not allow.
pub(super) fn in_logs(events: &[Event], invariants: &Invariants) -> Vec<(String, Event)> {
    // Checked when the file was loaded.
    let allowed = invariants.compile().ok();
    let is_allowed = |event: &Event| allowed.as_ref().is_some_and(|set| set.is_match(&text(event)));
    let errors = events.iter().filter(|event| event.level == Some(Level::Error));
    let errors = errors.filter(|event| matches!(event.source, Source::Component(_)) && !is_allowed(event));
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

fn text(event: &Event) -> String {
    match event.fields.get("error").and_then(|error| error.as_str()) {
        Some(error) => format!("{}: {error}", event.message),
        None => event.message.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{scenario::ComponentRef, timeline::parse_line};

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
        let invariants = Invariants { allowed_errors: vec!["^known".to_owned()] };
        let found: Vec<_> = in_logs(&events, &invariants).into_iter().map(|(text, _)| text).collect();
        assert_eq!(found, ["lost a block: gone"]);
        assert_eq!(in_logs(&events, &Invariants::default()).len(), 2);
    }
}
