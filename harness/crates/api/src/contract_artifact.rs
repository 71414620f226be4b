//! Contracts of a test's own.

use hourglass_scenario::Chain;
use serde_json::{Map, Value, json};

use crate::document::literal;

/// A compiled contract that is deployed before the environment's first task. Steps mean it by its name, and its address is in the
/// environment of performers.
///
/// ```
/// # use hourglass_api::{ContractArtifact, Harness};
/// let hook = ContractArtifact::new("out/CounterHook.sol/CounterHook.json")
///     .args(["task_mailbox", "1"])
///     .from("avs")
///     .task_hook()
///     .call("setLimit(uint256)", ["4"]);
/// let builder = Harness::builder().contract("counter_hook", hook);
/// # let _ = builder;
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct ContractArtifact {
    keys: Map<String, Value>,
    /// The account that deploys and calls it.
    from: Option<String>,
    calls: Vec<Value>,
}

impl ContractArtifact {
    /// The artefact of Foundry or Hardhat at this path, relative to the current folder. It is deployed on L2 by `deployer`.
    pub fn new(path: impl Into<String>) -> Self {
        let keys = Map::from_iter([("artifact".to_owned(), literal(&path.into()))]);
        Self { keys, from: None, calls: Vec::new() }
    }

    /// The chain on which it is deployed.
    #[must_use]
    pub fn chain(self, chain: Chain) -> Self {
        self.with("chain", chain.to_string().into())
    }

    /// The arguments of its constructor as text, as those of [`Call::args`](crate::Call::args). An address may be the name of a
    /// contract or of an account: `deployer`, `avs`, `app`, `aggregator`, `operator/NAME`, `avs/NAME`.
    #[must_use]
    pub fn args(self, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.with("args", texts(values))
    }

    /// The account that deploys it and makes its [calls](Self::call).
    #[must_use]
    pub fn from(mut self, account: impl Into<String>) -> Self {
        self.from = Some(account.into());
        self
    }

    /// A transparent proxy is in front of it, and `function` initialises the proxy when it is created. The proxy has the
    /// contract's name and role; `deployer` owns its admin, the contract `NAME_proxy_admin`.
    ///
    /// ```
    /// # use hourglass_api::ContractArtifact;
    /// let counter = ContractArtifact::new("out/Counter.sol/Counter.json")
    ///     .behind_proxy("initialize(address)", ["avs"])
    ///     .proxy_admin("avs");
    /// # let _ = counter;
    /// ```
    #[must_use]
    pub fn behind_proxy(self, function: impl AsRef<str>, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        let initialize = json!({"function": literal(function.as_ref()), "args": texts(values)});
        self.with("proxy", "transparent".into()).with("initialize", initialize)
    }

    /// The account that owns the admin of its proxy, and may upgrade it.
    #[must_use]
    pub fn proxy_admin(self, account: impl AsRef<str>) -> Self {
        self.with("proxy_admin", literal(account.as_ref()))
    }

    /// The mailbox of its chain asks it about tasks, in place of the hook of the harness.
    #[must_use]
    pub fn task_hook(self) -> Self {
        self.with("role", "task_hook".into())
    }

    /// The registrar of the AVS, in place of that of the harness: on L1, and before operators join.
    #[must_use]
    pub fn avs_registrar(self) -> Self {
        self.chain(Chain::L1).with("role", "avs_registrar".into())
    }

    /// A transaction that configures it after all contracts are deployed.
    #[must_use]
    pub fn call(mut self, function: impl AsRef<str>, values: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.calls.push(json!({"function": literal(function.as_ref()), "args": texts(values)}));
        self
    }

    pub(crate) fn into_document(self) -> Value {
        let Self { mut keys, from, mut calls } = self;
        if let Some(from) = from {
            for call in calls.iter_mut().filter_map(Value::as_object_mut) {
                call.insert("from".to_owned(), literal(&from));
            }
            keys.insert("from".to_owned(), literal(&from));
        }
        keys.insert("calls".to_owned(), calls.into());
        keys.into()
    }

    fn with(mut self, key: &str, value: Value) -> Self {
        self.keys.insert(key.to_owned(), value);
        self
    }
}

fn texts(values: impl IntoIterator<Item = impl AsRef<str>>) -> Value {
    values.into_iter().map(|text| literal(text.as_ref())).collect()
}
