//! Deploys contracts and an operator set on two new chains: code at fixed addresses, then ordinary transactions.

use std::{collections::BTreeSet, iter, time::Duration};

use ethers::{
    abi::{Detokenize, Token},
    contract::builders::ContractCall,
    types::{Address, Bytes, H256, U256},
};
use hourglass_component::chain::OperatorSetId;
use hourglass_proto::{
    contracts::{
        addresses as at,
        bindings::{
            self as b, AllocateParams, AvsConfig, CreateSetParams, OperatorSet, OperatorSetConfig, RegisterParams,
        },
    },
    signature::EcdsaKey,
};
use serde::Serialize;

use super::{
    AccountSecret, Accounts, ChainControl, ContractRole, DeployScript, DeployedContract, SetupError, UserContract,
    accounts::registrar_of,
    batch::Batch,
    contract_deployment::{self, Deployment},
    contracts, deploy_scripts,
    registrar::OwnRegistrar,
    replacement::{self, ContractReplacement},
    send::{send, target},
    table::publish_tables,
};

/// Number of the operator set whose member aggregates, unless a registrar of the user's says another.
const AGGREGATOR_SET: u32 = 0;
/// Number of the operator set whose members execute.
pub const EXECUTOR_SET: u32 = 1;
/// `CurveType` of the key registrar.
const ECDSA: u8 = 1;
/// `ConsensusType` of the mailbox: a proportion of the stake.
const STAKE_PROPORTION_THRESHOLD: u8 = 1;

/// The parameters of a chains' state, besides the contracts.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChainTopology {
    /// The chain time that a task has.
    pub task_sla: Duration,
    /// The part of the total weight that must sign, in basis points.
    pub threshold: u16,
    /// The operators of the first AVS.
    pub operators: Vec<OperatorStake>,
    /// How tasks of the first AVS are paid; they cost nothing without.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<TaskFees>,
    /// AVSs beside the first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub further_avss: Vec<AvsTopology>,
    /// Contracts of the user's in place of those of the harness.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replacements: Vec<ContractReplacement>,
    /// Contracts of the user's, each after those that its constructor's arguments name.
    pub contracts: Vec<UserContract>,
    /// Programs of the user's that deploy further contracts, one after the other.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deploy_scripts: Vec<DeployScript>,
    /// The secret for the keys of all accounts.
    #[serde(skip)]
    pub secret: AccountSecret,
}

/// How tasks are paid. Each name is that of a contract or an account, or an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TaskFees {
    /// The ERC-20 token; a contract of the user's is one on its own chain alone.
    pub token: String,
    /// Who gets the fees of verified tasks, but for the part of the mailbox's fee split.
    pub collector: String,
}

/// An AVS beside the first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AvsTopology {
    /// Its name; its key and the address of its registrar are derived from the name.
    pub name: String,
    /// The chain time that a task of it has.
    pub task_sla: Duration,
    /// The part of the total weight that must sign, in basis points.
    pub threshold: u16,
    /// Its operators.
    pub operators: Vec<OperatorStake>,
}

/// An operator and its weight.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperatorStake {
    /// Its name; its key is derived from the name and the secret.
    pub name: String,
    /// Its weight in the operator table.
    pub weight: u64,
}

impl ChainTopology {
    /// The accounts of this topology.
    pub fn accounts(&self) -> Accounts {
        let further = self.further_avss.iter().flat_map(|avs| &avs.operators);
        let all = self.operators.iter().chain(further).map(|operator| operator.name.as_str());
        let mut known = BTreeSet::new();
        let operators = all.filter(|name| known.insert(*name));
        let avss = self.further_avss.iter().map(|avs| avs.name.as_str());
        Accounts::derive(&self.secret, operators).with_avss(&self.secret, avss)
    }
}

/// Deploys the contracts and the operator set on both chains; each trial registers its sockets later.
pub(super) async fn deploy(
    l1: &ChainControl,
    l2: &ChainControl,
    topology: &ChainTopology,
) -> Result<Vec<DeployedContract>, SetupError> {
    let accounts = topology.accounts();
    let mut setup = Setup { accounts: &accounts, topology, avss: avss(&accounts, topology) };
    tokio::try_join!(set_code_and_balances(l1, &setup), set_code_and_balances(l2, &setup))?;
    let mut contracts = Deployment::new([l1, l2], &accounts);
    // A registrar must be configured before operators join.
    let (before, after) = contract_deployment::by_time(&topology.contracts);
    contracts.deploy(&before).await?;
    if let Some(own) = OwnRegistrar::find(l1, topology, &accounts, contracts.deployed()).await?
        && let Some(first) = setup.avss.first_mut()
    {
        (first.registrar, first.aggregator_set) = (own.address, own.aggregator_set);
        first.own_registrar = Some(own);
    }
    tokio::try_join!(setup.on_l1(l1), setup.on_l2(l2))?;
    publish_tables(l1, l2, &accounts).await?;
    contracts.deploy(&after).await?;
    let deployed = contracts.into_deployed();
    for avs in &setup.avss {
        tokio::try_join!(setup.task_config(l1, avs, &deployed), setup.task_config(l2, avs, &deployed))?;
    }
    // Last: a script may set how tasks of its AVS are decided.
    deploy_scripts::run_all([l1, l2], topology, &accounts, deployed).await
}

