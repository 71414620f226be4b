//! Access rights: calls of management services need the operator's signature, files of a trial are readable by its user
//! only, and no report, log or timeline holds a key.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use hourglass_component::{
    auth,
    health::channel,
    keys::{Address, EcdsaKey},
};
use hourglass_harness::chain::{AccountSecret, Accounts};
use hourglass_proto::services::v1::{
    DeRegisterAvsRequest, DeployArtifactRequest, GetChallengeTokenRequest, ListPerformersRequest, PerformerEnv,
    RegisterAvsRequest, RemovePerformerRequest,
    aggregator_management_service_client::AggregatorManagementServiceClient,
    executor_management_service_client::ExecutorManagementServiceClient,
};
use hourglass_test_support::{Outcome, Sandbox, block_on, run, test_cache};

use crate::{
    HARNESS,
    components::script,
    keep::{endpoint, only_folder},
};

/// Every user of the machine can reach the port of an executor, and a deployment starts a program.
#[test]
fn management_services_serve_nobody_but_the_operator() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = sandbox.run(&["run", "--keep", "always", "square"]);
    outcome.assert_code(0);
    block_on(assert_only_the_operator_is_served(&outcome.stdout));
    let run = only_folder(&sandbox);
    sandbox.run(&["gc", run.file_name().unwrap().to_str().unwrap()]).assert_code(0);
    sandbox.assert_nothing_left();
}

/// Calls the components whose endpoints a run has reported.
async fn assert_only_the_operator_is_served(endpoints: &str) {
    let accounts = accounts();
    let executor = channel(endpoint(endpoints, "executor/operator")).unwrap();
    let mut executor = ExecutorManagementServiceClient::new(executor);
    let key = &accounts.operators[0].key;
    let asked = GetChallengeTokenRequest { operator_address: format!("{:?}", key.address()) };
    let token = executor.get_challenge_token(asked).await.unwrap().into_inner().challenge_token;
    let foreign = EcdsaKey::from_hex(&"07".repeat(32)).unwrap();
    let foreign = auth::answer(&foreign, token).unwrap();
    let avs_address = format!("{:?}", accounts.avs.address());
    let env = vec![PerformerEnv {
        name: "LD_PRELOAD".to_owned(),
        value: "/tmp/library.so".to_owned(),
        ..PerformerEnv::default()
    }];
    let deploy = DeployArtifactRequest { avs_address: avs_address.clone(), env, ..DeployArtifactRequest::default() };
    for auth in [None, Some(foreign)] {
        let deploy = DeployArtifactRequest { auth: auth.clone(), ..deploy.clone() };
        let list = ListPerformersRequest { auth: auth.clone(), ..ListPerformersRequest::default() };
        let remove = RemovePerformerRequest { performer_id: "performer".to_owned(), auth };
        let refused = [
            executor.deploy_artifact(deploy).await.unwrap_err(),
            executor.list_performers(list).await.unwrap_err(),
            executor.remove_performer(remove).await.unwrap_err(),
        ];
        assert_eq!(refused.map(|status| format!("{:?}", status.code())), ["Unauthenticated"; 3]);
    }
    let aggregator = channel(endpoint(endpoints, "aggregator")).unwrap();
    let mut aggregator = AggregatorManagementServiceClient::new(aggregator);
    let register =
        RegisterAvsRequest { avs_address: format!("{:?}", Address::zero()), chain_ids: vec![31_338], auth: None };
    let deregister = DeRegisterAvsRequest { avs_address, auth: None };
    let refused = [
        aggregator.register_avs(register).await.unwrap_err(),
        aggregator.de_register_avs(deregister).await.unwrap_err(),
    ];
    assert_eq!(refused.map(|status| format!("{:?}", status.code())), ["Unauthenticated"; 2]);

    // The operator may call it, but must not decide which code is loaded.
    let auth = auth::to_executor(&mut executor, key).await.unwrap();
    let status = executor.deploy_artifact(DeployArtifactRequest { auth, ..deploy }).await.unwrap_err();
    assert!(status.message().contains("LD_PRELOAD"), "{status}");
    let auth = auth::to_executor(&mut executor, key).await.unwrap();
    let list = ListPerformersRequest { auth, ..ListPerformersRequest::default() };
    assert_eq!(executor.list_performers(list).await.unwrap().into_inner().performers.len(), 1);
}

/// A user's own program has its own rules: if it serves everybody, it is called without a signature.
#[test]
fn user_executor_may_serve_without_signatures() {
    let sandbox = Sandbox::new(HARNESS);
    let text = format!(
        "sed -i '/\"authentication\"/,/}}/ s/true/false/' \"$2\"\ngrep -q false \"$2\" || exit 9\n\
         exec {HARNESS} component executor \"$@\"\n"
    );
    let executor = script(&sandbox, "executor.sh", &text);
    let scenario = format!(
        "components: {{executor: {{command: [{}]}}}}\nsteps:\n  - restart: {{component: performer/operator}}\n  \
         - create_task: {{payload: \"0x04\"}}\n  - expect_verified: {{result: \"0x10\"}}\n",
        executor.display()
    );
    sandbox.run_file(&sandbox.scenario("open_executor", &scenario)).assert_code(0).assert_shows(&["1 passed"]);
    sandbox.assert_nothing_left();
}

