//! The values that rows of the table use: the contracts, their accounts, tables and certificates.

use std::time::Duration;

use ethers::{
    abi::{Token, encode},
    types::{Address, Bytes, H256, U256},
};
use hourglass_component::{chain::OperatorSetId, keys::EcdsaKey};
use hourglass_harness::chain::{Accounts, ChainControl};
use hourglass_proto::{
    contracts::{
        addresses as at,
        bindings::{self as b, OperatorSet},
    },
    messages,
};

use super::run::{Act, send};
use crate::support::{Contracts, Pair, certificate, confirm, ecdsa_table, leaf, table_bytes, topology};

pub(crate) const ECDSA: u8 = 1;
pub(crate) const BN254: u8 = 2;
pub(crate) const RESULT: &[u8] = b"0x10";
/// Seconds for which the tables of staleness cases are valid: less than the hour that a task has.
pub(crate) const STALENESS: u32 = 1800;

/// L1 of a prepared pair, well past its operator table's reference timestamp.
pub(crate) struct Fixture {
    pub(crate) contracts: Contracts,
    pub(crate) accounts: Accounts,
    /// An operator without operator sets, with funds.
    pub(crate) stranger: EcdsaKey,
    /// The executor operator set.
    pub(crate) set: OperatorSet,
    /// Its table's reference timestamp; the 90 seconds after it are free for further tables.
    pub(crate) reference: u32,
    pub(crate) reference_root: H256,
    pair: Pair,
}

impl Fixture {
    pub(crate) async fn start() -> Self {
        let pair = Pair::start(&topology(&[40, 30, 20, 10])).await;
        let l1 = pair.l1.control();
        let head = l1.warp(Duration::from_secs(100)).await.unwrap();
        let contracts = Contracts::on(l1);
        let reference = l1.client().latest_reference(head.number).await.unwrap().timestamp;
        let root = contracts.updater.get_current_global_table_root().call().await.unwrap();
        let stranger = EcdsaKey::from_hex(&format!("{:064x}", 0x5757)).unwrap();
        let funds = serde_json::json!([stranger.address(), "0xffffffffffffffffff"]);
        l1.client().provider().request::<_, ()>("anvil_setBalance", funds).await.unwrap();
        Self {
            contracts,
            set: pair.accounts.executor_set().into(),
            accounts: pair.accounts.clone(),
            stranger,
            reference,
            reference_root: H256(root),
            pair,
        }
    }

    pub(crate) fn l1(&self) -> &ChainControl {
        self.pair.l1.control()
    }

    /// Both chains, L1 first.
    pub(crate) fn both(&self) -> [&ChainControl; 2] {
        self.pair.both()
    }

    pub(crate) fn app(&self) -> Address {
        self.accounts.app.address()
    }

    pub(crate) fn avs(&self) -> Address {
        self.accounts.avs.address()
    }

    pub(crate) fn deployer(&self) -> Address {
        self.accounts.deployer.address()
    }

    /// An operator of the executor set; operator 0 has the greatest weight.
    pub(crate) fn operator(&self, index: usize) -> &EcdsaKey {
        &self.accounts.operators[index].key
    }

    pub(crate) fn keys(&self) -> Vec<&EcdsaKey> {
        self.accounts.operators.iter().map(|operator| &operator.key).collect()
    }

    /// Another operator set of the AVS.
    pub(crate) fn other(&self, id: u32) -> OperatorSet {
        OperatorSet { avs: self.avs(), id }
    }

    /// Parameters of the task that the first `createTask` creates.
    pub(crate) fn task(&self) -> b::TaskParams {
        b::TaskParams {
            refund_collector: self.app(),
            executor_operator_set: self.set.clone(),
            payload: Bytes::from_static(b"0x04"),
        }
    }

    /// The hash of that task.
    pub(crate) fn hash(&self) -> H256 {
        let task = self.task();
        let set = &task.executor_operator_set;
        let params = Token::Tuple(vec![
            Token::Address(task.refund_collector),
            Token::Tuple(vec![Token::Address(set.avs), Token::Uint(set.id.into())]),
            Token::Bytes(task.payload.to_vec()),
        ]);
        let chain = Token::Uint(at::L1_CHAIN_ID.into());
        messages::hash(&encode(&[Token::Uint(0.into()), Token::Address(at::TASK_MAILBOX), chain, params]))
    }

    /// Creates the first task as the app.
    pub(crate) fn create(&self) -> Act {
        send(&self.accounts.app, self.contracts.mailbox.create_task(self.task()))
    }

    /// A certificate for the first task, encoded.
    pub(crate) fn encoded(&self, signers: &[&EcdsaKey]) -> Bytes {
        certificate(self.reference, self.hash(), RESULT, signers).encode().into()
    }

    pub(crate) fn config(&self) -> b::ExecutorOperatorSetTaskConfig {
        b::ExecutorOperatorSetTaskConfig {
            task_hook: at::AVS_TASK_HOOK,
            task_sla: 3600,
            fee_token: Address::zero(),
            curve_type: ECDSA,
            fee_collector: self.avs(),
            consensus: b::Consensus { consensus_type: 1, value: encode(&[Token::Uint(6667.into())]).into() },
            task_metadata: Bytes::new(),
        }
    }

    /// The executor set's table with another staleness.
    pub(crate) fn table(&self, set: &OperatorSet, staleness: u32) -> Bytes {
        let rows: Vec<_> = self.keys().iter().map(|key| (key.address(), 10)).collect();
        self.table_of(set, ECDSA, staleness, ecdsa_table(&rows))
    }

    pub(crate) fn bn254_table(&self, set: &OperatorSet, staleness: u32) -> Bytes {
        let point = Token::Tuple(vec![Token::Uint(1.into()), Token::Uint(2.into())]);
        let weights = Token::Array(vec![Token::Uint(10.into())]);
        let info = Token::Tuple(vec![Token::FixedBytes(vec![7; 32]), Token::Uint(U256::one()), point, weights]);
        self.table_of(set, BN254, staleness, encode(&[info]))
    }

    pub(crate) fn table_of(&self, set: &OperatorSet, curve: u8, staleness: u32, table: Vec<u8>) -> Bytes {
        let set = OperatorSetId { avs: set.avs, id: set.id };
        table_bytes(set, curve, self.avs(), staleness, table)
    }

    /// Confirms `root` at `after` seconds past the executor set's table.
    pub(crate) fn confirm(&self, root: H256, after: u32) -> Act {
        send(&self.accounts.deployer, confirm(&self.contracts.updater, root, self.reference + after, after))
    }

    /// Transports `table`, the one leaf of its tree, to its verifier.
    pub(crate) fn transport(&self, table: &Bytes, after: u32) -> [Act; 2] {
        let updater = &self.contracts.updater;
        let update =
            updater.update_operator_table(self.reference + after, leaf(table).0, 0, Bytes::new(), table.clone());
        [self.confirm(leaf(table), after), send(&self.accounts.deployer, update)]
    }
}
