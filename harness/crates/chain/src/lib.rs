//! The two Anvil chains of a trial: found, started, prepared with contracts and an operator set, and controlled.
//!
//! What may live here: the Anvil binary and its processes, deployment, cached state, chain time, the accounts. Code
//! that components need too (reads, heads, transactions) is in `hourglass-component`; the meaning of steps is in
//! `runner`.

mod accounts;
mod anvil;
mod atomic_entry;
mod batch;
mod batches;
mod context_document;
mod contract_deployment;
mod contracts;
mod control;
mod deploy_scripts;
mod deployment;
mod discover;
mod error;
mod handed_keys;
mod history;
mod install;
mod proxy;
mod registrar;
mod replacement;
mod secret;
mod send;
mod state;
mod table;
mod tasks;
mod tools;

pub use accounts::{Accounts, AvsAccount, OperatorAccount, registrar_of};
pub use anvil::{AnvilProcess, AnvilSettings, POLL_INTERVAL, READY_WITHIN, arguments as anvil_arguments};
pub use batches::BatchMiner;
pub use contracts::{ContractRole, DeployedContract, UserCall, UserContract, address_of};
pub use control::{ChainControl, Snapshot};
pub use deploy_scripts::{CONTEXT_VARIABLE, DeployScript};
pub use deployment::{AvsTopology, ChainTopology, EXECUTOR_SET, OperatorStake, TaskFees};
pub use discover::{ANVIL_VARIABLE, ANVIL_VERSION, AnvilBinary, AnvilSearch, FoundIn, SearchPaths};
pub use error::SetupError;
pub use history::ChainHistory;
pub use proxy::UserProxy;
pub use registrar::registrar_in;
pub use replacement::ContractReplacement;
pub use secret::AccountSecret;
pub use state::{PreparedState, prepare, prepare_in};
pub use table::{publish_tables, register_sockets};
pub use tasks::{NewTask, TaskRecord};
pub use tools::DeployTool;
