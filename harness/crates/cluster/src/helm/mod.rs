//! Helm releases: charts installed, upgraded, rolled back and removed through Helm's command, and what is known of them.
//!
//! What may live here: the command, the charts in the harness, and the records that Helm keeps in a cluster. What a release
//! is for, and whether what it made works, belongs to who installs it.

mod chart;
mod command;
mod error;
mod record;
mod release;

pub use chart::Chart;
pub use command::Helm;
pub use error::HelmError;
pub use record::{ReleaseStage, ReleaseStatus};
pub use release::Release;
