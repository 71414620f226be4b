//! Sweeping: removes everything of a run, of every kind, until two passes in a row find nothing.

use std::{
    fmt,
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use hourglass_engine::EngineAddress;
use serde::{Deserialize, Serialize};

use super::{
    EngineObjects, LabelledContainer, LabelledNetwork, LabelledProcess, Processes, ReaperError, RunId,
    descendants::Strays,
};

/// The default time that a process may take to end in order before it is killed.
pub const DEFAULT_GRACE: Duration = Duration::from_millis(500);

/// A kind of resource with run ids that can be swept: processes, and the objects of an engine.
pub trait Kind {
    /// Looks once for resources of this run, removes them as far as possible, and returns what it found.
    fn sweep(&self, run: &RunId) -> Result<Vec<LeakedResource>, ReaperError>;
}

/// A resource that a run left behind.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeakedResource {
    /// A process that was still alive.
    Process(LabelledProcess),
    /// A container, running or not.
    Container(LabelledContainer),
    /// A network.
    Network(LabelledNetwork),
    /// A volume, by its name.
    Volume(String),
    /// A namespace of a cluster, by its name.
    Namespace(String),
    /// Objects in a namespace that is not the run's own, by its name.
    ObjectsIn(String),
}

impl LeakedResource {
    /// Whether both are the same resource, however much each observation of it tells.
    fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Process(one), Self::Process(other)) => one.pid == other.pid,
            (Self::Container(one), Self::Container(other)) => one.id == other.id,
            (Self::Network(one), Self::Network(other)) => one.id == other.id,
            (Self::Volume(one), Self::Volume(other))
            | (Self::Namespace(one), Self::Namespace(other))
            | (Self::ObjectsIn(one), Self::ObjectsIn(other)) => one == other,
            _ => false,
        }
    }
}

impl fmt::Display for LeakedResource {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Process(process) => process.fmt(formatter),
            Self::Container(container) => container.fmt(formatter),
            Self::Network(network) => network.fmt(formatter),
            Self::Volume(name) => write!(formatter, "volume {name}"),
            Self::Namespace(name) => write!(formatter, "namespace {name}"),
            Self::ObjectsIn(name) => write!(formatter, "objects in namespace {name}"),
        }
    }
}

/// What a sweep had to remove; empty after a run that cleaned up after itself.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SweepReport {
    /// Each resource once, in the order in which they were found. All of them are gone.
    pub leftovers: Vec<LeakedResource>,
}

/// The pause between two sweeps: a process that was forked during the first has appeared by the second. Without
/// privileges no event announces new processes.
const GAP: Duration = Duration::from_millis(25);
/// The longest pause between two sweeps while something cannot be swept, or may still appear. No event tells here that an engine is
/// back.
const LONGEST_GAP: Duration = Duration::from_millis(500);
/// How long to try if a resource survives its removal (a process in an uninterruptible call), or if an engine does not
/// come back.
const LIMIT: Duration = Duration::from_secs(30);
const CLEAN_SWEEPS: usize = 2;

/// Removes everything of a run until two sweeps in a row find nothing. Blocks until then.
///
/// A kind that cannot be swept does not keep the others from being swept; it is tried again for as long as that may
/// help, and its error is returned at the end.
pub fn sweep(run: &RunId, kinds: &[&dyn Kind]) -> Result<SweepReport, ReaperError> {
    sweep_within(run, kinds, LIMIT, Duration::ZERO)
}

/// `calm` is how long nothing may have been found at the end.
fn sweep_within(run: &RunId, kinds: &[&dyn Kind], limit: Duration, calm: Duration) -> Result<SweepReport, ReaperError> {
    let deadline = Instant::now() + limit;
    let mut report = SweepReport::default();
    let mut clean = 0;
    let mut clean_since = Instant::now();
    let mut gap = GAP;
    loop {
        let mut failure = None;
        let mut found = Vec::new();
        for kind in kinds {
            match kind.sweep(run) {
                Ok(more) => found.extend(more),
                Err(error) => failure = Some(error),
            }
        }
        let again = failure.as_ref().is_some_and(ReaperError::may_pass);
        tracing::debug!(%run, found = found.len(), again, "swept once");
        if !found.is_empty() || again {
            clean = 0;
        } else {
            clean += 1;
            if clean == 1 {
                clean_since = Instant::now();
            }
        }
        if clean >= CLEAN_SWEEPS && clean_since.elapsed() >= calm {
            return failure.map_or(Ok(report), Err);
        }
        if Instant::now() > deadline {
            let still_there = || ReaperError::StillThere { run: run.clone(), limit, leftovers: found };
            return Err(failure.unwrap_or_else(still_there));
        }
        for leftover in found {
            match report.leftovers.iter_mut().find(|known| known.is_same(&leftover)) {
                // A later observation may tell more: a process has no command line while its program is loaded.
                Some(known) => *known = leftover,
                None => report.leftovers.push(leftover),
            }
        }
        gap = if again || clean >= CLEAN_SWEEPS { (2 * gap).min(LONGEST_GAP) } else { GAP };
        thread::sleep(gap);
    }
}

/// A cluster's address for another process.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClusterAddress {
    /// The kubeconfig: a file, or files as `KUBECONFIG` lists them.
    pub kubeconfig: PathBuf,
    /// The context in it.
    pub context: String,
    /// A namespace that is not the run's own, in which its objects are; without it, the run has namespaces of its own.
    pub namespace: Option<String>,
}

/// Creates the sweeper of the cluster at an address. A crate that knows clusters supplies it.
pub type ClusterKind = fn(ClusterAddress) -> Box<dyn Kind>;

/// A cluster and its sweeper.
#[derive(Debug, Clone)]
pub struct SweptCluster {
    /// The cluster's address.
    pub address: ClusterAddress,
    /// Creates its sweeper.
    pub kind: ClusterKind,
}

