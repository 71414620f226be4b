//! What stands where in a devnet: `devnet.json`, which `harness task` reads back.

use std::{collections::BTreeMap, time::Duration};

use hourglass_api::ChainHandle;
use hourglass_base::{DocumentKind, RuntimeKind, Version};
use hourglass_chain::OperatorAccount;
use hourglass_component::keys::EcdsaKey;
use hourglass_runner::StandingEnvironment;
use hourglass_scenario::{Chain, ComponentRef, Operator, Trial};
use hourglass_timeline::{Event, Source};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The kind of the document, for reading it back.
pub(in crate::cli) const DEVNET_KIND: DocumentKind = DocumentKind {
    name: "devnet",
    version: 1,
    keys: &["run", "chains", "operators"],
    remedy: "end the devnet with `harness down RUN`, and start one with this harness",
};

/// How long the record of an executor about its performer may take to be read.
const PERFORMER_WITHIN: Duration = Duration::from_secs(1);
/// What runtimes report beside the addresses of components and chains.
const SURROUNDINGS: [&str; 4] = ["network", "namespace", "kubeconfig", "context"];
/// The fields of that record: the address, and the AVS of the performer.
const ENDPOINT: &str = "endpoint";
const AVS: &str = "avs";

/// A running devnet: what stands where, and the keys of its accounts, which are for these chains only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Devnet")]
pub(in crate::cli) struct DevnetDocument {
    #[serde(skip_deserializing)]
    version: Version<1>,
    /// Its run id: `harness down RUN` ends a devnet that was kept.
    pub(in crate::cli) run: String,
    /// The name of its trial, for example `process::devnet`.
    pub(super) trial: String,
    /// Where its components run.
    pub(super) runtime: RuntimeKind,
    /// When it was ready.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub(super) ready: Timestamp,
    /// Whether it stays when the command that started it ends.
    pub(super) kept: bool,
    /// When `harness gc` may end it without being told its name; null for never.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub(super) keep_until: Option<Timestamp>,
    /// Its folder: `logs`, `devnet.json` and `devnet.env`.
    pub(in crate::cli) folder: String,
    /// The two chains.
    pub(in crate::cli) chains: DevnetChains,
    /// The accounts that are not operators, by their names. All accounts are funded on both chains.
    pub(in crate::cli) accounts: BTreeMap<String, DevnetAccount>,
    /// The operator set that executes tasks.
    pub(in crate::cli) operator_set: DevnetOperatorSet,
    /// The operators that run executors, in the order of the topology.
    pub(in crate::cli) operators: Vec<DevnetOperator>,
    /// The address of the aggregator.
    pub(super) aggregator: Option<String>,
    /// Where the components are: `network` in Docker; `namespace`, `kubeconfig` and `context` in Kubernetes.
    pub(super) surroundings: BTreeMap<String, String>,
}

/// The two chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(in crate::cli) struct DevnetChains {
    /// The chain of stakes, keys and operator sets.
    pub(super) l1: DevnetChain,
    /// The chain on which most services take their tasks.
    pub(super) l2: DevnetChain,
}

/// A chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(in crate::cli) struct DevnetChain {
    /// Its URL for JSON-RPC over HTTP.
    pub(in crate::cli) rpc_url: String,
    /// Its URL for JSON-RPC over WebSocket.
    pub(super) ws_url: String,
    /// Its id.
    pub(in crate::cli) chain_id: u64,
    /// The contracts on it, by their names in scenarios.
    pub(super) contracts: BTreeMap<String, DevnetContract>,
}

/// A contract.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(in crate::cli) struct DevnetContract {
    /// Its name in Solidity.
    pub(super) name: String,
    /// Its address.
    pub(super) address: String,
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(in crate::cli) struct DevnetAccount {
    /// Its address.
    pub(super) address: String,
    /// Its private key in hexadecimal.
    pub(in crate::cli) private_key: String,
}

/// The operator set that executes tasks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(in crate::cli) struct DevnetOperatorSet {
    /// The address of the AVS.
    pub(super) avs: String,
    /// Its number.
    pub(in crate::cli) id: u32,
    /// The part of the total weight that must sign a result, in basis points.
    pub(super) threshold: u16,
}

/// An operator with its executor and performer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub(in crate::cli) struct DevnetOperator {
    /// Its name.
    pub(in crate::cli) name: String,
    /// Its account.
    #[serde(flatten)]
    pub(in crate::cli) account: DevnetAccount,
    /// Its weight.
    pub(super) weight: u64,
    /// The address of its executor.
    pub(super) executor: Option<String>,
    /// The address at which its executor reaches the performer, when the devnet was ready.
    pub(super) performer: Option<String>,
}

