//! Durations. These are no tests, because they depend more on the machine than on the operator: they are listed as
//! ignored, print their figures and are run by name, as docs/performance.md says.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime},
};

use futures::{StreamExt as _, future::join_all};
use hourglass_operator::api::{PERFORMER_LABEL, Performer};
use jiff::Timestamp;
use k8s_openapi::{
    NamespaceResourceScope,
    api::{apps::v1::Deployment, core::v1::Pod},
};
use kube::{
    Api, Resource, ResourceExt as _,
    api::{DeleteParams, LogParams},
    runtime::watcher,
};
use serde::de::DeserializeOwned;
use serde_json::json;
use tokio::{sync::watch, time::timeout};

use crate::{
    controller::pod_of,
    many_performers::{a_hundred_performers, change_environments},
    operator_namespace::{WITHIN, block_on},
    operator_test::{OperatorTest, written},
    process::Operator,
};

const ROUNDS: usize = 30;
const AT_ONCE: usize = 20;
/// After this time, a kubelet that looks once a second has seen that a pod no longer changes.
const SETTLED: Duration = Duration::from_secs(3);
/// The names of performers, and how long they run before they are deleted.
const KINDS: [(&str, Duration); 2] = [("fresh", Duration::ZERO), ("settled", SETTLED)];

/// An event in the life of a performer; they occur in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Mark {
    Created,
    Deployment,
    Pod,
    Scheduled,
    Serving,
    Ready,
    Told,
    Deleted,
    Leaving,
    Ended,
    Gone,
}

const BIRTH: [(Mark, &str); 7] = [
    (Mark::Created, ""),
    (Mark::Deployment, "operator: Deployment made"),
    (Mark::Pod, "controllers of Kubernetes: pod made"),
    (Mark::Scheduled, "scheduler: node found"),
    (Mark::Serving, "kubelet: container started, performer serves"),
    (Mark::Ready, "probes: pod ready"),
    (Mark::Told, "operator: status ready"),
];
const END: [(Mark, &str); 4] = [
    (Mark::Deleted, ""),
    (Mark::Leaving, "operator and controllers: pod told to end"),
    (Mark::Ended, "kubelet: container ended, and known to have"),
    (Mark::Gone, "kubelet: pod gone"),
];

pub(crate) fn one_performer_after_the_other() {
    let test = OperatorTest::new();
    let _operator = test.operator_with(&json!({"logLevel": "info"})).leads();
    let marks = block_on(async {
        let marks = Marks::watch(&test).await;
        for number in 0..ROUNDS {
            for (kind, idle) in KINDS {
                // Otherwise each would begin right after the previous end, and so always at the same moment of the
                // kubelet's period.
                tokio::time::sleep(Duration::from_millis(rand::random_range(0..1000))).await;
                let name = format!("{kind}{number}");
                birth(&test, &marks, &name).await;
                serving(&test, &marks, &name).await;
                tokio::time::sleep(idle).await;
                end(&test, &marks, &name).await;
            }
        }
        marks
    });
    let [fresh, settled] =
        KINDS.map(|(kind, _)| -> Vec<_> { (0..ROUNDS).map(|number| marks.of(&format!("{kind}{number}"))).collect() });
    let born = [fresh.clone(), settled.clone()].concat();
    for (what, steps, lives) in [
        ("created", &BIRTH[..], born),
        ("deleted as soon as it was ready", &END, fresh),
        ("deleted later", &END, settled),
    ] {
        eprintln!("| {what}, {} times, in ms | p50 | p95 | largest |\n| --- | --- | --- | --- |", lives.len());
        for pair in steps.windows(2) {
            row(pair[1].1, lives.iter().map(|life| between(life, pair[0].0, pair[1].0)).collect());
        }
        let (first, last) = (steps[0].0, steps[steps.len() - 1].0);
        row("all of it", lives.iter().map(|life| between(life, first, last)).collect());
    }
}

