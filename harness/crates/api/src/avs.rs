//! AVSs beside the first.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::{
    Operator,
    document::{duration, literal},
};

/// An AVS beside the first, whose operators are those of the builder. One aggregator serves all, and an operator of several
/// AVSs has one executor, with a performer for each of them.
///
/// ```
/// # use hourglass_api::{Avs, Harness, Operator};
/// let second = Avs::new("second").threshold(10_000).operator(Operator::new("alice")).operator(Operator::new("carol"));
/// let builder = Harness::builder().operator(Operator::new("alice")).avs(second);
/// # let _ = builder;
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Avs {
    name: String,
    keys: Map<String, Value>,
    operators: Vec<Operator>,
}

impl Avs {
    /// An AVS with this name (lowercase letters, digits and `-`), and the threshold and the task SLA of the builder.
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), keys: Map::new(), operators: Vec::new() }
    }

    /// One more operator; at least one is needed.
    #[must_use]
    pub fn operator(mut self, operator: Operator) -> Self {
        self.operators.push(operator);
        self
    }

    /// The weight that must sign one result, in basis points of the total weight.
    #[must_use]
    pub fn threshold(mut self, basis_points: u16) -> Self {
        self.keys.insert("threshold".to_owned(), basis_points.into());
        self
    }

    /// How long a task may take, in chain time: whole seconds, at most seven days.
    #[must_use]
    pub fn task_sla(mut self, time: Duration) -> Self {
        self.keys.insert("task_sla".to_owned(), duration(time));
        self
    }

    pub(crate) fn into_document(self) -> Value {
        let mut avs = self.keys;
        avs.insert("name".to_owned(), literal(&self.name));
        avs.insert("operators".to_owned(), self.operators.into_iter().map(Operator::into_document).collect());
        avs.into()
    }
}
