//! Images on the nodes of a kind cluster, whose containerd is asked first what it has.
//!
//! What may live here: which images a node has and lacks, their delivery, and the matching pull policy. `cluster` runs
//! commands in nodes; `runtime` knows which images pods need.

mod deliver;
mod feed;
mod name;
mod node_content;
mod node_lock;
mod policy;
mod wanted;

pub use deliver::{DeliveredToNode, deliver_to_nodes, deliver_to_nodes_in};
pub use policy::PullPolicy;
pub use wanted::NodeImage;
