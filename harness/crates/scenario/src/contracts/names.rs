//! The names that stand for addresses: contracts of the scenario and of the harness, and accounts.

use hourglass_component::{
    chain::{Function, SignatureError, ViewValueError},
    document::{Pointer, Problem, Problems},
    keys::Address,
};
use hourglass_proto::contracts::addresses::CONTRACTS;

use super::{ACCOUNTS, ContractCall, proxy};
use crate::model::ScenarioDocument;

/// The names of a scenario.
#[derive(Debug, Clone, Default)]
pub(crate) struct Names<'a> {
    /// Its contracts, and those that its deploy scripts must tell.
    contracts: Vec<&'a str>,
    /// The admins of the proxies of its contracts.
    proxy_admins: Vec<String>,
    /// Whether deploy scripts may add contracts with errors of their own.
    pub(crate) has_deploy_scripts: bool,
    /// Its operators; the account of one is `operator/NAME`.
    operators: Vec<&'a str>,
    /// Its AVSs beside the first; the account of one is `avs/NAME`.
    avss: Vec<&'a str>,
}

impl<'a> Names<'a> {
    pub(crate) fn of(document: &'a ScenarioDocument) -> Self {
        let scripts = || document.deploy_scripts.iter().flatten();
        let of_scripts = scripts().flat_map(|script| &script.deploys).map(String::as_str);
        Self {
            contracts: document.contracts.keys().map(String::as_str).chain(of_scripts).collect(),
            proxy_admins: proxy::admins(&document.contracts).collect(),
            has_deploy_scripts: scripts().next().is_some(),
            operators: document.topology.operator_names(),
            avss: document.topology.avs_names().flatten().collect(),
        }
    }

    /// The names of what is there before contracts of the scenario are deployed.
    pub(crate) fn before_deployment(document: &'a ScenarioDocument) -> Self {
        Self { contracts: Vec::new(), proxy_admins: Vec::new(), ..Self::of(document) }
    }

    /// The contracts that steps can name: those of the harness and those of the scenario.
    pub(crate) fn contracts(&self) -> impl Iterator<Item = &str> {
        let admins = self.proxy_admins.iter().map(String::as_str);
        CONTRACTS.iter().map(|contract| contract.key).chain(self.contracts.iter().copied()).chain(admins)
    }

    /// Whether a contract of the scenario, or one that a deploy script must tell, has this name.
    pub(super) fn is_deployed_by_user(&self, name: &str) -> bool {
        self.contracts.contains(&name)
    }

    /// Any address for a name that is known: only a chain knows which.
    pub(crate) fn address_of(&self, name: &str) -> Option<Address> {
        let known = self.contracts().any(|contract| contract == name) || self.is_account(name);
        known.then(Address::zero)
    }

    fn is_account(&self, name: &str) -> bool {
        ACCOUNTS.contains(&name)
            || name.strip_prefix("operator/").is_some_and(|name| self.operators.contains(&name))
            || name.strip_prefix("avs/").is_some_and(|name| self.avss.contains(&name))
    }

    /// Adds the problem of an account that does not exist.
    pub(crate) fn check_account(&self, name: &str, at: &Pointer, problems: &mut Problems) {
        if self.is_account(name) {
            return;
        }
        let operators = self.operators.iter().map(|name| format!("operator/{name}"));
        let operators = operators.chain(self.avss.iter().map(|name| format!("avs/{name}"))).collect::<Vec<_>>();
        let known = ACCOUNTS.into_iter().chain(operators.iter().map(String::as_str));
        let problem = Problem::at_value(at, format!("no account is called `{name}`")).label("meant here");
        problems.add_misspelt(problem, name, "accounts", known);
    }

    /// Adds the problems of a transaction whose keys are those of [`ContractCall`].
    pub(crate) fn check_call(&self, call: &ContractCall, at: &Pointer, problems: &mut Problems) {
        self.check_account(&call.from, &at.key("from"), problems);
        self.check_function(call, at, problems);
    }

    /// The same without the account.
    pub(super) fn check_function(&self, call: &ContractCall, at: &Pointer, problems: &mut Problems) {
        match Function::parse(&call.function) {
            Err(error) => problems.add(no_signature(
                &call.function,
                "a function",
                &error,
                "write it with the types of its arguments, such as `initialize(address,uint96)`",
                &at.key("function"),
            )),
            Ok(function) => {
                if let Err(error) = function.call(&call.args, &|name| self.address_of(name)) {
                    problems.add(self.misfit("args", &error, &format!("`{}`", call.function), &at.key("args")));
                }
            }
        }
    }

    /// The problem of the values of the key `key`, at `at`, that do not have the types of something.
    pub(crate) fn misfit(&self, key: &str, error: &ViewValueError, of: &str, at: &Pointer) -> Problem {
        match error {
            ViewValueError::Count { .. } => Problem::at_value(at, format!("`{key}` does not fit {of}"))
                .label(error.to_string())
                .help("give one text for each type"),
            ViewValueError::Value { index, kind, .. } => {
                let help = if kind == "address" {
                    let own = match self.contracts.as_slice() {
                        [] => String::new(),
                        contracts => format!(", of a contract of this file ({})", contracts.join(", ")),
                    };
                    let accounts = ACCOUNTS.join(", ");
                    format!(
                        "write `0x…`, the name of an account ({accounts}, operator/NAME){own} or of a contract of the harness"
                    )
                } else {
                    "write numbers in decimal, bytes and addresses as `0x…`, arrays and tuples as JSON arrays"
                        .to_owned()
                };
                Problem::at_value(&at.item(*index), error.to_string()).label("of another type").help(help)
            }
        }
    }
}

/// Whether a contract of the harness has this name.
pub(super) fn is_of_the_harness(name: &str) -> bool {
    CONTRACTS.iter().any(|contract| contract.key == name)
}

/// The problem of the text `signature` at `at`, which is no signature of `kind`.
pub(crate) fn no_signature(signature: &str, kind: &str, error: &SignatureError, help: &str, at: &Pointer) -> Problem {
    Problem::at_value(at, format!("`{signature}` is not the signature of {kind}"))
        .label(match error {
            SignatureError::Form => "not a name with a list of types".to_owned(),
            error => error.to_string(),
        })
        .help(help)
}
