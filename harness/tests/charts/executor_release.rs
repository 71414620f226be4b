//! The life of a release of executors. Where the executors' work does not matter, performers take their place: they
//! need no chain and answer the same health service.

use hourglass_test_support::block_on;
use k8s_openapi::api::{
    apps::v1::StatefulSet,
    core::v1::{PersistentVolumeClaim, Pod, Secret},
};
use kube::{
    ResourceExt,
    api::{ListParams, ObjectMeta, PostParams},
};

use crate::{
    helm::{Chart, values},
    pods::{harness, health, last_output, stuck},
    release_namespace::{ReleaseNamespace, identity, left, may, until},
    shared_cluster::shared,
};

const NAME: &str = "signers";
const KEPT: &str = "/var/lib/hourglass/kept";
const KEY: &str = "/var/run/secrets/hourglass/executor";
const STAND_IN: [&str; 2] =
    ["--set=args={performer}", "--set-json=extraEnv=[{\"name\":\"GRPC_PORT\",\"value\":\"9090\"}]"];

/// The guarantees of every installation: executors are ready after each step, keep their names, have no rights outside
/// their namespace, and their data outlives their pods and their release.
pub(crate) fn installed_upgraded_rolled_back_and_uninstalled() {
    let namespace = ReleaseNamespace::of(&shared());
    let two = values("executor-two");
    let sets = || namespace.api::<StatefulSet>();
    let upgrade = |verb, more: &str| {
        namespace.release(verb, NAME, Chart::Executor, &[&two, STAND_IN[0], STAND_IN[1], more]);
    };

    upgrade("install", "--set=replicas=1");
    until(&sets(), NAME, "ready with one", |set| is_ready(set, 1));
    upgrade("upgrade", "--set=replicas=2");
    until(&sets(), NAME, "ready with both", |set| is_ready(set, 2));
    names_resolve_to_pods(&namespace, 2);
    rights_end_with_the_namespace(&namespace);
    let before = keep(&namespace);

    upgrade("upgrade", "--set-string=image.tag=none");
    until(&sets(), NAME, "told of the image that is not there", |set| {
        is_observed(set) && image(set).ends_with(":none")
    });
    until(&sets(), NAME, "being replaced", |set| ready(set) < 2);
    stuck(&namespace, "ErrImageNeverPull");
    namespace.helm(["rollback", NAME]);
    // The pod that cannot start need not be deleted by hand.
    until(&sets(), NAME, "rolled back", |set| is_ready(set, 2));
    let second = block_on(namespace.api::<Pod>().get(&format!("{NAME}-1"))).unwrap();
    assert_ne!(identity(&second), before[1], "it was to be another pod");
    let (kept, said) = harness(&namespace.api(), &second.name_any(), &["schema", "--check", KEPT]);
    assert!(kept, "what the pod before it wrote: {said}");

    let manifest = namespace.manifest(NAME);
    namespace.helm(["uninstall", NAME, "--wait"]);
    assert_eq!(left(&namespace, &manifest), [""; 0]);
    let claims = block_on(namespace.api::<PersistentVolumeClaim>().list(&ListParams::default())).unwrap();
    let claims: Vec<_> = claims.iter().map(ResourceExt::name_any).collect();
    assert_eq!(claims, ["data-signers-0", "data-signers-1"], "what executors keep went with their release");
}

/// With the file or key of another executor, an executor would sign for another operator.
pub(crate) fn each_executor_has_its_own_file_and_its_own_key() {
    let namespace = ReleaseNamespace::of(&shared());
    let args = "--set=args={executor,--config,/etc/hourglass/executor-$(POD_INDEX).yaml}";
    // Each stops at an unknown key, and says where it read it.
    let broken = ["--set=executors[0].unknown0=1", "--set=executors[1].unknown1=1", "--set=persistence.enabled=false"];
    let two = values("executor-two");
    namespace.release("install", "files", Chart::Executor, &[&[two.as_str(), args], &broken[..]].concat());
    for ordinal in [0, 1] {
        let said = last_output(&namespace, &format!("files-{ordinal}"));
        let expected = [format!("executor-{ordinal}.yaml"), format!("unknown{ordinal}")];
        assert!(expected.iter().all(|part| said.contains(part)), "{expected:?}\n{said}");
    }
    namespace.helm(["uninstall", "files", "--wait"]);

    // Invalid keys, so that their reader reports where it found what.
    let keys = [0, 1].map(|ordinal| (format!("executor-{ordinal}"), format!("key{ordinal}: none")));
    let metadata = ObjectMeta { name: Some("keys".to_owned()), ..ObjectMeta::default() };
    let secret = Secret { metadata, string_data: Some(keys.into()), ..Secret::default() };
    block_on(namespace.api::<Secret>().create(&PostParams::default(), &secret)).unwrap();
    let addresses = [1, 3].map(|digit| digit.to_string().repeat(40));
    let operators = addresses.map(|address| format!("{{\"operator\":{{\"address\":\"0x{address}\"}}}}"));
    let executors = format!("--set-json=executors=[{}]", operators.join(","));
    let chain = "--set-json=config.l1Chain={\"rpcUrl\":\"http://l1.example.invalid:8545\",\"chainId\":31337}";
    let more = ["--set=keys.existingSecret=keys", "--set=persistence.enabled=false"];
    namespace.release("install", "keys", Chart::Executor, &[&[&*executors, chain], &STAND_IN[..], &more[..]].concat());
    until(&namespace.api(), "keys", "ready", |set| is_ready(set, 2));
    for ordinal in [0, 1] {
        let executor = |config: &str| {
            let (_, said) =
                harness(&namespace.api(), &format!("keys-{ordinal}"), &["component", "executor", "--config", config]);
            said
        };
        let said = executor(&format!("/etc/hourglass/executor-{ordinal}.yaml"));
        assert!(said.contains(&format!("{KEY} holds is no valid key")), "{said}");
        let said = executor(KEY);
        let others = format!("key{}", 1 - ordinal);
        assert!(said.contains(&format!("key{ordinal}")) && !said.contains(&others), "{said}");
    }
    namespace.helm(["uninstall", "keys", "--wait"]);
}

