//! How many files processes may have open: raises the limit as far as allowed, and checks that it is enough for some
//! trials.

use hourglass_base::ComponentHost;
use hourglass_component::chain::SENDS_AT_ONCE;
use hourglass_scenario::{Step, Trial};
use rustix::process::{Resource, getrlimit};

use crate::limits::{self, of_largest};

/// The highest limit that is requested. Programs that close all possible file descriptors take seconds without a limit.
const SENSIBLE: u64 = 65_536;

/// Fewer files may be open than some trials need.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "failed to run these trials: they need too many open files, at least {needed} in one process, and {allowed} are allowed"
)]
pub struct TooFewFiles {
    /// How many are needed at least.
    pub needed: u64,
    /// How many may be open.
    pub allowed: u64,
}

impl TooFewFiles {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        format!(
            "raise the hard limit to {} or more (`ulimit -Hn`, `nofile` in /etc/security/limits.conf, `LimitNOFILE` of a \
             service), run fewer trials at once with --jobs, or create fewer tasks at once",
            2 * self.needed
        )
    }
}

/// Raises the limit of this process, which its children inherit, as far as allowed, at most to 65,536.
pub fn raise() {
    limits::raise(Resource::Nofile, SENSIBLE);
}

/// Checks that enough files may be open for these trials, of which `jobs` run at once; returns a warning if that is
/// uncertain.
pub fn enough_for(trials: &[Trial], jobs: usize) -> Result<Option<String>, TooFewFiles> {
    let needs: Vec<_> = trials.iter().map(Need::of).collect();
    judge(&needs, jobs, getrlimit(Resource::Nofile).current)
}

fn judge(needs: &[Need], jobs: usize, allowed: Option<u64>) -> Result<Option<String>, TooFewFiles> {
    let Some(allowed) = allowed else { return Ok(None) };
    let needed = most(needs, jobs, 16, |need| need.least);
    if allowed < needed {
        return Err(TooFewFiles { needed, allowed });
    }
    let enough = most(needs, jobs, 48, |need| need.enough);
    Ok((allowed < enough).then(|| {
        format!(
            "{allowed} files may be open at once, and these trials may need {enough} in one process: `ulimit -Hn` raises \
             the limit"
        )
    }))
}

/// How many files a trial needs in this process and in the largest other one, a chain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Files {
    here: u64,
    chain: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Need {
    least: Files,
    enough: Files,
}

impl Need {
    fn of(trial: &Trial) -> Self {
        let steps = Step::all_in(&trial.scenario.steps).into_iter();
        let created = steps.filter_map(|step| Some(u64::from(step.kind.creates()?.count)));
        let operators = u64::try_from(trial.scenario.topology.operator_names().len()).unwrap_or(u64::MAX);
        Self::with(
            operators,
            created.max().unwrap_or_default(),
            trial.runtime.capabilities().host == ComponentHost::Harness,
        )
    }

    /// As measured: most are connections to chains.
    fn with(operators: u64, tasks: u64, processes: bool) -> Self {
        // More tasks take no more connections: an account sends so many transactions at a time.
        let sends = u64::try_from(SENDS_AT_ONCE).unwrap_or(u64::MAX);
        let sent = tasks.min(sends);
        // Those that create tasks, and the aggregator's.
        let tasks = tasks.min(2 * sends);
        let chain = |files: u64| if processes { files } else { 0 };
        Self {
            least: Files { here: 10 + 3 * operators + 4 * sent / 3, chain: chain(20 + 3 * tasks / 4) },
            enough: Files { here: 24 + 8 * operators + tasks, chain: chain(64 + 8 * operators + 5 * tasks / 4) },
        }
    }
}

/// The most that one process needs while the largest of the trials run at once.
fn most(needs: &[Need], jobs: usize, base: u64, files: impl Fn(&Need) -> Files) -> u64 {
    let together = of_largest(needs.iter().map(|need| files(need).here).collect(), jobs);
    let chain = needs.iter().map(|need| files(need).chain).max().unwrap_or_default();
    chain.max(base + together)
}

#[cfg(test)]
mod tests {
    use rustix::process::Rlimit;

    use super::*;

    const SQUARE: (u64, u64) = (1, 1);
    /// More tasks at once than are sent at a time, for four operators.
    const BURST: (u64, u64) = (4, 600);

    fn judged(trials: &[(u64, u64)], jobs: usize, allowed: u64) -> Result<bool, u64> {
        let needs: Vec<_> = trials.iter().map(|(operators, tasks)| Need::with(*operators, *tasks, true)).collect();
        let judged = judge(&needs, jobs, Some(allowed));
        judged.map(|warning| warning.is_some()).map_err(|error| error.needed)
    }

    /// If a component runs out of files, its trial ends after a minute with tasks that are not verified. Trials that
    /// are refused would not pass, and trials that pass are not refused.
    #[rstest::rstest]
    #[case::hopeless(&[SQUARE], 1, 20, Err(30))]
    #[case::just_enough(&[SQUARE], 1, 40, Ok(true))]
    #[case::enough(&[SQUARE], 1, 256, Ok(false))]
    #[case::too_few_for_chains(&[BURST], 1, 300, Err(404))]
    #[case::few_for_chains(&[BURST], 1, 500, Ok(true))]
    #[case::enough_for_chains(&[BURST], 1, 1024, Ok(false))]
    #[case::too_many_at_once(&[SQUARE; 100], 100, 1024, Err(1416))]
    #[case::one_by_one(&[SQUARE; 100], 1, 1024, Ok(false))]
    fn too_few_open_files_are_reported_before_the_start(
        #[case] trials: &[(u64, u64)],
        #[case] jobs: usize,
        #[case] allowed: u64,
        #[case] expected: Result<bool, u64>,
    ) {
        assert_eq!(judged(trials, jobs, allowed), expected);
    }

    /// Chains in containers have limits of their own.
    #[test]
    fn chains_in_containers_do_not_count() {
        let need = Need::with(4, 600, false);
        assert_eq!(judge(&[need], 1, Some(400)).map(|warning| warning.is_some()), Ok(true));
    }

    #[test]
    fn the_limit_is_raised_as_far_as_allowed() {
        raise();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        let wanted = maximum.unwrap_or(SENSIBLE).min(SENSIBLE);
        assert!(current.is_none_or(|current| current >= wanted), "{current:?} of {maximum:?}");
    }
}
