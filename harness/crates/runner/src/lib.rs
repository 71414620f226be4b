//! A trial from stand-up to verdict: the environment is made, steps run, what happened is judged, all is taken down.
//!
//! [`environment`] stands a trial's parts up, [`steps`] what each kind of step does, [`judge`] and [`invariants`] what
//! must hold, [`limits`] and [`chain_watch`] see that nothing goes on for ever, [`room`] that what happens can be written
//! down, [`trial`] puts one trial together and [`schedule`] many, [`parity`] compares what they came to, [`proof`] judges
//! those whose fault is taken out, [`blame`] tells a failure of what is tested from one of the environment. How anything is
//! shown is in `report`, where parts run in `runtime`.

mod blame;
mod chain_watch;
mod disk_space;
mod environment;
mod event;
mod failure;
mod folders;
mod invariants;
mod judge;
mod limits;
mod no_quorum;
pub mod parity;
mod proof;
mod schedule;
mod settings;
mod steps;
mod traces;
mod trial;
pub mod verdict;
mod world;

pub use environment::Environment;
pub use event::RunEvent;
pub use failure::{EnvironmentError, remedy, remedy_of_setup};
pub use folders::{FoldersError, RunFolders};
pub use schedule::{Schedule, run_all};
pub use settings::{Keep, TrialSettings};
pub use trial::run_trial;