/// The umask must have no influence: with 0 every user would get every right.
#[test]
fn files_of_a_trial_are_readable_by_its_user_only() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = run(sandbox
        .command("sh")
        .args(["-c", "umask 0; exec \"$@\"", "-", HARNESS])
        .args(["run", "--keep", "always", "square"]));
    outcome.assert_code(0);
    let folder = only_folder(&sandbox);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700, "the folder of the trial");
    for name in ["logs", "trial", "harness.log", "aggregator.yaml", "executor-operator.yaml", "logs/aggregator.log"] {
        let expected = if name == "logs" { 0o700 } else { 0o600 };
        assert_eq!(mode(&folder.join(name)), expected, "{name}");
    }
    // Proves that the search of the next test finds what it looks for where it must be.
    let with_keys: Vec<_> = with_secrets(&folder).into_iter().map(|(path, _)| path).collect();
    let read = ["aggregator.yaml", "executor-operator.yaml"].map(|name| folder.join(name));
    assert_eq!(with_keys, read, "components read their keys there while they run, and they are nowhere else");
    let run = only_folder(&sandbox);
    sandbox.run(&["gc", run.file_name().unwrap().to_str().unwrap()]).assert_code(0);
    sandbox.assert_nothing_left();
}

/// Users keep folders of failed trials and pass them on, with reports and logs.
#[test]
fn nothing_that_is_left_of_a_trial_holds_a_secret() {
    let sandbox = Sandbox::new(HARNESS);
    let scenario = sandbox.scenario(
        "tells_nothing",
        "components: {performer: {environment: {TASK_ERROR: out of order}}}\n\
         steps:\n  - restart: {component: performer/operator}\n  - kill: {component: aggregator}\n  \
         - restart: {component: aggregator}\n  - restart: {component: executor/operator}\n  \
         - create_task: {payload: \"0x04\"}\n  - expect_verified: {result: \"0x11\", within: 5s}\n",
    );
    let reports = sandbox.path("reports");
    let mut command = sandbox.harness(&["run", "--junit"]);
    command.arg(reports.join("junit.xml")).arg("--json").arg(reports.join("report.json")).arg(&scenario);
    let outcome = run(command.env("HOURGLASS_LOG", "debug").env("RUST_LOG", "debug"));
    outcome.assert_code(1).assert_shows(&["FAIL  process::tells_nothing"]);
    let folder = only_folder(&sandbox);
    let names: Vec<_> = files(&folder).iter().map(|path| path.file_name().unwrap().to_owned()).collect();
    let looked_at = [
        "timeline.jsonl",
        "scenario.yaml",
        "harness.log",
        "executor-operator.yaml",
        "executor-operator.log",
        "aggregator.log",
    ];
    for name in looked_at {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
    let configuration = fs::read_to_string(folder.join("executor-operator.yaml")).unwrap();
    let address = format!("{:?}", accounts().operators[0].address());
    assert!(configuration.contains(&address), "the keys that are looked for are not those of the trial");
    assert_eq!(with_secrets(&folder), [], "of the trial's folder");
    assert_eq!(with_secrets(&reports), [], "of the reports");
    let Outcome { stdout, stderr, .. } = &outcome;
    let said = format!("{stdout}{stderr}");
    assert_eq!(secrets().into_iter().find(|(_, secret)| said.contains(secret)), None, "of what was said");
}

fn accounts() -> Accounts {
    Accounts::derive(&AccountSecret::in_cache(&test_cache(HARNESS)).unwrap(), ["operator"])
}

/// Every secret in each form in which it might be written, with its description.
fn secrets() -> Vec<(String, String)> {
    let Accounts { deployer, avs, app, aggregator, operators, .. } = accounts();
    let keys = [("deployer", deployer), ("avs", avs), ("app", app), ("aggregator", aggregator)]
        .into_iter()
        .chain(operators.into_iter().map(|operator| ("operator", operator.key)))
        .map(|(name, key)| (name, key.to_hex().trim_start_matches("0x").to_owned()));
    let secret = fs::read_to_string(test_cache(HARNESS).join("account-secret")).unwrap().trim().to_owned();
    let written = |(name, hex): (&str, String)| {
        assert_eq!(hex.len(), 64);
        let bytes = hex::decode(&hex).unwrap();
        let decimal = bytes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let base64 = serde_json::to_value(k8s_openapi::ByteString(bytes)).unwrap();
        let base64 = base64.as_str().unwrap().trim_end_matches('=').to_owned();
        let url = base64.replace('+', "-").replace('/', "_");
        [hex.to_uppercase(), hex, base64, url, decimal].map(|text| (name.to_owned(), text))
    };
    keys.chain([("secret", secret)]).flat_map(written).collect()
}

/// The files below a folder that hold a secret, and which secret it is.
fn with_secrets(folder: &Path) -> Vec<(PathBuf, String)> {
    let secrets = secrets();
    let held = |path: PathBuf| {
        let text = String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned();
        let (name, _) = secrets.iter().find(|(_, secret)| text.contains(secret))?;
        Some((path, name.clone()))
    };
    let mut found: Vec<_> = files(folder).into_iter().filter_map(held).collect();
    found.sort();
    found
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}
