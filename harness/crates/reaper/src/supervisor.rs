//! The harness's side of the pipe: start the supervisor, and part from it in one of three ways.

use std::{
    fs::{File, OpenOptions},
    io::{self, BufRead, BufReader, Read, Write},
    os::{fd::AsFd as _, unix::process::CommandExt},
    path::{Path, PathBuf, absolute},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use hourglass_engine::EngineAddress;
use rustix::event::{PollFd, PollFlags};

use super::{
    DEFAULT_GRACE, Places, RUN_ID_VARIABLE, ReaperError, RunFolder, RunId, SweepReport, SweptCluster,
    process::wait,
    strays::Descendants,
    supervise::{Answer, FINISH, HOLD, KEEP, READY, SWEEP},
    sweep_all,
};

/// How a supervisor is started.
#[derive(Debug, Clone)]
pub struct SupervisorOptions {
    /// The harness executable, which knows the hidden command `supervise`; the running executable when absent.
    pub executable: Option<PathBuf>,
    /// A folder to remove when the harness was killed. An orderly end leaves it to the harness.
    pub folder: Option<RunFolder>,
    /// Where the supervisor says what it did after the harness was gone; appended to. Nowhere when absent.
    pub log: Option<PathBuf>,
    /// How long a process may take to end by itself before it is killed.
    pub grace: Duration,
    /// Where the run makes things besides processes; nothing else is looked at.
    pub places: Places,
}

impl Default for SupervisorOptions {
    fn default() -> Self {
        Self { executable: None, folder: None, log: None, grace: DEFAULT_GRACE, places: Places::default() }
    }
}

/// The small process that outlives the harness and ends what a run left behind.
///
/// It holds one end of a pipe. When the other end goes, with the harness or with this value, it sweeps. It lives in a
/// process group of its own and carries no label, so that neither SIGKILL to the group of the harness nor a sweep
/// reaches it.
#[derive(Debug)]
pub struct Supervisor {
    run: RunId,
    grace: Duration,
    places: Places,
    process: Child,
    words: ChildStdin,
    answers: BufReader<ChildStdout>,
}

/// The supervisor is a program of a few milliseconds; this is for a machine that is busy beyond reason.
const READY_LIMIT: Duration = Duration::from_secs(20);

impl Supervisor {
    /// Starts the supervisor of a run and waits until it is ready. To be called before anything else is started.
    ///
    /// Blocks for some milliseconds, the start of one process.
    pub fn start(run: &RunId, options: &SupervisorOptions) -> Result<Self, ReaperError> {
        let executable = match &options.executable {
            Some(path) => whole(path)?,
            None => std::env::current_exe().map_err(ReaperError::Executable)?,
        };
        let mut process = command(run, &executable, options)?.spawn().map_err(|source| ReaperError::Spawn {
            run: run.clone(),
            executable: executable.clone(),
            source,
        })?;
        let (Some(words), Some(answers)) = (process.stdin.take(), process.stdout.take()) else {
            return Err(conversation(run, io::Error::other("it has no pipe")));
        };
        let mut supervisor = Self {
            run: run.clone(),
            grace: options.grace,
            places: options.places.clone(),
            process,
            words,
            answers: BufReader::new(answers),
        };
        if supervisor.is_ready().map_err(|source| conversation(run, source))? {
            return Ok(supervisor);
        }
        let ended = supervisor.process.try_wait().ok().flatten();
        let state = ended.map_or_else(|| "it says nothing".to_owned(), |status| status.to_string());
        Err(ReaperError::NotReady { run: run.clone(), executable, state })
    }

    /// The process id of the supervisor.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Has the supervisor hold these processes: those that are still there when it sweeps are ended and told, as what
    /// carries the label of the run is.
    pub fn hold(&mut self, descendants: &Descendants) -> Result<(), ReaperError> {
        let said = self.say(&format!("{HOLD}{}", descendants.to_words()));
        said.map_err(|source| conversation(&self.run, source))
    }

    /// The orderly end: sweeps, and tells what the harness had left behind. Blocks until the sweep is over.
    ///
    /// A supervisor that was killed in the meantime is an error; the sweep is done here then. Must not be called from
    /// within an asynchronous task.
    pub fn finish(self) -> Result<SweepReport, ReaperError> {
        Ok(self.sweep()?.0)
    }

    /// Like [`Self::finish`], for a harness that has not decided yet what becomes of the folder: if it is killed while it
    /// holds the farewell, the folder is removed.
    pub fn sweep(mut self) -> Result<(SweepReport, Farewell), ReaperError> {
        let run = self.run.clone();
        let answer = self.ask(SWEEP).map_err(|source| conversation(&run, source))?;
        if answer.is_empty() {
            let status = self.process.wait().map_err(|source| conversation(&run, source))?;
            sweep_all(&run, self.grace, self.places.clone())?;
            return Err(ReaperError::SupervisorGone { run, status });
        }
        let farewell = Farewell(Some(self));
        match serde_json::from_str(&answer) {
            Ok(Answer::Swept(report)) => Ok((report, farewell)),
            Ok(Answer::Failed(reason)) => Err(ReaperError::Sweep { run, reason }),
            Err(source) => Err(ReaperError::Report { run, answer, source }),
        }
    }

    /// The orderly end where a sweep cannot succeed now, as the engine is gone: the supervisor goes on trying by itself
    /// for as long as it thinks fit, and the folder stays.
    pub fn leave(mut self) -> Result<(), ReaperError> {
        writeln!(self.words, "{FINISH}").map_err(|source| conversation(&self.run, source))
    }

    /// Ends the supervision and leaves everything of the run alone.
    pub fn keep(self) -> Result<(), ReaperError> {
        let run = self.run.clone();
        let (_, status) = self.part(KEEP)?;
        if status.success() { Ok(()) } else { Err(ReaperError::SupervisorGone { run, status }) }
    }

    /// What can still be said when this was dropped with the work that it was lent to.
    pub fn last_word(&self) -> io::Result<LastWord> {
        Ok(LastWord(File::from(self.words.as_fd().try_clone_to_owned()?)))
    }

    fn is_ready(&mut self) -> io::Result<bool> {
        let mut output = [PollFd::new(self.answers.get_ref(), PollFlags::IN)];
        if !wait(&mut output, Some(Instant::now() + READY_LIMIT))? {
            self.process.kill()?;
        }
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        if line.trim_end() == READY {
            return Ok(true);
        }
        self.process.wait()?;
        Ok(false)
    }

    /// Says one word, and returns the line that the supervisor answers; nothing when it is gone.
    fn ask(&mut self, word: &str) -> io::Result<String> {
        self.say(word)?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        Ok(answer)
    }

    fn say(&mut self, word: &str) -> io::Result<()> {
        match writeln!(self.words, "{word}") {
            // It is gone; its status says how.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            said => said,
        }
    }

    /// Says one word, and returns what the supervisor answers and how it ends.
    fn part(mut self, word: &str) -> Result<(String, ExitStatus), ReaperError> {
        let mut exchange = || {
            self.say(word)?;
            let mut answer = String::new();
            self.answers.read_to_string(&mut answer)?;
            Ok((answer, self.process.wait()?))
        };
        exchange().map_err(|source| conversation(&self.run, source))
    }
}

/// A second writing end of a supervisor's pipe.
///
/// Where the end of a trial takes too long and is dropped, its supervisor hears nothing and takes the harness for gone,
/// and the folder with it; after this word it sweeps and leaves the folder alone.
#[derive(Debug)]
pub struct LastWord(File);

impl LastWord {
    /// Has the supervisor sweep by itself; nobody waits for it.
    pub fn leave(mut self) {
        // One that is gone has swept, or cannot.
        let _ = writeln!(self.0, "{FINISH}");
    }
}

/// A supervisor that has swept and still minds the folder. When this is dropped, which blocks for a moment, the folder is
/// the harness's own affair.
#[derive(Debug)]
#[must_use]
pub struct Farewell(Option<Supervisor>);

impl Drop for Farewell {
    fn drop(&mut self) {
        if let Some(supervisor) = self.0.take() {
            // One that is gone minds nothing.
            let _ = supervisor.part(KEEP);
        }
    }
}

fn command(run: &RunId, executable: &Path, options: &SupervisorOptions) -> Result<Command, ReaperError> {
    let mut command = Command::new(executable);
    command.arg("supervise").args(["--run", run.as_str()]);
    command.arg("--owner").arg(std::process::id().to_string());
    command.arg("--grace").arg(humantime::format_duration(options.grace).to_string());
    if let Some(folder) = &options.folder {
        command.arg("--remove").arg(whole(&folder.path)?).arg("--below").arg(whole(&folder.root)?);
    }
    if let Some(SweptCluster { address: cluster, .. }) = &options.places.cluster {
        command.arg("--kubeconfig").arg(whole(&cluster.kubeconfig)?).args(["--context", &cluster.context]);
    }
    match options.places.engine.as_ref().and_then(|engine| engine.plain().ok()) {
        Some(EngineAddress::Socket(path)) => drop(command.arg("--engine").arg(whole(path)?)),
        Some(engine) => drop(command.arg("--engine").arg(engine.to_string())),
        None => {}
    }
    let log = match &options.log {
        Some(path) => OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .map_err(|source| ReaperError::Log { run: run.clone(), path: path.clone(), source })?
            .into(),
        None => Stdio::null(),
    };
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log);
    // A harness that is itself part of a run must not hand that label on: the sweep would end the supervisor.
    command.env_remove(RUN_ID_VARIABLE);
    // Its working folder would keep a file system busy, and may be removed before it ends.
    command.current_dir("/").process_group(0);
    Ok(command)
}

fn whole(path: &Path) -> Result<PathBuf, ReaperError> {
    absolute(path).map_err(|source| ReaperError::Absolute { path: path.to_owned(), source })
}

fn conversation(run: &RunId, source: io::Error) -> ReaperError {
    ReaperError::Conversation { run: run.clone(), source }
}
