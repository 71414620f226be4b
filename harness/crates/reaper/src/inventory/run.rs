//! One run: what exists of it, and whether anybody needs it.

use std::{path::PathBuf, time::Duration};

use hourglass_base::age;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::{look::RunDir, processes::SeenProcesses};
use crate::{LabelledContainer, LabelledNetwork, LabelledProcess, Labels, LeakedResource, Owner, RunId};

/// Whether anybody needs a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Somebody is at it.
    Running,
    /// Its harness has ended and left it on purpose: its folder, and what runs if that was asked for.
    Kept,
    /// Nobody is at it, and nobody has kept it.
    Orphaned,
    /// It is past its time, whoever lives.
    Expired,
}

/// A run of which something is there.
#[derive(Debug, Serialize, JsonSchema)]
pub struct FoundRun {
    /// Its id.
    pub run: RunId,
    /// The trial's name, where something says it.
    pub trial: Option<String>,
    /// Whether anybody needs it.
    pub state: RunState,
    /// What that was concluded from, as "its owner, process 12, is gone".
    pub why: String,
    /// The process that it belongs to, or did.
    pub owner: Option<Owner>,
    /// Whether that process lives.
    pub owner_alive: bool,
    /// Whether it is a devnet, which `harness gc` leaves alone unless it is named or past its time.
    pub devnet: bool,
    /// When it began.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub began: Option<Timestamp>,
    /// When it expires.
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub expires: Option<Timestamp>,
    /// Its folder.
    #[serde(serialize_with = "as_text")]
    #[schemars(with = "Option<String>")]
    pub folder: Option<PathBuf>,
    /// Whether the folder is one of those that the caller named, not only of those that labels name.
    #[serde(skip)]
    pub here: bool,
    /// Its processes.
    pub processes: Vec<LabelledProcess>,
    /// Its containers, those without our labels included.
    pub containers: Vec<LabelledContainer>,
    /// Its networks.
    pub networks: Vec<LabelledNetwork>,
    /// The names of its volumes.
    pub volumes: Vec<String>,
}

/// A run with neither a folder nor an owner may be starting, or be swept at this moment. A run whose id comes from a
/// clock that was ahead of this one is young too: to end a run that is starting is worse than to keep one until
/// somebody names it.
const YOUNG: Duration = Duration::from_mins(1);

impl FoundRun {
    /// Everything of it but its folder.
    pub fn things(&self) -> Vec<LeakedResource> {
        let processes = self.processes.iter().cloned().map(LeakedResource::Process);
        let containers = self.containers.iter().cloned().map(LeakedResource::Container);
        let networks = self.networks.iter().cloned().map(LeakedResource::Network);
        processes
            .chain(containers)
            .chain(networks)
            .chain(self.volumes.iter().cloned().map(LeakedResource::Volume))
            .collect()
    }

    /// Whether it may be ended without being named: it has no living owner, and it was not kept in another folder.
    pub fn is_orphaned(&self, now: Timestamp) -> bool {
        match self.state {
            RunState::Running => false,
            RunState::Expired => true,
            RunState::Kept => self.here && !self.devnet,
            RunState::Orphaned => {
                let young = self.began.is_some_and(|began| age(began, now) < YOUNG);
                self.here || !young
            }
        }
    }

