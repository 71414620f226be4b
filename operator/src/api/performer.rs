//! What users write.
#![expect(unreachable_pub, reason = "schemas are made of copies of the types inside functions")]

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{
    Affinity, ConfigMapKeySelector, LocalObjectReference, ResourceRequirements, SecretKeySelector, Toleration,
};
use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PerformerStatus;

/// The port of a performer whose `config` names none.
pub const DEFAULT_GRPC_PORT: u16 = 9090;
/// The port of a performer without `config`.
pub const FALLBACK_GRPC_PORT: u16 = 8080;

/// A performer of an AVS: one container that serves `PerformerService` over gRPC, kept running behind a Service.
#[derive(CustomResource, KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[kube(
    group = "hourglass.eigenlayer.io",
    version = "v1alpha1",
    kind = "Performer",
    plural = "performers",
    shortname = "perf",
    namespaced,
    status = "PerformerStatus",
    derive = "PartialEq",
    derive = "Default",
    doc = "A performer of an AVS: one container that serves PerformerService over gRPC, kept running behind a Service.",
    printcolumn(name = "AVS", type_ = "string", json_path = ".spec.avsAddress"),
    printcolumn(name = "Image", type_ = "string", json_path = ".spec.image"),
    printcolumn(name = "Version", type_ = "string", json_path = ".spec.version"),
    printcolumn(name = "Phase", type_ = "string", json_path = ".status.phase"),
    printcolumn(name = "Ready", type_ = "boolean", json_path = ".status.ready"),
    printcolumn(name = "Endpoint", type_ = "string", json_path = ".status.grpcEndpoint", priority = "1"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    validation = Rule::new("self.metadata.name.size() <= 53")
        .message("a performer's name has 53 characters at most: its Service is called performer-NAME"),
    validation = Rule::new("self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')")
        .message("a performer's name is part of a Service's name: lowercase letters, digits and hyphens")
)]
#[x_kube(validation = Rule::new("!has(self.scheduling) || !has(self.scheduling.nodeSelector) \
    || !has(self.hardwareRequirements) || !has(self.hardwareRequirements.customLabels) \
    || self.hardwareRequirements.customLabels.all(name, !(name in self.scheduling.nodeSelector) \
    || self.scheduling.nodeSelector[name] == self.hardwareRequirements.customLabels[name])")
    .message("scheduling.nodeSelector and hardwareRequirements.customLabels contradict each other: no node has both"))]
#[serde(rename_all = "camelCase")]
pub struct PerformerSpec {
    /// Address of the AVS that it serves; cannot be changed.
    #[schemars(regex(pattern = r"^0x[0-9a-fA-F]{40}$"))]
    #[x_kube(validation = Rule::new("self == oldSelf").message("avsAddress cannot be changed: make another Performer"))]
    pub avs_address: String,

    /// Image of the performer.
    #[schemars(length(min = 1))]
    pub image: String,

    /// When the image is pulled.
    #[serde(default)]
    pub image_pull_policy: PullPolicy,

    /// Version of the performer, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,

    /// How it is run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<PerformerConfig>,

    /// What it may use.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resources: Option<ResourceRequirements>,

    /// Where it may run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling: Option<Scheduling>,

    /// What its node must have.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hardware_requirements: Option<HardwareRequirements>,

    /// Secrets that hold the credentials of the image's registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub image_pull_secrets: Vec<LocalObjectReference>,

    /// Files that its container has, read-only; their pod is replaced when a secret of theirs changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 64), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["path"]))]
    pub files: Vec<PerformerFile>,
}

/// A file whose content is in a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PerformerFile {
    /// Where the container has it: an absolute path.
    #[schemars(length(max = 255), regex(pattern = r"^(/[^/:]+)+$"))]
    pub path: String,
    /// The secret that has the content, in the namespace of the performer.
    pub secret_key_ref: FileKeySelector,
}

/// A key of a secret.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FileKeySelector {
    /// The secret.
    #[schemars(length(min = 1))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1), regex(pattern = r"^[-._a-zA-Z0-9]+$"))]
    pub key: String,
}

/// When an image is pulled, in Kubernetes' words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// Never: the node has it.
    Never,
    /// Where the node does not have it.
    #[default]
    IfNotPresent,
}

/// How a performer is run.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[x_kube(validation = Rule::new("!has(self.environment) || !has(self.environmentFrom) \
    || self.environmentFrom.all(variable, !(variable.name in self.environment))")
    .message("a variable is either in environment or in environmentFrom"))]
#[serde(rename_all = "camelCase")]
pub struct PerformerConfig {
    /// The port that it serves gRPC on, 9090 where it is not named; an object without `config` means 8080.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<i32>", range(min = 1, max = 65535), extend("default" = 9090))]
    pub grpc_port: Option<u16>,

    /// Environment variables. As in every container of Kubernetes, `$(NAME)` stands for the value of another variable,
    /// those of `environmentFrom` included, and `$$` for a dollar sign.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub environment: BTreeMap<String, String>,

    /// Environment variables whose values are in secrets and config maps; their pod is replaced when one of these changes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = 256), extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub environment_from: Vec<EnvironmentVariable>,

    /// Arguments, instead of the image's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub args: Vec<String>,

    /// Command, instead of the image's entry point.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub command: Vec<String>,

    /// Service account of its pods. Where none is named it is `default`, whose token they do not get.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service_account_name: Option<String>,
}

/// An environment variable whose value is elsewhere.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct EnvironmentVariable {
    /// Its name.
    #[schemars(length(min = 1))]
    pub name: String,
    /// Where its value is.
    pub value_from: EnvironmentSource,
}

/// Where the value of an environment variable is: exactly one of the two.
#[derive(KubeSchema, Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[x_kube(validation = Rule::new("has(self.secretKeyRef) != has(self.configMapKeyRef)")
    .message("valueFrom needs exactly one of secretKeyRef and configMapKeyRef"))]
pub struct EnvironmentSource {
    /// A key of a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_key_ref: Option<SecretKeySelector>,
    /// A key of a config map.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config_map_key_ref: Option<ConfigMapKeySelector>,
}

/// Where a performer's pod may run.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scheduling {
    /// Labels that its node must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = {"type": "string", "maxLength": 63}))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints that it tolerates.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tolerations: Vec<Toleration>,
    /// What it is drawn to and kept away from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub affinity: Option<Affinity>,
    /// Runtime class, for instance of a sandbox.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_class: Option<String>,
    /// Priority class.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_class_name: Option<String>,
}

/// What a performer's node must have.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HardwareRequirements {
    /// Kind of GPU: the resource `nvidia.com/TYPE` is asked for, `nvidia.com/gpu` where it is not named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"))]
    pub gpu_type: Option<String>,
    /// Number of GPUs; where it is not named, one of `gpuType` and none without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub gpu_count: Option<i32>,
    /// Whether it must run in a trusted execution environment: its node has the label `hourglass.eigenlayer.io/tee=true`.
    #[serde(default)]
    pub tee_required: bool,
    /// Kind of the trusted execution environment that is required: its node has it as the label
    /// `hourglass.eigenlayer.io/tee-type` too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 63), regex(pattern = r"^([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?$"))]
    pub tee_type: Option<String>,
    /// Further labels that its node must have, by their whole names.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("maxProperties" = 64, "additionalProperties" = {"type": "string", "maxLength": 63}))]
    pub custom_labels: BTreeMap<String, String>,
}
