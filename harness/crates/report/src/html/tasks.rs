//! The tasks of a trial with the time that each of their phases took.

use std::collections::BTreeSet;

use hourglass_runner::verdict::{TaskPhases, TaskReport};

use super::{
    budget::Budget,
    text::{Text, time_of},
};

/// How many tasks a page shows.
const TASKS: usize = 100;
const MARKUP: usize = 260;

/// The table.
#[derive(Debug, Default)]
pub(super) struct Tasks {
    pub(super) rows: Vec<Task>,
    pub(super) left_out: usize,
}

#[derive(Debug)]
pub(super) struct Task {
    pub(super) alias: Text,
    pub(super) hash: Text,
    pub(super) chain: Text,
    pub(super) status: Text,
    /// From the creation to each phase; empty where it was not reached.
    pub(super) phases: [String; 7],
    /// A violation names it.
    pub(super) concerned: bool,
}

impl Tasks {
    /// The tasks within the budget: those that a violation names before the others.
    pub(super) fn of(tasks: &[TaskReport], concerned: &BTreeSet<&str>, budget: &mut Budget) -> Self {
        let mut sorted: Vec<_> = tasks.iter().collect();
        sorted.sort_by_key(|task| !concerned.contains(task.hash.as_str()));
        let row = |task: &TaskReport| Task {
            alias: Text::line(&task.alias),
            hash: Text::line(&task.hash),
            chain: Text::line(&task.chain),
            status: Text::line(&task.status.to_lowercase()),
            phases: times(&task.phases),
            concerned: concerned.contains(task.hash.as_str()),
        };
        let rows = sorted.into_iter().take(TASKS).map(row);
        let rows: Vec<_> = rows.take_while(|row| budget.takes(MARKUP, &[&row.alias, &row.hash, &row.chain])).collect();
        Self { left_out: tasks.len() - rows.len(), rows }
    }
}

fn times(phases: &TaskPhases) -> [String; 7] {
    let all = [
        phases.observed,
        phases.dispatched,
        phases.performer_started,
        phases.performer_finished,
        phases.signed,
        phases.submitted,
        phases.verified,
    ];
    all.map(|at| at.map(time_of).unwrap_or_default())
}
