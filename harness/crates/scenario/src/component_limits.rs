//! What each kind of component may use at most, on every runtime that runs components in containers. The runtimes take
//! the limits from here, so that a comparison of them compares nothing else.

use super::model::Component;
use super::values::{Cpus, Memory};

/// What a component may use at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ComponentLimits {
    /// Memory; whoever uses more is killed.
    pub memory: Memory,
    /// Processors; whoever uses more has to wait.
    pub cpus: Cpus,
}

impl ComponentLimits {
    /// A chain keeps every state since its start in memory.
    pub const CHAIN: Self = Self::of(2048, 2);
    /// The aggregator.
    pub const AGGREGATOR: Self = Self::of(512, 2);
    /// An executor, without its performers.
    pub const EXECUTOR: Self = Self::of(512, 2);
    /// A performer.
    pub const PERFORMER: Self = Self::of(512, 1);

    /// A worker of a load.
    pub const LOAD_WORKER: Self = Self::of(512, 1);

    const fn of(mebibytes: u64, cpus: u32) -> Self {
        Self { memory: Memory { bytes: mebibytes << 20 }, cpus: Cpus { thousandths: cpus * 1000 } }
    }
}

impl Component {
    /// These limits, with what the scenario sets in their place.
    pub fn limits(&self, defaults: ComponentLimits) -> ComponentLimits {
        let ComponentLimits { memory, cpus } = defaults;
        ComponentLimits { memory: self.memory.unwrap_or(memory), cpus: self.cpus.unwrap_or(cpus) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_sets_each_limit_by_itself() {
        let cpus = Some(Cpus { thousandths: 500 });
        let limits = Component { cpus, ..Component::default() }.limits(ComponentLimits::PERFORMER);
        assert_eq!((limits.memory.to_string(), limits.cpus.to_string()), ("512MiB".to_owned(), "0.5".to_owned()));
    }

    /// Readers compare their machine with this table.
    #[test]
    fn the_table_of_the_manual_has_the_defaults() {
        let manual = include_str!("../../../../README.md");
        for (component, limits) in [
            ("chain", ComponentLimits::CHAIN),
            ("aggregator", ComponentLimits::AGGREGATOR),
            ("executor", ComponentLimits::EXECUTOR),
            ("performer", ComponentLimits::PERFORMER),
            ("worker of a load", ComponentLimits::LOAD_WORKER),
        ] {
            let row = format!("| {component} | `{}` | `{}` |\n", limits.memory, limits.cpus);
            assert!(manual.contains(&row), "README.md has no row {row}");
        }
    }
}
