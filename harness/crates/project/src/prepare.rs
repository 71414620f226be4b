//! Runs the commands that a project file names, before trials.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant, SystemTime},
};

use backon::{ExponentialBuilder, Retryable as _};
use hourglass_base::{ProcessGroupGuard, below, last_lines, shown_command};
use hourglass_component::timeout::timeout;
use hourglass_scenario::{PrepareCommand, Project};
use tokio::process::Command;

/// How long a command may take unless it says so itself.
const WITHIN: Duration = Duration::from_mins(10);
/// A command that takes longer is mentioned.
const QUICK: Duration = Duration::from_secs(2);
/// How long to wait before a lock that another process has is tried again: at first, and at most.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Why a project could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The program could not be started.
    #[error("failed to start `{command}`, which {file} names in `prepare`", file = file.display())]
    Start {
        /// Program and arguments.
        command: String,
        /// The project file.
        file: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It failed.
    #[error("`{command}`, which {file} names in `prepare`, ended with {status}{output}", file = file.display(), output = below(output))]
    Failed {
        /// Program and arguments.
        command: String,
        /// The project file.
        file: PathBuf,
        /// `exit status: 1`
        status: String,
        /// The last lines that it wrote.
        output: String,
    },
    /// It took too long and was ended.
    #[error("`{command}`, which {file} names in `prepare`, did not end within {within}{output}", file = file.display(), within = humantime::format_duration(*within), output = below(output))]
    TooLong {
        /// Program and arguments.
        command: String,
        /// The project file.
        file: PathBuf,
        /// The limit.
        within: Duration,
        /// The last lines that it wrote.
        output: String,
    },
    /// It ended well, and what it should make is not there.
    #[error("`{command}`, which {file} names in `prepare`, has not made `{creates}`", file = file.display(), creates = creates.display())]
    Missing {
        /// Program and arguments.
        command: String,
        /// The project file.
        file: PathBuf,
        /// What it should make.
        creates: PathBuf,
    },
    /// Another process did not finish to prepare the project.
    #[error("timed out after {within} waiting for another process that runs the commands of {file}", file = file.display(), within = humantime::format_duration(*within))]
    Locked {
        /// The project file.
        file: PathBuf,
        /// How long it was waited for.
        within: Duration,
    },
    /// A file could not be used.
    #[error("failed to {doing} {path}", path = path.display())]
    File {
        /// What was done.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl PrepareError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::Start { .. } => {
                "make sure that the program is installed and in PATH; commands have no shell unless they name one"
                    .to_owned()
            }
            Self::Failed { .. } => {
                "correct what the command says; it runs in the folder of the project file".to_owned()
            }
            Self::TooLong { .. } => "see why, or give the command more time with `within`".to_owned(),
            Self::Missing { .. } => {
                "correct `creates`, a path in the folder of the project file, or take it away".to_owned()
            }
            Self::Locked { .. } => "end the other process: `fuser` shows who has the file open".to_owned(),
            Self::File { .. } => "see whose it is, and whether the disk is full".to_owned(),
        }
    }
}

/// Runs the commands of the project, one after the other. Another process that prepares the same project is waited for.
/// `notice` receives a sentence about each command that takes long.
pub async fn prepare(project: &Project, notice: &(dyn Fn(&str) + Sync)) -> Result<(), PrepareError> {
    if project.document.prepare.is_empty() {
        return Ok(());
    }
    let within = project.document.prepare.iter().map(limit_of).sum();
    let _lock = lock(&project.path, within, notice).await?;
    for command in &project.document.prepare {
        if is_done(command, &project.folder) {
            tracing::debug!(command = shown(command), "is up to date");
            continue;
        }
        let began = Instant::now();
        let mut running = std::pin::pin!(run(command, project));
        if let Ok(done) = timeout(QUICK, running.as_mut()).await {
            done?;
        } else {
            notice(&format!("preparing: `{}` is running", shown(command)));
            running.await?;
        }
        let elapsed = began.elapsed();
        tracing::info!(command = shown(command), ?elapsed, "prepared");
        if elapsed > QUICK {
            notice(&format!("prepared: `{}` took {:.1} s", shown(command), elapsed.as_secs_f64()));
        }
    }
    Ok(())
}

