//! One row of the table: the actions before the call, the call, and the expected revert.

use std::time::Duration;

use ethers::{
    abi::Detokenize,
    providers::{JsonRpcError, RpcError as _},
    types::{Address, BlockNumber, Bytes, H256},
};
use hourglass_component::keys::EcdsaKey;
use hourglass_harness::chain::ChainControl;
use hourglass_proto::contracts::errors;
use serde_json::json;

use crate::support::{Call, parts, try_send};

/// An action before the call.
#[derive(Clone)]
pub(crate) enum Act {
    Send(EcdsaKey, Address, Bytes),
    Warp(Duration),
    /// Code at an address without code: a contract that was not initialized.
    Place(Address, Bytes),
    /// A word of a contract's storage, for a state that no transaction produces.
    Store(Address, H256, H256),
}

/// A call that must revert.
pub(crate) struct Case {
    /// `Contract.Error`.
    pub(crate) row: &'static str,
    acts: Vec<Act>,
    caller: Address,
    to: Address,
    data: Bytes,
    block: BlockNumber,
    /// Replaces the block's timestamp.
    time: Option<u64>,
    arguments: Option<&'static str>,
    already_before: bool,
}

/// A call by `caller` that reverts with the error of `row`.
#[expect(clippy::needless_pass_by_value, reason = "rows are read more easily where calls are made in their place")]
pub(crate) fn case<T: Detokenize>(row: &'static str, caller: impl Into<Address>, call: Call<T>) -> Case {
    let (to, data) = parts(&call);
    Case {
        row,
        acts: Vec::new(),
        caller: caller.into(),
        to,
        data,
        block: BlockNumber::Pending,
        time: None,
        arguments: None,
        already_before: false,
    }
}

/// A transaction by `key`.
#[expect(clippy::needless_pass_by_value, reason = "rows are read more easily where calls are made in their place")]
pub(crate) fn send<T: Detokenize>(key: &EcdsaKey, call: Call<T>) -> Act {
    let (to, data) = parts(&call);
    Act::Send(key.clone(), to, data)
}

impl Case {
    /// Adds actions before the call.
    pub(crate) fn after(mut self, acts: impl IntoIterator<Item = Act>) -> Self {
        self.acts.extend(acts);
        self
    }

    /// Makes the call as if the block had this timestamp.
    pub(crate) fn at_time(mut self, timestamp: u64) -> Self {
        self.time = Some(timestamp);
        self
    }

    /// Sets the expected arguments of the error.
    pub(crate) fn with(mut self, arguments: &'static str) -> Self {
        self.arguments = Some(arguments);
        self
    }

    /// Allows the same error, for another reason, without the actions before the call.
    pub(crate) fn already_before(mut self) -> Self {
        self.already_before = true;
        self
    }

    /// Makes the call in the context of the last block, not of the next one.
    pub(crate) fn in_the_last_block(mut self) -> Self {
        self.block = BlockNumber::Latest;
        self
    }
}

/// The problem of a case, if any; the chain is in its earlier state afterwards.
pub(crate) async fn provoke(chain: &ChainControl, case: &Case) -> Option<String> {
    let expected = case.row.split_once('.').unwrap().1;
    let is_expected = |error: &str| match case.arguments {
        Some(arguments) => error == format!("{expected}({arguments})"),
        None => error.split('(').next() == Some(expected),
    };
    if case.acts.is_empty() {
        let found = call(chain, case).await;
        return (!is_expected(&found)).then(|| format!("{}: {found}", case.row));
    }
    let before = call(chain, case).await;
    let snapshot = chain.snapshot().await.unwrap();
    for act in &case.acts {
        if let Err(error) = perform(chain, act).await {
            return Some(format!("{}: what is done first fails: {error}", case.row));
        }
    }
    let found = call(chain, case).await;
    chain.revert(snapshot).await.unwrap();
    if !is_expected(&found) {
        return Some(format!("{}: {found}", case.row));
    }
    // Otherwise the call would prove nothing about the actions.
    (is_expected(&before) && !case.already_before).then(|| format!("{}: already without what is done first", case.row))
}

async fn perform(chain: &ChainControl, act: &Act) -> Result<(), String> {
    match act {
        Act::Send(key, to, data) => {
            try_send(chain, key, *to, data.clone()).await.map_err(|error| error.to_string())?;
        }
        Act::Warp(by) => {
            chain.warp(*by).await.map_err(|error| error.to_string())?;
        }
        Act::Place(address, code) => {
            let placed = chain.client().provider().request::<_, ()>("anvil_setCode", json!([address, code])).await;
            placed.map_err(|error| error.to_string())?;
        }
        Act::Store(address, slot, word) => {
            let parameters = json!([address, slot, word]);
            let stored = chain.client().provider().request::<_, bool>("anvil_setStorageAt", parameters).await;
            stored.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

async fn call(chain: &ChainControl, case: &Case) -> String {
    let transaction = json!({ "from": case.caller, "to": case.to, "data": case.data });
    let block = case.time.map_or(json!({}), |time| json!({ "time": format!("{time:#x}") }));
    let parameters = json!([transaction, case.block, {}, block]);
    match chain.client().provider().request::<_, Bytes>("eth_call", parameters).await {
        Ok(_) => "no revert".to_owned(),
        Err(error) => match error.as_error_response().and_then(JsonRpcError::as_revert_data) {
            Some(data) => errors::describe(&data),
            None => error.to_string(),
        },
    }
}
