//! Nothing that a run started outlives it: this crate has the run id that everything carries, the search for it, and
//! the supervisor that sweeps when the harness is gone, however it ended. What a trial is and when it ends is decided
//! by the runner.

mod descendants;
mod docker;
mod error;
mod folder;
mod inventory;
mod labels;
mod orphans;
mod owner;
mod process;
mod run_id;
mod signals;
mod stat;
mod supervise;
mod supervisor;
mod sweep;
mod tree;

pub use descendants::Descendants;
pub use docker::{EngineObjects, LabelledContainer, LabelledNetwork};
pub use error::ReaperError;
pub use folder::RunFolder;
pub use inventory::{DEVNET_FILE, DevnetMark, FoundRun, Inventory, OWNER_FILE, RunDir, RunState, rounded};
pub use labels::{
    BOOT_ID_LABEL, COMPONENT_LABEL, EXPIRES_LABEL, FOLDER_LABEL, LIFETIME, Labels, OWNER_PID_LABEL,
    OWNER_STARTED_LABEL, RUN_LABEL, TRIAL_LABEL,
};
pub use orphans::{AdoptArgs, adopt_main, adopt_orphans, adopting, end_orphans};
pub use owner::Owner;
pub use process::{EnvironmentLabel, LabelledProcess, Processes, kill_carriers, kill_labelled, processes_of};
pub use run_id::{InvalidRunId, RUN_ID_VARIABLE, RunId};
pub use signals::{NotSignalled, children_of, signal_group, signal_process};
pub use supervise::{SuperviseArgs, supervise_main};
pub use supervisor::{RunFolderGuard, Supervisor, SupervisorOptions, SweepTrigger};
pub use sweep::{
    ClusterAddress, ClusterKind, DEFAULT_GRACE, Kind, LeakedResource, SweepReport, SweepTargets, SweptCluster, sweep,
    sweep_all,
};