/// Two processes of one test run must not build the same performer at the same time. Another process has the lock for at most as
/// long as its commands may take, unless it hangs.
async fn lock(path: &Path, within: Duration, notice: &(dyn Fn(&str) + Sync)) -> Result<File, PrepareError> {
    let failed = |source| PrepareError::File { doing: "lock", path: path.to_owned(), source };
    let file = File::open(path).map_err(failed)?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => notice("waiting for another process that prepares this project"),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
        Ok(()) => return Ok(file),
    }
    let try_lock = || async { file.try_lock() };
    // There is no event for a file lock, and a thread that waits for one cannot be interrupted.
    let pauses = ExponentialBuilder::default().with_min_delay(FIRST_PAUSE).with_max_delay(LONGEST_PAUSE);
    let is_held = |error: &TryLockError| matches!(error, TryLockError::WouldBlock);
    let locked = try_lock.retry(pauses.without_max_times()).when(is_held);
    match timeout(within, locked).await {
        Ok(Ok(())) => Ok(file),
        Ok(Err(error)) => Err(failed(error.into())),
        Err(_) => Err(PrepareError::Locked { file: path.to_owned(), within }),
    }
}

/// Whether what the command makes is newer than what it is made from.
fn is_done(command: &PrepareCommand, folder: &Path) -> bool {
    let Some(creates) = &command.creates else { return false };
    let modified = |path: &Path| fs::metadata(folder.join(path)).and_then(|metadata| metadata.modified()).ok();
    let Some(made) = modified(creates).filter(|made| *made > SystemTime::UNIX_EPOCH) else { return false };
    // The command itself reports an input that is missing.
    let is_older = |input: &PathBuf| modified(input).is_some_and(|input: SystemTime| input <= made);
    command.inputs.iter().all(is_older)
}

/// How long the command may take.
fn limit_of(command: &PrepareCommand) -> Duration {
    command.within.map_or(WITHIN, Into::into)
}

async fn run(command: &PrepareCommand, project: &Project) -> Result<(), PrepareError> {
    let (file, text) = (project.path.clone(), shown(command));
    let of_output = |source| PrepareError::File {
        doing: "write the output of a command to",
        path: "a temporary file".into(),
        source,
    };
    let mut output = tempfile::tempfile().map_err(of_output)?;
    let (stdout, stderr) = (output.try_clone().map_err(of_output)?, output.try_clone().map_err(of_output)?);
    let start = |source| PrepareError::Start { command: text.clone(), file: file.clone(), source };
    let (program, arguments) = command.run.split_first().ok_or_else(|| start(io::ErrorKind::InvalidInput.into()))?;
    let program = if program.contains('/') { project.folder.join(program) } else { program.into() };
    let mut child = Command::new(program)
        .args(arguments)
        .envs(&command.environment)
        .current_dir(&project.folder)
        .stdin(Stdio::null())
        .stdout(stdout)
        .stderr(stderr)
        .process_group(0)
        .kill_on_drop(true)
        .spawn()
        .map_err(start)?;
    let group = ProcessGroupGuard::of(child.id());
    let within = limit_of(command);
    let Ok(ended) = timeout(within, child.wait()).await else {
        drop(group);
        let output = last_lines(&mut output);
        return Err(PrepareError::TooLong { command: text, file, within, output });
    };
    let status = ended.map_err(start)?;
    group.has_ended();
    if !status.success() {
        // What a failed command has left is not taken for what it makes.
        if let Some(Ok(partial)) = command.creates.as_ref().map(|creates| File::open(project.folder.join(creates))) {
            let _ = partial.set_modified(SystemTime::UNIX_EPOCH);
        }
        let output = last_lines(&mut output);
        return Err(PrepareError::Failed { command: text, file, status: status.to_string(), output });
    }
    match &command.creates {
        Some(creates) => made(creates, command, project),
        None => Ok(()),
    }
}

/// Builds leave what is up to date as it is: what the command has made counts as made now.
fn made(creates: &Path, command: &PrepareCommand, project: &Project) -> Result<(), PrepareError> {
    let path = project.folder.join(creates);
    let Ok(made) = File::open(&path) else {
        let (command, file) = (shown(command), project.path.clone());
        return Err(PrepareError::Missing { command, file, creates: creates.to_owned() });
    };
    made.set_modified(SystemTime::now()).map_err(|source| PrepareError::File { doing: "set the time of", path, source })
}

