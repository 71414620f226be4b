//! Contracts of the user's at the addresses of contracts of the harness.

use ethers::{
    providers::{JsonRpcError, RpcError as _},
    types::{Address, Bytes},
};
use hourglass_component::{
    chain::{Artifact, Function},
    keys::EcdsaKey,
};
use hourglass_proto::contracts::{
    addresses::{CONTRACTS, Contract, L1_CHAIN_ID},
    errors,
};
use serde::Serialize;
use serde_json::json;

use super::{Accounts, ChainControl, SetupError, UserCall, address_of, contracts::code_of};

/// A contract of the user's at the address of one of the harness, on each chain that has that one. Accounts are named as in scenarios.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ContractReplacement {
    /// The name of the contract of the harness, such as `task_mailbox`.
    pub name: String,
    /// The name of the account that its constructor sees as the caller.
    pub from: String,
    /// What the compiler made.
    #[serde(serialize_with = "code_of")]
    pub artifact: Artifact,
    /// The constructor's arguments. An address may be the name of a contract of the harness or of an account.
    pub args: Vec<String>,
    /// Calls that configure it, before the harness uses it.
    pub calls: Vec<UserCall>,
}

/// Places the contracts on a chain where those of the harness stand, then calls them.
pub(super) async fn place(
    chain: &ChainControl,
    replacements: &[ContractReplacement],
    accounts: &Accounts,
) -> Result<(), SetupError> {
    let mut placed = Vec::new();
    for replacement in replacements {
        let contract = replacement.contract()?;
        if contract.is_on_l2 || chain.chain_id() == L1_CHAIN_ID {
            replacement.put_at(contract.address, chain, accounts).await?;
            placed.push((replacement, contract.address));
        }
    }
    for (replacement, address) in placed {
        for call in &replacement.calls {
            replacement.call(call, address, chain, accounts).await?;
        }
    }
    Ok(())
}

impl ContractReplacement {
    /// Whether the harness makes the call with this data when it initialises its contracts at `address`: not if this contract stands
    /// there and has no such function, or is called so by the user.
    pub(super) fn leaves_to_harness(&self, address: Address, data: &[u8]) -> bool {
        let Some(selector) = data.first_chunk::<4>() else { return true };
        let is_here = self.contract().is_ok_and(|contract| contract.address == address);
        let is_called = |call: &UserCall| Function::parse(&call.function).is_ok_and(|of| of.selector() == *selector);
        !is_here || (self.artifact.has_selector(*selector) && !self.calls.iter().any(is_called))
    }

    /// Runs the constructor at the address itself, without keeping what it stores, and leaves the code that it returns.
    async fn put_at(&self, address: Address, chain: &ChainControl, accounts: &Accounts) -> Result<(), SetupError> {
        let data = self.artifact.creation(&self.args, &|name| address_of(name, accounts, &[]));
        let data = data.map_err(|error| self.failed(error.to_string()))?;
        chain.set_code(address, &data.into()).await?;
        let from = self.account(&self.from, accounts)?.address();
        let call = json!([{ "from": from, "to": address }, "latest"]);
        let code = chain.client().provider().request::<_, Bytes>("eth_call", call).await;
        let code = code.map_err(|error| match error.as_error_response().and_then(JsonRpcError::as_revert_data) {
            Some(reason) => self.failed(format!("its constructor reverts with {}", errors::describe(&reason))),
            None => chain.client().fail(&format!("the code of `{}`", self.name), error).into(),
        })?;
        if code.is_empty() {
            return Err(self.failed("its constructor returns no code".to_owned()));
        }
        chain.set_code(address, &code).await?;
        tracing::info!(
            name = self.name,
            chain_id = chain.chain_id(),
            "a contract of the user's stands in place of ours"
        );
        Ok(())
    }

    async fn call(
        &self,
        call: &UserCall,
        address: Address,
        chain: &ChainControl,
        accounts: &Accounts,
    ) -> Result<(), SetupError> {
        let UserCall { function, args, from } = call;
        let failed = |reason: String| self.failed(format!("`{function}`: {reason}"));
        let parsed = Function::parse(function).map_err(|error| failed(error.to_string()))?;
        let data = parsed.call(args, &|name| address_of(name, accounts, &[]));
        let data = data.map_err(|error| failed(error.to_string()))?;
        let what = format!("call `{function}` of the contract for `{}` on chain {}", self.name, chain.chain_id());
        let account = chain.client().account(self.account(from, accounts)?);
        account.send(chain.client(), &what, address, data.into()).await?;
        Ok(())
    }

    fn contract(&self) -> Result<&'static Contract, SetupError> {
        let known = CONTRACTS.iter().find(|contract| contract.key == self.name);
        known.ok_or_else(|| self.failed("the harness has no contract of this name".to_owned()))
    }

    fn account<'a>(&self, name: &str, accounts: &'a Accounts) -> Result<&'a EcdsaKey, SetupError> {
        accounts.named(name).ok_or_else(|| self.failed(format!("no account is called `{name}`")))
    }

    fn failed(&self, reason: String) -> SetupError {
        SetupError::Replacement { name: self.name.clone(), reason }
    }
}
