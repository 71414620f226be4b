//! The secrets and config maps that a performer's environment takes values from, and those that have its files.

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest as _, Sha256};

use crate::api::{EnvironmentSource, Performer};

/// A secret or a config map, by its name in the performer's namespace.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reference {
    /// A config map.
    ConfigMap(String),
    /// A secret.
    Secret(String),
}

impl Reference {
    /// The object whose value this environment variable takes; nothing for a source that names none.
    fn of(source: &EnvironmentSource) -> Option<Self> {
        let secret = source.secret_key_ref.as_ref().map(|key| Self::Secret(key.name.clone()));
        secret.or_else(|| source.config_map_key_ref.as_ref().map(|key| Self::ConfigMap(key.name.clone())))
    }
}

/// The objects that `performer` takes values from. Pull secrets are not among them: the kubelet reads them at every
/// pull.
pub fn references(performer: &Performer) -> BTreeSet<Reference> {
    let variables = performer.spec.config.iter().flat_map(|config| &config.environment_from);
    let of_variables = variables.filter_map(|variable| Reference::of(&variable.value_from));
    // A file that is mounted by its key does not change in a pod either.
    let of_files = performer.spec.files.iter().map(|file| Reference::Secret(file.secret_key_ref.name.clone()));
    of_variables.chain(of_files).collect()
}

/// The versions of what a performer refers to. A pod of other versions is replaced, because environment variables do not
/// change in one that runs.
///
/// Versions are resource versions and never computed from values: a digest of a weak secret reveals it to everybody who
/// may read a Deployment. Metadata is enough to learn them, so that the operator need not hold values at all.
///
/// An object that does not exist yet is left out. The caller hands in all of them or waits: a Deployment that is
/// computed while a cache is still filling replaces pods needlessly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct References(BTreeMap<Reference, String>);

impl References {
    /// Remembers the resource version of one of them.
    pub fn insert(&mut self, reference: Reference, resource_version: impl Into<String>) {
        self.0.insert(reference, resource_version.into());
    }

    /// A digest of the versions of those that `performer` refers to; nothing if none of them exists.
    pub(super) fn digest(&self, performer: &Performer) -> Option<String> {
        let mut digest = Sha256::new();
        let mut found = false;
        for reference in references(performer) {
            let Some(version) = self.0.get(&reference) else { continue };
            let (kind, name) = match &reference {
                Reference::ConfigMap(name) => ("configmap", name),
                Reference::Secret(name) => ("secret", name),
            };
            digest.update(format!("{kind}/{name} {version}\n"));
            found = true;
        }
        found.then(|| format!("{:x}", digest.finalize()))
    }
}

impl FromIterator<(Reference, String)> for References {
    fn from_iter<I: IntoIterator<Item = (Reference, String)>>(versions: I) -> Self {
        Self(versions.into_iter().collect())
    }
}
