//! `Performer` in `hourglass.eigenlayer.io/v1alpha1`: what users write ([`PerformerSpec`]), what the operator answers
//! ([`PerformerStatus`]), and the names of everything that belongs to a Performer. The CRD is generated from these
//! types.
//!
//! What may live here: types, their validation, names. The objects that are made for a Performer belong to `desired`.

mod names;
mod performer;
mod status;

pub use names::{
    AVS_LABEL, BASELINE, CONTAINER, FINALIZER, GROUP, KIND, LONGEST_NAME, PERFORMER_LABEL, PLURAL,
    POD_SECURITY_ANNOTATION, PORT_NAME, REFERENCES_ANNOTATION, TEE_LABEL, TEE_TYPE_LABEL, TEMPLATE_ANNOTATION, VERSION,
};
pub use performer::{
    DEFAULT_GRPC_PORT, EnvironmentSource, EnvironmentVariable, FALLBACK_GRPC_PORT, FileKeySelector,
    HardwareRequirements, Performer, PerformerConfig, PerformerFile, PerformerSpec, PullPolicy, Scheduling,
};
pub use status::{AVAILABLE, DEGRADED, PROGRESSING, PerformerPhase, PerformerStatus};