/// Every contract: its address and its code. A prepared state depends on them, too.
pub(super) fn code() -> [(Address, &'static Bytes); 18] {
    [
        (at::ALLOCATION_MANAGER, &b::ALLOCATIONMANAGER_DEPLOYED_BYTECODE),
        (at::DELEGATION_MANAGER, &b::DELEGATIONMANAGER_DEPLOYED_BYTECODE),
        (at::KEY_REGISTRAR, &b::KEYREGISTRAR_DEPLOYED_BYTECODE),
        (at::CROSS_CHAIN_REGISTRY, &b::CROSSCHAINREGISTRY_DEPLOYED_BYTECODE),
        (at::TASK_MAILBOX, &b::TASKMAILBOX_DEPLOYED_BYTECODE),
        (at::ECDSA_CERTIFICATE_VERIFIER, &b::ECDSACERTIFICATEVERIFIER_DEPLOYED_BYTECODE),
        (at::BN254_CERTIFICATE_VERIFIER, &b::BN254CERTIFICATEVERIFIER_DEPLOYED_BYTECODE),
        (at::OPERATOR_TABLE_UPDATER, &b::OPERATORTABLEUPDATER_DEPLOYED_BYTECODE),
        (at::ECDSA_TABLE_CALCULATOR, &b::ECDSATABLECALCULATOR_DEPLOYED_BYTECODE),
        (at::BN254_TABLE_CALCULATOR, &b::BN254TABLECALCULATOR_DEPLOYED_BYTECODE),
        (at::TASK_AVS_REGISTRAR, &b::TASKAVSREGISTRAR_DEPLOYED_BYTECODE),
        (at::AVS_TASK_HOOK, &b::AVSTASKHOOK_DEPLOYED_BYTECODE),
        (at::FEE_TOKEN, &b::FEETOKEN_DEPLOYED_BYTECODE),
        (at::PERMISSION_CONTROLLER, &b::PERMISSIONCONTROLLER_DEPLOYED_BYTECODE),
        (at::STRATEGY_MANAGER, &b::STRATEGYMANAGER_DEPLOYED_BYTECODE),
        (at::STAKE_STRATEGY, &b::STAKESTRATEGY_DEPLOYED_BYTECODE),
        (at::RELEASE_MANAGER, &b::RELEASEMANAGER_DEPLOYED_BYTECODE),
        (at::EARLIER_RELEASE_MANAGER, &b::RELEASEMANAGER_DEPLOYED_BYTECODE),
    ]
}

/// Code and balances, which need no transaction, and what configures contracts of the user's in place of those of the harness.
async fn set_code_and_balances(chain: &ChainControl, setup: &Setup<'_>) -> Result<(), SetupError> {
    for address in setup.accounts.addresses() {
        chain.fund(address).await?;
    }
    // Each AVS has a registrar of its own.
    let registrar: &Bytes = &b::TASKAVSREGISTRAR_DEPLOYED_BYTECODE;
    let registrars = setup.avss.iter().skip(1).map(|avs| (avs.registrar, registrar));
    for (address, code) in code().into_iter().chain(registrars) {
        chain.set_code(address, code).await?;
    }
    replacement::place(chain, &setup.topology.replacements, setup.accounts).await
}

struct Setup<'a> {
    accounts: &'a Accounts,
    topology: &'a ChainTopology,
    /// All AVSs, the first one first.
    avss: Vec<Avs<'a>>,
}

/// An AVS, with what differs between AVSs.
struct Avs<'a> {
    key: &'a EcdsaKey,
    registrar: Address,
    /// The registrar where it is a contract of the user's.
    own_registrar: Option<OwnRegistrar<'a>>,
    /// The operator set whose member aggregates.
    aggregator_set: u32,
    task_sla: Duration,
    threshold: u16,
    /// The key with which the aggregator signs.
    aggregator_signing_key: &'a EcdsaKey,
    /// The operators of its executor set.
    executors: Vec<Member<'a>>,
    /// Whether contracts of the user's may have roles in its tasks.
    is_first: bool,
}

