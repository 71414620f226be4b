//! The accounts of a trial, derived from their names and from the user's secret: the same in every run of the user, so
//! that states can be cached, and unknown to everybody else.

use hourglass_component::{
    chain::OperatorSetId,
    keys::{Address, EcdsaKey},
};
use hourglass_proto::{contracts::addresses as at, messages};

use super::{AccountSecret, EXECUTOR_SET};

/// The keys of all accounts that act on the chains.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// Owns the contracts that have an owner, and publishes operator tables.
    pub deployer: EcdsaKey,
    /// The first AVS itself.
    pub avs: EcdsaKey,
    /// Creates tasks.
    pub app: EcdsaKey,
    /// The aggregator's operator; signs with the same key.
    pub aggregator: EcdsaKey,
    /// The executors' operators: those of the first AVS in the order of the topology, then those that only further AVSs
    /// have.
    pub operators: Vec<OperatorAccount>,
    /// The AVSs beside the first, in the order of the topology.
    pub further_avss: Vec<AvsAccount>,
}

/// An AVS beside the first.
#[derive(Debug, Clone)]
pub struct AvsAccount {
    /// Its name in the scenario.
    pub name: String,
    /// Its key.
    pub key: EcdsaKey,
    /// The key with which the aggregator signs for it: a key can be registered in one operator set alone.
    pub aggregator_signing_key: EcdsaKey,
    /// The keys with which operators sign for it, in the order of [`Accounts::operators`].
    pub signing_keys: Vec<EcdsaKey>,
}

/// An operator that runs an executor.
#[derive(Debug, Clone)]
pub struct OperatorAccount {
    /// Its name in the scenario.
    pub name: String,
    /// Its operator key, which also signs: the public aggregator orders signatures by operator, the contract by signer,
    /// so two keys would fail.
    pub key: EcdsaKey,
}

impl OperatorAccount {
    /// The operator's address.
    pub fn address(&self) -> Address {
        self.key.address()
    }
}

