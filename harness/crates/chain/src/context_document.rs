//! The context document that deploy scripts of projects made from the public template get: chains, keys of accounts and addresses.

use ethers::types::Address;
use hourglass_component::keys::EcdsaKey;
use hourglass_proto::contracts::addresses::{CONTRACTS, Contract, L1_CHAIN_ID, L2_CHAIN_ID};
use serde_json::{Map, Value, json};

use super::{Accounts, ChainControl, ChainTopology, DeployedContract, registrar_in};

/// The name of the context: scripts read `.hourglass/context/devnet.yaml`, and do not wait for blocks of other networks.
const NAME: &str = "devnet";
/// The version of the document in the public template that it is like.
const VERSION: &str = "0.1.2";

/// The document for chains with these contracts. Its keys are those of [`handed_keys`](super::handed_keys::handed_keys), which are hidden
/// where a script shows them.
pub(super) fn context_document(
    [l1, l2]: [&ChainControl; 2],
    topology: &ChainTopology,
    accounts: &Accounts,
    deployed: &[DeployedContract],
) -> Value {
    let chain = |control: &ChainControl| {
        json!({
            "chain_id": control.chain_id(),
            "rpc_url": control.client().url(),
            "fork": { "url": "", "block": 0, "block_time": 0 },
        })
    };
    let contracts = |wanted: &dyn Fn(&Contract) -> bool| {
        let all = CONTRACTS.iter().filter(|contract| wanted(contract));
        all.map(|contract| (contract.key.to_owned(), address(contract.address))).collect::<Map<_, _>>()
    };
    let of_chain = |chain_id: u64| {
        let all = deployed.iter().filter(|contract| contract.chain_id == chain_id);
        all.map(|contract| json!({ "name": contract.name, "address": address(contract.address) })).collect::<Vec<_>>()
    };
    // Without their keys: every user of the machine can read the arguments of a program, and with an operator's key could call the
    // management service of its executor.
    let operators = topology.operators.iter().filter_map(|operator| {
        let key = accounts.signing_key(&operator.name, None)?;
        Some(json!({
            "address": address(key.address()),
            "stake": operator.weight.to_string(),
        }))
    });
    json!({
        "version": VERSION,
        "context": {
            "name": NAME,
            "chains": { "l1": chain(l1), "l2": chain(l2) },
            "deployer_private_key": accounts.deployer.to_hex(),
            "app_private_key": accounts.app.to_hex(),
            "operators": operators.collect::<Vec<_>>(),
            "avs": {
                "address": address(EcdsaKey::address(&accounts.avs)),
                "avs_private_key": accounts.avs.to_hex(),
                "metadata_url": "",
                "registrar_address": address(registrar_in(None, deployed)),
            },
            "eigenlayer": { "l1": contracts(&|_| true), "l2": contracts(&|contract| contract.is_on_l2) },
            "deployed_l1_contracts": of_chain(L1_CHAIN_ID),
            "deployed_l2_contracts": of_chain(L2_CHAIN_ID),
        },
    })
}

fn address(address: Address) -> Value {
    ethers::utils::to_checksum(&address, None).into()
}
