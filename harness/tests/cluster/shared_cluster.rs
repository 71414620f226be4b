//! The cluster that these tests share.

use hourglass_harness::cluster::Cluster;
use hourglass_test_support::{Shared, TestCluster};

static SHARED: Shared<TestCluster> = Shared::new();

/// The cluster of all tests that leave it unchanged.
pub(crate) fn shared() -> Cluster {
    Cluster::clone(&SHARED.lock(TestCluster::lease))
}

/// Releases the shared cluster.
pub(crate) fn tear_down() {
    SHARED.tear_down();
}