impl Accounts {
    /// The accounts for operators of these names.
    pub fn derive<'a>(secret: &AccountSecret, operators: impl IntoIterator<Item = &'a str>) -> Self {
        let operator =
            |name: &str| OperatorAccount { name: name.to_owned(), key: secret.key(&format!("operator/{name}")) };
        Self {
            deployer: secret.key("deployer"),
            avs: secret.key("avs"),
            app: secret.key("app"),
            aggregator: secret.key("aggregator"),
            operators: operators.into_iter().map(operator).collect(),
            further_avss: Vec::new(),
        }
    }

    /// The same with AVSs of these names beside the first.
    #[must_use]
    pub fn with_avss<'a>(self, secret: &AccountSecret, names: impl IntoIterator<Item = &'a str>) -> Self {
        let avs = |name: &str| AvsAccount {
            name: name.to_owned(),
            key: secret.key(&format!("avs/{name}")),
            aggregator_signing_key: secret.key(&format!("aggregator/signs/{name}")),
            signing_keys: self
                .operators
                .iter()
                .map(|operator| secret.key(&format!("operator/{}/signs/{name}", operator.name)))
                .collect(),
        };
        let further_avss: Vec<_> = names.into_iter().map(avs).collect();
        Self { further_avss, ..self }
    }

    /// The key of an AVS: of the first without a name.
    pub fn avs_of(&self, name: Option<&str>) -> Option<&EcdsaKey> {
        let Some(name) = name else { return Some(&self.avs) };
        self.further_avss.iter().find(|avs| avs.name == name).map(|avs| &avs.key)
    }

    /// The key with which an operator signs for an AVS: its own for the first.
    pub fn signing_key(&self, operator: &str, avs: Option<&str>) -> Option<&EcdsaKey> {
        let position = self.operators.iter().position(|known| known.name == operator)?;
        match avs {
            None => Some(&self.operators[position].key),
            Some(name) => self.further_avss.iter().find(|avs| avs.name == name)?.signing_keys.get(position),
        }
    }

    /// The executor operator set of the first AVS.
    pub fn executor_set(&self) -> OperatorSetId {
        OperatorSetId { avs: self.avs.address(), id: EXECUTOR_SET }
    }

    /// The executor operator sets of all AVSs, in the order of the topology.
    pub fn executor_sets(&self) -> Vec<OperatorSetId> {
        let keys = [&self.avs].into_iter().chain(self.further_avss.iter().map(|avs| &avs.key));
        keys.map(|key| OperatorSetId { avs: key.address(), id: EXECUTOR_SET }).collect()
    }

    /// The account that scenarios call `deployer`, `avs`, `avs/NAME`, `app`, `aggregator` or `operator/NAME`.
    pub fn named(&self, name: &str) -> Option<&EcdsaKey> {
        match name {
            "deployer" => Some(&self.deployer),
            "avs" => Some(&self.avs),
            "app" => Some(&self.app),
            "aggregator" => Some(&self.aggregator),
            _ => {
                if let Some(name) = name.strip_prefix("avs/") {
                    return self.avs_of(Some(name));
                }
                let name = name.strip_prefix("operator/")?;
                self.operators.iter().find(|operator| operator.name == name).map(|operator| &operator.key)
            }
        }
    }

    /// The operator of a signing address.
    pub fn operator(&self, address: Address) -> Option<&OperatorAccount> {
        let signs =
            |keys: &AvsAccount, index: usize| keys.signing_keys.get(index).is_some_and(|key| key.address() == address);
        let mut operators = self.operators.iter().enumerate();
        let found = operators.find(|(index, operator)| {
            operator.address() == address || self.further_avss.iter().any(|avs| signs(avs, *index))
        });
        found.map(|(_, operator)| operator)
    }

    /// The account with which a worker of a load creates tasks. It has nothing until [`ChainControl::fund`] gives it something.
    ///
    /// [`ChainControl::fund`]: super::ChainControl::fund
    pub fn load_worker(&self, load: &str, worker: u32) -> EcdsaKey {
        let secret = AccountSecret::new(messages::hash(self.app.to_hex().as_bytes()).0);
        secret.key(&format!("load/{load}/worker/{worker}"))
    }

    /// The key of the account with this address.
    pub(super) fn key_of(&self, address: Address) -> Option<&EcdsaKey> {
        let named = [&self.deployer, &self.avs, &self.app, &self.aggregator];
        let operators = self.operators.iter().map(|operator| &operator.key);
        let avss = self.further_avss.iter().map(|avs| &avs.key);
        named.into_iter().chain(operators).chain(avss).find(|key| key.address() == address)
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> {
        let named = [&self.deployer, &self.avs, &self.app, &self.aggregator].map(EcdsaKey::address);
        let avss = self.further_avss.iter().map(|avs| avs.key.address());
        named.into_iter().chain(self.operators.iter().map(OperatorAccount::address)).chain(avss)
    }
}

/// The registrar that the harness has for an AVS: for the first without a name.
pub fn registrar_of(avs: Option<&str>) -> Address {
    match avs {
        None => at::TASK_AVS_REGISTRAR,
        Some(name) => {
            let digest = messages::hash(format!("hourglass-harness/TaskAVSRegistrar/{name}").as_bytes());
            Address::from_slice(&digest.as_bytes()[12..])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_the_same_keys_in_every_run() {
        let secret = AccountSecret::new([7; 32]);
        let accounts = Accounts::derive(&secret, ["alice", "bob"]);
        let again = Accounts::derive(&secret, ["bob"]).with_avss(&secret, ["second"]);
        assert_eq!(again.avs.address(), accounts.avs.address(), "further AVSs do not change the first");
        assert_eq!(again.named("avs/second").unwrap().address(), again.executor_sets()[1].avs);
        assert_eq!(accounts.operators[1].address(), again.operators[0].address());
        let mut addresses: Vec<_> = accounts.addresses().collect();
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 6, "every account has an address of its own");
        let workers = [("load", 0), ("load", 1), ("other", 0)].map(|(load, worker)| accounts.load_worker(load, worker));
        assert_eq!(workers[1].address(), again.load_worker("load", 1).address());
        addresses.extend(workers.iter().map(EcdsaKey::address));
        addresses.sort();
        addresses.dedup();
        assert_eq!(addresses.len(), 9, "workers have accounts of their own as well");
    }
}
