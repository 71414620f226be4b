//! The commands of `harness`, one file each: arguments, and a function that does the work and writes to the writer it
//! is given. The implementation of a command is elsewhere in the library.

mod again;
pub mod bundle;
pub mod chosen;
pub mod compare;
pub mod completions;
pub mod component;
pub mod devnet;
pub mod doctor;
pub mod doctor_cluster;
pub mod document;
pub mod down;
mod error;
pub mod explain;
#[cfg(test)]
mod flag_table;
pub mod format;
pub mod gc;
pub mod image;
pub mod init;
mod interrupt;
mod kept_run;
mod last_results;
pub mod lint;
pub mod list;
mod live_logs;
pub mod load;
pub mod logs;
pub mod ls;
mod output;
pub mod plan;
mod preparation;
pub mod probe;
pub mod ps;
pub mod run;
pub mod run_cluster;
pub mod schema;
pub mod setup;
pub mod show;
mod show_error;
mod source;
mod subcommands;
pub mod task;
pub mod up;
mod values;
pub mod watch;

use std::{env, future::Future, io, process::ExitCode, time::Duration};

use clap::{ArgAction, CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use hourglass_base::{ExitStatus, processors};
use hourglass_cluster::Namespaces;
use hourglass_component::telemetry::FILTER_VARIABLE;
use hourglass_machine::{
    open_files, signals,
    threads::{self, STACK},
};
use hourglass_reaper::{AdoptArgs, SuperviseArgs, adopt_main, supervise_main};
use hourglass_report::start_records;

use component::ComponentCommand;
pub use devnet::DevnetError;
pub use error::CliError;
use format::TrialsForm;
pub use output::{Output, OutputError};
use output::{UntilClosed, notice};
pub use run::AnvilArgs;
pub use show_error::ShowError;
use subcommands::{ClusterCommand, RunsCommand, ScenarioCommand};

/// End-to-end tests of Hourglass AVSs on real chains: the same scenario as processes, in Docker and in Kubernetes.
#[derive(Debug, Parser)]
#[command(name = "harness", version, max_term_width = 100)]
pub struct Cli {
    /// Show on standard error what the harness does; -vv shows more. The variable `RUST_LOG` selects records more finely
    #[arg(long, short, global = true, action = ArgAction::Count)]
    verbose: u8,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(Box<run::RunArgs>),
    Watch(Box<watch::WatchArgs>),
    Compare(Box<compare::CompareArgs>),
    Load(Box<load::LoadArgs>),
    Devnet(Box<devnet::DevnetArgs>),
    #[command(subcommand)]
    Task(task::TaskCommand),
    Bundle(bundle::BundleArgs),
    Show(show::ShowArgs),
    Init(init::InitArgs),
    Lint(lint::LintArgs),
    #[command(subcommand)]
    Scenario(ScenarioCommand),
    #[command(subcommand)]
    Cluster(ClusterCommand),
    #[command(subcommand)]
    Runs(RunsCommand),
    Up(up::UpArgs),
    Down(down::DownArgs),
    Gc(gc::GcArgs),
    /// The old name of `scenario list`
    #[command(hide = true)]
    List(list::ListArgs),
    /// The old name of `scenario plan`
    #[command(hide = true)]
    Plan(plan::PlanArgs),
    /// The old name of `runs list`
    #[command(hide = true)]
    Ps(ps::PsArgs),
    /// The old name of `cluster logs`
    #[command(hide = true)]
    Logs(logs::LogsArgs),
    /// The old name of `cluster list`
    #[command(hide = true)]
    Ls(ls::LsArgs),
    Explain(explain::ExplainArgs),
    Doctor(doctor::DoctorArgs),
    Schema(schema::SchemaArgs),
    Completions(completions::CompletionsArgs),
    Man(completions::ManArgs),
    #[command(subcommand)]
    Setup(setup::SetupCommand),
    #[command(subcommand)]
    Image(image::ImageCommand),
    #[command(subcommand)]
    Component(ComponentCommand),
    #[command(subcommand, hide = true)]
    Probe(probe::ProbeCommand),
    #[command(hide = true)]
    Supervise(SuperviseArgs),
    #[command(hide = true)]
    Adopt(AdoptArgs),
}

/// Parses the command line and executes it, on a stack that is large enough whatever its limit.
pub fn main() -> ExitCode {
    // Before there is any other thread or process: each inherits it.
    signals::unblock();
    let on_large_stack = threads::on_large_stack(|| parse().map_or_else(|told| tell(&told), |cli| cli.execute()));
    on_large_stack.unwrap_or_else(|_| parse().map_or_else(|told| tell(&told), |cli| cli.execute_here()))
}

/// Parses the command line of this process.
fn parse() -> Result<Cli, clap::Error> {
    let mut command = without_empty_variables(Cli::command());
    let mut matches = command.try_get_matches_from_mut(env::args_os())?;
    Cli::from_arg_matches_mut(&mut matches).map_err(|error| error.format(&mut command))
}

/// A variable that is set to nothing counts as not set, as CI sets variables that have no value.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |arg: &clap::Arg| arg.get_env().and_then(env::var_os).is_some_and(|value| value.is_empty());
    command
        .mut_args(|arg| if is_empty(&arg) { arg.env(None::<&'static str>) } else { arg })
        .mut_subcommands(without_empty_variables)
}

/// Shows the answer to a command line without work: help, the version, or its error.
fn tell(told: &clap::Error) -> ExitCode {
    let shown = told.print().and_then(|()| io::Write::flush(&mut io::stdout()));
    match shown {
        Err(error) if !told.use_stderr() && error.kind() != io::ErrorKind::BrokenPipe => {
            let error = CliError::from(OutputError(error));
            error.show();
            error.status().into()
        }
        _ if told.use_stderr() => ExitStatus::Usage.into(),
        _ => ExitStatus::Passed.into(),
    }
}

impl Cli {
    /// Executes the commands that work even if the system lets no thread start: ending the processes of a run must not
    /// need one.
    fn execute_here(&self) -> ExitCode {
        if matches!(self.command, Command::Supervise(_) | Command::Adopt(_)) {
            return self.execute();
        }
        let refused = threads::enough(PURPOSE, 1 + threads_of_scheduler());
        let error = refused.map_or_else(CliError::from, |()| CliError::Scheduler(io::ErrorKind::WouldBlock.into()));
        error.show();
        error.status().into()
    }

    /// Executes the command line; every failure is shown on standard error and determines the exit code.
    pub fn execute(&self) -> ExitCode {
        // The supervisor outlives everything and must not depend on a runtime.
        if let Command::Supervise(args) = &self.command {
            return supervise_main(args, Namespaces::boxed);
        }
        if let Command::Adopt(args) = &self.command {
            return adopt_main(args);
        }
        open_files::raise();
        threads::raise_stack();
        match self.dispatch() {
            Ok(status) => status.into(),
            // The reader of the output has closed it.
            Err(error) if error.is_closed_output() => ExitStatus::Passed.into(),
            Err(error) => {
                error.show();
                error.status().into()
            }
        }
    }

    fn dispatch(&self) -> Result<ExitStatus, CliError> {
        match self.command {
            // Components have logs of their own, whatever a user sets for the harness.
            Command::Component(_) | Command::Probe(_) if self.verbose > 0 => {
                let reason =
                    format!("-v is for what the harness does; what components log is set by {FILTER_VARIABLE}");
                return Err(CliError::Usage(format!("show more: {reason}")));
            }
            Command::Component(_) | Command::Probe(_) => {}
            _ => start_records(self.verbose)?,
        }
        // Not locked: components and the notices of a run write to it as well, for as long as this process lives.
        let out = &mut UntilClosed::new(io::stdout());
        match &self.command {
            Command::Run(args) => return runtime()?.block_on(run::run(args)),
            // It has no end of its own: it ends when nobody reads what it says.
            Command::Watch(args) => return runtime()?.block_on(watch::run(args, &mut io::stdout())),
            Command::Compare(args) => return runtime()?.block_on(compare::run(args, out)),
            Command::Load(args) => return runtime()?.block_on(load::run(args, out)),
            Command::Devnet(args) => return runtime()?.block_on(devnet::run(args, out)),
            Command::Task(command) => return runtime()?.block_on(task::run(command, out)),
            Command::Component(command) => runtime()?.block_on(component::run(command))?,
            Command::Image(command) => runtime()?.block_on(image::run(command, out))?,
            Command::Logs(args) | Command::Cluster(ClusterCommand::Logs(args)) => {
                runtime()?.block_on(logs::run(args, out))?;
            }
            Command::Doctor(args) => return runtime()?.block_on(doctor::run(args, out)),
            Command::Up(args) | Command::Cluster(ClusterCommand::Up(args)) => {
                runtime()?.block_on(up::run(args, out))?;
            }
            Command::Ls(args) | Command::Cluster(ClusterCommand::List(args)) => {
                runtime()?.block_on(ls::run(args, out))?;
            }
            Command::Down(args) | Command::Cluster(ClusterCommand::Down(args)) => {
                return down::run(args, out);
            }
            Command::Setup(command) => runtime()?.block_on(setup::run(command, out))?,
            Command::Probe(command) => probe::run(command, out)?,
            Command::Bundle(args) => bundle::run(args, out)?,
            Command::Scenario(ScenarioCommand::List(args)) => list::run(args, TrialsForm::Document, out)?,
            Command::List(args) => list::run(args, TrialsForm::Array, out)?,
            Command::Scenario(ScenarioCommand::Plan(args)) => plan::run(args, TrialsForm::Document, out)?,
            Command::Plan(args) => plan::run(args, TrialsForm::Array, out)?,
            Command::Show(args) => show::run(args, out)?,
            Command::Init(args) => init::run(args, out)?,
            Command::Explain(args) => explain::run(args, out)?,
            Command::Completions(args) => completions::run(args, out)?,
            Command::Man(args) => completions::man(args, out)?,
            Command::Schema(args) => schema::run(args, out)?,
            Command::Scenario(ScenarioCommand::Schema(args)) => schema::of_scenarios(args, out)?,
            Command::Ps(args) | Command::Runs(RunsCommand::List(args)) => ps::run(args, out)?,
            Command::Gc(args) | Command::Runs(RunsCommand::Gc(args)) => gc::run(args, out)?,
            Command::Lint(args) | Command::Scenario(ScenarioCommand::Lint(args)) => {
                if lint::run(args, out)? > 0 {
                    return Ok(ExitStatus::Usage);
                }
            }
            // Handled before there is a runtime.
            Command::Supervise(_) | Command::Adopt(_) => {}
        }
        Ok(ExitStatus::Passed)
    }
}

/// Why threads are needed before a command begins.
const PURPOSE: &str = "start the command";
/// How long idle blocking threads are kept: as long as a command may last.
const KEPT: Duration = Duration::from_hours(24);

fn runtime() -> Result<Executor, CliError> {
    // A scheduler that cannot start its threads panics.
    threads::enough(PURPOSE, threads_of_scheduler())?;
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    Ok(Executor(with_reserve(builder.thread_stack_size(STACK))?))
}

/// For the commands that also block, and must not do so on the threads of a scheduler.
fn single_threaded() -> Result<tokio::runtime::Runtime, CliError> {
    threads::enough(PURPOSE, 1)?;
    with_reserve(&mut tokio::runtime::Builder::new_current_thread())
}

/// One thread for each processor, and one that blocks.
fn threads_of_scheduler() -> usize {
    processors() + 1
}

/// One blocking thread is started at once and kept: if no other can be started later, blocking work queues on it.
/// Without any, the scheduler panics.
fn with_reserve(builder: &mut tokio::runtime::Builder) -> Result<tokio::runtime::Runtime, CliError> {
    let runtime = builder.enable_all().thread_keep_alive(KEPT).build().map_err(CliError::Scheduler)?;
    drop(runtime.spawn_blocking(|| {}));
    Ok(runtime)
}

/// The executor of a command's asynchronous part.
struct Executor(tokio::runtime::Runtime);

impl Executor {
    /// Runs it to its end. Blocking work that has not ended by then is not awaited: it belongs to something that was
    /// given up, and ends with this process.
    fn block_on<T>(self, command: impl Future<Output = T>) -> T {
        let output = self.0.block_on(command);
        self.0.shutdown_background();
        output
    }
}
