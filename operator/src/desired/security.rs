//! The security contexts of a performer's pod: they grant what the `restricted` Pod Security Standard allows and no
//! more, unless the performer's annotation asks for `baseline`.

use k8s_openapi::api::core::v1::{Capabilities, PodSecurityContext, SeccompProfile, SecurityContext};
use kube::ResourceExt as _;

use crate::api::{BASELINE, POD_SECURITY_ANNOTATION, Performer};

/// User and group of restricted pods, whatever their images name: the user that distroless images call `nonroot`.
const NOBODY: i64 = 65532;

/// For the pod as a whole.
pub(super) fn of_pod(performer: &Performer) -> PodSecurityContext {
    let restricted = is_restricted(performer);
    PodSecurityContext {
        // Without this user, the kubelet would refuse images that name no user, and images that name one by a word.
        run_as_group: restricted.then_some(NOBODY),
        run_as_non_root: restricted.then_some(true),
        run_as_user: restricted.then_some(NOBODY),
        seccomp_profile: Some(SeccompProfile { localhost_profile: None, type_: "RuntimeDefault".to_owned() }),
        ..PodSecurityContext::default()
    }
}

/// For the container.
pub(super) fn of_container(performer: &Performer) -> SecurityContext {
    let restricted = is_restricted(performer);
    SecurityContext {
        allow_privilege_escalation: Some(false),
        capabilities: restricted.then(|| Capabilities { add: None, drop: Some(vec!["ALL".to_owned()]) }),
        read_only_root_filesystem: Some(restricted),
        ..SecurityContext::default()
    }
}

fn is_restricted(performer: &Performer) -> bool {
    performer.annotations().get(POD_SECURITY_ANNOTATION).is_none_or(|level| level != BASELINE)
}
