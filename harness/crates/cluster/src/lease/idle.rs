//! Clusters that nobody needs any more: those that were not used for long, and those that never became usable.

use hourglass_base::age;
use hourglass_component::causes::with_causes;
use hourglass_engine::Engine;
use hourglass_reaper::{Owner, rounded};
use jiff::Timestamp;

use super::{
    discard::{Removal, discard, is_in},
    holders::{holders_of, in_use_by},
    locks::Locks,
};
use crate::{ClusterError, ClusterFolders, ClusterName, ClusterState, Fingerprint, Stage};

/// A cluster that nobody needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleaned {
    /// Its name.
    pub name: ClusterName,
    /// Why nobody needs it.
    pub why: String,
    /// The result of its removal; a rehearsal reports the removal that it would have done.
    pub removal: Removal,
}

/// Removes the clusters of this machine that nobody needs, including those of which nothing is known. A rehearsal only
/// reports them.
pub async fn clean(engine: &Engine, folders: &ClusterFolders, rehearsal: bool) -> Result<Vec<Cleaned>, ClusterError> {
    clean_those(engine, folders, rehearsal, |_| true).await
}

/// Removes the clusters that nobody needs, except those that match the current request, and those of which nothing is
/// known: a request by name reports them.
pub(super) async fn make_room(
    engine: &Engine,
    folders: &ClusterFolders,
    asked: &Fingerprint,
) -> Result<Vec<Cleaned>, ClusterError> {
    clean_those(engine, folders, false, |state| state.is_some_and(|state| state.fingerprint != *asked)).await
}

async fn clean_those(
    engine: &Engine,
    folders: &ClusterFolders,
    rehearsal: bool,
    meant: impl Fn(Option<&ClusterState>) -> bool,
) -> Result<Vec<Cleaned>, ClusterError> {
    let locks = Locks::of(folders);
    let mut cleaned = Vec::new();
    for name in folders.names()? {
        // Another process works on it.
        let Some(gate) = locks.gate(&name).try_exclusive()? else { continue };
        let state = folders.folder_of(&name).state();
        let known = state.as_ref().ok().and_then(Option::as_ref);
        if !meant(known) || known.is_some_and(|known| is_in(engine, known).is_err()) {
            continue;
        }
        let used = locks.lease(&name).used().and_then(|used| Timestamp::try_from(used).ok());
        let Some(why) = why(&state, used, Timestamp::now()) else { continue };
        let holders = holders_of(&locks, &name);
        let removal = if rehearsal && holders.is_empty() {
            Removal::Done
        } else if rehearsal {
            Removal::LeftAlone(in_use_by(&holders))
        } else {
            discard(engine, folders, &locks, &name).await?
        };
        if removal == Removal::Done && !rehearsal {
            gate.remove()?;
        }
        cleaned.push(Cleaned { name, why, removal });
    }
    if !rehearsal {
        locks.tidy(folders)?;
    }
    Ok(cleaned)
}

/// Why nobody needs a cluster, as far as this is known without checking who uses it.
fn why(state: &Result<Option<ClusterState>, ClusterError>, used: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let state = match state {
        Err(error) => return Some(format!("broken: {}", with_causes(error))),
        Ok(None) => return Some("nothing is remembered of it".to_owned()),
        Ok(Some(state)) => state,
    };
    match (state.stage, &state.owner) {
        (Stage::Creating, Some(owner)) if owner.is_alive() => None,
        (Stage::Creating, owner) => Some(format!("its maker{} is gone", process(owner.as_ref()))),
        (Stage::Deleting, _) => Some("its removal was broken off".to_owned()),
        (Stage::Usable, _) => {
            let used = used.unwrap_or(state.created);
            let limit = state.idle?;
            let idle = age(used, now);
            let stays = humantime::format_duration(limit);
            (idle >= limit)
                .then(|| format!("nobody has used it for {}, and it was to stay for {stays}", rounded(used, now)))
        }
    }
}

pub(super) fn process(owner: Option<&Owner>) -> String {
    owner.map(|owner| format!(", process {},", owner.pid)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, time::Duration};

    use jiff::SignedDuration;

    use super::*;
    use crate::ClusterSpec;

    fn state(stage: Stage, owner: Option<Owner>, idle: Option<Duration>) -> ClusterState {
        let spec = ClusterSpec::default();
        ClusterState {
            name: "a".parse().unwrap(),
            fingerprint: spec.fingerprint("sha256:1"),
            spec,
            node_image_id: "sha256:1".to_owned(),
            network: String::new(),
            stage,
            owner,
            created: Timestamp::UNIX_EPOCH,
            started: BTreeMap::new(),
            engine: None,
            idle,
        }
    }

    fn gone() -> Owner {
        Owner { pid: 7, started: 1, ..Owner::current().unwrap() }
    }

    /// A cluster that is being made must stay, and one that will never be usable must not.
    #[rstest::rstest]
    #[case::in_the_making(Stage::Creating, Owner::current(), None)]
    #[case::maker_killed(Stage::Creating, Some(gone()), Some("its maker, process 7, is gone"))]
    #[case::remover_killed(Stage::Deleting, Owner::current(), Some("its removal was broken off"))]
    fn only_unfinished_clusters_without_a_maker_are_removed(
        #[case] stage: Stage,
        #[case] owner: Option<Owner>,
        #[case] expected: Option<&str>,
    ) {
        let state = Ok(Some(state(stage, owner, None)));
        assert_eq!(why(&state, None, Timestamp::now()).as_deref(), expected);
    }

    #[rstest::rstest]
    #[case::young(Some(Duration::from_hours(1)), 59, None)]
    #[case::old(Some(Duration::from_hours(1)), 60, Some("nobody has used it for 1h, and it was to stay for 1h"))]
    #[case::clock_ahead(Some(Duration::from_hours(1)), -60 * 24, None)]
    #[case::promised_longer(Some(Duration::from_hours(24)), 60, None)]
    #[case::nothing_was_said(None, 60 * 24 * 365, None)]
    fn an_idle_cluster_is_kept_for_its_idle_time(
        #[case] idle: Option<Duration>,
        #[case] minutes: i64,
        #[case] expected: Option<&str>,
    ) {
        let now = Timestamp::now();
        let used = Some(now - SignedDuration::from_mins(minutes));
        assert_eq!(why(&Ok(Some(state(Stage::Usable, Some(gone()), idle))), used, now).as_deref(), expected);
    }

    #[test]
    fn a_cluster_with_unreadable_state_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let folder = ClusterFolders::below(root.path()).folder_of(&"a".parse().unwrap());
        std::fs::create_dir(folder.path()).unwrap();
        assert_eq!(why(&folder.state(), None, Timestamp::now()).as_deref(), Some("nothing is remembered of it"));
        std::fs::write(folder.state_file(), "{").unwrap();
        let why = why(&folder.state(), None, Timestamp::now()).unwrap();
        assert!(why.starts_with("broken: failed to understand the state of a cluster in"), "{why}");
    }
}
