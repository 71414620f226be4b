//! The lanes of the waterfall: which source an entry belongs to, and the order of the sources.

use std::fmt::{self, Display, Formatter};

use hourglass_scenario::ComponentRef;
use hourglass_timeline::{Event, Source};

/// How the runtime's entries about the cluster begin.
const CLUSTER: &str = "the cluster ";

/// A lane, in the order in which lanes are shown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Lane {
    Chain(String),
    Aggregator,
    Executor(String),
    Performer(String),
    /// The Kubernetes operator.
    Operator,
    /// Events of the cluster.
    Cluster,
    Harness,
}

/// The lane of an entry.
pub(super) fn lane_of(event: &Event) -> Lane {
    match &event.source {
        Source::Chain(chain) => Lane::Chain(chain.to_string()),
        Source::Component(ComponentRef::Aggregator) => Lane::Aggregator,
        Source::Component(ComponentRef::Executor(name)) => Lane::Executor(name.clone()),
        Source::Component(ComponentRef::Performer(performer)) => Lane::Performer(performer.to_string()),
        Source::Harness if event.message.starts_with("the operator ") => Lane::Operator,
        Source::Harness if event.message.starts_with(CLUSTER) => Lane::Cluster,
        Source::Harness => Lane::Harness,
    }
}

impl Display for Lane {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Chain(name) => write!(formatter, "chain {name}"),
            Self::Aggregator => formatter.write_str("aggregator"),
            Self::Executor(name) => write!(formatter, "executor/{name}"),
            Self::Performer(name) => write!(formatter, "performer/{name}"),
            Self::Operator => formatter.write_str("operator"),
            Self::Cluster => formatter.write_str("cluster events"),
            Self::Harness => formatter.write_str("harness"),
        }
    }
}