impl DevnetDocument {
    /// The document of an environment that stands and is not kept.
    pub(super) async fn of(trial: &Trial, standing: &StandingEnvironment) -> Self {
        let StandingEnvironment { accounts, endpoints, .. } = standing;
        let named = [
            ("app", &accounts.app),
            ("avs", &accounts.avs),
            ("deployer", &accounts.deployer),
            ("aggregator", &accounts.aggregator),
        ];
        let topology = &trial.scenario.topology;
        let mut operators = Vec::new();
        for (operator, account) in topology.operators.iter().zip(&accounts.operators) {
            operators.push(DevnetOperator::of(operator, account, standing).await);
        }
        let set = accounts.executor_set();
        Self {
            version: Version,
            run: standing.run.to_string(),
            trial: trial.name.clone(),
            runtime: trial.runtime,
            ready: Timestamp::now(),
            kept: false,
            keep_until: None,
            folder: standing.folder.display().to_string(),
            chains: DevnetChains {
                l1: DevnetChain::of(&ChainHandle::l1(&standing.l1)),
                l2: DevnetChain::of(&ChainHandle::l2(&standing.l2)),
            },
            accounts: named.map(|(name, key)| (name.to_owned(), DevnetAccount::of(key))).into(),
            operator_set: DevnetOperatorSet {
                avs: format!("{:?}", set.avs),
                id: set.id,
                threshold: topology.threshold,
            },
            operators,
            aggregator: endpoints.get(&ComponentRef::Aggregator.to_string()).cloned(),
            surroundings: SURROUNDINGS
                .iter()
                .filter_map(|name| Some(((*name).to_owned(), endpoints.get(*name)?.clone())))
                .collect(),
        }
    }

    /// The same for one that is kept, until a time if there is one.
    pub(super) fn kept(self, keep_until: Option<Timestamp>) -> Self {
        Self { kept: true, keep_until, ..self }
    }

    /// One of its chains.
    pub(in crate::cli) fn chain(&self, chain: Chain) -> &DevnetChain {
        match chain {
            Chain::L1 => &self.chains.l1,
            Chain::L2 => &self.chains.l2,
        }
    }

    /// The name of the operator with this address.
    pub(in crate::cli) fn operator(&self, address: &str) -> Option<&str> {
        let mut operators = self.operators.iter();
        Some(&operators.find(|operator| operator.account.address.eq_ignore_ascii_case(address))?.name)
    }
}

impl DevnetChain {
    fn of(chain: &ChainHandle) -> Self {
        let contracts = chain.contracts().iter().map(|contract| {
            let entry = DevnetContract { name: contract.name.clone(), address: format!("{:?}", contract.address) };
            (contract.key.clone(), entry)
        });
        Self {
            rpc_url: chain.rpc_url().to_owned(),
            ws_url: chain.ws_url(),
            chain_id: chain.chain_id(),
            contracts: contracts.collect(),
        }
    }
}

impl DevnetAccount {
    fn of(key: &EcdsaKey) -> Self {
        Self { address: format!("{:?}", key.address()), private_key: key.to_hex() }
    }
}

impl DevnetOperator {
    async fn of(operator: &Operator, account: &OperatorAccount, standing: &StandingEnvironment) -> Self {
        let executor = ComponentRef::Executor(operator.name.clone());
        let source = Source::Component(executor.clone());
        // The operator is one of the first AVS, and its executor may have performers for others.
        let avs = format!("{:?}", standing.accounts.avs.address());
        // The executor is ready before everything that it has logged is read.
        let performer = standing.timeline.wait_until(PERFORMER_WITHIN, |events| {
            events.iter().rev().filter(|event| event.source == source).find_map(|event| endpoint(event, &avs))
        });
        Self {
            name: operator.name.clone(),
            account: DevnetAccount::of(&account.key),
            weight: operator.weight,
            performer: performer.await,
            executor: standing.endpoints.get(&executor.to_string()).cloned(),
        }
    }
}

/// The address in a record, unless it is about a performer for another AVS.
fn endpoint(event: &Event, avs: &str) -> Option<String> {
    let text = |name: &str| event.fields.get(name).and_then(|value| value.as_str());
    let is_of_avs = text(AVS).is_none_or(|of| of.eq_ignore_ascii_case(avs));
    text(ENDPOINT).filter(|_| is_of_avs).map(str::to_owned)
}
