//! Checks of the keys that only performers have.

use std::collections::BTreeMap;

use hourglass_base::RuntimeKind;
use hourglass_component::document::{Pointer, Problem, Problems};

use super::model::{Component, Operator, ScenarioDocument};

/// Adds every problem of the performers of `document`, and of such keys of other components.
pub(super) fn check(document: &ScenarioDocument, problems: &mut Problems) {
    let components = Pointer::from("/components");
    for (name, component) in [("executor", &document.components.executor), ("aggregator", &document.components.aggregator)] {
        only_of_performers(component, &components.key(name), problems);
    }
    ports(document, problems);
}

fn only_of_performers(component: &Component, at: &Pointer, problems: &mut Problems) {
    for key in component.keys_of_performers() {
        problems.add(
            Problem::at_key(&at.key(key), format!("only a performer has `{key}`"))
                .label("not of this component")
                .help("take it away, or move it to a performer"),
        );
    }
}

/// Processes of one machine share its ports.
fn ports(document: &ScenarioDocument, problems: &mut Problems) {
    let shared = |kind: &RuntimeKind| !kind.capabilities().isolates_components;
    let runtimes = document.runtimes.as_deref().unwrap_or(&RuntimeKind::ALL);
    if !runtimes.iter().any(shared) || problems.touch(&Pointer::from("/runtimes")) {
        return;
    }
    let mut known = BTreeMap::<u16, &Operator>::new();
    for (index, operator) in document.topology.operators.iter().enumerate() {
        let Some(port) = operator.performer.port.or(document.components.performer.port) else { continue };
        let Some(first) = known.get(&port) else {
            known.insert(port, operator);
            continue;
        };
        let at = match operator.performer.port {
            Some(_) => Pointer::from("/topology/operators").item(index).key("performer"),
            None => Pointer::from("/components/performer"),
        };
        let (first, second) = (&first.name, &operator.name);
        problems.add(
            Problem::at_key(
                &at.key("port"),
                format!("the performers of `{first}` and `{second}` would both listen on port {port} of one machine"),
            )
            .label("not twice as a process")
            .help(
                "say `runtimes: [docker, kubernetes]`, where each performer has a network of its own, and why in \
                 `runtimes_because`; or have the performer listen on the port in GRPC_PORT, and leave `port` out",
            ),
        );
        // One problem of a shared port is enough.
        if operator.performer.port.is_none() {
            return;
        }
    }
}
