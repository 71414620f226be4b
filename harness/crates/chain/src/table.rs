//! Operator tables: computed on L1, confirmed at a new reference timestamp on both chains; and the sockets that the
//! aggregator reads at the table's block.

use ethers::types::{Bytes, H256};
use hourglass_component::keys::{Address, EcdsaKey};
use hourglass_proto::{
    contracts::{
        addresses as at,
        bindings::{self as b, Bn254Certificate},
    },
    messages,
};

use super::{Accounts, ChainControl, SetupError, send::send};

/// The salt before an operator table's bytes in the hash of its leaf of the global table.
const OPERATOR_TABLE_LEAF_SALT: u8 = 0x8e;

/// Registers the sockets of operators, each at the registrar of an AVS, all at once.
pub async fn register_sockets<'a>(
    l1: &ChainControl,
    sockets: impl IntoIterator<Item = (Address, &'a EcdsaKey, String)>,
) -> Result<(), SetupError> {
    let registrations = sockets.into_iter().map(|(registrar, key, socket)| {
        let registrar = b::TaskAvsRegistrar::new(registrar, l1.client().provider().clone());
        let call = registrar.update_socket(key.address(), socket);
        send(l1, key, "register a socket", call)
    });
    futures::future::try_join_all(registrations).await?;
    Ok(())
}

/// Publishes the tables of all executor sets as of L1's head on both chains, under one root; their reference timestamp is
/// that of the head.
pub async fn publish_tables(l1: &ChainControl, l2: &ChainControl, accounts: &Accounts) -> Result<(), SetupError> {
    let reference = l1.client().head().await?;
    let registry = b::CrossChainRegistry::new(at::CROSS_CHAIN_REGISTRY, l1.client().provider().clone());
    let mut tables = Vec::new();
    for set in accounts.executor_sets() {
        let call = registry.calculate_operator_table_bytes(set.into()).block(reference.number);
        tables.push(call.call().await.map_err(|error| l1.client().fail("the operator table", error))?);
    }
    let leaf = |table: &Bytes| messages::hash(&[&[OPERATOR_TABLE_LEAF_SALT], table.as_ref()].concat());
    let tables = Tables {
        tree: Tree::of(tables.iter().map(leaf).collect()),
        encoded: tables,
        timestamp: u32::try_from(reference.timestamp).unwrap_or(u32::MAX),
        block_number: u32::try_from(reference.number).unwrap_or(u32::MAX),
    };
    tokio::try_join!(tables.confirm(l1, &accounts.deployer), tables.confirm(l2, &accounts.deployer))?;
    Ok(())
}

struct Tables {
    tree: Tree,
    encoded: Vec<Bytes>,
    timestamp: u32,
    block_number: u32,
}

impl Tables {
    async fn confirm(&self, chain: &ChainControl, key: &EcdsaKey) -> Result<(), SetupError> {
        // The chains' clocks drift apart, and a table must not be in the future of the chain that receives it.
        let head = chain.client().head().await?;
        let reference = u64::from(self.timestamp);
        if head.timestamp < reference {
            chain.set_next_timestamp(reference + 1).await?;
        }
        let root = self.tree.root().0;
        let updater = b::OperatorTableUpdater::new(at::OPERATOR_TABLE_UPDATER, chain.client().provider().clone());
        let hash = updater.get_global_table_update_message_hash(root, self.timestamp, self.block_number);
        let message_hash = hash.call().await.map_err(|error| chain.client().fail("a table's message hash", error))?;
        let certificate = Bn254Certificate { message_hash, reference_timestamp: self.timestamp, ..Default::default() };
        let call = updater.confirm_global_table_root(certificate, root, self.timestamp, self.block_number);
        send(chain, key, "confirm a table root", call).await?;
        for (index, table) in self.encoded.iter().enumerate() {
            let proof = self.tree.proof(index);
            let index = u32::try_from(index).unwrap_or(u32::MAX);
            let call = updater.update_operator_table(self.timestamp, root, index, proof, table.clone());
            send(chain, key, "update the operator table", call).await?;
        }
        Ok(())
    }
}

/// A Merkle tree as the contract reads it: leaves are padded with zeros to a power of two, and the root of one leaf is the
/// leaf.
struct Tree {
    /// Every level, from the leaves to the root.
    levels: Vec<Vec<H256>>,
}

impl Tree {
    fn of(mut leaves: Vec<H256>) -> Self {
        leaves.resize(leaves.len().next_power_of_two(), H256::zero());
        let mut levels = vec![leaves];
        while let Some(level) = levels.last().filter(|level| level.len() > 1) {
            let parents =
                level.chunks(2).map(|pair| messages::hash(&[pair[0].as_bytes(), pair[1].as_bytes()].concat()));
            levels.push(parents.collect());
        }
        Self { levels }
    }

    fn root(&self) -> H256 {
        self.levels.last().and_then(|level| level.first()).copied().unwrap_or_default()
    }

    /// The siblings on the way from a leaf to the root.
    fn proof(&self, leaf: usize) -> Bytes {
        let below_root = self.levels.iter().take(self.levels.len() - 1).enumerate();
        let siblings = below_root.map(|(level, nodes)| nodes[(leaf >> level) ^ 1].to_fixed_bytes());
        siblings.collect::<Vec<_>>().concat().into()
    }
}