fn shown(command: &PrepareCommand) -> String {
    shown_command(&command.run)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(prepare: &str) -> (tempfile::TempDir, Project) {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("harness.yaml");
        fs::write(&path, format!("prepare:\n{prepare}")).unwrap();
        let project = Project::load(&path).unwrap();
        (root, project)
    }

    async fn outcome(project: &Project) -> Result<(), String> {
        prepare(project, &|_| {}).await.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn commands_run_in_order_in_the_folder_of_the_project() {
        let (root, project) =
            project("  - run: [sh, -c, 'echo $WORD >> words']\n    environment: {WORD: 0x10}\n  - {run: [./again]}\n");
        let script = root.path().join("again");
        fs::write(&script, "#!/bin/sh\ncat words >> words.again\n").unwrap();
        fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        outcome(&project).await.unwrap();
        assert_eq!(fs::read_to_string(root.path().join("words.again")).unwrap(), "0x10\n");
    }

    #[tokio::test]
    async fn a_command_runs_only_if_an_input_is_newer_than_what_it_creates() {
        let (root, project) =
            project("  - {run: [sh, -c, 'echo x >> runs; touch made'], creates: made, inputs: [source]}\n");
        let runs = || fs::read_to_string(root.path().join("runs")).unwrap_or_default().lines().count();
        let source = root.path().join("source");
        fs::write(&source, "").unwrap();
        outcome(&project).await.unwrap();
        outcome(&project).await.unwrap();
        assert_eq!(runs(), 1, "it is up to date");
        let later = SystemTime::now() + Duration::from_mins(1);
        File::options().write(true).open(&source).unwrap().set_modified(later).unwrap();
        outcome(&project).await.unwrap();
        assert_eq!(runs(), 2, "its input has changed");
    }

    /// A process that hangs while it has the lock must not hang the others.
    #[tokio::test]
    async fn a_lock_that_another_process_keeps_is_given_up() {
        let (_root, project) = project("  - {run: ['true'], within: 50ms}\n");
        let held = File::open(&project.path).unwrap();
        held.lock().unwrap();
        let told = std::sync::Mutex::new(Vec::new());
        let error = prepare(&project, &|text| told.lock().unwrap().push(text.to_owned())).await.unwrap_err();
        assert!(matches!(error, PrepareError::Locked { .. }), "{error}");
        assert_eq!(*told.lock().unwrap(), ["waiting for another process that prepares this project"]);
    }

    /// A download that breaks off leaves a part of what it makes.
    #[tokio::test]
    async fn what_a_failed_command_has_left_does_not_count_as_made() {
        let (root, project) =
            project("  - {run: [sh, -c, 'echo x >> runs; touch made; test -e good'], creates: made}\n");
        let runs = || fs::read_to_string(root.path().join("runs")).unwrap().lines().count();
        outcome(&project).await.unwrap_err();
        fs::write(root.path().join("good"), "").unwrap();
        outcome(&project).await.unwrap();
        outcome(&project).await.unwrap();
        assert_eq!(runs(), 2);
    }

    #[rstest::rstest]
    #[case::fails("{run: [sh, -c, 'echo first; echo why >&2; exit 3']}", "exit status: 3\n    first\n    why")]
    #[case::no_program("{run: [no-such-program]}", "failed to start `no-such-program`")]
    #[case::makes_nothing("{run: ['true'], creates: made}", "has not made `made`")]
    #[case::takes_long("{run: [sh, -c, 'echo slow; sleep 600'], within: 300ms}", "did not end within 300ms\n    slow")]
    #[case::hostile("{run: [sh, -c, 'printf \"\\033[31mred\\n\"; exit 1']}", "[31mred")]
    #[tokio::test]
    async fn a_command_that_fails_is_named_with_what_it_wrote(#[case] command: &str, #[case] expected: &str) {
        let (_root, project) = project(&format!("  - {command}\n"));
        let error = outcome(&project).await.unwrap_err();
        assert!(error.contains(expected), "{error}");
        assert!(!error.contains('\u{1b}'), "{error:?}");
    }
}
