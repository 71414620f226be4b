//! The objects that Helm renders, checked by an API server.

use hourglass_test_support::block_on;
use kube::api::{Patch, PatchParams};

use crate::{
    helm::{Chart, objects, values},
    release_namespace::{ReleaseNamespace, api_of},
    shared_cluster::shared,
};

/// Helm accepts keys that Kubernetes does not know, and Kubernetes drops them, so that they have no effect.
pub(crate) fn every_rendered_object_is_accepted_by_kubernetes() {
    let namespace = ReleaseNamespace::of(&shared());
    let in_namespace = ["--namespace", namespace.name()];
    let watched = format!("--set=config.watchNamespaces={{{}}}", namespace.name());
    let [full, two, all, own] = ["operator-full", "executor-two", "executor-full", "executor-own-files"].map(values);
    let cases: [(Chart, &[&str]); 6] = [
        (Chart::Operator, &[]),
        (Chart::Operator, &[&full]),
        (Chart::Operator, &[&watched]),
        (Chart::Executor, &[&two]),
        (Chart::Executor, &[&all]),
        (Chart::Executor, &[&own]),
    ];
    let strictly = PatchParams::apply("charts-test").force().dry_run().validation_strict();
    let (mut seen, mut problems) = (0, Vec::new());
    for (chart, arguments) in cases {
        for object in objects(chart, &[&in_namespace[..], arguments].concat()) {
            let name = object["metadata"]["name"].as_str().unwrap();
            let Some(api) = api_of(&namespace.cluster.client, &object, namespace.name()) else {
                assert_eq!(object["kind"], "ServiceMonitor", "no kind of Kubernetes: {arguments:?}");
                continue;
            };
            seen += 1;
            if let Err(error) = block_on(api.patch(name, &strictly, &Patch::Apply(&object))) {
                problems.push(format!("{arguments:?} {:?} {name}: {error}", object["kind"]));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
    assert!(seen > 40, "only {seen} objects were looked at");
}
