//! A namespace of one test.

use std::{ops::Deref, thread, time::Duration};

use hourglass_cluster::{Cluster, OwnNamespace};
use hourglass_reaper::{Labels, RunId};

use crate::block_on;

/// Longer than the removal of a namespace takes on a busy machine.
const GONE_WITHIN: Duration = Duration::from_mins(2);

/// A namespace that is removed, and awaited to be gone, when this is dropped. Must be dropped outside of futures.
#[derive(Debug)]
pub struct TestNamespace {
    /// Its cluster.
    pub cluster: Cluster,
    namespace: Option<OwnNamespace>,
}

impl TestNamespace {
    /// Creates a namespace. `trial` is in its labels, for people who look for leftovers in a cluster.
    pub fn create(cluster: &Cluster, trial: &str) -> Self {
        let labels = Labels::new(RunId::generate(), trial);
        let namespace = block_on(OwnNamespace::create(cluster, &labels)).unwrap();
        Self { cluster: cluster.clone(), namespace: Some(namespace) }
    }
}

impl Deref for TestNamespace {
    type Target = OwnNamespace;

    fn deref(&self) -> &OwnNamespace {
        self.namespace.as_ref().unwrap()
    }
}

impl Drop for TestNamespace {
    fn drop(&mut self) {
        let removed = self.namespace.take().map_or(Ok(()), |namespace| block_on(namespace.remove(GONE_WITHIN)));
        // A second panic would hide the first.
        assert!(removed.is_ok() || thread::panicking(), "{removed:?}");
    }
}