/// Where a run may have left objects besides processes.
#[derive(Debug, Default, Clone)]
pub struct SweepTargets {
    /// A Docker engine.
    pub engine: Option<EngineAddress>,
    /// A Kubernetes cluster.
    pub cluster: Option<SweptCluster>,
}

/// Sweeps every kind: processes, which have `grace` to end in order, then the objects of a cluster and of an engine, if
/// they are given.
///
/// Must not be called from within an asynchronous task.
pub fn sweep_all(run: &RunId, grace: Duration, targets: SweepTargets) -> Result<SweepReport, ReaperError> {
    sweep_all_and(run, grace, targets, &Strays::default(), Duration::ZERO)
}

/// Like [`sweep_all`], and also sweeps those of these descendants that still run, until nothing has been found for as long as `calm`.
pub(super) fn sweep_all_and(
    run: &RunId,
    grace: Duration,
    targets: SweepTargets,
    strays: &Strays,
    calm: Duration,
) -> Result<SweepReport, ReaperError> {
    let processes = Processes { grace };
    let cluster = targets.cluster.map(|cluster| (cluster.kind)(cluster.address));
    let objects = targets.engine.map(EngineObjects::at);
    let mut kinds: Vec<&dyn Kind> = vec![&processes, strays];
    // Programs in a cluster use the chains, which are containers.
    kinds.extend(cluster.as_deref());
    kinds.extend(objects.iter().map(|objects| objects as &dyn Kind));
    sweep_within(run, &kinds, LIMIT, calm)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use hourglass_engine::EngineError;

    use super::*;

    /// Finds what it is told to find, one entry for each sweep, and nothing afterwards.
    struct Script(RefCell<Vec<Result<Vec<LeakedResource>, ReaperError>>>);

    impl Script {
        fn new(mut sweeps: Vec<Result<Vec<LeakedResource>, ReaperError>>) -> Self {
            sweeps.reverse();
            Self(RefCell::new(sweeps))
        }
    }

    impl Kind for Script {
        fn sweep(&self, _run: &RunId) -> Result<Vec<LeakedResource>, ReaperError> {
            self.0.borrow_mut().pop().unwrap_or(Ok(vec![]))
        }
    }

    fn leftover(pid: i32) -> LeakedResource {
        LeakedResource::Process(LabelledProcess { pid, command: "sleep".to_owned() })
    }

    #[test]
    fn one_clean_pass_does_not_end_the_sweep() {
        let script = Script::new(vec![Ok(vec![leftover(1)]), Ok(vec![]), Ok(vec![leftover(1), leftover(2)])]);
        let report = sweep(&RunId::generate(), &[&script]).unwrap();
        assert_eq!(report.leftovers, [leftover(1), leftover(2)], "what appears after one clean sweep was missed");
    }

    /// An engine goes on with what a harness has asked for that was killed meanwhile.
    #[test]
    fn what_appears_in_the_calm_time_is_swept() {
        let mut sweeps = vec![Ok(vec![leftover(1)])];
        sweeps.extend((0..5).map(|_| Ok(vec![])));
        sweeps.push(Ok(vec![leftover(2)]));
        let script = Script::new(sweeps);
        let calm = Duration::from_secs(1);
        let began = Instant::now();
        let report = sweep_within(&RunId::generate(), &[&script], LIMIT, calm).unwrap();
        assert_eq!(report.leftovers, [leftover(1), leftover(2)]);
        assert!(began.elapsed() >= calm);
    }

    #[test]
    fn a_leftover_seen_twice_is_reported_once_as_seen_last() {
        let unnamed = LeakedResource::Process(LabelledProcess { pid: 1, command: String::new() });
        let script = Script::new(vec![Ok(vec![unnamed]), Ok(vec![leftover(1)])]);
        let report = sweep(&RunId::generate(), &[&script]).unwrap();
        assert_eq!(report.leftovers, [leftover(1)]);
    }

    #[test]
    fn a_kind_that_fails_does_not_keep_the_others_from_being_swept() {
        let run = RunId::generate();
        let broken = || Err(ReaperError::Processes { run: run.clone(), source: std::io::Error::other("broken") });
        let failing = Script::new(vec![broken(), broken(), broken()]);
        let other = Script::new(vec![Ok(vec![leftover(1)])]);
        assert!(sweep(&run, &[&failing, &other]).is_err(), "a sweep that could not look was reported as clean");
        assert!(other.0.borrow().is_empty(), "the second kind was not swept");
    }

    fn stopped(run: &RunId) -> ReaperError {
        let address = EngineAddress::parse("/run/docker.sock");
        let source = EngineError::Stopped { address, source: std::io::Error::other("nobody listens") };
        ReaperError::Engine { run: run.clone(), source: Box::new(source) }
    }

    #[test]
    fn an_unavailable_engine_is_asked_until_it_is_back() {
        let run = RunId::generate();
        let away = || Err(stopped(&run));
        let script = Script::new(vec![away(), away(), away(), Ok(vec![leftover(1)])]);
        let report = sweep(&run, &[&script]).unwrap();
        assert_eq!(report.leftovers, [leftover(1)], "what the engine had when it was back was missed");
    }

    /// The error must tell its reader that something may remain, and how to remove it.
    #[test]
    fn an_engine_that_stays_unavailable_is_an_error_that_names_gc() {
        let run = RunId::generate();
        let script = Script::new((0..100).map(|_| Err(stopped(&run))).collect());
        let error = sweep_within(&run, &[&script], Duration::from_millis(200), Duration::ZERO).unwrap_err();
        assert!(error.to_string().contains(&format!("harness gc {run}")), "{error}");
    }
}
