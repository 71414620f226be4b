//! Images brought to the nodes of a kind cluster, whose containerd is asked first what it has.
//!
//! What may live here: what a node holds, what it lacks and how that gets there, and the pull policy that goes with it.
//! Commands in nodes are run by `cluster`; which images pods need is known to `runtime`.

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
