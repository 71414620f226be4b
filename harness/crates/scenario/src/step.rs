//! The steps of a scenario, one struct a kind.
//!
//! In the file a step is a mapping with one key, its kind (`create_task: {…}`). It is read into
//! [`StepDocument`], which has an `Option` for each kind, because a choice between alternatives
//! gives poor error messages; loading turns it into [`Step`] with the enum [`StepKind`].
//! A new kind of step is one struct, and one line in `step_kinds!`.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use hourglass_component::{document::Duration, events::TaskEvent};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::cluster_fault::{
    Cut, DeletePod, DrainNode, KillClusterOperator, LimitPods, Mend, ScaleClusterOperator, UncordonNodes,
};
use super::texts::{ComponentRef, HexBytes};
use super::values::Chain;

/// One step, ready to run.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What it does.
    #[serde(flatten)]
    pub kind: StepKind,
    /// What the author calls it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Where it stands in its file.
    pub location: Location,
}

impl Step {
    /// Each of them, those that run side by side one by one.
    pub fn all_in(steps: &[Self]) -> Vec<&Self> {
        let each = steps.iter().flat_map(|step| match &step.kind {
            StepKind::Parallel(branches) => Self::all_in(branches),
            _ => vec![step],
        });
        each.collect()
    }
}

/// A place in a scenario file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct Location {
    /// The file.
    #[serde(serialize_with = "path")]
    pub path: Arc<Path>,
    /// The line, counted from 1.
    pub line: usize,
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path.display(), self.line)
    }
}

