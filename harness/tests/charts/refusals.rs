//! Wrong values.

use std::fs;

use serde_json::Value;

use crate::helm::{Chart, KUBERNETES, helm, refusal, text, values};

/// The chart, the values that are set, the path that the message names, and the rest of the message.
type Case = (Chart, &'static str, &'static str, &'static str);

const OPERATOR: &[(&str, &str, &str)] = &[
    ("--set=replica=2", "", "replica"),
    ("--set-string=replicas=2", "replicas", "integer"),
    ("--set=replicas=-1", "replicas", "0"),
    ("--set=image.repositry=x", "image", "repositry"),
    ("--set=image.repository=", "image.repository", ""),
    ("--set=image.tag=12", "image.tag", "string"),
    ("--set-string=image.tag=a/b", "image.tag", ""),
    ("--set=image.digest=sha256:12", "image.digest", ""),
    ("--set=image.pullPolicy=Sometimes", "image.pullPolicy", "IfNotPresent"),
    ("--set=imagePullSecrets={registry}", "imagePullSecrets.0", "object"),
    ("--set=args=operator", "args", "array"),
    ("--set=config.logFormat=xml", "config.logFormat", "json"),
    ("--set=config.logLevel=loud", "config.logLevel", "debug"),
    ("--set=config.watchNamespace={a}", "config", "watchNamespace"),
    ("--set=config.watchNamespaces=a", "config.watchNamespaces", "array"),
    ("--set=config.watchNamespaces={a_b}", "config.watchNamespaces.0", ""),
    ("--set=config.watchNamespaces={a,a}", "config.watchNamespaces", ""),
    ("--set=config.metricsBindAddress=:1", "config", "metricsBindAddress"),
    ("--set=config.leaderElection=true", "config.leaderElection", "object"),
    ("--set=config.leaderElection.leaseDuration=15", "config.leaderElection.leaseDuration", "string"),
    ("--set=config.drain.timeout=soon", "config.drain.timeout", ""),
    ("--set=crds.instal=false", "crds", "instal"),
    ("--set-string=rbac.create=yes", "rbac.create", "boolean"),
    ("--set=serviceAccount.annotations.a=1", "serviceAccount.annotations.a", "string"),
    ("--set=metrics.port=0", "metrics.port", "1"),
    ("--set=metrics.serviceMonitor.enable=true", "metrics.serviceMonitor", "enable"),
    ("--set=metrics.serviceMonitor.interval=often", "metrics.serviceMonitor.interval", ""),
    ("--set=health.port=70000", "health.port", ""),
    ("--set=probes.readiness.periodSeconds=1s", "probes.readiness.periodSeconds", "integer"),
    ("--set=podDisruptionBudget.maxUnavailable=half", "podDisruptionBudget.maxUnavailable", ""),
    ("--set=networkPolicy.apiServer.ports={https}", "networkPolicy.apiServer.ports.0", "integer"),
    ("--set=resources.requests.cpu=few", "resources.requests.cpu", ""),
    ("--set=resources.request.cpu=1", "resources", "request"),
    ("--set=nodeSelector={a}", "nodeSelector", "object"),
    ("--set=extraEnv[0].value=1", "extraEnv.0", "name"),
    ("--set=fullnameOverride=Upper", "fullnameOverride", ""),
];

const EXECUTOR: &[(&str, &str, &str)] = &[
    ("--set=nameOverride=x", "", "nameOverride"),
    ("--set=replicas=two", "replicas", "integer"),
    ("--set=executors=x", "executors", "array"),
    ("--set=executors[0].operator.address=1", "executors.0.operator.address", "string"),
    ("--set=executors[0].operator.address=0x12", "executors.0.operator.address", ""),
    ("--set=executors[0].operator.signingKeys.ecdsa=0x12", "executors.0.operator.signingKeys.ecdsa", "object"),
    ("--set=config.l1Chain.chainId=one", "config.l1Chain.chainId", "integer"),
    ("--set=config.avsPerformers[0].image.tag=v1", "config.avsPerformers.0", "avsAddress"),
    ("--set=keys.secret=x", "keys", "secret"),
    ("--set-string=service.port=9090", "service.port", "integer"),
    ("--set=service.managementPort=0", "service.managementPort", "1"),
    ("--set=performers.rbac.create=true", "performers.rbac", "boolean"),
    ("--set=persistence.size=much", "persistence.size", ""),
    ("--set=persistence.accessModes={ReadOnlyMany}", "persistence.accessModes.0", "ReadWriteOnce"),
    ("--set=persistence.whenDeleted=keep", "persistence.whenDeleted", "Retain"),
    ("--set=probes.type=http", "probes.type", "grpc"),
    ("--set=terminationGracePeriodSeconds=45s", "terminationGracePeriodSeconds", "integer"),
];

/// A user must not have to infer a mistake from what does not happen in the cluster.
pub(crate) fn wrong_values_are_refused_at_their_place() {
    let of = |chart, cases: &'static [(&str, &str, &str)]| {
        cases.iter().map(move |&(set, place, says)| -> Case { (chart, set, place, says) })
    };
    let wrong: Vec<_> =
        of(Chart::Operator, OPERATOR).chain(of(Chart::Executor, EXECUTOR)).filter_map(problem).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn problem((chart, set, place, says): Case) -> Option<String> {
    let two = values("executor-two");
    let more: &[&str] = if matches!(chart, Chart::Executor) { &[&two, set] } else { &[set] };
    let message = refusal(chart, more);
    let told = names(&message, place) && message.contains(says);
    (!told).then(|| format!("{set} is refused without {place:?} and {says:?}:\n{message}"))
}

/// Helm 3.18 and later write `'/a/0'`, earlier ones `a.0:`, and `(root):` for the whole document.
fn names(message: &str, place: &str) -> bool {
    let pointer = place.split('.').filter(|part| !part.is_empty()).fold(String::new(), |path, part| path + "/" + part);
    let earlier = if place.is_empty() { "(root):".to_owned() } else { format!("- {place}:") };
    message.contains(&format!("'{pointer}'")) || message.contains(&earlier)
}

pub(crate) fn contradicting_values_are_refused() {
    let two = values("executor-two");
    let own = values("executor-own-files");
    let cases: [(Chart, &[&str], &str); 9] = [
        (Chart::Operator, &["--set=health.port=8080"], "health.port: it is the port of metrics"),
        (
            Chart::Operator,
            &["--set=podDisruptionBudget.enabled=true,podDisruptionBudget.minAvailable=1"],
            "podDisruptionBudget: set exactly one of minAvailable and maxUnavailable",
        ),
        (Chart::Executor, &[], "executors: there is none"),
        (Chart::Executor, &[&two, "--set=replicas=3"], "replicas: 3 executors are asked for"),
        (Chart::Executor, &[&own, &two], "executors: existingConfigSecret holds the configurations"),
        (Chart::Executor, &[&own, "--set=replicas=null"], "replicas: say how many"),
        (Chart::Executor, &[&two, "--set=config.grpcPort=1"], "executors[0].grpcPort: the chart sets it"),
        (
            Chart::Executor,
            &[&two, "--set=executors[0].managementServerGrpcPort=1"],
            "executors[0].managementServerGrpcPort: the chart sets it",
        ),
        (Chart::Executor, &[&two, "--set=keys.existingSecret=s"], "executors[0].operator: it holds a key"),
    ];
    for (chart, arguments, says) in cases {
        let message = refusal(chart, arguments);
        assert!(message.contains(says), "{arguments:?} are refused without {says:?}:\n{message}");
    }
}

/// Helm accepts longer names of releases than Kubernetes does for a StatefulSet, whose pods' labels carry it with a
/// hash.
pub(crate) fn too_long_name_is_refused_and_not_cut() {
    let mut command = helm(["template"]);
    command.arg("a".repeat(53)).arg(Chart::Executor.folder()).arg(values("executor-two"));
    let output = command.args(["--kube-version", KUBERNETES]).output().unwrap();
    let message = text(&output.stderr);
    assert!(message.contains("is longer than the 52 characters"), "{message}");
}

/// A key that the schema does not know cannot be set, and users cannot find a key that the values do not show.
pub(crate) fn every_value_has_a_rule() {
    for chart in [Chart::Operator, Chart::Executor] {
        let read = |file: &str| fs::read_to_string(chart.folder().join(file)).unwrap();
        let schema: Value = serde_json::from_str(&read("values.schema.json")).unwrap();
        let values: Value = serde_yaml::from_str(&read("values.yaml")).unwrap();
        let ruled = schema["properties"].as_object().unwrap().keys();
        let hidden: Vec<_> = ruled.filter(|key| *key != "global" && values.get(key).is_none()).collect();
        assert!(hidden.is_empty(), "{}: {hidden:?}", chart.name());
        open_objects(&schema, &schema, "", &mut |place| {
            let free = ["podSecurityContext", "securityContext", "affinity", "valueFrom", "global"];
            let of_the_executor = place.starts_with("/config") || place.starts_with("/executors");
            let last = place.rsplit('/').next().unwrap_or_default();
            let listed = last == "items";
            let known = free.contains(&last) || listed || matches!(chart, Chart::Executor) && of_the_executor;
            assert!(known, "{}: {place} takes whatever it is given", chart.name());
        });
    }
}

/// Finds the objects that accept keys without a rule.
fn open_objects(root: &Value, schema: &Value, place: &str, found: &mut dyn FnMut(&str)) {
    let schema = match schema.get("$ref").and_then(Value::as_str) {
        Some(reference) => root.pointer(reference.trim_start_matches('#')).unwrap(),
        None => schema,
    };
    if schema.get("type").is_some_and(|kind| kind == "object") && schema.get("additionalProperties").is_none() {
        found(place);
    }
    for (key, inner) in schema.get("properties").and_then(Value::as_object).into_iter().flatten() {
        open_objects(root, inner, &format!("{place}/{key}"), found);
    }
    if let Some(items) = schema.get("items") {
        open_objects(root, items, &format!("{place}/items"), found);
    }
}
