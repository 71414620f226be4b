//! Puts what a project says under a scenario.

use serde_json::{Map, Value};

use super::super::model::ScenarioDocument;
use super::Project;

impl Project {
    /// The scenario's value with the entries of `topology` that it does not have itself.
    pub(crate) fn fill_topology(&self, mut scenario: Value) -> Value {
        let Some(defaults) = self.topology.as_object() else { return scenario };
        let Some(entries) = scenario.as_object_mut() else { return scenario };
        let topology = entries.entry("topology").or_insert_with(|| Map::new().into());
        // Anything else than a mapping is a problem of the scenario.
        if let Some(topology) = topology.as_object_mut() {
            for (key, value) in defaults {
                topology.entry(key).or_insert_with(|| value.clone());
            }
        }
        scenario
    }

    /// Completes the parts of a scenario that are merged as types: components, contracts and runtimes.
    pub(crate) fn fill_parts(&self, scenario: &mut ScenarioDocument) {
        let ours = &self.document.components;
        let components = &mut scenario.components;
        for (ours, component) in [
            (&ours.performer, &mut components.performer),
            (&ours.executor, &mut components.executor),
            (&ours.aggregator, &mut components.aggregator),
        ] {
            *component = ours.overlaid_with(component);
        }
        for (name, contract) in &self.document.contracts {
            scenario.contracts.entry(name.clone()).or_insert_with(|| contract.clone());
        }
        for (name, replacement) in &self.document.replace {
            scenario.replace.entry(name.clone()).or_insert_with(|| replacement.clone());
        }
        if scenario.deploy_scripts.is_none() {
            scenario.deploy_scripts.clone_from(&self.document.deploy_scripts);
        }
        if scenario.runtimes.is_none() {
            scenario.runtimes.clone_from(&self.document.runtimes);
            let because = scenario.runtimes_because.take();
            scenario.runtimes_because = because.or_else(|| self.document.runtimes_because.clone());
        }
    }
}
