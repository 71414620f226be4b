//! Bound calls as transactions of an account.

use ethers::{
    abi::Detokenize,
    contract::builders::ContractCall,
    types::{Address, Bytes},
};
use hourglass_proto::signature::EcdsaKey;

use super::{ChainControl, SetupError};

/// The address and data of a call.
pub(super) fn target<M, T: Detokenize>(call: &ContractCall<M, T>) -> (Address, Bytes) {
    (call.tx.to_addr().copied().unwrap_or_default(), call.tx.data().cloned().unwrap_or_default())
}

/// Sends a bound call and waits until it is mined.
pub(super) async fn send<M, T: Detokenize>(
    chain: &ChainControl,
    key: &EcdsaKey,
    what: &str,
    call: ContractCall<M, T>,
) -> Result<(), SetupError> {
    let (to, data) = target(&call);
    chain.client().account(key).send(chain.client(), what, to, data).await?;
    Ok(())
}
