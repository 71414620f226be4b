//! The accounts of a trial, derived from their names and from the user's secret: the same in every run of the user, so
//! that states can be cached, and unknown to everybody else.

use hourglass_component::keys::{Address, EcdsaKey};
use hourglass_proto::messages;

use super::AccountSecret;

/// The keys of all accounts that act on the chains.
#[derive(Debug, Clone)]
pub struct Accounts {
    /// Owns the contracts that have an owner, and publishes operator tables.
    pub deployer: EcdsaKey,
    /// The AVS itself.
    pub avs: EcdsaKey,
    /// Creates tasks.
    pub app: EcdsaKey,
    /// The aggregator's operator; signs with the same key.
    pub aggregator: EcdsaKey,
    /// The executors' operators, in the order of the topology.
    pub operators: Vec<OperatorAccount>,
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
        }
    }

    /// The account that scenarios call `deployer`, `avs`, `app`, `aggregator` or `operator/NAME`.
    pub fn named(&self, name: &str) -> Option<&EcdsaKey> {
        match name {
            "deployer" => Some(&self.deployer),
            "avs" => Some(&self.avs),
            "app" => Some(&self.app),
            "aggregator" => Some(&self.aggregator),
            _ => {
                let name = name.strip_prefix("operator/")?;
                self.operators.iter().find(|operator| operator.name == name).map(|operator| &operator.key)
            }
        }
    }

    /// The operator of a signing address.
    pub fn operator(&self, address: Address) -> Option<&OperatorAccount> {
        self.operators.iter().find(|operator| operator.address() == address)
    }

    /// The account with which a worker of a load creates tasks. It has nothing until [`ChainControl::fund`] gives it something.
    ///
    /// [`ChainControl::fund`]: super::ChainControl::fund
    pub fn load_worker(&self, load: &str, worker: u32) -> EcdsaKey {
        let secret = AccountSecret::new(messages::hash(self.app.to_hex().as_bytes()).0);
        secret.key(&format!("load/{load}/worker/{worker}"))
    }

    pub(super) fn addresses(&self) -> impl Iterator<Item = Address> {
        let named = [&self.deployer, &self.avs, &self.app, &self.aggregator].map(EcdsaKey::address);
        named.into_iter().chain(self.operators.iter().map(OperatorAccount::address))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_give_the_same_keys_in_every_run() {
        let secret = AccountSecret::new([7; 32]);
        let accounts = Accounts::derive(&secret, ["alice", "bob"]);
        let again = Accounts::derive(&secret, ["bob"]);
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
