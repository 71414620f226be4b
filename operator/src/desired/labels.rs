//! Labels, all of them valid for any performer.

use std::collections::BTreeMap;

use kube::ResourceExt as _;

use crate::api::{AVS_LABEL, PERFORMER_LABEL, Performer};

/// The greatest length of a label's value, in characters.
const LONGEST: usize = 63;
const APP: &str = "hourglass-performer";

/// The labels of all objects of `performer`: those of the public operator and the recommended ones.
pub(super) fn of(performer: &Performer) -> BTreeMap<String, String> {
    let name = performer.name_any();
    let avs = performer.spec.avs_address.to_lowercase().replace('_', "-");
    BTreeMap::from([
        ("app".to_owned(), APP.to_owned()),
        ("app.kubernetes.io/component".to_owned(), "performer".to_owned()),
        ("app.kubernetes.io/instance".to_owned(), name.clone()),
        ("app.kubernetes.io/managed-by".to_owned(), "hourglass-operator".to_owned()),
        ("app.kubernetes.io/name".to_owned(), APP.to_owned()),
        ("app.kubernetes.io/part-of".to_owned(), "hourglass".to_owned()),
        (AVS_LABEL.to_owned(), value(&avs)),
        (PERFORMER_LABEL.to_owned(), name),
    ])
}

/// The label that only the Deployment has: another version alone is no reason to replace a pod.
pub(super) fn version(performer: &Performer) -> Option<(String, String)> {
    let version = value(performer.spec.version.as_deref()?);
    (!version.is_empty()).then(|| ("app.kubernetes.io/version".to_owned(), version))
}

/// The labels that distinguish a performer's pods from all others in its namespace. A Deployment's selector is
/// immutable, so that it holds only labels that never change.
pub(super) fn selector(performer: &Performer) -> BTreeMap<String, String> {
    BTreeMap::from([(PERFORMER_LABEL.to_owned(), performer.name_any())])
}

/// `text` as the value of a label.
fn value(text: &str) -> String {
    let kept = |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '-' };
    let value: String = text.chars().map(kept).take(LONGEST).collect();
    value.trim_matches(|letter: char| !letter.is_ascii_alphanumeric()).to_owned()
}
