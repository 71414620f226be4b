//! Transparent proxies in front of contracts of the user's.

use ethers::{
    abi::Token,
    types::{Address, Bytes},
};
use hourglass_component::chain::{Account, ChainClient, SendError};
use hourglass_proto::contracts::bindings as b;
use serde::Serialize;

/// What follows the name of a contract in that of the admin of its proxy.
pub(super) const ADMIN_SUFFIX: &str = "_proxy_admin";

/// A transparent proxy in front of a contract of the user's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct UserProxy {
    /// The name of the account that owns the contract with which the proxy is upgraded: `NAME_proxy_admin`.
    pub admin: String,
    /// The signature of the function that initialises the proxy's storage, called when the proxy is created.
    pub function: String,
    /// Its arguments, as those of a constructor.
    pub args: Vec<String>,
}

/// A proxy that is created.
pub(super) struct CreatedProxy {
    pub(super) address: Address,
    /// The contract that may upgrade it.
    pub(super) admin: Address,
}

/// Creates a proxy for `implementation`, called `name`: `owner` owns its admin, and `account` initialises it with `data`.
pub(super) async fn create(
    chain: &ChainClient,
    name: &str,
    implementation: Address,
    owner: &Account,
    account: &Account,
    data: Vec<u8>,
) -> Result<CreatedProxy, SendError> {
    let what = format!("create the proxy admin of the contract `{name}` on chain {}", chain.chain_id());
    let admin = owner.create(chain, &what, b::PROXYADMIN_BYTECODE.clone()).await?;
    let args = ethers::abi::encode(&[Token::Address(implementation), Token::Address(admin), Token::Bytes(data)]);
    let what = format!("create and initialize the proxy of the contract `{name}` on chain {}", chain.chain_id());
    let code: &Bytes = &b::TRANSPARENTPROXY_BYTECODE;
    let address = account.create(chain, &what, [&code[..], &args].concat().into()).await?;
    Ok(CreatedProxy { address, admin })
}
