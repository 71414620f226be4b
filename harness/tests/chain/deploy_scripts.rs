//! Deploy scripts run when a state is made, with the context document, and what they tell is checked.

use std::{
    collections::BTreeMap,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use ethers::providers::Middleware as _;
use hourglass_harness::{
    chain::{ChainTopology, DeployScript, PreparedState, SetupError, prepare_in},
    reaper::{RunId, processes_of},
};
use hourglass_proto::contracts::addresses as at;
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::support::{Pair, SOON, anvil, topology, within};

/// Deploys a contract whose only function returns 42, as the AVS, and tells it as the public template's scripts do. `WORDS` is what it
/// tells instead.
const DEPLOY: &str = r#"
import fs from "node:fs";
fs.appendFileSync("runs", "x\n");
const given = JSON.parse(process.argv.at(-1));
const file = JSON.parse(fs.readFileSync(process.env.HARNESS_CONTEXT_FILE));
if (JSON.stringify(given) !== JSON.stringify(file)) throw new Error("two contexts");
const { context } = given;
const url = context.chains.l2.rpc_url;
if (url !== process.env.L2_RPC_URL) throw new Error("another URL");
const rpc = async (method, params) => {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const answer = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body });
  const { result, error } = await answer.json();
  if (error) throw new Error(error.message);
  return result;
};
if (Number(await rpc("eth_chainId", [])) !== context.chains.l2.chain_id) throw new Error("another chain");
const from = context.avs.address;
await rpc("anvil_impersonateAccount", [from]);
const data = "0x600a600c600039600a6000f3602a60005260206000f3";
const hash = await rpc("eth_sendTransaction", [{ from, data }]);
// The node answers with a hash before the transaction is mined.
let receipt = null;
const deadline = Date.now() + 30000;
while (receipt === null && Date.now() < deadline) receipt = await rpc("eth_getTransactionReceipt", [hash]);
const { contractAddress } = receipt;
console.error("deployed");
console.log(process.env.WORDS ?? JSON.stringify({
  deployed_l2_contracts: [
    { name: "HelloWorldL2", address: contractAddress, abi: "out/none.json" },
    { name: "taskAVSRegistrar", contractAddress: context.eigenlayer.l2.task_mailbox },
  ],
}));
"#;

struct Project {
    folder: TempDir,
    cache: TempDir,
}

impl Project {
    fn new() -> Self {
        let project = Self { folder: tempfile::tempdir().unwrap(), cache: tempfile::tempdir().unwrap() };
        fs::write(project.folder.path().join("deploy.mjs"), DEPLOY).unwrap();
        project
    }

    fn script(&self) -> DeployScript {
        DeployScript {
            run: ["node", "deploy.mjs", "first"].map(str::to_owned).to_vec(),
            environment: BTreeMap::new(),
            chain_id: at::L2_CHAIN_ID,
            deploys: vec!["hello_world_l2".to_owned()],
            inputs: vec!["deploy.mjs".into()],
            folder: self.folder.path().to_owned(),
            within: Duration::from_mins(1),
        }
    }

    async fn prepare(&self, script: DeployScript) -> Result<PreparedState, SetupError> {
        let topology = ChainTopology { deploy_scripts: vec![script], ..topology(&[1]) };
        prepare_in(self.cache.path(), &anvil().await, &topology, &RunId::generate()).await
    }

    fn runs(&self) -> usize {
        fs::read_to_string(self.folder.path().join("runs")).unwrap_or_default().lines().count()
    }
}

#[tokio::test]
async fn anvil_what_a_script_has_deployed_is_in_the_state() {
    let project = Project::new();
    let state = project.prepare(project.script()).await.unwrap();
    let names: Vec<_> = state.contracts.iter().map(|contract| contract.name.as_str()).collect();
    assert_eq!(names, ["hello_world_l2", "task_avs_registrar"]);
    let [hello, registrar] = &state.contracts[..] else { panic!("{names:?}") };
    assert_eq!((hello.chain_id, registrar.address), (at::L2_CHAIN_ID, at::TASK_MAILBOX));
    let topology = ChainTopology { deploy_scripts: vec![project.script()], ..topology(&[1]) };
    let pair = Pair::load(&anvil().await, &topology, &state, &RunId::generate()).await;
    let code = pair.l2.control().client().provider().get_code(hello.address, None).await.unwrap();
    assert_eq!(code.len(), 10);
}

#[tokio::test]
async fn anvil_a_script_runs_again_only_where_an_input_has_changed() {
    let project = Project::new();
    let (first, again) = tokio::join!(project.prepare(project.script()), project.prepare(project.script()));
    let (first, again) = (first.unwrap(), again.unwrap());
    assert_eq!(project.runs(), 1, "two at the same time");
    assert_eq!((first.contracts.clone(), first.made != again.made), (again.contracts, true));
    fs::write(project.folder.path().join("deploy.mjs"), format!("{DEPLOY}\n// changed\n")).unwrap();
    assert!(project.prepare(project.script()).await.unwrap().made);
    assert_eq!(project.runs(), 2);
}

