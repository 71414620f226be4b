//! Shared parts of the tests of chains: Anvil, pairs of prepared chains, transactions of their accounts, reverts by
//! name.
//!
//! Every test binary includes this folder and uses a part of it.
#![expect(dead_code, reason = "each test binary uses a part")]
#![expect(clippy::unwrap_used, reason = "a test ends at what it did not expect")]

use std::time::Duration;

use ethers::{
    abi::Detokenize,
    contract::{ContractError, builders::ContractCall},
    providers::RpcError as _,
    types::{Address, BlockNumber, Bytes, H256},
};
use hourglass_component::{
    chain::{Node, OperatorSetId, Receipt, SendError},
    keys::EcdsaKey,
};
use hourglass_harness::{
    chain::{
        AccountSecret, Accounts, AnvilBinary, AnvilProcess, AnvilSearch, AnvilSettings, ChainControl, ChainTopology,
        NewTask, OperatorStake, PreparedState, TaskRecord, prepare,
    },
    reaper::RunId,
};
use hourglass_proto::{
    certificate::{self, EcdsaCertificate},
    contracts::{addresses as at, bindings as b, errors},
    messages,
};
pub(crate) use hourglass_test_support::within;
use tempfile::TempDir;

/// A call with its arguments.
pub(crate) type Call<T> = ContractCall<Node, T>;

/// How long a test waits for an event that takes milliseconds.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// The machine's Anvil.
pub(crate) async fn anvil() -> AnvilBinary {
    AnvilSearch::default().find_or_install(|_| ()).await.unwrap()
}

/// Operators with these weights, a threshold of two thirds, an hour for a task.
pub(crate) fn topology(weights: &[u64]) -> ChainTopology {
    let names = ["alice", "bob", "carol", "dave"];
    let operators =
        names.iter().zip(weights).map(|(name, weight)| OperatorStake { name: (*name).to_owned(), weight: *weight });
    let (task_sla, secret) = (Duration::from_hours(1), AccountSecret::new([7; 32]));
    ChainTopology {
        task_sla,
        threshold: 6667,
        operators: operators.collect(),
        fees: None,
        further_avss: Vec::new(),
        replacements: Vec::new(),
        contracts: Vec::new(),
        deploy_scripts: Vec::new(),
        secret,
    }
}

/// L1 and L2 with contracts and an operator set.
pub(crate) struct Pair {
    pub(crate) l1: AnvilProcess,
    pub(crate) l2: AnvilProcess,
    pub(crate) accounts: Accounts,
    pub(crate) folder: TempDir,
}

impl Pair {
    /// A pair for this topology, from the machine's cache if it was made before.
    pub(crate) async fn start(topology: &ChainTopology) -> Self {
        let (binary, run) = (anvil().await, RunId::generate());
        let state = prepare(&binary, topology, &run).await.unwrap();
        Self::load(&binary, topology, &state, &run).await
    }

    /// A pair that starts with this state.
    pub(crate) async fn load(
        binary: &AnvilBinary,
        topology: &ChainTopology,
        state: &PreparedState,
        run: &RunId,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let settings = |chain_id, state: &std::path::Path| AnvilSettings {
            chain_id,
            state: Some(state.to_owned()),
            folder: folder.path().to_owned(),
        };
        let (l1, l2) = (settings(at::L1_CHAIN_ID, &state.l1), settings(at::L2_CHAIN_ID, &state.l2));
        let (l1, l2) =
            tokio::try_join!(AnvilProcess::start(binary, &l1, run), AnvilProcess::start(binary, &l2, run)).unwrap();
        Self { l1, l2, accounts: topology.accounts(), folder }
    }

    /// Both chains, L1 first.
    pub(crate) fn both(&self) -> [&ChainControl; 2] {
        [self.l1.control(), self.l2.control()]
    }
}

