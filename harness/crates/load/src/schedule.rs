//! The loop that sends the tasks of a share when they are due. What sending one means is the caller's.

use std::{future::Future, time::Duration};

use futures::{StreamExt as _, stream::FuturesUnordered};
use hourglass_scenario::{Load, MOST_LOAD_TASKS};
use tokio::time::{Instant, sleep_until};

use crate::{
    arrivals::{due, planned, turns},
    share::Share,
};

/// When the tasks of a share are due, and which payload each has.
#[derive(Debug, Clone)]
pub struct Schedule {
    rate: Option<f64>,
    /// How many tasks of the share are under way at a time, without a rate.
    at_a_time: u64,
    /// The most tasks of the whole load.
    tasks: u64,
    duration: Option<Duration>,
    /// Which payload the tasks have, in turns.
    turns: Vec<usize>,
    share: Share,
}

/// A task that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DueTask {
    /// Its index in the whole load, from 0.
    pub index: u64,
    /// Which of the payloads it has, from 0.
    pub payload: usize,
    /// When it is due, since the start of the load; without a rate, it is due when it is sent.
    pub due: Option<Duration>,
}

impl Schedule {
    /// The schedule of a share of a load.
    pub fn of(load: &Load, share: Share) -> Self {
        Self {
            rate: load.rate,
            at_a_time: share.part(load.concurrency.unwrap_or(1).into()),
            tasks: load.tasks.unwrap_or(MOST_LOAD_TASKS).into(),
            duration: load.duration.map(Duration::from),
            turns: turns(load.payloads().iter().map(|payload| payload.weight)),
            share,
        }
    }

    /// How many tasks the share has; `None` if that depends on how long tasks take.
    pub fn planned(&self) -> Option<u64> {
        let all = match (self.rate, self.duration) {
            (Some(rate), duration) => planned(rate, Some(self.tasks), duration)?,
            (None, None) => self.tasks,
            (None, Some(_)) => return None,
        };
        Some(self.share.part(all))
    }

    /// The task of the share with this number, from 0.
    pub fn task(&self, number: u64) -> DueTask {
        let index = self.share.index(number);
        DueTask { index, payload: payload_of(&self.turns, index), due: self.rate.map(|rate| due(index, rate)) }
    }