/// The executors' names, as registered on chain, resolve to their pods from inside the cluster.
fn names_resolve_to_pods(namespace: &ReleaseNamespace, executors: usize) {
    for ordinal in 0..executors {
        let pod = block_on(namespace.api::<Pod>().get(&format!("{NAME}-{ordinal}"))).unwrap();
        let address = pod.status.and_then(|status| status.pod_ip).unwrap();
        let target = format!("{NAME}-{ordinal}.{NAME}.{}.svc.cluster.local:9090", namespace.name());
        let asked = health(&namespace.api(), &format!("{NAME}-0"), &target);
        let addresses: Vec<_> = asked.addresses.iter().map(ToString::to_string).collect();
        assert_eq!((addresses, &asked.failure), (vec![address], &None), "{asked:?}");
    }
}

/// Executors sign and manage Performers of their own namespace. An attacker who takes one over has all rights of the
/// executor.
fn rights_end_with_the_namespace(namespace: &ReleaseNamespace) {
    let may = |verb: &str, group: &str, resource: &str, scope: Option<&str>| {
        may(&namespace.cluster, (namespace.name(), NAME), verb, (group, resource), scope)
    };
    for verb in ["get", "list", "watch", "create", "patch", "delete"] {
        let may = |scope| may(verb, "hourglass.eigenlayer.io", "performers", scope);
        assert!(may(Some(namespace.name())), "{verb} performers in the release's namespace");
        assert!(!may(Some("default")), "{verb} performers in another namespace");
        assert!(!may(None), "{verb} performers in all namespaces");
    }
    for (verb, group, resource) in [
        ("get", "", "secrets"),
        ("list", "", "pods"),
        ("create", "", "pods"),
        ("create", "apps", "deployments"),
        ("create", "rbac.authorization.k8s.io", "rolebindings"),
    ] {
        assert!(!may(verb, group, resource, Some(namespace.name())), "{verb} {resource}");
    }
}

/// Writes a file into the volume of each executor, and returns their pods.
fn keep(namespace: &ReleaseNamespace) -> [(String, Option<String>); 2] {
    let pods = namespace.api::<Pod>();
    [0, 1].map(|ordinal| {
        let pod = format!("{NAME}-{ordinal}");
        let (written, said) = harness(&pods, &pod, &["schema", "--output", KEPT]);
        assert!(written, "{said}");
        let (written, said) = harness(&pods, &pod, &["schema", "--output", "/elsewhere"]);
        assert!(!written && said.contains("Read-only file system"), "{said}");
        identity(&block_on(pods.get(&pod)).unwrap())
    })
}

fn is_ready(set: &StatefulSet, replicas: i32) -> bool {
    let Some(status) = set.status.as_ref().filter(|_| is_observed(set)) else { return false };
    let counts = [Some(status.replicas), status.ready_replicas, status.current_replicas];
    counts.into_iter().all(|count| count == Some(replicas)) && status.current_revision == status.update_revision
}

fn image(set: &StatefulSet) -> &str {
    let pod = set.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
    pod.and_then(|pod| pod.containers.first()?.image.as_deref()).unwrap_or_default()
}

fn ready(set: &StatefulSet) -> i32 {
    set.status.as_ref().and_then(|status| status.ready_replicas).unwrap_or_default()
}

fn is_observed(set: &StatefulSet) -> bool {
    set.status.as_ref().and_then(|status| status.observed_generation) == set.metadata.generation
}
