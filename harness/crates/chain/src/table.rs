//! Operator tables: computed on L1, confirmed at a new reference timestamp on both chains; and the sockets that the
//! aggregator reads at the table's block.

use ethers::types::{Bytes, H256, U256};
use hourglass_component::{
    chain::OperatorSetId,
    keys::{Address, EcdsaKey},
};
use hourglass_proto::{
    contracts::{
        addresses as at,
        bindings::{self as b, Bn254Certificate},
    },
    messages,
};

use super::{Accounts, ChainControl, EXECUTOR_SET, SetupError, send::send};

/// The salt before an operator table's bytes in the hash of its leaf of the global table.
const OPERATOR_TABLE_LEAF_SALT: u8 = 0x8e;

/// Registers the sockets of operators, all at once.
pub async fn register_sockets<'a>(
    l1: &ChainControl,
    sockets: impl IntoIterator<Item = (&'a EcdsaKey, String)>,
) -> Result<(), SetupError> {
    let registrar = b::TaskAvsRegistrar::new(at::TASK_AVS_REGISTRAR, l1.client().provider().clone());
    let registrations = sockets.into_iter().map(|(key, socket)| {
        let call = registrar.update_socket(key.address(), socket);
        send(l1, key, "register a socket", call)
    });
    futures::future::try_join_all(registrations).await?;
    Ok(())
}

/// Publishes the executor set's table as of L1's head on both chains; its reference timestamp is that of the head.
pub async fn publish_table(l1: &ChainControl, l2: &ChainControl, accounts: &Accounts) -> Result<(), SetupError> {
    let reference = l1.client().head().await?;
    let set = OperatorSetId { avs: accounts.avs.address(), id: EXECUTOR_SET };
    let registry = b::CrossChainRegistry::new(at::CROSS_CHAIN_REGISTRY, l1.client().provider().clone());
    let call = registry.calculate_operator_table_bytes(set.into()).block(reference.number);
    let bytes = call.call().await.map_err(|error| l1.client().fail("the operator table", error))?;
    let table = Table {
        // A tree of one leaf: its root is the leaf and the proof is empty.
        root: messages::hash(&[&[OPERATOR_TABLE_LEAF_SALT], bytes.as_ref()].concat()),
        bytes,
        timestamp: u32::try_from(reference.timestamp).unwrap_or(u32::MAX),
        block_number: u32::try_from(reference.number).unwrap_or(u32::MAX),
    };
    tokio::try_join!(table.confirm(l1, &accounts.deployer), table.confirm(l2, &accounts.deployer))?;
    Ok(())
}

struct Table {
    bytes: Bytes,
    root: H256,
    timestamp: u32,
    block_number: u32,
}

impl Table {
    async fn confirm(&self, chain: &ChainControl, key: &EcdsaKey) -> Result<(), SetupError> {
        // The chains' clocks drift apart, and a table must not be in the future of the chain that receives it.
        let head = chain.client().head().await?;
        let reference = u64::from(self.timestamp);
        if head.timestamp < reference {
            chain.set_next_timestamp(reference + 1).await?;
        }
        let updater = b::OperatorTableUpdater::new(at::OPERATOR_TABLE_UPDATER, chain.client().provider().clone());
        let hash = updater.get_global_table_update_message_hash(self.root.0, self.timestamp, self.block_number);
        let message_hash = hash.call().await.map_err(|error| chain.client().fail("a table's message hash", error))?;
        let certificate = Bn254Certificate { message_hash, reference_timestamp: self.timestamp, ..Default::default() };
        let call = updater.confirm_global_table_root(certificate, self.root.0, self.timestamp, self.block_number);
        send(chain, key, "confirm a table root", call).await?;
        let proof = Bytes::default();
        let call = updater.update_operator_table(
            self.timestamp,
            self.root.0,
            U256::zero().as_u32(),
            proof,
            self.bytes.clone(),
        );
        send(chain, key, "update the operator table", call).await
    }
}

/// The AVS that an account set belongs to.
impl Accounts {
    /// The executor operator set.
    pub fn executor_set(&self) -> OperatorSetId {
        let avs: Address = self.avs.address();
        OperatorSetId { avs, id: EXECUTOR_SET }
    }
}