/// An operator of a set: its account, the key with which it signs, and its weight.
#[derive(Clone, Copy)]
struct Member<'a> {
    account: &'a EcdsaKey,
    signing_key: &'a EcdsaKey,
    weight: u64,
}

/// All AVSs of a topology, the first one first.
fn avss<'a>(accounts: &'a Accounts, topology: &'a ChainTopology) -> Vec<Avs<'a>> {
    let keys = |operators: &'a [OperatorStake], avs: Option<&str>| {
        let member = |stake: &OperatorStake| {
            Some(Member {
                account: accounts.signing_key(&stake.name, None)?,
                signing_key: accounts.signing_key(&stake.name, avs)?,
                weight: stake.weight,
            })
        };
        operators.iter().filter_map(member).collect()
    };
    let first = Avs {
        key: &accounts.avs,
        registrar: registrar_of(None),
        own_registrar: None,
        aggregator_set: AGGREGATOR_SET,
        task_sla: topology.task_sla,
        threshold: topology.threshold,
        aggregator_signing_key: &accounts.aggregator,
        executors: keys(&topology.operators, None),
        is_first: true,
    };
    let further = topology.further_avss.iter().zip(&accounts.further_avss).map(|(avs, account)| Avs {
        key: &account.key,
        registrar: registrar_of(Some(&avs.name)),
        own_registrar: None,
        aggregator_set: AGGREGATOR_SET,
        task_sla: avs.task_sla,
        threshold: avs.threshold,
        aggregator_signing_key: &account.aggregator_signing_key,
        executors: keys(&avs.operators, Some(&avs.name)),
        is_first: false,
    });
    iter::once(first).chain(further).collect()
}

impl Avs<'_> {
    fn set(&self, id: u32) -> OperatorSetId {
        OperatorSetId { avs: self.key.address(), id }
    }
}

