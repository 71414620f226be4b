//! A trial from start to verdict: the environment is created, steps run, the events are judged, and everything is taken
//! down.
//!
//! `environment` starts a trial's components, `steps` implements each kind of step, `requests` takes steps from a test
//! in place of a scenario, `judge` and `invariants` contain the conditions that must hold, `limits` and `chain_watch`
//! bound all waits, `disk_space` checks that the evidence can be written, `evidence` writes what explains a failure,
//! `trial` runs one trial and `schedule` many, `trial_document` stores a trial's report in its folder,
//! [`parity`] compares their traces, `proof` judges those whose fault is taken out, `blame` distinguishes a failure of
//! what is tested from one of the environment, `trial_log` writes the records of the harness itself into the trial's
//! folder. How anything is shown is in `report`, where components run in `runtime`.

mod blame;
mod chain_topology;
mod chain_view;
mod chain_watch;
mod disk_space;
pub mod durations;
mod environment;
mod event;
mod evidence;
mod failure;
mod folders;
pub mod invariants;
mod judge;
mod limits;
mod no_quorum;
pub mod parity;
mod performer_remedy;
mod proof;
mod requests;
mod schedule;
mod settings;
mod step_reports;
mod steps;
mod task_reports;
mod traces;
mod trial;
mod trial_document;
mod trial_log;
pub mod verdict;
mod world;

pub use environment::Environment;
pub use event::RunEvent;
pub use evidence::{FIRST_PAGE, LastOutput, again, again_with_options, first_page, last_output, quoted};
pub use failure::{EnvironmentError, remedy, remedy_of_setup};
pub use folders::{FoldersError, RunFolders};
pub use hourglass_runtime::PERFORMER_FILES;
pub use requests::{StandingChain, StandingEnvironment, StepRefusal, StepRequester, StepRequests, step_requests};
pub use schedule::{Schedule, run_all};
pub use settings::{Keep, OnOutput, OutputObserver, TrialSettings};
pub use trial::{run_trial, run_trial_on_request};
pub use trial_document::{TRIAL_REPORT_FILE, TRIAL_REPORT_KIND, TrialDocument, read_trial_report, write_trial_report};
pub use trial_log::TrialLog;
