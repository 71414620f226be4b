//! Conditions that must hold after every trial, with their names.

/// A condition that must hold after every trial, whatever its steps were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invariant {
    /// Its name in reports and in docs/invariants.md, as `Performers are ready`; `{}` stands for the subject of a
    /// violation.
    pub name: &'static str,
    /// What exactly must hold, and what is exempt, in a sentence or two.
    pub meaning: &'static str,
}

impl Invariant {
    /// The name in a report about this.
    pub fn about(&self, subject: Option<&str>) -> String {
        self.name.replacen("{}", subject.unwrap_or("…"), 1)
    }
}

/// An invariant of a runtime that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvariantViolation {
    /// The invariant.
    pub invariant: Invariant,
    /// The expected state.
    pub expected: String,
    /// The observed state.
    pub seen: String,
}
