//! What components use of the machine's processors and memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a component used from its start until it was told to end, all its processes together; of one that was started
/// again, all of its starts together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ComponentUsage {
    /// The component, as in the timeline: `l1`, `aggregator`, `executor/operator`, `performer/operator`; or what
    /// surrounds the components: `engine`, `control plane`.
    pub component: String,
    /// Processor time, in seconds. That of what surrounds the components is the time during the trial, and includes what
    /// was done for others.
    pub cpu_seconds: Option<f64>,
    /// The most memory that it had at one time, in bytes: of processes, what was resident, without the cache of files;
    /// of containers, what the kernel counts for them, with it. Where only the use at the end can be read, it is that.
    pub peak_memory_bytes: Option<u64>,
}