    /// Concludes from what was seen who needs it.
    pub(super) fn conclude(
        run: RunId,
        dir: Option<RunDir>,
        seen: SeenProcesses,
        labels: Option<Labels>,
        now: Timestamp,
    ) -> Self {
        let devnet = dir.as_ref().and_then(|dir| dir.devnet);
        // Objects of an engine are labelled before anybody knows how long a devnet is to stay.
        let expires = match devnet {
            Some(devnet) => devnet.keep_until,
            None => labels.as_ref().and_then(|labels| labels.expires),
        };
        // The files of its folder are newer than the labels, which never change.
        let owner = match &dir {
            Some(dir) => dir.owner.clone(),
            None => labels.as_ref().and_then(|labels| labels.owner.clone()),
        };
        let owner_alive = owner.as_ref().is_some_and(Owner::is_alive);
        let (state, why) = match (expires, &owner, seen.supervisor, seen.starter) {
            (Some(expires), ..) if expires <= now => {
                (RunState::Expired, format!("expired {} ago", rounded(expires, now)))
            }
            (_, Some(owner), ..) if owner_alive => (RunState::Running, format!("process {} is at it", owner.pid)),
            (_, _, Some(pid), _) => (RunState::Running, format!("its supervisor, process {pid}, is at it")),
            (_, Some(owner), ..) => (RunState::Orphaned, format!("its owner, process {}, is gone", owner.pid)),
            _ if dir.is_some() => (RunState::Kept, "kept".to_owned()),
            (_, None, None, Some(pid)) => (RunState::Running, format!("process {pid}, which started it, lives")),
            (_, None, None, None) => (RunState::Orphaned, "nobody is at it".to_owned()),
        };
        Self {
            began: run.began(),
            trial: labels.map(|labels| labels.trial).filter(|trial| !trial.is_empty()),
            run,
            state,
            why,
            owner,
            owner_alive,
            devnet: devnet.is_some(),
            expires,
            here: dir.as_ref().is_some_and(|dir| dir.here),
            folder: dir.map(|dir| dir.folder),
            processes: seen.processes,
            containers: Vec::new(),
            networks: Vec::new(),
            volumes: Vec::new(),
        }
    }
}

/// A path need not be UTF-8, while JSON is.
#[expect(clippy::ref_option, reason = "what serde hands over")]
fn as_text<S: Serializer>(path: &Option<PathBuf>, serializer: S) -> Result<S::Ok, S::Error> {
    path.as_ref().map(|path| path.to_string_lossy()).serialize(serializer)
}

/// The time between two moments in its largest unit, as `3h`.
pub fn rounded(from: Timestamp, to: Timestamp) -> String {
    let seconds = age(from, to).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86400),
    }
}

#[cfg(test)]
mod tests {
    use super::super::DevnetMark;
    use super::*;

    fn gone() -> Owner {
        Owner { started: 1, ..Owner::current().unwrap() }
    }

    #[expect(clippy::unnecessary_wraps, reason = "a run may have no folder")]
    fn dir(owner: Option<Owner>, here: bool) -> Option<RunDir> {
        Some(RunDir { run: RunId::generate(), folder: "/runs/r".into(), owner, here, devnet: None })
    }

    #[expect(clippy::unnecessary_wraps, reason = "a run may have no labels")]
    fn labels(owner: Option<Owner>) -> Option<Labels> {
        Some(Labels { owner, ..Labels::new(RunId::generate(), "docker::square") })
    }

    fn supervised() -> SeenProcesses {
        SeenProcesses { supervisor: Some(7), ..SeenProcesses::default() }
    }

    fn started() -> SeenProcesses {
        SeenProcesses { starter: Some(7), ..SeenProcesses::default() }
    }