macro_rules! step_kinds {
    ($($(#[doc = $doc:literal])+ $field:ident: $kind:ident,)+) => {
        /// One step: exactly one kind, and optionally `name` and `if`.
        #[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(rename = "Step")]
        pub struct StepDocument {
            /// What to call the step in reports.
            #[serde(default)]
            pub name: Option<String>,
            /// Whether the step runs; with a variable such as `${fault}` it can be switched.
            #[serde(default, rename = "if")]
            pub condition: Option<bool>,
            $($(#[doc = $doc])+ #[serde(default)] pub $field: Option<$kind>,)+
            /// Runs the steps in the list side by side and waits for all of them.
            #[serde(default)]
            #[schemars(length(min = 1))]
            pub parallel: Option<Vec<StepDocument>>,
        }

        /// What a step does.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum StepKind {
            $($(#[doc = $doc])+ $kind($kind),)+
            /// Runs the steps in the list side by side and waits for all of them.
            Parallel(Vec<Step>),
        }

        /// The keys of all kinds, in the order of the documentation.
        pub const STEP_KEYS: &[&str] = &[$(stringify!($field),)+ "parallel"];

        impl StepKind {
            /// The key under which the kind stands in a file.
            pub const fn key(&self) -> &'static str {
                match self {
                    $(Self::$kind(_) => stringify!($field),)+
                    Self::Parallel(_) => "parallel",
                }
            }
        }

        impl StepDocument {
            /// The keys of the kinds that are given; a valid step has one.
            pub fn keys(&self) -> Vec<&'static str> {
                let mut keys = Vec::new();
                $(if self.$field.is_some() { keys.push(stringify!($field)); })+
                if self.parallel.is_some() { keys.push("parallel"); }
                keys
            }

            /// The kinds that are given, but for `parallel`, which needs places; a valid step has one.
            pub(super) fn kinds(&self) -> Vec<StepKind> {
                let mut kinds = Vec::new();
                $(if let Some(step) = &self.$field { kinds.push(StepKind::$kind(step.clone())); })+
                kinds
            }
        }
    };
}

step_kinds! {
    /// Creates a task, or several.
    create_task: CreateTask,
    /// Waits until the task is verified, and judges result, certificate and status on chain.
    expect_verified: ExpectVerified,
    /// Waits until the task has expired without a result. With instant mining the chain is warped
    /// past the deadline, with interval mining its time is awaited.
    expect_expired: ExpectExpired,
    /// Creates a task that the mailbox must refuse with this error.
    expect_rejected: ExpectRejected,
    /// Waits until components or chains have reported an event.
    expect_event: ExpectEvent,
    /// Kills a component at once, without a chance to clean up.
    kill: Kill,
    /// Starts a component again (after stopping it, if it runs) and waits until it is ready.
    restart: Restart,
    /// Stops the clock of a component: it stands still, its connections stay open.
    pause: Pause,
    /// Lets a paused component go on.
    resume: Resume,
    /// Takes a component off the network: it goes on and reaches nobody. Not for the process runtime.
    disconnect: Disconnect,
    /// Puts a component back on the network and waits until it is ready. Not for the process runtime.
    reconnect: Reconnect,
    /// Deletes the pods of a component at once; what keeps them makes others. Only for the Kubernetes runtime.
    delete_pod: DeletePod,
    /// Kills the cluster's Hourglass operator at once; its Deployment starts it again. Only for the Kubernetes runtime.
    kill_cluster_operator: KillClusterOperator,
    /// Scales the cluster's Hourglass operator and waits until as many of it run. Only for the Kubernetes runtime.
    scale_cluster_operator: ScaleClusterOperator,
    /// Takes no more pods on the node of a component, and evicts the trial's pods from it. Only for the Kubernetes runtime.
    drain_node: DrainNode,
    /// Lets the nodes that the trial has drained take pods again. Only for the Kubernetes runtime.
    uncordon_nodes: UncordonNodes,
    /// Limits how many pods may be in the trial's namespace; those that are there stay. Only for the Kubernetes runtime.
    limit_pods: LimitPods,
    /// Keeps a component from connecting to another, by a policy of the network. Only for the Kubernetes runtime.
    cut: Cut,
    /// Lets a component connect again to another from which it was cut off. Only for the Kubernetes runtime.
    mend: Mend,
    /// Mines blocks.
    mine: Mine,
    /// Moves a chain's time forward and mines a block.
    warp: Warp,
}

/// Creates a task, or several.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateTask {
    /// The name by which later steps mean this task, or this group of tasks.
    #[serde(default = "default_task", rename = "as")]
    #[schemars(title = "task name", regex(pattern = "^[a-z][a-z0-9_-]*$"), extend("examples" = ["task"]))]
    pub alias: String,
    /// The chain on which the task is created.
    #[serde(default)]
    pub chain: Chain,
    /// The payload as text, sent as its UTF-8 bytes. Either this or `payload_hex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The payload as raw bytes in hexadecimal. Either this or `payload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_hex: Option<HexBytes>,
    /// How many tasks; more than one make a group, of which each is expected to end alike.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub count: u32,
    /// How long it may take until all are mined. Default: 30 s, and a tenth of a second more for each
    /// further task.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Duration>,
}

/// Waits until the task is verified, and judges result, certificate and status on chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectVerified {
    /// The task, or group of tasks.
    #[serde(default = "default_task")]
    pub task: String,
    /// The result as text. Without this and `result_hex`, any result will do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<String>,
    /// The result as raw bytes in hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result_hex: Option<HexBytes>,
    /// Operators whose signatures must be in the certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub signed_by: Vec<String>,
    /// Operators whose signatures must not be in the certificate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_signed_by: Vec<String>,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// Waits until the task has expired without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectExpired {
    /// The task, or group of tasks.
    #[serde(default = "default_task")]
    pub task: String,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// Creates a task that the mailbox must refuse with this error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectRejected {
    /// The chain on which the task is created.
    #[serde(default)]
    pub chain: Chain,
    /// The payload as text, sent as its UTF-8 bytes. Either this or `payload_hex`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload: Option<String>,
    /// The payload as raw bytes in hexadecimal. Either this or `payload`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payload_hex: Option<HexBytes>,
    /// The name of the contract's custom error.
    #[schemars(title = "name of a custom error", regex(pattern = "^[A-Za-z_][A-Za-z0-9_]*$"), extend("examples" = ["PayloadIsEmpty"]))]
    pub error: String,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// Waits until components or chains have reported an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpectEvent {
    /// The event.
    pub event: TaskEvent,
    /// The task, or group of tasks, that it is about. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task: Option<String>,
    /// The component that reports it. Default: any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<ComponentRef>,
    /// How many such events at least, counted from the start of the trial.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub count: u32,
    /// How long to wait.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// Kills a component at once, without a chance to clean up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kill {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Starts a component again (after stopping it, if it runs) and waits until it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Restart {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take to be ready.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// Stops the clock of a component: it stands still, its connections stay open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pause {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Lets a paused component go on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Resume {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Takes a component off the network: it goes on and reaches nobody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disconnect {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Puts a component back on the network and waits until it is ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Reconnect {
    /// The component.
    pub component: ComponentRef,
    /// How long it may take to be ready.
    #[serde(default = "default_within")]
    pub within: Duration,
}

/// Mines blocks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mine {
    /// The chain.
    #[serde(default)]
    pub chain: Chain,
    /// How many blocks.
    #[serde(default = "one")]
    #[schemars(range(min = 1, max = 100_000))]
    pub blocks: u32,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

/// Moves a chain's time forward and mines a block.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Warp {
    /// The chain.
    #[serde(default)]
    pub chain: Chain,
    /// By how much chain time.
    pub by: Duration,
    /// How long it may take.
    #[serde(default = "default_action_within")]
    pub within: Duration,
}

impl CreateTask {
    /// The payload's bytes.
    pub fn payload_bytes(&self) -> Vec<u8> {
        bytes(self.payload.as_ref(), self.payload_hex.as_ref()).unwrap_or_default()
    }
}

impl ExpectRejected {
    /// The payload's bytes.
    pub fn payload_bytes(&self) -> Vec<u8> {
        bytes(self.payload.as_ref(), self.payload_hex.as_ref()).unwrap_or_default()
    }
}

impl ExpectVerified {
    /// The expected result's bytes; `None` when any result will do.
    pub fn result_bytes(&self) -> Option<Vec<u8>> {
        bytes(self.result.as_ref(), self.result_hex.as_ref())
    }
}

/// Loading makes sure that at most one of the two is given.
fn bytes(text: Option<&String>, raw: Option<&HexBytes>) -> Option<Vec<u8>> {
    text.map(|text| text.as_bytes().to_vec()).or_else(|| raw.map(|raw| raw.0.clone()))
}

fn path<S: Serializer>(path: &Arc<Path>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().serialize(serializer)
}

fn default_task() -> String {
    "task".to_owned()
}

const fn one() -> u32 {
    1
}

/// Of steps that do something rather than wait for something; the slowest runtime needs some seconds.
pub(super) const fn default_action_within() -> Duration {
    Duration::from_secs(60)
}

pub(super) const fn default_within() -> Duration {
    Duration::from_secs(10)
}
