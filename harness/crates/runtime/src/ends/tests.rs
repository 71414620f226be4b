//! Which ends count, before, during and after what steps do.

use std::time::Duration;

use ComponentRef::Aggregator;
use rstest::rstest;
use tokio::time::timeout;

use super::*;

fn executor() -> ComponentRef {
    ComponentRef::Executor("alice".to_owned())
}

fn performer() -> ComponentRef {
    ComponentRef::performer("alice")
}

fn ends(declared: &[ComponentRef]) -> Ends {
    Ends::new(declared, &Timeline::default())
}

fn note(ends: &Ends, component: &ComponentRef) {
    ends.note(component, None, Timestamp::now(), "exit status: 1", || "  last words".to_owned());
}

fn found(ends: &Ends) -> Option<ComponentRef> {
    ends.state.borrow().unexpected.first().map(|end| end.component.clone())
}

/// What a test does before a component ends.
#[derive(Debug, Clone, Copy)]
enum Before {
    Nothing,
    Watched,
    Excused,
    Again,
    PerformerExcused,
    Closed,
}

#[rstest]
#[case::before_it_was_ready(Before::Nothing, &[], false)]
#[case::while_it_is_to_run(Before::Watched, &[], true)]
#[case::killed_by_a_step(Before::Excused, &[], false)]
#[case::after_a_step_has_started_it_again(Before::Again, &[], true)]
#[case::while_the_trial_is_taken_down(Before::Closed, &[], false)]
#[case::declared(Before::Watched, &[executor(), performer()], false)]
#[tokio::test]
async fn an_end_counts_when_no_step_caused_it(
    #[case] before: Before,
    #[case] declared: &[ComponentRef],
    #[case] counts: bool,
    #[values(executor(), performer())] component: ComponentRef,
) {
    let ends = ends(declared);
    prepare(&ends, before);
    note(&ends, &component);
    assert_eq!(found(&ends), counts.then(|| component.clone()));
    let told = timeout(Duration::from_millis(20), ends.unexpected()).await;
    assert_eq!(told.map(|end| end.component).ok(), counts.then_some(component));
}

fn prepare(ends: &Ends, before: Before) {
    if !matches!(before, Before::Nothing) {
        ends.watch(&executor());
    }
    match before {
        Before::Excused => ends.excuse(&executor()),
        Before::Again => {
            ends.excuse(&executor());
            ends.watch(&executor());
        }
        Before::PerformerExcused => ends.excuse_performer(&executor()),
        Before::Closed => ends.close(),
        Before::Nothing | Before::Watched => {}
    }
}

/// An executor may start its performer again, and that may end as well.
#[tokio::test]
async fn every_end_is_given_once_and_the_component_is_watched_again() {
    let ends = ends(&[]);
    ends.watch(&executor());
    for _ in 0..2 {
        note(&ends, &performer());
        let next = timeout(Duration::from_secs(5), ends.next_unexpected()).await.unwrap();
        assert_eq!((next.component, found(&ends)), (performer(), None));
    }
    assert!(timeout(Duration::from_millis(20), ends.next_unexpected()).await.is_err(), "an end is given twice");
}

#[test]
fn a_paused_executor_must_run_and_may_restart_its_performer() {
    let ends = ends(&[]);
    prepare(&ends, Before::PerformerExcused);
    note(&ends, &performer());
    assert_eq!(found(&ends), None);
    note(&ends, &executor());
    assert_eq!(found(&ends), Some(executor()));
}

#[test]
fn an_end_from_before_a_restart_does_not_count() {
    let ends = ends(&[]);
    let killed = Timestamp::now();
    prepare(&ends, Before::Again);
    ends.note(&executor(), None, killed, "signal: 9 (SIGKILL)", String::new);
    assert_eq!(found(&ends), None);
    note(&ends, &executor());
    assert_eq!(found(&ends), Some(executor()));
}

#[test]
fn a_declared_end_that_does_not_come_is_missing() {
    let ends = ends(&[performer(), Aggregator]);
    assert_eq!(ends.missing(), [Aggregator, performer()]);
    note(&ends, &performer());
    assert_eq!(ends.missing(), [Aggregator]);
    ends.close();
    note(&ends, &Aggregator);
    assert_eq!(ends.missing(), [Aggregator], "the end of the trial is no end of its own");
}