    /// A run that is needed must not be ended, and one that nobody needs must not stay.
    #[rstest::rstest]
    #[case::at_work(dir(Owner::current(), true), SeenProcesses::default(), labels(Owner::current()), RunState::Running)]
    #[case::at_work_elsewhere(None, SeenProcesses::default(), labels(Owner::current()), RunState::Running)]
    #[case::being_swept(None, supervised(), labels(Some(gone())), RunState::Running)]
    #[case::killed(dir(Some(gone()), true), SeenProcesses::default(), None, RunState::Orphaned)]
    #[case::labels_alone(None, SeenProcesses::default(), labels(Some(gone())), RunState::Orphaned)]
    #[case::of_a_shim(None, started(), labels(Some(gone())), RunState::Orphaned)]
    #[case::kept(dir(None, true), started(), labels(Some(gone())), RunState::Kept)]
    #[case::kept_by_one_that_goes_on(
        dir(None, true),
        SeenProcesses::default(),
        labels(Owner::current()),
        RunState::Kept
    )]
    #[case::of_a_test(None, started(), None, RunState::Running)]
    #[case::of_nobody(None, SeenProcesses::default(), None, RunState::Orphaned)]
    fn the_state_of_a_run_follows_from_folder_processes_and_labels(
        #[case] dir: Option<RunDir>,
        #[case] seen: SeenProcesses,
        #[case] labels: Option<Labels>,
        #[case] expected: RunState,
    ) {
        let found = FoundRun::conclude(RunId::generate(), dir, seen, labels, Timestamp::now());
        assert_eq!(found.state, expected, "{found:?}");
    }

    #[test]
    fn a_run_past_its_lifetime_has_expired_even_if_its_owner_lives() {
        let now = Timestamp::now();
        let expires = Some(now - jiff::SignedDuration::from_hours(3));
        let labels = labels(Owner::current()).map(|labels| Labels { expires, ..labels });
        let found = FoundRun::conclude(RunId::generate(), None, SeenProcesses::default(), labels, now);
        assert_eq!((found.state, found.why.as_str()), (RunState::Expired, "expired 3h ago"));
        assert!(found.is_orphaned(now));
    }

    /// A devnet has no limit unless it was given one, whatever the labels of its containers say.
    #[rstest::rstest]
    #[case::without_a_limit(None, RunState::Kept, false)]
    #[case::before_its_time(Some(2), RunState::Kept, false)]
    #[case::past_its_time(Some(-2), RunState::Expired, true)]
    fn a_devnet_stays_until_it_is_named_or_past_its_time(
        #[case] hours: Option<i64>,
        #[case] state: RunState,
        #[case] orphaned: bool,
    ) {
        let now = Timestamp::now();
        let in_hours = |hours: i64| now + jiff::SignedDuration::from_hours(hours);
        let mark = DevnetMark { keep_until: hours.map(in_hours) };
        let dir = dir(None, true).map(|dir| RunDir { devnet: Some(mark), ..dir });
        let labels = labels(None).map(|labels| Labels { expires: Some(in_hours(-1)), ..labels });
        let found = FoundRun::conclude(RunId::generate(), dir, started(), labels, now);
        assert_eq!((found.state, found.devnet, found.is_orphaned(now)), (state, true, orphaned), "{found:?}");
    }

    /// A run id contains its creation time by the clock of that moment, which may have been ahead of the current clock,
    /// by less than a millisecond or by hours.
    #[rstest::rstest]
    #[case::a_nanosecond(jiff::SignedDuration::from_nanos(1))]
    #[case::a_millisecond(jiff::SignedDuration::from_millis(1))]
    #[case::a_clock_that_was_set_back(jiff::SignedDuration::from_hours(1))]
    fn a_run_from_a_clock_that_was_ahead_is_young(#[case] ahead: jiff::SignedDuration) {
        let run = RunId::generate();
        let now = run.began().unwrap() - ahead;
        let found = FoundRun::conclude(run, None, SeenProcesses::default(), None, now);
        assert_eq!(found.state, RunState::Orphaned);
        assert!(!found.is_orphaned(now), "a run in the making would be ended");
    }

    #[test]
    fn young_runs_and_runs_kept_by_others_are_ended_only_by_name() {
        let now = Timestamp::now();
        let found = |run: RunId, dir| FoundRun::conclude(run, dir, SeenProcesses::default(), None, now);
        assert!(!found(RunId::generate(), None).is_orphaned(now), "a run in the making would be ended");
        assert!(found("r000000001-00000000".parse().unwrap(), None).is_orphaned(now), "an old orphan would stay");
        assert!(!found(RunId::generate(), dir(None, false)).is_orphaned(now), "what others keep would be ended");
        assert!(found(RunId::generate(), dir(None, true)).is_orphaned(now), "what was kept here would stay");
    }
}
