//! The shared data of the checks of steps: the operators of the scenario, and the problems found so far.

use std::collections::BTreeSet;

use hourglass_component::document::{Pointer, Problem, Problems};

/// The data for the check of a step, and the list that it adds problems to.
pub(crate) struct StepCheck<'a> {
    /// `None` if the operators could not be read: a step may mean one of those.
    pub(crate) operators: Option<BTreeSet<&'a str>>,
    /// The problems found so far.
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
