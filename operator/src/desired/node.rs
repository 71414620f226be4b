//! Requirements of a performer on its node.

use std::collections::BTreeMap;

use super::named;
use crate::api::{Performer, TEE_LABEL, TEE_TYPE_LABEL};

/// Labels that its node must have: those of the scheduling and those of the hardware. If the two contradict each other,
/// which the API server refuses, those of the hardware win.
pub(super) fn selector(performer: &Performer) -> BTreeMap<String, String> {
    let mut selector = BTreeMap::new();
    if let Some(scheduling) = &performer.spec.scheduling {
        selector.clone_from(&scheduling.node_selector);
    }
    if let Some(hardware) = &performer.spec.hardware_requirements {
        selector.extend(hardware.custom_labels.clone());
        if hardware.tee_required {
            selector.insert(TEE_LABEL.to_owned(), "true".to_owned());
            selector.extend(named(hardware.tee_type.as_deref()).map(|kind| (TEE_TYPE_LABEL.to_owned(), kind)));
        }
    }
    selector
}

/// The resource of its GPUs and how many it needs.
pub(super) fn gpus(performer: &Performer) -> Option<(String, i32)> {
    let hardware = performer.spec.hardware_requirements.as_ref()?;
    let kind = named(hardware.gpu_type.as_deref());
    let count = hardware.gpu_count.unwrap_or(i32::from(kind.is_some()));
    (count > 0).then(|| (format!("nvidia.com/{}", kind.as_deref().unwrap_or("gpu")), count))
}
