//! Contracts of the user's: behind proxies, and in roles of the flow.

use ethers::{
    providers::Middleware as _,
    types::{Address, H256},
};
use hourglass_component::{
    chain::{Artifact, TaskStatus},
    keys::EcdsaKey,
};
use hourglass_harness::{
    chain::{
        ChainTopology, ContractRole, DeployedContract, NewTask, UserCall, UserContract, UserProxy, prepare, prepare_in,
        publish_tables, register_sockets, registrar_in, registrar_of,
    },
    reaper::RunId,
};
use hourglass_proto::contracts::{addresses as at, bindings as b};
use serde_json::{Value, json};

use crate::support::{Pair, SOON, anvil, certificate, create, parts, revert, send, topology, try_send, within};

const REGISTRAR: &str = include_str!("../../../fixtures/contracts/artifacts/TaskAVSRegistrar.json");
const HOOK: &str = include_str!("../../../fixtures/contracts/artifacts/AVSTaskHook.json");

/// The artefact of a contract of the harness, as if it were the user's: code that creates it is put before its code.
pub(crate) fn artifact(json: &str) -> Artifact {
    let compiled: Value = serde_json::from_str(json).unwrap();
    let code = hex::decode(compiled["deployedBytecode"].as_str().unwrap().trim_start_matches("0x")).unwrap();
    // Copies everything behind itself and returns it: PUSH2 length, DUP1, PUSH1 10, RETURNDATASIZE, CODECOPY, RETURNDATASIZE, RETURN.
    let length = u16::try_from(code.len()).unwrap().to_be_bytes();
    let creation = [&[0x61], &length[..], &[0x80, 0x60, 0x0a, 0x3d, 0x39, 0x3d, 0xf3], &code].concat();
    let artifact = json!({ "abi": compiled["abi"], "bytecode": hex::encode(creation) });
    Artifact::parse(artifact.to_string().as_bytes()).unwrap()
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn call(function: &str, args: &[&str], from: &str) -> UserCall {
    UserCall { function: function.to_owned(), args: texts(args), from: from.to_owned() }
}

/// A hook on L2 behind a proxy: the app owns it, and the AVS may upgrade it.
fn hook() -> UserContract {
    UserContract {
        name: "hook".to_owned(),
        chain_id: at::L2_CHAIN_ID,
        from: "deployer".to_owned(),
        artifact: artifact(HOOK),
        args: Vec::new(),
        proxy: Some(UserProxy {
            admin: "avs".to_owned(),
            function: "initialize(address)".to_owned(),
            args: texts(&["app"]),
        }),
        calls: vec![call("setOnlyCreator(address)", &["app"], "app")],
        role: Some(ContractRole::TaskHook),
    }
}

/// A registrar on L1 behind a proxy, which the app owns. In its configuration, set 7 aggregates; its allow-list has a contract, `friend`.
fn registrar(config: &str) -> UserContract {
    UserContract {
        name: "registrar".to_owned(),
        chain_id: at::L1_CHAIN_ID,
        from: "deployer".to_owned(),
        artifact: artifact(REGISTRAR),
        args: Vec::new(),
        proxy: Some(UserProxy {
            admin: "deployer".to_owned(),
            function: "initialize(address,address,(uint32,uint32[]))".to_owned(),
            args: texts(&["avs", "app", config]),
        }),
        calls: vec![call("addOperatorToAllowlist((address,uint32),address)", &[r#"["avs","7"]"#, "friend"], "app")],
        role: Some(ContractRole::AvsRegistrar),
    }
}

/// A contract without a role.
fn friend() -> UserContract {
    UserContract { name: "friend".to_owned(), proxy: None, calls: Vec::new(), role: None, ..hook() }
}

/// The chains of a topology, and the contracts of the user's on them.
async fn start(topology: &ChainTopology) -> (Pair, Vec<DeployedContract>) {
    let (binary, run) = (anvil().await, RunId::generate());
    let state = prepare(&binary, topology, &run).await.unwrap();
    let pair = Pair::load(&binary, topology, &state, &run).await;
    (pair, state.contracts)
}

fn address(contracts: &[DeployedContract], name: &str) -> Address {
    contracts.iter().find(|contract| contract.name == name).unwrap().address
}

/// Tools find implementation and admin of a proxy in these slots (ERC-1967).
async fn slot(pair: &Pair, proxy: Address, name: &str) -> Address {
    let digits = match name {
        "implementation" => "360894a13ba1a3210667c828492db98dca3e2076cc3735a920a3ca505d382bbc",
        _ => "b53127684a568b3173ae13b9f8a6016e243e63b6e8ee1178d6a717850b5d6103",
    };
    let slot = H256::from_slice(&hex::decode(digits).unwrap());
    let word = pair.l2.control().client().provider().get_storage_at(proxy, slot, None).await.unwrap();
    Address::from_slice(&word.as_bytes()[12..])
}

#[tokio::test]
async fn anvil_a_contract_is_initialized_and_configured_behind_its_proxy() {
    let topology = ChainTopology { contracts: vec![hook()], ..topology(&[1]) };
    let (pair, contracts) = start(&topology).await;
    let (l2, accounts) = (pair.l2.control(), &pair.accounts);
    let node = || l2.client().provider().clone();
    let proxy = address(&contracts, "hook");
    assert_eq!(slot(&pair, proxy, "admin").await, address(&contracts, "hook_proxy_admin"));
    let through = b::AvsTaskHook::new(proxy, node());
    assert_eq!(through.owner().call().await.unwrap(), accounts.app.address());
    assert_eq!(through.only_creator().call().await.unwrap(), accounts.app.address());
    let behind = b::AvsTaskHook::new(slot(&pair, proxy, "implementation").await, node());
    assert_eq!(behind.owner().call().await.unwrap(), Address::zero(), "the contract behind it has no state");
    let again = revert(accounts.app.address(), through.initialize(accounts.app.address())).await;
    assert_eq!(again.as_deref(), Some("Initializable: contract is already initialized"));

    // The mailbox asks it, under the proxy's address.
    create(l2, accounts, b"1").await;
    send(l2, &accounts.app, through.set_only_creator(accounts.avs.address())).await;
    let task = NewTask { set: accounts.executor_set(), payload: b"1".to_vec() };
    let refused = within(SOON, "task", l2.create_task(&accounts.app, &task)).await.unwrap_err();
    assert!(refused.to_string().contains("InvalidTaskCreator"), "{refused}");
}

/// Only the owner of the admin upgrades a proxy; the storage stays.
#[tokio::test]
async fn anvil_a_proxy_is_upgraded_through_its_admin() {
    let topology = ChainTopology { contracts: vec![hook()], ..topology(&[1]) };
    let (pair, contracts) = start(&topology).await;
    let (l2, accounts) = (pair.l2.control(), &pair.accounts);
    let node = || l2.client().provider().clone();
    let proxy = address(&contracts, "hook");
    let admin = b::ProxyAdmin::new(address(&contracts, "hook_proxy_admin"), node());
    assert_eq!(admin.owner().call().await.unwrap(), accounts.avs.address());
    assert_eq!(admin.get_proxy_admin(proxy).call().await.unwrap(), admin.address());
    let code = artifact(HOOK).code().to_vec();
    let account = l2.client().account(&accounts.deployer);
    let next = within(SOON, "receipt", account.create(l2.client(), "create a second hook", code.into())).await.unwrap();
    let before = slot(&pair, proxy, "implementation").await;
    assert_ne!(before, next);
    let refused = |key: &EcdsaKey| revert(key.address(), admin.upgrade(proxy, next));
    assert_eq!(refused(&accounts.app).await.as_deref(), Some("Ownable: caller is not the owner"));
    let no_contract = revert(accounts.avs.address(), admin.upgrade(proxy, accounts.app.address())).await;
    assert_eq!(no_contract.as_deref(), Some("ERC1967: new implementation is not a contract"));
    let through = b::AvsTaskHook::new(proxy, node());
    // A call is passed on to the new implementation in the same transaction; its sender is the admin, which is no owner of the hook.
    let (_, data) = parts(&through.set_fee(7));
    let reverted = revert(accounts.avs.address(), admin.upgrade_and_call(proxy, next, data)).await;
    assert_eq!(reverted.as_deref(), Some("Ownable: caller is not the owner"));
    send(l2, &accounts.avs, admin.upgrade(proxy, next)).await;
    assert_eq!(slot(&pair, proxy, "implementation").await, next);
    assert_eq!(admin.get_proxy_implementation(proxy).call().await.unwrap(), next);
    assert_eq!(through.owner().call().await.unwrap(), accounts.app.address(), "the storage is the same");
    // The admin administers and does nothing else, whatever the implementation has.
    let (to, data) = parts(&through.owner());
    let from_admin = json!({ "from": admin.address(), "to": to, "data": data });
    let answer = l2.client().provider().request::<_, Value>("eth_call", json!([from_admin, "latest"])).await;
    assert!(answer.unwrap_err().to_string().contains("admin cannot fallback to proxy target"));
    // For everybody else its functions do not exist.
    let data = hex::decode("f851a440").unwrap();
    try_send(l2, &accounts.app, proxy, data.into()).await.expect_err("`admin()` is no function of the hook");
}

/// What an initialiser refuses is an error with the contract's name, and no state is left of it.
#[tokio::test]
async fn anvil_an_initializer_that_reverts_is_named() {
    let cache = tempfile::tempdir().unwrap();
    let mut contract = hook();
    contract.proxy =
        Some(UserProxy { admin: "avs".to_owned(), function: "setFee(uint96)".to_owned(), args: texts(&["7"]) });
    let topology = ChainTopology { contracts: vec![contract], ..topology(&[1]) };
    let made = prepare_in(cache.path(), &anvil().await, &topology, &RunId::generate()).await;
    let error = made.unwrap_err().to_string();
    for part in ["create and initialize the proxy of the contract `hook`", "Ownable: caller is not the owner"] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
}

/// The operators join through the registrar of the user's, with its sets, its allow-list and its sockets; a later contract waits.
#[tokio::test]
async fn anvil_a_registrar_of_the_users_is_that_of_the_flow() {
    let later = UserContract { name: "a_later_one".to_owned(), ..friend() };
    let contracts = vec![later, friend(), registrar(r#"["7",["1"]]"#)];
    let topology = ChainTopology { contracts, ..topology(&[40, 30]) };
    let (pair, contracts) = start(&topology).await;
    let names: Vec<_> = contracts.iter().map(|contract| contract.name.as_str()).collect();
    assert_eq!(names, ["friend", "registrar_proxy_admin", "registrar", "a_later_one"]);
    let (l1, accounts) = (pair.l1.control(), &pair.accounts);
    let node = || l1.client().provider().clone();
    let own = registrar_in(None, &contracts);
    assert_eq!(own, address(&contracts, "registrar"));
    assert_eq!(registrar_in(Some("second"), &contracts), registrar_of(Some("second")));
    let manager = b::AllocationManager::new(at::ALLOCATION_MANAGER, node());
    assert_eq!(manager.get_avs_registrar(accounts.avs.address()).call().await.unwrap(), own);
    let set = |id| b::OperatorSet { avs: accounts.avs.address(), id };
    let aggregators = manager.get_members(set(7)).call().await.unwrap();
    assert_eq!(aggregators, [accounts.aggregator.address()]);
    let through = b::TaskAvsRegistrar::new(own, node());
    let allowed = through.get_allowed_operators(set(7)).call().await.unwrap();
    assert_eq!(allowed, [address(&contracts, "friend"), accounts.aggregator.address()]);
    let ours = b::TaskAvsRegistrar::new(at::TASK_AVS_REGISTRAR, node());
    assert_eq!(ours.avs().call().await.unwrap(), Address::zero(), "that of the harness is not used");

    let alice = &accounts.operators[0].key;
    register_sockets(l1, [(own, alice, "localhost:7".to_owned())]).await.unwrap();
    publish_tables(l1, pair.l2.control(), accounts).await.unwrap();
    for chain in pair.both() {
        let head = chain.client().head().await.unwrap().number;
        let reference = chain.client().latest_reference(head).await.unwrap();
        let members = l1.client().operators(accounts.executor_set(), reference.block_number).await.unwrap();
        let told: Vec<_> = members.iter().map(|info| (info.weight.as_u64(), info.socket.as_str())).collect();
        assert_eq!(told, [(40, "localhost:7"), (30, "")]);
        let task = create(chain, accounts, b"0x04").await;
        let keys = ["alice", "bob"].map(|name| accounts.signing_key(name, None).unwrap());
        let certificate = certificate(reference.timestamp, task.task, b"0x10", &keys).encode();
        chain.client().submit_result(&accounts.aggregator, task.task, &certificate, b"0x10").await.unwrap();
        assert_eq!(chain.task_status(task.task).await.unwrap(), TaskStatus::Verified);
    }
}

/// A registrar without the set in which operators execute would be a chain without executors.
#[tokio::test]
async fn anvil_a_registrar_that_is_configured_for_other_sets_is_refused() {
    let cache = tempfile::tempdir().unwrap();
    let contracts = vec![friend(), registrar(r#"["7",["2"]]"#)];
    let topology = ChainTopology { contracts, ..topology(&[1]) };
    let made = prepare_in(cache.path(), &anvil().await, &topology, &RunId::generate()).await;
    let error = made.unwrap_err().to_string();
    assert!(error.starts_with("failed to deploy the contract `registrar`: its getAvsConfig() says"), "{error}");
    assert!(error.contains("set 7 aggregates and that sets [2] execute"), "{error}");
}
