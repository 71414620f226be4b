//! Scenarios are checked with the limits of the contracts: the last allowed value deploys, the next does not.

use std::time::Duration;

use hourglass_component::causes::with_causes;
use hourglass_harness::{
    chain::{ChainTopology, prepare},
    reaper::RunId,
};
use hourglass_proto::limits::{MAX_TASK_SLA, MAX_THRESHOLD, MAX_WEIGHT};

use crate::support::{Pair, anvil, topology};

#[tokio::test]
async fn anvil_the_largest_values_deploy() {
    let task_sla = Duration::from_secs(MAX_TASK_SLA);
    let largest = ChainTopology { task_sla, threshold: MAX_THRESHOLD, ..topology(&[MAX_WEIGHT, MAX_WEIGHT, 1]) };
    Pair::start(&largest).await;
    let smallest = ChainTopology { task_sla: Duration::from_secs(1), threshold: 0, ..topology(&[1]) };
    Pair::start(&smallest).await;
}

#[rstest::rstest]
#[case::weight(topology(&[100, MAX_WEIGHT + 1]), "InsufficientMagnitude")]
#[case::no_weight(topology(&[100, 0]), "SameMagnitude")]
#[case::sla(ChainTopology { task_sla: Duration::from_secs(MAX_TASK_SLA + 1), ..topology(&[100]) }, "TaskSLAExceedsMaximum")]
#[case::no_sla(ChainTopology { task_sla: Duration::ZERO, ..topology(&[100]) }, "ExecutorOperatorSetTaskConfigNotSet")]
#[case::threshold(ChainTopology { threshold: MAX_THRESHOLD + 1, ..topology(&[100]) }, "InvalidConsensusValue")]
#[tokio::test]
async fn anvil_the_next_values_do_not_deploy(#[case] topology: ChainTopology, #[case] error: &str) {
    let failed = prepare(&anvil().await, &topology, &RunId::generate()).await.unwrap_err();
    assert!(with_causes(&failed).contains(error), "{failed:?}");
}
