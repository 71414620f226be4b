//! Adoption of descendants that have lost their parent.
//!
//! A daemon that clears its environment and leaves its session has no mark of its owner, and its parent has ended. A
//! process that adopts orphans keeps such a daemon among its descendants: components do so for what their performers
//! start, and the harness does so for what a component leaves behind.

use std::{
    collections::BTreeSet,
    env, fs, io,
    os::unix::process::CommandExt as _,
    path::Path,
    process::{Command, ExitCode},
    thread,
    time::{Duration, Instant},
};

use hourglass_component::text::safe;
use rustix::process::{getpid, set_child_subreaper};

use super::{
    DEFAULT_GRACE, LabelledProcess, ReaperError,
    process::{Held, command_line, is_supervisor, run_of},
    stat::Stat,
    tree::end_with_all_below,
};

/// Makes this process the parent of all its descendants that lose their own, for as long as it lives and whatever
/// program it becomes.
pub fn adopt_orphans() -> Result<(), ReaperError> {
    set_child_subreaper(Some(getpid())).map_err(|error| ReaperError::Adopt(error.into()))
}

/// Arguments of the hidden command that becomes a program of the user's which adopts orphans.
#[derive(Debug, Clone, clap::Args)]
pub struct AdoptArgs {
    /// The program and its arguments
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "PROGRAM")]
    pub command: Vec<std::ffi::OsString>,
}

/// The command that starts `program` as one that adopts orphans; `executable` is the harness.
pub fn adopting(executable: &Path, program: &str) -> tokio::process::Command {
    let mut command = tokio::process::Command::new(executable);
    command.args(["adopt", "--", program]);
    command
}

/// Becomes the program; returns only if that fails. The command line calls this before it starts anything else.
pub fn adopt_main(args: &AdoptArgs) -> ExitCode {
    let [program, arguments @ ..] = args.command.as_slice() else { return ExitCode::FAILURE };
    if let Err(error) = adopt_orphans() {
        complain(&error.to_string());
        return ExitCode::FAILURE;
    }
    let error = Command::new(program).args(arguments).exec();
    complain(&format!("failed to start {}: {error}", Path::new(program).display()));
    // The exit codes of shells.
    ExitCode::from(if error.kind() == io::ErrorKind::NotFound { 127 } else { 126 })
}

fn complain(text: &str) {
    // If writing to standard error fails, nothing can report it.
    let _ = io::Write::write_fmt(&mut io::stderr(), format_args!("{}\n", safe(text)));
}

/// Ends the orphans that this process has adopted and that have cleared their environment, with all their descendants,
/// and returns them. Blocks until they are gone.
///
/// A process that inherited the environment is left alone: it has the label of its run, or was not started by a
/// component.
pub fn end_orphans() -> Result<Vec<LabelledProcess>, ReaperError> {
    let (mut ended, mut clean) = (Vec::new(), 0);
    let deadline = Instant::now() + END_LIMIT;
    // A process may have started another one before it was stopped.
    while clean < CLEAN_LOOKS && Instant::now() < deadline {
        let found = end_once()?;
        clean = if found.is_empty() { clean + 1 } else { 0 };
        ended.extend(found);
    }
    Ok(ended)
}

fn end_once() -> Result<Vec<LabelledProcess>, ReaperError> {
    let own = getpid().as_raw_nonzero().get();
    let names: BTreeSet<_> = env::vars_os().map(|(name, _)| name.into_encoded_bytes()).collect();
    let children = Stat::of_all().map_err(ReaperError::AllProcesses)?;
    let children = children.filter(|(_, stat)| stat.parent == own && !stat.has_ended());
    let escaped =
        children.filter(|(pid, _)| !is_supervisor(*pid) && run_of(*pid).is_none() && has_cleared(*pid, &names));
    let held: Vec<_> = escaped.filter_map(|(pid, stat)| Held::started(pid, stat.started)).collect();
    let found =
        held.iter().map(|held| LabelledProcess { pid: held.pid(), command: command_line(held.pid()) }).collect();
    end_with_all_below(held, DEFAULT_GRACE).map_err(ReaperError::AllProcesses)?;
    Ok(found)
}

/// How long to try, if orphans start others repeatedly.
const END_LIMIT: Duration = Duration::from_secs(5);
const CLEAN_LOOKS: usize = 2;
/// How long a process without an environment is watched: during an execve every process has none.
const EXEC_LIMIT: Duration = Duration::from_millis(50);
const EXEC_PAUSE: Duration = Duration::from_millis(1);

/// Whether a process lacks more than half of the variables that it would have inherited. A child of the harness lacks
/// only single ones.
fn has_cleared(pid: i32, inherited: &BTreeSet<Vec<u8>>) -> bool {
    let deadline = Instant::now() + EXEC_LIMIT;
    let environment = loop {
        let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
        if !environment.is_empty() || Instant::now() > deadline {
            break environment;
        }
        thread::sleep(EXEC_PAUSE);
    };
    let variables = environment.split(|byte| *byte == 0);
    let names = variables.filter_map(|variable| variable.split(|byte| *byte == b'=').next().map(<[u8]>::to_vec));
    let kept = names.filter(|name| inherited.contains(name)).collect::<BTreeSet<_>>().len();
    2 * kept < inherited.len()
}
