//! The content of a scenario file, and its meaning once its variables are filled in.
//!
//! The doc comments of the `…Document` types and of what they hold are the descriptions in the
//! JSON Schema; editors show them.

use std::{collections::BTreeMap, path::PathBuf};

use hourglass_component::document::Duration;
use hourglass_proto::limits::{MAX_THRESHOLD, MAX_WEIGHT};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use super::allowed_errors::{compile, shortened};
use super::avs::Avs;
use super::contracts::{CompiledContract, Contract};
use super::deploy_scripts::DeployScript;
use super::fees::Fees;
use super::own_image::{Build, Pull};
use super::performer_files::PerformerFile;
use super::replace::{CompiledReplacement, Replacement};
use super::step::Step;
use super::steps::StepDocument;
use super::texts::{ComponentRef, DefaultValue, Scalar};
use super::values::{Cpus, Curve, Memory, Mining, RuntimeKind};

/// A scenario for one combination of its matrix, variables filled in and defaults applied.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Scenario {
    /// The scenario's name, which is its file's stem.
    pub name: String,
    /// What it shows, in a sentence.
    pub description: String,
    /// Words by which scenarios are selected.
    pub tags: Vec<String>,
    /// The runtimes it is meant for; never empty.
    pub runtimes: Vec<RuntimeKind>,
    /// Why it is not meant for the others; absent where it is meant for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub runtimes_because: Option<String>,
    /// The values of `variables` and `matrix` that were filled in.
    pub variables: BTreeMap<String, Scalar>,
    /// How long a trial may take from the start of its chains to the end of its steps.
    pub timeout: Duration,
    /// What replaces the reference components.
    pub components: Components,
    /// Chains and operators; each operator's performer already merged over `components.performer`.
    pub topology: Topology,
    /// The user's contracts, in the order in which they are deployed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub contracts: Vec<CompiledContract>,
    /// The user's contracts in place of those of the harness.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub replacements: Vec<CompiledReplacement>,
    /// The user's programs that deploy further contracts, in their order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub deploy_scripts: Vec<DeployScript>,
    /// The steps that run, in order; those whose `if` is false are gone.
    pub steps: Vec<Step>,
    /// What must hold all the time.
    pub invariants: Invariants,
}

/// A test of an Hourglass service: an environment, steps, and what is expected of them.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Hourglass scenario")]
pub struct ScenarioDocument {
    /// The scenario's name: the stem of its file.
    #[schemars(title = "scenario name", regex(pattern = "^[a-z0-9_]+$"), extend("examples" = ["square_on_l1"]))]
    pub name: String,
    /// What the scenario shows, in a sentence.
    #[schemars(length(min = 1))]
    pub description: String,
    /// Words by which scenarios are selected (`--tag`).
    #[serde(default)]
    #[schemars(inner(regex(pattern = "^[a-z0-9_-]+$")))]
    pub tags: Vec<String>,
    /// The runtimes that the scenario is meant for. Default: all. Where one is left out,
    /// `runtimes_because` says why.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub runtimes: Option<Vec<RuntimeKind>>,
    /// Why the scenario cannot run on the runtimes that `runtimes` leaves out, in a sentence.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub runtimes_because: Option<String>,
    /// Values for `${name}` in any text of the file. A text that is only `${name}` takes the
    /// value's own type. `--set name=value` and the environment variable `HARNESS_VAR_name` give other
    /// values; a variable without a value in the file (`name:`) needs one of them, and is text.
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, DefaultValue>")]
    pub variables: BTreeMap<String, Scalar>,
    /// Variables with several values each: one trial for every combination.
    #[serde(default)]
    #[schemars(inner(length(min = 1)))]
    pub matrix: BTreeMap<String, Vec<Scalar>>,
    /// How long a trial may take from the start of its chains to the end of its steps; one that takes
    /// longer has failed. Default: ten minutes or, where the `within` of the steps allow more, their
    /// sum and five minutes.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// What replaces the reference components.
    #[serde(default)]
    pub components: Components,
    /// Chains and operators.
    #[serde(default)]
    pub topology: Topology,
    /// Contracts of yours that are deployed before the first task, by name: a letter first, then lowercase letters, digits and
    /// `_`.
    #[serde(default)]
    pub contracts: BTreeMap<String, Contract>,
    /// Contracts of yours in place of those of the harness, by the names of these, such as `task_mailbox`. `--contract NAME=FILE`
    /// replaces the artefact of one.
    #[serde(default)]
    #[schemars(extend("examples" = [{"task_mailbox": {"artifact": "out/TaskMailbox.sol/TaskMailbox.json"}}]))]
    pub replace: BTreeMap<String, Replacement>,
    /// Programs of yours that deploy further contracts before the first task, one after the other; they replace those of the
    /// project. Default: those of the project.
    #[serde(default)]
    pub deploy_scripts: Option<Vec<DeployScript>>,
    /// What is done and expected, in order.
    #[schemars(length(min = 1))]
    pub steps: Vec<StepDocument>,
    /// What must hold all the time.
    #[serde(default)]
    pub invariants: Invariants,
    /// Values of variables that take the fault out of a negative scenario. With them, the scenario
    /// must fail: that proves that its expectations can.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub without_fault: Option<BTreeMap<String, Scalar>>,
}

