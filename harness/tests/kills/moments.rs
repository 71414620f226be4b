//! One command, ended again and again.

use std::{
    env, fs,
    os::unix::process::ExitStatusExt as _,
    thread,
    time::{Duration, Instant},
};

use hourglass_harness::{Runtime, cache::cache_folder, reaper::RunId};
use hourglass_test_support::{Daemons, Running, Sandbox, eventually};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};
use rustix::process::Signal;

use crate::{HARNESS, leftovers::Leftovers};

/// Repeats the moments of an earlier run.
const SEED: &str = "HARNESS_KILLS_SEED";
/// How long the command may take to return after an interruption.
const RETURNS_WITHIN: Duration = Duration::from_secs(10);
/// How long anything of it may exist afterwards.
const GONE_WITHIN: Duration = Duration::from_mins(1);

/// A command and how it is ended.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Kills {
    pub(crate) runtime: Runtime,
    pub(crate) signal: Signal,
    /// How often.
    pub(crate) moments: u32,
}

impl Kills {
    /// Ends the command and checks for remains, once for each moment.
    pub(crate) fn run(self) {
        let seed = env::var(SEED).map_or_else(|_| rand::random(), |seed| seed.parse().unwrap());
        eprintln!("{self:?}: {SEED}={seed}");
        let mut random = StdRng::seed_from_u64(seed);
        let (sandbox, daemons) = (Sandbox::new(HARNESS), Daemons::default());
        let leftovers = Leftovers::new(self.runtime, &sandbox, &daemons);
        let start = |daemon| Running::start(&mut self.command(&sandbox, leftovers.scenario(), daemon));
        // The first run makes images, clusters and the chains' state, so that the second is as long as the others.
        start(None).finish().assert_code(0);
        let began = Instant::now();
        start(None).finish().assert_code(0);
        let whole = began.elapsed();
        let (mut at_work, mut slowest, mut last_gone) = (0_u32, Duration::ZERO, Duration::ZERO);
        for round in 0.. {
            // Each moment is in its own part of the run, so that even few moments cover the whole run. Few of them can all be
            // before or after the work: then rounds follow that wait for it.
            let part = |random: &mut StdRng| (f64::from(round) + random.random::<f64>()) / f64::from(self.moments);
            let moment = (round < self.moments).then(|| whole.mul_f64(part(&mut random)));
            if moment.is_none() && 4 * at_work >= self.moments {
                break;
            }
            // A signal makes the trial fail, whose folder is kept if it was created before.
            let daemon = (self.runtime == Runtime::Process && round % 2 == 1).then_some(&daemons);
            let context = || {
                let when = moment.map_or_else(|| "when it had children".to_owned(), |moment| format!("{moment:?} in"));
                format!("round {round} of {self:?}, {when}, of {whole:?}, {SEED}={seed}")
            };
            let command = start(daemon);
            let has_children = || sandbox.processes().len() > 1;
            if let Some(moment) = moment {
                // There is no event to wait for: the signal must hit the command in any state.
                thread::sleep(moment);
            } else {
                let found = eventually(GONE_WITHIN, || if has_children() { Ok(()) } else { Err("none came") });
                assert_eq!(found, Ok(()), "{}", context());
            }
            at_work += u32::from(moment.is_none() || has_children());
            command.signal_group(self.signal);
            let signalled = Instant::now();
            let outcome = command.finish();
            let returned = signalled.elapsed();
            if self.signal != Signal::KILL {
                assert!(
                    returned <= RETURNS_WITHIN,
                    "it returned after {returned:?}: {}\n{}",
                    context(),
                    outcome.stdout
                );
                // A run that was shorter this time ends by itself; one that has not started anything ends by the
                // signal.
                let code = outcome.status.code();
                let at_once = outcome.status.signal() == Some(self.signal.as_raw()) && outcome.stdout.is_empty();
                assert!(
                    at_once || matches!(code, Some(0 | 1 | 130)),
                    "{code:?}: {}\n{}{}",
                    context(),
                    outcome.stdout,
                    outcome.stderr
                );
            }
            let keeps_folders = self.signal != Signal::KILL || daemon.is_some();
            let left = eventually(GONE_WITHIN.saturating_sub(returned), || {
                let mut left = leftovers.look();
                if !keeps_folders {
                    left.extend(sandbox.run_folders().iter().map(|folder| folder.display().to_string()));
                }
                if left.is_empty() { Ok(()) } else { Err(left) }
            });
            assert_eq!(left, Ok(()), "left {GONE_WITHIN:?} after the signal: {}", context());
            for folder in sandbox.run_folders() {
                fs::remove_dir_all(folder).unwrap();
            }
            slowest = slowest.max(returned);
            last_gone = last_gone.max(signalled.elapsed());
        }
        leftovers.assert_all_removed_eventually(GONE_WITHIN);
        eprintln!(
            "{self:?}: {at_work} hit at work of a run of {whole:.1?}; returned within {slowest:.1?}, gone within {last_gone:.1?}"
        );
        assert!(4 * at_work >= self.moments, "only {at_work} hit a command with children: the test proves little");
    }

    fn command(self, sandbox: &Sandbox, name: &str, daemon: Option<&Daemons>) -> std::process::Command {
        let runtimes = match self.runtime {
            Runtime::Kubernetes => "runtimes: [kubernetes]\nruntimes_because: It is about the cluster.\n",
            _ => "",
        };
        // Only if processes belong to the machine: a process in a container ends with it.
        let performer = daemon.map(|daemon| {
            let daemon = daemon.command();
            format!("command: [sh, -c, \"env -i setsid -f {daemon}; exec {HARNESS} component performer\"], ")
        });
        let performer = performer.unwrap_or_default();
        let steps = "steps:\n  - create_task: {as: five, count: 5, payload: \"0x04\"}\n  - expect_verified: {task: five, result: \"0x10\"}\n";
        let components = format!("components: {{performer: {{{performer}environment: {{TASK_DELAY_MS: 100}}}}}}\n");
        let path = sandbox.scenario(name, &format!("{runtimes}{components}{steps}"));
        let mut command = sandbox.harness(&["run", "--runtime", self.runtime.as_str()]);
        command.arg(path);
        if self.runtime == Runtime::Kubernetes {
            // Uses the clusters of this machine instead of a test's own.
            command.env("HARNESS_CACHE", cache_folder().unwrap());
        }
        command
    }
}

/// A unique name for a scenario.
pub(crate) fn unique_name() -> String {
    RunId::generate().to_string().replace('-', "_")
}
