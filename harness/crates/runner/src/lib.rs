//! A trial from stand-up to verdict: the environment is made, steps run, what happened is judged, all is taken down.
//!
//! `environment` stands a trial's parts up, `steps` says what each kind of step does, `requests` takes steps from a test
//! in place of a scenario, `judge` and `invariants` what must hold, `limits` and `chain_watch` see that nothing goes on
//! for ever, `disk_space` that what happens can be written down, `trial` puts one trial together and `schedule` many,
//! [`parity`] compares what they came to, `proof` judges those whose fault is taken out, `blame` tells a failure of what
//! is tested from one of the environment, `trial_log` writes the records of the harness itself into the trial's folder. How anything is shown is in `report`, where parts run in `runtime`.

mod blame;
mod chain_watch;
mod disk_space;
mod environment;
mod event;
mod failure;
mod folders;
pub mod invariants;
mod judge;
mod limits;
mod no_quorum;
pub mod parity;
mod proof;
mod requests;
mod schedule;
mod settings;
mod steps;
mod task_reports;
mod traces;
mod trial;
mod trial_log;
pub mod verdict;
mod world;

pub use environment::Environment;
pub use event::RunEvent;
pub use failure::{EnvironmentError, remedy, remedy_of_setup};
pub use folders::{FoldersError, RunFolders};
pub use requests::{StandingChain, StandingEnvironment, StepRefusal, StepRequester, StepRequests, step_requests};
pub use schedule::{Schedule, run_all};
pub use settings::{Keep, TrialSettings};
pub use trial::{run_trial, run_trial_on_request};
pub use trial_log::TrialLog;