/// What replaces the reference components.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Components {
    /// Computes the result of a task.
    pub performer: Component,
    /// Takes tasks from the aggregator, has them performed and signs the results.
    pub executor: Component,
    /// Follows the chains, sends tasks to the executors and submits the certificate.
    pub aggregator: Component,
}

/// How a component is started; what is left out stays as it is in the reference component.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Component {
    /// Program and arguments, for the process runtime.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// Image reference, for the Docker and Kubernetes runtimes.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// Only of a performer: when its `image` is pulled, with the credentials of Docker's configuration: `never`, `missing`
    /// or `always`. A cluster of the harness gets it from the engine. Default: `never`, and in an existing cluster as the
    /// option `--registry` says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pull: Option<Pull>,
    /// Only of a performer: what its image is built from, in place of `image`, for the Docker and Kubernetes runtimes. It is
    /// built again when the content of the context or of the Dockerfile, or another value here, has changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub build: Option<Build>,
    /// Only of a performer: the address of one that runs already, for instance in a debugger, as `127.0.0.1:8080`. The
    /// executor connects to it and starts none. Only for the process runtime.
    #[schemars(length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Only of a performer: the port on which it listens whatever `GRPC_PORT` says, as servers of the public Go library
    /// do on 8080. As a process, one performer on a machine can have a port. Default: the port that `GRPC_PORT` tells.
    #[schemars(range(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
    /// The most memory that it may use, such as `64MiB`; whoever uses more is killed. Not for the
    /// process runtime. Default: that of its kind, on every other runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Memory>,
    /// The most processors that it may use, such as `0.5`; whoever uses more has to wait. Not for the
    /// process runtime. Default: that of its kind, on every other runtime.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpus: Option<Cpus>,
    /// A file with environment variables in the format of `.env`, over which those of `environment` prevail; relative to
    /// the folder of this file.
    #[schemars(with = "String", length(min = 1))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub environment_from: Option<PathBuf>,
    /// Environment variables, added to those that the harness sets. A performer also has `L1_RPC_URL`, `L2_RPC_URL`,
    /// `TASK_MAILBOX` and `TASK_AVS_REGISTRAR`, which these variables override.
    #[serde(deserialize_with = "texts")]
    #[schemars(with = "BTreeMap<String, Scalar>")]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,
    /// Only of a performer: files that it is given, by the absolute path in its container; each is a file relative to the
    /// folder of this file, or `{text: …}`. The variable `HARNESS_FILES_DIR` names the folder that has these paths: `/` in
    /// Docker and Kubernetes, another one for a process, which has `$HARNESS_FILES_DIR/etc/avs/config.json` for
    /// `/etc/avs/config.json`. At most 16 files with 256 KiB together; their contents are in no report.
    #[schemars(extend("examples" = [{"/etc/avs/config.json": "config/performer.json"}]))]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub files: BTreeMap<String, PerformerFile>,
}

/// Chains and operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Topology {
    /// `batched` (a block for each transaction, and one for all that wait while many do), `instant` (no such batches), or
    /// an interval such as `1s`.
    pub mining: Mining,
    /// How long a task may take, in chain time: whole seconds, at most seven days.
    pub task_sla: Duration,
    /// The weight that must sign one result, in basis points of the total weight.
    #[schemars(range(min = 0, max = MAX_THRESHOLD))]
    pub threshold: u16,
    /// The signature scheme of the operator set.
    pub curve: Curve,
    /// How tasks of the first AVS are paid. Default: they cost nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fees: Option<Fees>,
    /// Who signs. Default: one operator named `operator` with a weight of 100.
    #[schemars(length(min = 1))]
    pub operators: Vec<Operator>,
    /// Further AVSs on the same chains, beside the first, whose members are `operators` and which is called `avs`. One
    /// aggregator serves all.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub avss: Vec<Avs>,
}

