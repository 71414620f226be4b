//! Operator tables of several sets under one global root, on both chains.

use ethers::types::{Bytes, H256, U256};
use hourglass_component::chain::OperatorSetId;
use hourglass_harness::chain::ChainControl;
use hourglass_proto::{contracts::bindings as b, messages};

use crate::support::{Contracts, Pair, confirm, ecdsa_table, leaf, revert, send, table_bytes, topology};

/// A Merkle tree as the updater proves it: leaves padded with zero words to a power of two.
struct Tree(Vec<Vec<H256>>);

impl Tree {
    fn new(mut leaves: Vec<H256>) -> Self {
        leaves.resize(leaves.len().next_power_of_two(), H256::zero());
        let mut layers = vec![leaves];
        while layers[layers.len() - 1].len() > 1 {
            let layer = &layers[layers.len() - 1];
            let parent = |pair: &[H256]| messages::hash(&[pair[0].as_bytes(), pair[1].as_bytes()].concat());
            layers.push(layer.chunks(2).map(parent).collect());
        }
        Self(layers)
    }

    fn root(&self) -> H256 {
        self.0[self.0.len() - 1][0]
    }

    fn proof(&self, index: usize) -> Bytes {
        let siblings = self.0[..self.0.len() - 1].iter().enumerate().map(|(depth, layer)| layer[(index >> depth) ^ 1]);
        siblings.flat_map(|sibling| sibling.0).collect::<Vec<u8>>().into()
    }
}

/// Tables of `count` sets, each with the first operator at a weight of its own.
fn tables(pair: &Pair, count: u32) -> Vec<(OperatorSetId, Bytes)> {
    let avs = pair.accounts.avs.address();
    let signer = pair.accounts.operators[0].address();
    let table = |id: u32| {
        let set = OperatorSetId { avs, id: 10 + id };
        (set, table_bytes(set, 1, avs, 0, ecdsa_table(&[(signer, u64::from(id + 1))])))
    };
    (0..count).map(table).collect()
}

/// The next reference timestamp that `chain` accepts.
async fn next_reference(chain: &ChainControl) -> u32 {
    let head = chain.mine(2).await.unwrap();
    u32::try_from(head.timestamp).unwrap()
}

#[tokio::test]
async fn anvil_tables_of_many_sets_are_proved_under_one_root() {
    let pair = Pair::start(&topology(&[1])).await;
    let key = &pair.accounts.deployer;
    for chain in pair.both() {
        let Contracts { updater, ecdsa, .. } = Contracts::on(chain);
        for count in [1, 2, 3, 4, 5, 8] {
            let reference = next_reference(chain).await;
            let tables = tables(&pair, count);
            let tree = Tree::new(tables.iter().map(|(_, table)| leaf(table)).collect());
            send(chain, key, confirm(&updater, tree.root(), reference, 77)).await;
            for (index, (set, table)) in tables.iter().enumerate() {
                let leaf_index = u32::try_from(index).unwrap();
                let call = updater.update_operator_table(
                    reference,
                    tree.root().0,
                    leaf_index,
                    tree.proof(index),
                    table.clone(),
                );
                send(chain, key, call).await;
                let set: b::OperatorSet = (*set).into();
                let weights = ecdsa.get_total_stake_weights(set.clone(), reference).call().await.unwrap();
                assert_eq!(weights, [U256::from(index + 1)], "the table that the leaf is of is in place");
                assert_eq!(ecdsa.latest_reference_timestamp(set).call().await.unwrap(), reference);
            }
            let block = updater.get_reference_block_number_by_timestamp(reference).call().await.unwrap();
            assert_eq!((block, updater.get_latest_reference_timestamp().call().await.unwrap()), (77, reference));
        }
    }
}

#[tokio::test]
async fn anvil_table_without_its_proof_is_refused() {
    let pair = Pair::start(&topology(&[1])).await;
    let chain = pair.l2.control();
    let updater = Contracts::on(chain).updater;
    let reference = next_reference(chain).await;
    let tables = tables(&pair, 3);
    let tree = Tree::new(tables.iter().map(|(_, table)| leaf(table)).collect());
    send(chain, &pair.accounts.deployer, confirm(&updater, tree.root(), reference, 77)).await;
    let refused = |leaf_index: u32, proof: Bytes| {
        let call = updater.update_operator_table(reference, tree.root().0, leaf_index, proof, tables[0].1.clone());
        revert(pair.accounts.app.address(), call)
    };
    assert_eq!(refused(0, tree.proof(0)).await, None, "with its own place and proof it passes");
    let wrong = Some("InvalidOperatorSetProof".to_owned());
    assert_eq!(refused(1, tree.proof(0)).await, wrong, "another place");
    assert_eq!(refused(0, tree.proof(1)).await, wrong, "another leaf's proof");
    assert_eq!(refused(0, tree.proof(0)[..32].to_vec().into()).await, wrong, "half of the proof");
    assert_eq!(refused(0, Bytes::new()).await, wrong, "no proof");
    assert_eq!(refused(4, tree.proof(0)).await, Some("InvalidIndex".to_owned()), "a place outside the tree");
}

/// Several transporters may update the same table: the second update changes nothing and does not fail.
#[tokio::test]
async fn anvil_table_may_be_updated_again() {
    let pair = Pair::start(&topology(&[1])).await;
    let chain = pair.l1.control();
    let Contracts { updater, ecdsa, .. } = Contracts::on(chain);
    let reference = next_reference(chain).await;
    let (set, table) = tables(&pair, 1).remove(0);
    let key = &pair.accounts.deployer;
    send(chain, key, confirm(&updater, leaf(&table), reference, 77)).await;
    let update = || updater.update_operator_table(reference, leaf(&table).0, 0, Bytes::new(), table.clone());
    send(chain, key, update()).await;
    let again = send(chain, key, update()).await;
    assert_eq!(again.logs, [], "the second time nothing changes");
    assert_eq!(ecdsa.get_operator_count(set.into(), reference).call().await.unwrap(), U256::one());
}