/// The contracts of a chain; those that only L1 needs are on both.
pub(crate) struct Contracts {
    pub(crate) mailbox: b::TaskMailbox<Node>,
    pub(crate) ecdsa: b::EcdsaCertificateVerifier<Node>,
    pub(crate) bn254: b::Bn254CertificateVerifier<Node>,
    pub(crate) updater: b::OperatorTableUpdater<Node>,
    pub(crate) hook: b::AvsTaskHook<Node>,
    pub(crate) token: b::FeeToken<Node>,
    pub(crate) allocation: b::AllocationManager<Node>,
    pub(crate) delegation: b::DelegationManager<Node>,
    pub(crate) keys: b::KeyRegistrar<Node>,
    pub(crate) registrar: b::TaskAvsRegistrar<Node>,
    pub(crate) registry: b::CrossChainRegistry<Node>,
    pub(crate) permissions: b::PermissionController<Node>,
    pub(crate) strategies: b::StrategyManager<Node>,
    pub(crate) strategy: b::StakeStrategy<Node>,
    pub(crate) releases: b::ReleaseManager<Node>,
}

impl Contracts {
    /// The contracts of `chain`.
    pub(crate) fn on(chain: &ChainControl) -> Self {
        let node = || chain.client().provider().clone();
        Self {
            mailbox: b::TaskMailbox::new(at::TASK_MAILBOX, node()),
            ecdsa: b::EcdsaCertificateVerifier::new(at::ECDSA_CERTIFICATE_VERIFIER, node()),
            bn254: b::Bn254CertificateVerifier::new(at::BN254_CERTIFICATE_VERIFIER, node()),
            updater: b::OperatorTableUpdater::new(at::OPERATOR_TABLE_UPDATER, node()),
            hook: b::AvsTaskHook::new(at::AVS_TASK_HOOK, node()),
            token: b::FeeToken::new(at::FEE_TOKEN, node()),
            allocation: b::AllocationManager::new(at::ALLOCATION_MANAGER, node()),
            delegation: b::DelegationManager::new(at::DELEGATION_MANAGER, node()),
            keys: b::KeyRegistrar::new(at::KEY_REGISTRAR, node()),
            registrar: b::TaskAvsRegistrar::new(at::TASK_AVS_REGISTRAR, node()),
            registry: b::CrossChainRegistry::new(at::CROSS_CHAIN_REGISTRY, node()),
            permissions: b::PermissionController::new(at::PERMISSION_CONTROLLER, node()),
            strategies: b::StrategyManager::new(at::STRATEGY_MANAGER, node()),
            strategy: b::StakeStrategy::new(at::STAKE_STRATEGY, node()),
            releases: b::ReleaseManager::new(at::RELEASE_MANAGER, node()),
        }
    }
}

/// The target of a call, and its data.
pub(crate) fn parts<T: Detokenize>(call: &Call<T>) -> (Address, Bytes) {
    (call.tx.to_addr().copied().unwrap(), call.tx.data().cloned().unwrap())
}

/// Sends a call from `key` and waits until it is mined.
pub(crate) async fn send<T: Detokenize>(chain: &ChainControl, key: &EcdsaKey, call: Call<T>) -> Receipt {
    let (to, data) = parts(&call);
    try_send(chain, key, to, data).await.unwrap()
}

/// The same for a call that may fail.
pub(crate) async fn try_send(
    chain: &ChainControl,
    key: &EcdsaKey,
    to: Address,
    data: Bytes,
) -> Result<Receipt, SendError> {
    let account = chain.client().account(key);
    let sent = account.send(chain.client(), "send a test's transaction", to, data);
    within(SOON, "receipt", sent).await
}

/// The error with which a call from `caller` reverts on the next block; nothing if it succeeds.
pub(crate) async fn revert<T: Detokenize>(caller: Address, call: Call<T>) -> Option<String> {
    revert_at(BlockNumber::Pending, caller, call).await
}

/// The same, on the state and with the timestamp of `block`.
pub(crate) async fn revert_at<T: Detokenize>(block: BlockNumber, caller: Address, call: Call<T>) -> Option<String> {
    match call.from(caller).block(block).call().await {
        Ok(_) => None,
        Err(ContractError::Revert(data)) => Some(errors::describe(&data)),
        Err(error) => match error.as_provider_error().and_then(|error| error.as_error_response()?.as_revert_data()) {
            Some(data) => Some(errors::describe(&data)),
            None => Some(error.to_string()),
        },
    }
}