/// What a script does wrong is in the error, and no state is left of it.
#[rstest::rstest]
#[case::failed("console.error('no forge'); process.exit(3)", None, "ended with exit status: 3\n    no forge")]
#[case::no_json(DEPLOY, Some("done"), "it has not written the list of its contracts as JSON")]
#[case::another(DEPLOY, Some("[]"), "`deploys` names hello_world_l2, and it has told no contracts\n    deployed")]
#[case::nothing_there(
    DEPLOY,
    Some(r#"[{"name": "HelloWorldL2", "address": "0x00000000000000000000000000000000000000aa"}]"#),
    "where chain 31338 has no contract"
)]
#[case::refused_name(
    DEPLOY,
    Some(r#"[{"name": "grpcPort", "address": "0x00000000000000000000000000000000000000aa"}]"#),
    "performers would get the contract `grpc_port` as GRPC_PORT"
)]
#[case::too_long("console.error('slow'); setTimeout(() => {}, 600000)", None, "did not end within 2s")]
#[tokio::test]
async fn anvil_a_script_that_fails_is_named_with_what_it_wrote(
    #[case] text: &str,
    #[case] words: Option<&str>,
    #[case] expected: &str,
) {
    let project = Project::new();
    fs::write(project.folder.path().join("deploy.mjs"), text).unwrap();
    let mut script = project.script();
    script.environment = words.map(|words| ("WORDS".to_owned(), words.to_owned())).into_iter().collect();
    if expected.contains("within") {
        script.within = Duration::from_secs(2);
    }
    let error = project.prepare(script).await.unwrap_err().to_string();
    assert!(error.starts_with("failed to deploy contracts with `node deploy.mjs first`"), "{error}");
    assert!(error.contains(expected), "{error}");
    let states = fs::read_dir(project.cache.path().join("state")).into_iter().flatten().count();
    assert_eq!(states, 0, "a state is left");
}

#[tokio::test]
async fn anvil_a_program_that_is_not_there_is_named() {
    let project = Project::new();
    let script = DeployScript { run: vec!["no-such-program".to_owned()], ..project.script() };
    let error = project.prepare(script).await.unwrap_err().to_string();
    assert!(error.contains("`no-such-program`: it cannot be started"), "{error}");
}

/// Tells its process and one that it has started, in the file `pids`.
const STARTS_ANOTHER: &str = r#"
import fs from "node:fs";
import { spawn } from "node:child_process";
const other = spawn("sleep", ["1000"], { stdio: "ignore" });
fs.writeFileSync("pids.new", `${process.pid} ${other.pid}`);
fs.renameSync("pids.new", "pids");
"#;
/// Ends when its chain does not answer any more.
const FAILS_WITHOUT_A_CHAIN: &str = r#"
const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method: "eth_chainId", params: [] });
const request = { method: "POST", headers: { "content-type": "application/json" }, body };
const ask = async () => { for (;;) await (await fetch(process.env.L2_RPC_URL, request)).text(); };
await ask().catch(() => {});
other.kill();
process.exit(3);
"#;

/// Whether a script waits for a chain that is gone or fails for it, the error is about the chain. Nothing is left of the script, which
/// would have had a minute.
#[rstest::rstest]
#[case::waits("setTimeout(() => {}, 600000);")]
#[case::fails(FAILS_WITHOUT_A_CHAIN)]
#[tokio::test]
async fn anvil_a_chain_that_ends_while_a_script_runs_is_named(#[case] then: &str) {
    let (project, binary, run) = (Project::new(), anvil().await, RunId::generate());
    fs::write(project.folder.path().join("deploy.mjs"), format!("{STARTS_ANOTHER}{then}")).unwrap();
    let topology = ChainTopology { deploy_scripts: vec![project.script()], ..topology(&[1]) };
    let pids = project.folder.path().join("pids");
    let killing = async {
        while !pids.exists() {
            tokio::task::yield_now().await;
        }
        let id = format!("--chain-id {}", at::L2_CHAIN_ID);
        let l2 = processes_of(&run).unwrap().into_iter().find(|process| process.command.contains(&id)).unwrap();
        kill_process(Pid::from_raw(l2.pid).unwrap(), Signal::KILL).unwrap();
        Instant::now()
    };
    let preparing = prepare_in(project.cache.path(), &binary, &topology, &run);
    let ends = async { tokio::join!(preparing, killing) };
    let (prepared, killed) = within(Duration::from_mins(2), "end of the preparation", ends).await;
    assert!(killed.elapsed() < SOON, "{:?}", killed.elapsed());
    let error = prepared.unwrap_err().to_string();
    assert!(error.starts_with("chain 31338 ended with signal: 9 (SIGKILL) while its state was made"), "{error}");

    let of_script = fs::read_to_string(pids).unwrap();
    let is_there = |pid: &str| fs::read_link(Path::new("/proc").join(pid).join("exe")).is_ok();
    let gone = async {
        while of_script.split(' ').any(is_there) || !processes_of(&run).unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    within(SOON, "end of what the script has started", gone).await;
    let states = fs::read_dir(project.cache.path().join("state")).into_iter().flatten().count();
    assert_eq!(states, 0, "a state is left");
}

/// A shell with `set -x` writes the whole context document.
#[tokio::test]
async fn anvil_keys_are_hidden_in_the_output_of_a_script_that_fails() {
    let project = Project::new();
    let text = "console.error(process.argv.at(-1)); process.exit(3)";
    fs::write(project.folder.path().join("deploy.mjs"), text).unwrap();
    let error = project.prepare(project.script()).await.unwrap_err().to_string();
    for name in ["deployer", "avs", "app"] {
        assert!(error.contains(&format!("[key of {name}]")), "{error}");
    }
    let accounts = topology(&[1]).accounts();
    for key in [&accounts.deployer, &accounts.avs, &accounts.app] {
        assert!(!error.contains(key.to_hex().trim_start_matches("0x")), "{error}");
    }
}