/// An operator as a member of an AVS: one executor and the performer that it runs for this AVS.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Operator {
    /// The name by which steps mean this operator.
    #[schemars(title = "operator name", length(max = 40), regex(pattern = "^[a-z][a-z0-9-]*$"), extend("examples" = ["alice"]))]
    pub name: String,
    /// Its share in the decision, in any unit. The contracts know no member without weight.
    #[serde(default = "default_weight")]
    #[schemars(range(min = 1, max = MAX_WEIGHT))]
    pub weight: u64,
    /// This operator's performer, over `components.performer`; the environments and the files are merged.
    #[serde(default)]
    pub performer: Component,
}

/// What must hold all the time.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Invariants {
    /// Regular expressions for the ERROR records in component logs that are expected. Any other
    /// fails the scenario.
    pub allowed_errors: Vec<String>,
    /// Components that are to end by themselves, such as a performer that runs out of memory. Any
    /// other end that no step causes fails the scenario, and so does one of these that does not come.
    pub expected_ends: Vec<ComponentRef>,
}

impl Default for Topology {
    fn default() -> Self {
        Self {
            mining: Mining::Batched,
            task_sla: Duration::from_secs(3600),
            threshold: 6667,
            curve: Curve::Ecdsa,
            fees: None,
            operators: vec![Operator {
                name: "operator".to_owned(),
                weight: default_weight(),
                performer: Component::default(),
            }],
            avss: Vec::new(),
        }
    }
}

impl Component {
    /// The keys that are set and that only performers have.
    pub(super) fn keys_of_performers(&self) -> Vec<&'static str> {
        let set = [
            ("pull", self.pull.is_some()),
            ("build", self.build.is_some()),
            ("address", self.address.is_some()),
            ("port", self.port.is_some()),
            ("files", !self.files.is_empty()),
        ];
        set.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect()
    }

    /// This component with the values of `over` in place of its own; environments and files are merged. An image or a build replaces
    /// the other, and so do a program that is started and one that runs already.
    #[must_use]
    pub fn overlaid_with(&self, over: &Self) -> Self {
        if over.address.is_some() {
            // Nothing is started.
            return over.clone();
        }
        let mut environment = self.environment.clone();
        environment.extend(over.environment.clone());
        let mut files = self.files.clone();
        files.extend(over.files.clone());
        // A program that is given in one way is not that which is given in another.
        let (image, build) = match (&over.image, &over.build) {
            (None, None) => (&self.image, &self.build),
            given => given,
        };
        let is_started = over.command.is_some() || over.image.is_some() || over.build.is_some();
        Self {
            command: over.command.clone().or_else(|| self.command.clone()),
            image: image.clone(),
            pull: over.pull.or(self.pull).filter(|_| image.is_some()),
            build: build.clone(),
            address: self.address.clone().filter(|_| !is_started),
            environment_from: over.environment_from.clone().or_else(|| self.environment_from.clone()),
            port: over.port.or(self.port),
            memory: over.memory.or(self.memory),
            cpus: over.cpus.or(self.cpus),
            environment,
            files,
        }
    }
}

impl Invariants {
    /// The compiled expressions of `allowed_errors`; or the first that is invalid, with the reason. Loading compiles
    /// them in the same way.
    pub fn compile(&self) -> Result<Vec<regex::Regex>, String> {
        let compiled = self
            .allowed_errors
            .iter()
            .map(|expression| compile(expression).map_err(|reason| format!("`{}`: {reason}", shortened(expression))));
        compiled.collect()
    }
}

const fn default_weight() -> u64 {
    100
}

/// Environment values may be written as any scalar (`TASK_DELAY_MS: 250`) and are text.
pub(super) fn texts<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<String, String>, D::Error> {
    let scalars = BTreeMap::<String, Scalar>::deserialize(deserializer)?;
    Ok(scalars.into_iter().map(|(name, value)| (name, value.to_string())).collect())
}