impl Setup<'_> {
    async fn on_l1(&self, l1: &ChainControl) -> Result<(), SetupError> {
        let mut batch = Batch::begin(l1).await?;
        self.deposits(&mut batch).await?;
        self.registry(&mut batch).await?;
        let mut registered = BTreeSet::new();
        for avs in &self.avss {
            self.operator_sets(&mut batch, avs, &mut registered).await?;
        }
        self.on_both(&mut batch).await?;
        batch.mine().await?;
        // An operator's allocation delay counts from the block after its registration.
        let mut batch = Batch::begin(l1).await?;
        for avs in &self.avss {
            for (member, set) in self.members(avs) {
                self.allocate(&mut batch, member.account, avs.set(set), member.weight).await?;
            }
        }
        batch.mine().await
    }

    async fn on_l2(&self, l2: &ChainControl) -> Result<(), SetupError> {
        let mut batch = Batch::begin(l2).await?;
        self.on_both(&mut batch).await?;
        batch.mine().await
    }

    /// Adds a call of the deployer's that initialises a contract of the harness, unless a contract of the user's in its place is
    /// initialised otherwise.
    async fn initialize<M, T: Detokenize>(
        &self,
        batch: &mut Batch<'_>,
        what: &str,
        call: ContractCall<M, T>,
    ) -> Result<(), SetupError> {
        let (to, data) = target(&call);
        if self.topology.replacements.iter().all(|replacement| replacement.leaves_to_harness(to, &data)) {
            batch.add(&self.accounts.deployer, what, call).await?;
        }
        Ok(())
    }

    /// The part of both chains: a mailbox, a hook, a table updater.
    async fn on_both(&self, batch: &mut Batch<'_>) -> Result<(), SetupError> {
        let deployer = &self.accounts.deployer;
        let owner = deployer.address();
        let node = batch.node();
        let mailbox = b::TaskMailbox::new(at::TASK_MAILBOX, node.clone()).initialize(owner, 0, owner);
        self.initialize(batch, "initialize the mailbox", mailbox).await?;
        let updater = b::OperatorTableUpdater::new(at::OPERATOR_TABLE_UPDATER, node.clone());
        let generator = OperatorSet { avs: owner, id: 0 };
        let updater = updater.initialize(owner, U256::zero(), generator, 0, b::Bn254OperatorSetInfo::default());
        self.initialize(batch, "initialize the table updater", updater).await?;
        let hook = b::AvsTaskHook::new(at::AVS_TASK_HOOK, node.clone()).initialize(owner);
        self.initialize(batch, "initialize the task hook", hook).await
    }

    /// The part of L1 with which stakers deposit: operators have stake without it.
    async fn deposits(&self, batch: &mut Batch<'_>) -> Result<(), SetupError> {
        let deployer = &self.accounts.deployer;
        let owner = deployer.address();
        let node = batch.node();
        let strategy = b::StakeStrategy::new(at::STAKE_STRATEGY, node.clone()).initialize(at::FEE_TOKEN);
        self.initialize(batch, "initialize the strategy", strategy).await?;
        let manager = b::StrategyManager::new(at::STRATEGY_MANAGER, node);
        let call = manager.initialize(owner, owner, U256::zero());
        self.initialize(batch, "initialize the strategy manager", call).await?;
        let call = manager.add_strategies_to_deposit_whitelist(vec![at::STAKE_STRATEGY]);
        self.initialize(batch, "list the strategy", call).await
    }

    /// The part of L1 that all AVSs share: the registry of operator tables and of chains.
    async fn registry(&self, batch: &mut Batch<'_>) -> Result<(), SetupError> {
        let deployer = &self.accounts.deployer;
        let registry = b::CrossChainRegistry::new(at::CROSS_CHAIN_REGISTRY, batch.node());
        let call = registry.initialize(deployer.address(), 1, U256::zero());
        self.initialize(batch, "initialize the registry", call).await?;
        let chains = [at::L1_CHAIN_ID, at::L2_CHAIN_ID].map(U256::from).to_vec();
        let updaters = vec![at::OPERATOR_TABLE_UPDATER; chains.len()];
        self.initialize(batch, "list the chains", registry.add_chain_i_ds_to_whitelist(chains, updaters)).await
    }

    /// The part of L1 of one AVS: its registrar, its operator sets and their members. `registered` are the operators that
    /// an earlier AVS has registered.
    async fn operator_sets(
        &self,
        batch: &mut Batch<'_>,
        avs: &Avs<'_>,
        registered: &mut BTreeSet<Address>,
    ) -> Result<(), SetupError> {
        let deployer = &self.accounts.deployer;
        let (of, avs) = (avs, avs.key);
        let node = batch.node();
        let sets = [of.aggregator_set, EXECUTOR_SET];
        if of.own_registrar.is_none() {
            let registrar = b::TaskAvsRegistrar::new(of.registrar, node.clone());
            let config = AvsConfig {
                aggregator_operator_set_id: of.aggregator_set,
                executor_operator_set_ids: vec![EXECUTOR_SET],
            };
            let call = registrar.initialize(avs.address(), deployer.address(), config);
            self.initialize(batch, "initialize the registrar", call).await?;
        }

        let manager = b::AllocationManager::new(at::ALLOCATION_MANAGER, node.clone());
        let call = manager.update_avs_metadata_uri(avs.address(), "hourglass-harness".to_owned());
        batch.add(avs, "announce the AVS", call).await?;
        let call = manager.set_avs_registrar(avs.address(), of.registrar);
        batch.add(avs, "set the registrar", call).await?;
        let parameters = sets.map(|id| CreateSetParams { operator_set_id: id, strategies: vec![at::STAKE_STRATEGY] });
        let call = manager.create_operator_sets(avs.address(), parameters.to_vec());
        batch.add(avs, "create the operator sets", call).await?;
        let keys = b::KeyRegistrar::new(at::KEY_REGISTRAR, node.clone());
        for id in sets {
            batch.add(avs, "configure keys", keys.configure_operator_set(of.set(id).into(), ECDSA)).await?;
        }

        // In this order: the table has its rows in the order in which operators joined.
        for (member, set) in self.members(of) {
            let key = member.account;
            if registered.insert(key.address()) {
                let delegation = b::DelegationManager::new(at::DELEGATION_MANAGER, node.clone());
                let call = delegation.register_as_operator(Address::zero(), 0, "hourglass-harness".to_owned());
                batch.add(key, "register an operator", call).await?;
            }
            self.register(batch, member, of, set).await?;
            self.join(batch, key, of.set(set)).await?;
        }

        let registry = b::CrossChainRegistry::new(at::CROSS_CHAIN_REGISTRY, node);
        for id in sets {
            let config = OperatorSetConfig { owner: avs.address(), max_staleness_period: 0 };
            let call = registry.create_generation_reservation(of.set(id).into(), at::ECDSA_TABLE_CALCULATOR, config);
            batch.add(avs, "reserve a table", call).await?;
        }
        Ok(())
    }

    /// Every operator of an AVS with its set.
    fn members<'s>(&'s self, avs: &'s Avs<'_>) -> impl Iterator<Item = (Member<'s>, u32)> {
        let aggregator =
            Member { account: &self.accounts.aggregator, signing_key: avs.aggregator_signing_key, weight: 1 };
        iter::once((aggregator, avs.aggregator_set)).chain(avs.executors.iter().map(|member| (*member, EXECUTOR_SET)))
    }

    /// Registers the key of an operator for a set, so that it may join it.
    async fn register(
        &self,
        batch: &mut Batch<'_>,
        member: Member<'_>,
        avs: &Avs<'_>,
        set: u32,
    ) -> Result<(), SetupError> {
        let node = batch.node();
        let Member { account: key, signing_key, .. } = member;
        let (operator, signer, set) = (key.address(), signing_key.address(), avs.set(set));
        let keys = b::KeyRegistrar::new(at::KEY_REGISTRAR, node.clone());
        let call = keys.get_ecdsa_key_registration_message_hash(operator, set.into(), signer);
        let digest =
            call.call().await.map_err(|error| batch.chain.client().fail("a key registration's digest", error))?;
        let signature =
            signing_key.sign(H256(digest)).map_err(|error| batch.chain.client().fail("a key registration", error))?;
        let call = keys.register_key(operator, set.into(), signer.as_bytes().to_vec().into(), signature.into());
        batch.add(key, "register a key", call).await?;
        if let Some(own) = &avs.own_registrar {
            return own.allow(batch, set, operator).await;
        }
        // The registrar of the harness asks for nobody else.
        if set.id != avs.aggregator_set {
            return Ok(());
        }
        let registrar = b::TaskAvsRegistrar::new(avs.registrar, node.clone());
        let call = registrar.add_operator_to_allowlist(set.into(), operator);
        batch.add(&self.accounts.deployer, "allow an operator", call).await
    }

    /// Makes a registered operator a member of its set; the trial registers its socket.
    async fn join(&self, batch: &mut Batch<'_>, key: &EcdsaKey, set: OperatorSetId) -> Result<(), SetupError> {
        let manager = b::AllocationManager::new(at::ALLOCATION_MANAGER, batch.node());
        let socket = ethers::abi::encode(&[Token::String(String::new())]);
        let parameters = RegisterParams { avs: set.avs, operator_set_ids: vec![set.id], data: socket.into() };
        batch.add(key, "join an operator set", manager.register_for_operator_sets(key.address(), parameters)).await
    }

    /// Allocates a member's stake, which is its weight.
    async fn allocate(
        &self,
        batch: &mut Batch<'_>,
        key: &EcdsaKey,
        set: OperatorSetId,
        weight: u64,
    ) -> Result<(), SetupError> {
        let manager = b::AllocationManager::new(at::ALLOCATION_MANAGER, batch.node());
        let parameters = AllocateParams {
            operator_set: set.into(),
            strategies: vec![at::STAKE_STRATEGY],
            new_magnitudes: vec![weight],
        };
        batch.add(key, "allocate stake", manager.modify_allocations(key.address(), vec![parameters])).await
    }

    /// Sets how tasks are decided; the mailbox accepts it only from the owner that the operator table names.
    async fn task_config(
        &self,
        chain: &ChainControl,
        avs: &Avs<'_>,
        deployed: &[DeployedContract],
    ) -> Result<(), SetupError> {
        let hook = contracts::with_role(ContractRole::TaskHook, chain.chain_id(), deployed);
        let hook = hook.filter(|_| avs.is_first);
        let fees = self.topology.fees.as_ref().filter(|_| avs.is_first);
        let address = |name: &str| contracts::address_on(chain.chain_id(), name, self.accounts, deployed);
        let mailbox = b::TaskMailbox::new(at::TASK_MAILBOX, chain.client().provider().clone());
        let config = b::ExecutorOperatorSetTaskConfig {
            task_hook: hook.unwrap_or(at::AVS_TASK_HOOK),
            task_sla: avs.task_sla.as_secs().into(),
            fee_token: fees.and_then(|fees| address(&fees.token)).unwrap_or_default(),
            curve_type: ECDSA,
            fee_collector: fees.and_then(|fees| address(&fees.collector)).unwrap_or_default(),
            consensus: b::Consensus {
                consensus_type: STAKE_PROPORTION_THRESHOLD,
                value: ethers::abi::encode(&[Token::Uint(avs.threshold.into())]).into(),
            },
            task_metadata: Bytes::default(),
        };
        let call = mailbox.set_executor_operator_set_task_config(avs.set(EXECUTOR_SET).into(), config);
        send(chain, avs.key, "configure tasks", call).await
    }
}