    /// Sends each task of the share when it is due, and waits until the futures of all have ended. All of them are polled
    /// here: if this is dropped, nothing is sent any more. Without a rate, the end of a future makes room for the next task.
    pub async fn run<F: Future<Output = ()>>(&self, start: Instant, mut send: impl FnMut(DueTask) -> F) {
        let (mut under_way, mut number) = (FuturesUnordered::new(), 0);
        loop {
            let due = self.due(number, under_way.len(), start.elapsed());
            if due.is_none() && under_way.is_empty() {
                return;
            }
            let is_due = async {
                match due {
                    Some(due) => sleep_until(start + due).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                // First: a task that is due does not wait for the ends of others.
                biased;
                () = is_due => {
                    under_way.push(send(self.task(number)));
                    number += 1;
                }
                Some(()) = under_way.next() => {}
            }
        }
    }

    /// When the task of this number is due, since the start; `None` if there is none, or none before another has ended.
    fn due(&self, number: u64, under_way: usize, passed: Duration) -> Option<Duration> {
        if self.rate.is_some() {
            return self.planned().filter(|planned| number < *planned).and(self.task(number).due);
        }
        let is_over = number >= self.share.part(self.tasks) || self.duration.is_some_and(|duration| passed >= duration);
        let has_room = u64::try_from(under_way).is_ok_and(|under_way| under_way < self.at_a_time);
        (!is_over && has_room).then_some(passed)
    }
}

/// The payload of the task of this index.
pub(crate) fn payload_of(turns: &[usize], index: u64) -> usize {
    let turn = usize::try_from(index % turns.len().max(1) as u64).unwrap_or_default();
    turns.get(turn).copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;

    fn load(keys: serde_json::Value) -> Load {
        serde_json::from_value(keys).unwrap()
    }

    fn share(sender: u32, senders: u32) -> Share {
        Share::of(sender, senders).unwrap()
    }

    /// Whoever sends a task, it is due at its place in the whole load, and has the payload of that place.
    #[test]
    fn a_share_has_its_tasks_of_the_whole_load() {
        let load = load(serde_json::json!({
            "rate": 10, "tasks": 8, "mix": [{"payload": "a", "weight": 2}, {"payload": "b"}],
        }));
        let all = Schedule::of(&load, Share::ALL);
        let mut dealt: Vec<_> = (0..3)
            .flat_map(|sender| {
                let schedule = Schedule::of(&load, share(sender, 3));
                (0..schedule.planned().unwrap()).map(|number| schedule.task(number)).collect::<Vec<_>>()
            })
            .collect();
        dealt.sort_by_key(|task| task.index);
        assert_eq!(dealt, (0..8).map(|number| all.task(number)).collect::<Vec<_>>());
        assert_eq!(dealt[7].due, Some(Duration::from_millis(700)));
        assert_eq!(dealt.iter().map(|task| task.payload).collect::<Vec<_>>(), [0, 1, 0, 0, 1, 0, 0, 1]);
    }

    #[rstest::rstest]
    #[case::rate(serde_json::json!({"rate": 10, "duration": "1s", "payload": "a"}), Some(3))]
    #[case::tasks(serde_json::json!({"concurrency": 4, "tasks": 10, "payload": "a"}), Some(3))]
    #[case::unknown(serde_json::json!({"concurrency": 4, "duration": "1s", "payload": "a"}), None)]
    fn the_number_of_tasks_is_that_of_the_share(#[case] keys: serde_json::Value, #[case] planned: Option<u64>) {
        assert_eq!(Schedule::of(&load(keys), share(2, 3)).planned(), planned);
    }

    /// Together the senders have as many tasks under way as the load says, and not one more.
    #[tokio::test(start_paused = true)]
    async fn a_closed_loop_has_its_part_of_the_tasks_at_a_time() {
        let load = load(serde_json::json!({"concurrency": 5, "tasks": 20, "payload": "a"}));
        let mut most = Vec::new();
        for sender in 0..2 {
            let (under_way, highest, sent) = (Cell::new(0), Cell::new(0), RefCell::new(Vec::new()));
            let schedule = Schedule::of(&load, share(sender, 2));
            schedule
                .run(Instant::now(), |task| {
                    sent.borrow_mut().push(task.index);
                    under_way.set(under_way.get() + 1);
                    highest.set(highest.get().max(under_way.get()));
                    async {
                        tokio::time::sleep(Duration::from_millis(10)).await;
                        under_way.set(under_way.get() - 1);
                    }
                })
                .await;
            let expected: Vec<_> = (0..10).map(|number| number * 2 + u64::from(sender)).collect();
            assert_eq!(sent.into_inner(), expected);
            most.push(highest.get());
        }
        assert_eq!(most, [3, 2]);
    }

    /// The senders begin together, although they are told before.
    #[tokio::test(start_paused = true)]
    async fn nothing_is_sent_before_the_start() {
        for keys in [
            serde_json::json!({"concurrency": 2, "tasks": 4, "payload": "a"}),
            serde_json::json!({"rate": 10, "tasks": 4, "payload": "a"}),
        ] {
            let start = Instant::now() + Duration::from_secs(3);
            let first = Cell::new(None);
            let schedule = Schedule::of(&load(keys), Share::ALL);
            schedule
                .run(start, |_| {
                    first.set(first.get().or(Some(Instant::now())));
                    async {}
                })
                .await;
            assert!(first.get().is_some_and(|first| first >= start && first < start + Duration::from_millis(50)));
        }
    }
}
