//! The labels of everything that an engine or a cluster creates for a trial.

use std::{
    collections::HashMap,
    path::{Path, PathBuf},
    time::Duration,
};

use jiff::{SignedDuration, Timestamp};

use super::{Owner, RunId};

/// The run that an object belongs to.
pub const RUN_LABEL: &str = "hourglass-harness/run";
/// The trial's name.
pub const TRIAL_LABEL: &str = "hourglass-harness/trial";
/// The component that an object is, as `executor/alice`.
pub const COMPONENT_LABEL: &str = "hourglass-harness/component";
/// The id of the process that created the object.
pub const OWNER_PID_LABEL: &str = "hourglass-harness/owner-pid";
/// The start time of the process that created the object.
pub const OWNER_STARTED_LABEL: &str = "hourglass-harness/owner-started";
/// The boot id of the machine on which that process runs.
pub const BOOT_ID_LABEL: &str = "hourglass-harness/boot-id";
/// When nobody can need it any more, in seconds since 1970.
pub const EXPIRES_LABEL: &str = "hourglass-harness/expires";
/// The folder of the trial, which tells whether it was kept.
pub const FOLDER_LABEL: &str = "hourglass-harness/folder";

/// How long after its creation an object expires, whether or not its owner lives.
pub const LIFETIME: Duration = Duration::from_hours(24);

/// The labels of all objects of a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The run.
    pub run: RunId,
    /// The trial's name.
    pub trial: String,
    /// The process that created it.
    pub owner: Option<Owner>,
    /// When it expires.
    pub expires: Option<Timestamp>,
    /// The trial's folder.
    pub folder: Option<PathBuf>,
}

impl Labels {
    /// Labels for objects that this process creates now.
    pub fn new(run: RunId, trial: &str) -> Self {
        let lifetime = SignedDuration::try_from(LIFETIME).unwrap_or(SignedDuration::MAX);
        Self {
            run,
            trial: trial.to_owned(),
            owner: Owner::current(),
            expires: Some(Timestamp::now() + lifetime),
            folder: None,
        }
    }

    /// With the trial's folder.
    #[must_use]
    pub fn in_folder(self, folder: &Path) -> Self {
        Self { folder: Some(folder.to_owned()), ..self }
    }

    /// As keys and values.
    pub fn to_map(&self) -> HashMap<String, String> {
        let mut map = HashMap::new();
        let mut set = |key: &str, value: String| drop(map.insert(key.to_owned(), value));
        set(RUN_LABEL, self.run.to_string());
        set(TRIAL_LABEL, self.trial.clone());
        if let Some(owner) = &self.owner {
            set(OWNER_PID_LABEL, owner.pid.to_string());
            set(OWNER_STARTED_LABEL, owner.started.to_string());
            set(BOOT_ID_LABEL, owner.boot.clone());
        }
        if let Some(expires) = self.expires {
            set(EXPIRES_LABEL, expires.as_second().to_string());
        }
        // A path that is not text is left out; the owner still identifies the run.
        if let Some(folder) = self.folder.as_deref().and_then(Path::to_str) {
            set(FOLDER_LABEL, folder.to_owned());
        }
        map
    }

    /// As keys and values, with the label of a component.
    pub fn of_component(&self, component: &str) -> HashMap<String, String> {
        let mut map = self.to_map();
        map.insert(COMPONENT_LABEL.to_owned(), component.to_owned());
        map
    }

    /// From keys and values; `None` if they name no run.
    pub fn from_map(map: &HashMap<String, String>) -> Option<Self> {
        let number = |key: &str| map.get(key).and_then(|value| value.parse::<i64>().ok());
        let owner = || {
            Some(Owner {
                pid: number(OWNER_PID_LABEL)?.try_into().ok()?,
                started: number(OWNER_STARTED_LABEL)?.try_into().ok()?,
                boot: map.get(BOOT_ID_LABEL)?.clone(),
            })
        };
        Some(Self {
            run: map.get(RUN_LABEL)?.parse().ok()?,
            trial: map.get(TRIAL_LABEL).cloned().unwrap_or_default(),
            owner: owner(),
            expires: number(EXPIRES_LABEL).and_then(|seconds| Timestamp::from_second(seconds).ok()),
            folder: map.get(FOLDER_LABEL).map(PathBuf::from),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An object must be found again with all labels that decide about its removal.
    #[test]
    fn labels_are_read_as_they_were_written() {
        let labels = Labels::new(RunId::generate(), "docker::square").in_folder(Path::new("/runs/r"));
        let read = Labels::from_map(&labels.of_component("executor/alice")).unwrap();
        let seconds = |labels: &Labels| labels.expires.map(Timestamp::as_second);
        assert_eq!((&read.run, &read.trial, &read.owner), (&labels.run, &labels.trial, &labels.owner));
        assert_eq!(seconds(&read), seconds(&labels));
    }

    #[test]
    fn labels_without_a_run_are_ignored() {
        assert!(Labels::from_map(&HashMap::from([(TRIAL_LABEL.to_owned(), "x".to_owned())])).is_none());
    }
}
