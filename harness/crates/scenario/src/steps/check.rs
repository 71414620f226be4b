//! What the checks of steps share: the operators of the scenario, and the problems found so far.

use std::collections::BTreeSet;

use hourglass_component::document::{Pointer, Problem, Problems};

/// What the check of a step can ask, and where it adds what is wrong.
pub(crate) struct StepCheck<'a> {
    /// Absent where the operators could not be read: a step may mean one of those.
    pub(crate) operators: Option<BTreeSet<&'a str>>,
    /// What was found so far.
    pub(crate) problems: &'a mut Problems,
}

impl StepCheck<'_> {
    /// Adds the problem of an operator that the scenario does not have.
    pub(crate) fn operator(&mut self, name: &str, at: &Pointer) {
        if let Some(operators) = &self.operators
            && !operators.contains(name)
        {
            let problem = Problem::at_value(at, format!("there is no operator called `{name}`"));
            self.problems.add_misspelt(problem.label("meant here"), name, "operators", operators.iter().copied());
        }
    }
}
