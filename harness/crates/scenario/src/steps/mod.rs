//! The steps of a scenario: one file for each step, or for a few that belong together.
//!
//! A file has the step's struct, whose doc comments become the JSON Schema, and its [`StepDefinition`]: what it refers
//! to, which runtimes it needs, its time limit, its problems. A new step is a file here and a line in
//! [`for_each_step_kind`](crate::for_each_step_kind); the runner implements it in a file of the same name.

mod abi;
mod call;
mod check;
mod cluster_operator;
mod create_task;
mod defaults;
mod definition;
mod delete_pod;
mod deploy_performer;
mod disconnect;
mod expect_event;
mod expect_expired;
mod expect_log;
mod expect_performers;
mod expect_rejected;
mod expect_verified;
mod expected_result;
mod grpc_code;
mod kill;
mod load;
mod mine;
mod nodes;
mod partition;
mod pause;
mod payload_file;
#[macro_use]
mod registry;
mod remove_performer;
mod send_transaction;
mod set_pod_quota;
mod text_or_hex;
mod warp;

use hourglass_component::document::Pointer;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use abi::{AbiError, AbiValues};
pub(crate) use check::{ScenarioFolder, StepCheck};
pub(crate) use definition::NamedPerformer;
pub use definition::{ClusterAccess, CreatedTasks, NewPerformer, StepProperties, StepPurpose, StepRuntimes};
use definition::{StepDefinition, description};
pub use deploy_performer::DeployedUntil;
pub use expect_performers::PerformerRole;
pub use expected_result::ExpectedResult;
pub use grpc_code::GrpcCode;
pub use load::{LOAD_RATES, LoadPayload, MOST_CONCURRENT_TASKS, MOST_LOAD_TASKS, MOST_LOAD_WORKERS};
pub use payload_file::PayloadFile;

use crate::step::Step;
use crate::texts::ComponentRef;

/// Calls the macro `callback` with all kinds of steps except `parallel`, each as `KEY: FILE::STRUCT`, in the order of
/// the documentation.
#[macro_export]
macro_rules! for_each_step_kind {
    ($callback:ident) => {
        $callback! {
            create_task: create_task::CreateTask,
            load: load::Load,
            expect_verified: expect_verified::ExpectVerified,
            expect_expired: expect_expired::ExpectExpired,
            expect_rejected: expect_rejected::ExpectRejected,
            expect_event: expect_event::ExpectEvent,
            expect_log: expect_log::ExpectLog,
            call: call::Call,
            send_transaction: send_transaction::SendTransaction,
            kill: kill::Kill,
            restart: kill::Restart,
            deploy_performer: deploy_performer::DeployPerformer,
            remove_performer: remove_performer::RemovePerformer,
            expect_performers: expect_performers::ExpectPerformers,
            pause: pause::Pause,
            resume: pause::Resume,
            disconnect: disconnect::Disconnect,
            reconnect: disconnect::Reconnect,
            delete_pod: delete_pod::DeletePod,
            kill_cluster_operator: cluster_operator::KillClusterOperator,
            scale_cluster_operator: cluster_operator::ScaleClusterOperator,
            drain_node: nodes::DrainNode,
            uncordon_nodes: nodes::UncordonNodes,
            set_pod_quota: set_pod_quota::SetPodQuota,
            partition: partition::Partition,
            heal: partition::Heal,
            mine: mine::Mine,
            warp: warp::Warp,
        }
    };
}

for_each_step_kind!(step_kinds);

/// Keys of kinds that had another name in the previous version, with the current ones; lint reports their use.
pub(crate) const RENAMED_STEPS: &[(&str, &str)] =
    &[("cut", "partition"), ("mend", "heal"), ("limit_pods", "set_pod_quota")];
