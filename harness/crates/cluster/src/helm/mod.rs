//! Helm releases: charts installed, upgraded, rolled back and removed through Helm's command, and their status.
//!
//! What may live here: the command, the embedded charts, and the records that Helm keeps in a cluster. The installer of
//! a release decides what it is for and whether it works.

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
