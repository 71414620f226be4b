//! A checked document → the scenario that runs.

use std::path::Path;
use std::sync::Arc;

use hourglass_component::document::{Pointer, Tree};

use super::limits::default_timeout;
use super::model::{Scenario, ScenarioDocument};
use super::step::{Location, Step};
use super::steps::{StepDocument, StepKind};
use super::values::RuntimeKind;
use super::variables::Bindings;

pub(super) fn resolve(document: ScenarioDocument, variables: Bindings, path: &Arc<Path>, tree: &Tree) -> Scenario {
    let mut topology = document.topology;
    for operator in &mut topology.operators {
        operator.performer = document.components.performer.overlaid_with(&operator.performer);
    }
    let mut runtimes = document.runtimes.unwrap_or_else(|| RuntimeKind::ALL.to_vec());
    runtimes.sort_unstable();
    runtimes.dedup();
    let steps = steps(&document.steps, &Pointer::from("/steps"), path, tree);
    Scenario {
        name: document.name,
        description: document.description,
        tags: document.tags,
        runtimes,
        runtimes_because: document.runtimes_because,
        variables,
        timeout: document.timeout.unwrap_or_else(|| default_timeout(&steps)),
        components: document.components,
        topology,
        steps,
        invariants: document.invariants,
    }
}

fn steps(documents: &[StepDocument], at: &Pointer, path: &Arc<Path>, tree: &Tree) -> Vec<Step> {
    let mut steps = Vec::new();
    for (index, document) in documents.iter().enumerate() {
        if document.condition == Some(false) {
            continue;
        }
        let at = at.item(index);
        let kind = match &document.parallel {
            Some(branches) => Some(StepKind::Parallel(self::steps(branches, &at.key("parallel"), path, tree))),
            None => document.kinds().into_iter().next(),
        };
        // The checks have made sure that a kind is given.
        if let Some(mut kind) = kind {
            kind.fill_defaults();
            steps.push(Step {
                kind,
                name: document.name.clone(),
                location: Location { path: Arc::clone(path), line: tree.line(&at) },
            });
        }
    }
    steps
}