pub(crate) fn twenty_performers_at_once() {
    let test = OperatorTest::new();
    let _operator = test.operator_with(&json!({"logLevel": "info"})).leads();
    let names: Vec<String> = (0..AT_ONCE).map(|number| format!("p{number}")).collect();
    let (marks, created, deleted) = block_on(async {
        let marks = Marks::watch(&test).await;
        let created = SystemTime::now();
        join_all(names.iter().map(|name| birth(&test, &marks, name))).await;
        // The deletions begin only after all of them run, because the node has enough to do.
        join_all(names.iter().map(|name| serving(&test, &marks, name))).await;
        let deleted = SystemTime::now();
        join_all(names.iter().map(|name| end(&test, &marks, name))).await;
        (marks, created, deleted)
    });
    let lives: Vec<_> = names.iter().map(|name| marks.of(name)).collect();
    for (steps, begun) in [(&BIRTH[..], created), (&END[..], deleted)] {
        eprintln!(
            "| {AT_ONCE} at once, milliseconds since the first request | the first | the last |\n| --- | --- | --- |"
        );
        for (mark, what) in &steps[1..] {
            let at = lives.iter().filter_map(|life| Some(since(begun, *life.get(mark)?)));
            let at: Vec<Duration> = at.collect();
            let milliseconds = |duration: Option<&Duration>| duration.map_or(0, Duration::as_millis);
            eprintln!("| {what} | {} | {} |", milliseconds(at.iter().min()), milliseconds(at.iter().max()));
        }
    }
}

pub(crate) fn reconciles_with_a_hundred_performers() {
    let test = OperatorTest::new();
    let operator = test.operator_with(&json!({"logLevel": "info"})).leads();
    a_hundred_performers(&test, &operator);
    let names = ["reconcile_duration_seconds", "queue_wait_seconds"];
    let before = names.map(|name| buckets(&operator, name));
    change_environments(&test, 100);
    eprintln!("| a hundred Performers, each changed once | reconciles | p50 at most, ms | p95 at most, ms |");
    eprintln!("| --- | --- | --- | --- |");
    for (name, before) in names.into_iter().zip(before) {
        let after = buckets(&operator, name);
        let grown: Vec<_> =
            after.iter().zip(&before).map(|((bound, after), (_, before))| (*bound, after - before)).collect();
        let all = grown.last().unwrap().1;
        let quantile = |share: f64| 1e3 * grown.iter().find(|(_, count)| *count >= all * share).unwrap().0;
        eprintln!("| {name} | {all} | {} | {} |", quantile(0.5), quantile(0.95));
    }
}

/// Bounds and counts of a histogram, the widest last.
fn buckets(operator: &Operator, name: &str) -> Vec<(f64, f64)> {
    let bound = |labels: &str| -> f64 {
        labels.trim_start_matches("le=\"").trim_end_matches('"').replace("+Inf", "inf").parse().unwrap()
    };
    let samples = operator.samples(&format!("hourglass_operator_{name}_bucket"));
    samples.into_iter().map(|(labels, count)| (bound(&labels), count)).collect()
}

async fn birth(test: &OperatorTest, marks: &Marks, name: &str) {
    marks.set(name, Mark::Created, SystemTime::now());
    test.namespace.apply_performer(&written(test, name)).await.unwrap();
    marks.reached(name, Mark::Told).await;
}

/// Marks when it first served, according to its own log.
async fn serving(test: &OperatorTest, marks: &Marks, name: &str) {
    let pods: Api<Pod> = test.api();
    let pod = pod_of(&test.api::<Performer>().get(name).await.unwrap()).unwrap();
    // The performer logs first that it serves; node and tests share one clock.
    let log = pods.logs(&pod, &LogParams { timestamps: true, ..LogParams::default() }).await.unwrap();
    let first: Timestamp = log.split(' ').next().unwrap().parse().unwrap();
    marks.set(name, Mark::Serving, SystemTime::from(first));
}

async fn end(test: &OperatorTest, marks: &Marks, name: &str) {
    marks.set(name, Mark::Deleted, SystemTime::now());
    test.api::<Performer>().delete(name, &DeleteParams::default()).await.unwrap();
    marks.reached(name, Mark::Gone).await;
}

/// When each event of each performer was first seen.
struct Marks(watch::Sender<HashMap<(String, Mark), SystemTime>>);