/// A certificate that `signers` signed for a task and its result.
pub(crate) fn certificate(reference: u32, task: H256, result: &[u8], signers: &[&EcdsaKey]) -> EcdsaCertificate {
    let verifier = at::ECDSA_CERTIFICATE_VERIFIER;
    let message_hash = messages::message_hash(task, result);
    let digest = certificate::digest(verifier, reference, message_hash);
    let signatures = signers.iter().map(|key| key.sign(digest).unwrap());
    EcdsaCertificate::new(verifier, reference, message_hash, signatures).unwrap()
}

/// A certificate in the form of the verifier's calls.
pub(crate) fn bound(certificate: &EcdsaCertificate) -> b::Ecdsacertificate {
    b::Ecdsacertificate {
        reference_timestamp: certificate.reference_timestamp,
        message_hash: certificate.message_hash.0,
        sig: certificate.signatures.clone().into(),
    }
}

/// Creates a task as the app.
pub(crate) async fn create(chain: &ChainControl, accounts: &Accounts, payload: &[u8]) -> TaskRecord {
    let task = NewTask { set: accounts.executor_set(), payload: payload.to_vec() };
    within(SOON, "task", chain.create_task(&accounts.app, &task)).await.unwrap()
}

/// An operator table in its transported form.
pub(crate) fn table_bytes(set: OperatorSetId, curve: u8, owner: Address, staleness: u32, table: Vec<u8>) -> Bytes {
    use ethers::abi::{Token, encode};
    let set = Token::Tuple(vec![Token::Address(set.avs), Token::Uint(set.id.into())]);
    let config = Token::Tuple(vec![Token::Address(owner), Token::Uint(staleness.into())]);
    encode(&[set, Token::Uint(curve.into()), config, Token::Bytes(table)]).into()
}

/// The table of an ECDSA set: signing addresses and weights.
pub(crate) fn ecdsa_table(rows: &[(Address, u64)]) -> Vec<u8> {
    use ethers::abi::{Token, encode};
    let row = |(signer, weight): &(Address, u64)| {
        Token::Tuple(vec![Token::Address(*signer), Token::Array(vec![Token::Uint((*weight).into())])])
    };
    encode(&[Token::Array(rows.iter().map(row).collect())])
}

/// The leaf of the global table for a transported table.
pub(crate) fn leaf(table: &Bytes) -> H256 {
    messages::hash(&[&[0x8e], table.as_ref()].concat())
}

/// Confirms a global table root.
pub(crate) fn confirm(updater: &b::OperatorTableUpdater<Node>, root: H256, timestamp: u32, block: u32) -> Call<()> {
    let message_hash = root_hash(root, timestamp, block).0;
    let certificate = b::Bn254Certificate { message_hash, reference_timestamp: timestamp, ..Default::default() };
    updater.confirm_global_table_root(certificate, root.0, timestamp, block)
}

/// The message hash of a global table root.
pub(crate) fn root_hash(root: H256, timestamp: u32, block: u32) -> H256 {
    use ethers::abi::{Token, encode};
    let kind = b"GlobalTableRootCert(bytes32 globalTableRoot,uint32 referenceTimestamp,uint32 referenceBlockNumber)";
    let word = |hash: H256| Token::FixedBytes(hash.as_bytes().to_vec());
    let number = |number: u32| Token::Uint(number.into());
    messages::hash(&encode(&[word(messages::hash(kind)), word(root), number(timestamp), number(block)]))
}

/// The digest that a registration signs: unlike a certificate's, its domain has the chain's id.
pub(crate) fn registration_digest(chain_id: u64, operator: Address, set: &b::OperatorSet, key: Address) -> H256 {
    use ethers::abi::{Token, encode};
    let word = |text: &str| Token::FixedBytes(messages::hash(text.as_bytes()).as_bytes().to_vec());
    let domain = encode(&[
        word("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"),
        word("EigenLayer"),
        word("1"),
        Token::Uint(chain_id.into()),
        Token::Address(at::KEY_REGISTRAR),
    ]);
    let fields = encode(&[
        word("ECDSAKeyRegistration(address operator,address avs,uint32 operatorSetId,address keyAddress)"),
        Token::Address(operator),
        Token::Address(set.avs),
        Token::Uint(set.id.into()),
        Token::Address(key),
    ]);
    messages::hash(&[&[0x19, 0x01], messages::hash(&domain).as_bytes(), messages::hash(&fields).as_bytes()].concat())
}
