//! Operators that are responsible for some namespaces only.

use hourglass_operator::api::Performer;
use hourglass_test_support::block_on;
use k8s_openapi::{
    api::{apps::v1::Deployment, core::v1::Pod},
    apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition,
};
use kube::{
    Api, ResourceExt as _,
    api::{DeleteParams, ListParams, PostParams},
};

use crate::{
    helm::Chart,
    operator_release::{is_rolled_out, perform, performer},
    release_namespace::{ReleaseNamespace, may, own_cluster, until, until_gone},
};

/// Two teams with an operator each: neither may read the other's namespace, and neither acts in it.
pub(crate) fn two_operators_stay_in_their_namespaces() {
    let cluster = own_cluster();
    let homes = [ReleaseNamespace::of(&cluster), ReleaseNamespace::of(&cluster)];
    let watched = [ReleaseNamespace::of(&cluster), ReleaseNamespace::of(&cluster)];
    for (index, home) in homes.iter().enumerate() {
        let scope = format!("--set=config.watchNamespaces={{{}}}", watched[index].name());
        // Only one of the releases has the definition.
        let definition = format!("--set=crds.install={}", index == 0);
        home.release("install", "op", Chart::Operator, &["--set=args={operator}", &scope, &definition]);
    }
    for (index, home) in homes.iter().enumerate() {
        until(&home.api::<Deployment>(), "op-hourglass-operator", "rolled out", is_rolled_out);
        perform(&watched[index], "ours");
        for (kind, group, verb) in [
            ("performers", "hourglass.eigenlayer.io", "patch"),
            ("deployments", "apps", "create"),
            ("secrets", "", "list"),
        ] {
            let account = (home.name(), "op-hourglass-operator");
            let may = |namespace| may(&home.cluster, account, verb, (group, kind), namespace);
            assert!(may(Some(watched[index].name())), "{verb} {kind} where it watches");
            assert!(!may(Some(watched[1 - index].name())), "{verb} {kind} where the other watches");
            assert!(!may(None), "{verb} {kind} in all namespaces");
        }
    }

    // Without its operator, no operator serves the first namespace. The second one's still sees new objects there.
    let pods = block_on(homes[0].api::<Pod>().list(&ListParams::default())).unwrap();
    homes[0].release("upgrade", "op", Chart::Operator, &["--reuse-values", "--set=replicas=0"]);
    until(&homes[0].api::<Deployment>(), "op-hourglass-operator", "scaled down", |it| {
        is_rolled_out(it) && it.spec.as_ref().is_some_and(|spec| spec.replicas == Some(0))
    });
    // An operator that is told to end still acts for a moment, and its Deployment does not count it.
    for pod in pods {
        until_gone(homes[0].api::<Pod>(), &pod.name_any());
    }
    let lonely = performer(&watched[0], "lonely");
    block_on(watched[0].api::<Performer>().create(&PostParams::default(), &lonely)).unwrap();
    perform(&watched[1], "later");
    let lonely = block_on(watched[0].api::<Performer>().get("lonely")).unwrap();
    assert!(lonely.status.is_none(), "somebody acted on it: {:#?}", lonely.status);

    homes[0].release("upgrade", "op", Chart::Operator, &["--reuse-values", "--set=replicas=1"]);
    for (namespace, names) in watched.iter().zip([["ours", "lonely"], ["ours", "later"]]) {
        for name in names {
            block_on(namespace.api::<Performer>().delete(name, &DeleteParams::default())).unwrap();
            until_gone(namespace.api::<Performer>(), name);
        }
    }
    for home in &homes {
        home.helm(["uninstall", "op", "--wait"]);
    }
    let definitions = Api::<CustomResourceDefinition>::all(cluster.client.clone());
    block_on(definitions.delete("performers.hourglass.eigenlayer.io", &DeleteParams::default())).unwrap();
    until_gone(definitions, "performers.hourglass.eigenlayer.io");
}