impl Marks {
    /// Records all events from now on.
    async fn watch(test: &OperatorTest) -> Self {
        let marks = Self(watch::Sender::new(HashMap::new()));
        marks.follow::<Deployment>(test, |_| vec![Mark::Deployment], false).await;
        marks.follow::<Pod>(test, pod_marks, true).await;
        marks.follow::<Performer>(test, performer_marks, false).await;
        marks
    }

    async fn follow<K>(&self, test: &OperatorTest, marks_of: fn(&K) -> Vec<Mark>, ends: bool)
    where
        K: Resource<Scope = NamespaceResourceScope, DynamicType = ()>
            + Clone
            + std::fmt::Debug
            + DeserializeOwned
            + Send
            + 'static,
    {
        let mut events = watcher(test.api::<K>(), watcher::Config::default()).boxed();
        while !matches!(events.next().await, Some(Ok(watcher::Event::InitDone))) {}
        let marks = Self(self.0.clone());
        tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let now = SystemTime::now();
                match event {
                    Ok(watcher::Event::Apply(object) | watcher::Event::InitApply(object)) => {
                        for mark in marks_of(&object) {
                            marks.set(&performer_of(&object), mark, now);
                        }
                    }
                    Ok(watcher::Event::Delete(object)) if ends => {
                        marks.set(&performer_of(&object), Mark::Gone, now);
                    }
                    _ => {}
                }
            }
        });
    }

    fn set(&self, name: &str, mark: Mark, at: SystemTime) {
        self.0.send_modify(|marks| {
            marks.entry((name.to_owned(), mark)).or_insert(at);
        });
    }

    async fn reached(&self, name: &str, mark: Mark) {
        let mut seen = self.0.subscribe();
        let reached = seen.wait_for(|marks| marks.contains_key(&(name.to_owned(), mark)));
        let reached = timeout(WITHIN, reached).await;
        assert!(reached.is_ok(), "{name} does not reach {mark:?}, but {:?}", self.of(name));
    }

    fn of(&self, name: &str) -> HashMap<Mark, SystemTime> {
        let marks = self.0.borrow();
        marks.iter().filter(|((of, _), _)| of == name).map(|((_, mark), at)| (*mark, *at)).collect()
    }
}

fn performer_of<K: Resource<DynamicType = ()>>(object: &K) -> String {
    object.labels().get(PERFORMER_LABEL).cloned().unwrap_or_else(|| object.name_any())
}

fn performer_marks(performer: &Performer) -> Vec<Mark> {
    let ready = performer.status.as_ref().is_some_and(|status| status.ready);
    if ready { vec![Mark::Told] } else { Vec::new() }
}

fn pod_marks(pod: &Pod) -> Vec<Mark> {
    let status = pod.status.clone().unwrap_or_default();
    let ready = status.conditions.iter().flatten().any(|found| found.type_ == "Ready" && found.status == "True");
    let mut told = status.container_statuses.iter().flatten().filter_map(|container| container.state.as_ref());
    let ended = told.any(|state| state.terminated.is_some());
    let scheduled = pod.spec.as_ref().is_some_and(|spec| spec.node_name.is_some());
    let leaving = pod.metadata.deletion_timestamp.is_some();
    let marks = [(true, Mark::Pod), (scheduled, Mark::Scheduled), (ready, Mark::Ready), (leaving, Mark::Leaving)];
    let marks = marks.into_iter().chain([(ended, Mark::Ended)]);
    marks.filter(|(reached, _)| *reached).map(|(_, mark)| mark).collect()
}

/// Nothing if one of the two was not seen.
fn between(life: &HashMap<Mark, SystemTime>, from: Mark, to: Mark) -> Option<Duration> {
    Some(since(*life.get(&from)?, *life.get(&to)?))
}

fn since(begun: SystemTime, at: SystemTime) -> Duration {
    at.duration_since(begun).unwrap_or_default()
}

fn row(what: &str, durations: Vec<Option<Duration>>) {
    let mut durations: Vec<u128> = durations.into_iter().flatten().map(|duration| duration.as_millis()).collect();
    durations.sort_unstable();
    let Some(largest) = durations.last() else { return eprintln!("| {what} | | | |") };
    let quantile = |percent: usize| durations[(durations.len() * percent).div_ceil(100) - 1];
    eprintln!("| {what} | {} | {} | {largest} |", quantile(50), quantile(95));
}