#[tokio::test]
async fn the_end_of_a_chain_is_reported_with_its_output() {
    let ends = ends(&[]);
    ends.note_chain(31338, "signal: 9 (SIGKILL)", || "  block 7".to_owned());
    let told = ends.chain().await.to_string();
    assert!(told.contains("31338") && told.contains("signal: 9") && told.contains("block 7"), "{told}");
}

#[test]
fn every_end_is_in_the_timeline_until_the_trial_is_taken_down() {
    let timeline = Timeline::default();
    let ends = Ends::new(&[performer()], &timeline);
    note(&ends, &performer());
    ends.close();
    note(&ends, &Aggregator);
    let messages: Vec<_> = timeline.sorted().into_iter().map(|event| event.message).collect();
    assert_eq!(messages, ["performer/alice ended with exit status: 1"]);
}

fn note_of(ends: &Ends, instance: &str) {
    ends.note(&performer(), Some(instance), Timestamp::now(), "exit code 1", String::new);
}

fn ids(performers: &[&str]) -> Vec<Vec<String>> {
    performers.iter().map(|id| vec![(*id).to_owned(), format!("resource of {id}")]).collect()
}

/// The old performer ends because of the deployment, before or after its result is known; the new one must run.
#[rstest]
#[case::during_the_deployment(true)]
#[case::after_the_deployment(false)]
fn the_end_of_a_replaced_performer_does_not_count(#[case] during: bool) {
    let ends = ends(&[]);
    ends.watch(&executor());
    ends.begin_replacement(&performer(), &ids(&["blue"]));
    if during {
        note_of(&ends, "resource of blue");
    }
    ends.settle_replacement(&performer(), Some(&ids(&["green"])), true);
    if !during {
        note_of(&ends, "blue");
    }
    assert_eq!(found(&ends), None);
    assert!(ends.is_replaced(&performer(), "blue") && !ends.is_replaced(&performer(), "green"));
    note_of(&ends, "green");
    assert_eq!(found(&ends), Some(performer()));
}

/// A deployment that fails ends its own candidate alone.
#[rstest]
#[case::candidate("candidate", false)]
#[case::in_service("blue", true)]
fn after_a_failed_deployment_only_the_end_of_the_old_performer_counts(
    #[case] ended: &str,
    #[case] counts: bool,
    #[values(true, false)] during: bool,
) {
    let ends = ends(&[]);
    ends.watch(&executor());
    ends.begin_replacement(&performer(), &ids(&["blue"]));
    if during {
        note_of(&ends, ended);
        assert_eq!(found(&ends), None, "it is not known yet whether it was to go");
    }
    ends.settle_replacement(&performer(), Some(&ids(&["blue"])), false);
    if !during {
        note_of(&ends, ended);
    }
    assert_eq!(found(&ends), counts.then(performer));
}

/// The second deployment is refused while the first goes on.
#[test]
fn a_refused_deployment_does_not_settle_the_one_under_way() {
    let ends = ends(&[]);
    ends.watch(&executor());
    ends.begin_replacement(&performer(), &ids(&["blue"]));
    ends.begin_replacement(&performer(), &ids(&["blue", "green"]));
    ends.settle_replacement(&performer(), Some(&ids(&["blue", "green"])), false);
    note_of(&ends, "blue");
    ends.settle_replacement(&performer(), Some(&ids(&["green"])), true);
    assert_eq!(found(&ends), None);
    note_of(&ends, "green");
    assert_eq!(found(&ends), Some(performer()));
}

#[test]
fn a_removed_performer_may_end_until_another_is_deployed() {
    let ends = ends(&[]);
    ends.watch(&executor());
    ends.begin_replacement(&performer(), &ids(&["blue"]));
    ends.settle_replacement(&performer(), Some(&[]), false);
    note(&ends, &performer());
    assert!(ends.is_removed(&performer()) && found(&ends).is_none());
    ends.begin_replacement(&performer(), &[]);
    ends.settle_replacement(&performer(), Some(&ids(&["green"])), true);
    assert!(!ends.is_removed(&performer()));
    note_of(&ends, "green");
    assert_eq!(found(&ends), Some(performer()));
}

/// A restarted performer has another process, container or pod.
#[test]
fn a_performer_that_a_step_restarts_after_a_deployment_must_run() {
    let ends = ends(&[]);
    ends.watch(&executor());
    ends.begin_replacement(&performer(), &ids(&["blue"]));
    ends.settle_replacement(&performer(), Some(&ids(&["green"])), true);
    ends.excuse(&performer());
    ends.watch(&performer());
    note_of(&ends, "another resource of green");
    assert_eq!(found(&ends), Some(performer()));
}
