//! The harness's side of the pipe: start the supervisor, and end the conversation in one of three ways.

use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Write},
    os::{fd::AsFd, unix::process::CommandExt},
    path::{Path, PathBuf, absolute},
    process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use hourglass_engine::EngineAddress;
use rustix::{
    event::{PollFd, PollFlags},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{
    DEFAULT_GRACE, RUN_ID_VARIABLE, ReaperError, RunFolder, RunId, SweepReport, SweepTargets, SweptCluster,
    descendants::Descendants,
    process::wait,
    supervise::{Answer, FINISH, HOLD, KEEP, READY, SWEEP},
    sweep_all,
};

/// The settings of a supervisor.
#[derive(Debug, Clone)]
pub struct SupervisorOptions {
    /// The harness executable, which knows the hidden command `supervise`; `None` for the running executable.
    pub executable: Option<PathBuf>,
    /// A folder to remove when the harness was killed. An orderly end leaves it to the harness.
    pub folder: Option<RunFolder>,
    /// The file to which the supervisor appends what it did after the harness was gone; `None` for no log.
    pub log: Option<PathBuf>,
    /// How long a process may take to end in order before it is killed.
    pub grace: Duration,
    /// Where the run creates objects besides processes; nothing else is checked.
    pub targets: SweepTargets,
    /// How long the supervisor may take to answer. A sweep normally ends sooner.
    pub answer_within: Duration,
}

impl Default for SupervisorOptions {
    fn default() -> Self {
        Self {
            executable: None,
            folder: None,
            log: None,
            grace: DEFAULT_GRACE,
            targets: SweepTargets::default(),
            answer_within: ANSWER_LIMIT,
        }
    }
}

/// The small process that outlives the harness and ends what a run left behind.
///
/// It holds one end of a pipe. When the other end is closed, with the harness or with this value, it sweeps. It lives
/// in a process group of its own and has no label, so that neither SIGKILL to the group of the harness nor a sweep
/// reaches it.
#[derive(Debug)]
pub struct Supervisor {
    run: RunId,
    grace: Duration,
    targets: SweepTargets,
    process: Child,
    answer_within: Duration,
    words: ChildStdin,
    answers: Answers,
}

/// The supervisor starts in a few milliseconds; this limit is for a very busy machine.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// A sweep gives up after half a minute, and then checks each kind of resource with limits of its own once more.
const ANSWER_LIMIT: Duration = Duration::from_secs(90);
/// How long writing a word into the pipe may take, which has room for thousands of words.
const WORD_LIMIT: Duration = Duration::from_secs(5);
/// How long a killed supervisor may take to be gone.
const KILLED_WITHIN: Duration = Duration::from_secs(1);
/// The longest answer, in bytes: a report has a line for everything that a run has left.
const LONGEST_ANSWER: usize = 16 << 20;
/// A writable pipe takes this many bytes without blocking.
const AT_ONCE: usize = 4096;

impl Supervisor {
    /// Starts the supervisor of a run and waits until it is ready. Call this before anything else is started.
    ///
    /// Blocks for some milliseconds, the start of one process.
    pub fn start(run: &RunId, options: &SupervisorOptions) -> Result<Self, ReaperError> {
        let executable = match &options.executable {
            Some(path) => whole(path)?,
            None => std::env::current_exe().map_err(ReaperError::Executable)?,
        };
        let began = Instant::now();
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
            targets: options.targets.clone(),
            process,
            answer_within: options.answer_within,
            words,
            answers: Answers { pipe: answers, heard: Vec::new() },
        };
        if supervisor.is_ready().map_err(|source| conversation(run, source))? {
            tracing::debug!(pid = supervisor.pid(), elapsed = ?began.elapsed(), "supervisor started");
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

    /// Makes the supervisor hold these processes: those that still run when it sweeps are ended and reported, like
    /// processes with the label of the run.
    pub fn hold(&mut self, descendants: &Descendants) -> Result<(), ReaperError> {
        match self.say(&format!("{HOLD}{}", descendants.to_words())) {
            // The sweep will detect and report that it does not listen.
            Err(error) if error.kind() == io::ErrorKind::TimedOut => Ok(()),
            said => said.map_err(|source| conversation(&self.run, source)),
        }
    }

    /// The orderly end: sweeps, and returns what the harness had left behind. Blocks until the sweep is over.
    ///
    /// It is an error if the supervisor was killed in the meantime, or if it does not answer and is killed; the sweep
    /// is done here then. Must not be called from within an asynchronous task.
    pub fn finish(self) -> Result<SweepReport, ReaperError> {
        Ok(self.sweep()?.0)
    }

    /// Like [`Self::finish`], for a harness that has not decided yet whether to keep the folder: if it is killed while
    /// it holds the guard, the folder is removed.
    pub fn sweep(mut self) -> Result<(SweepReport, RunFolderGuard), ReaperError> {
        let run = self.run.clone();
        let answer = match self.ask(SWEEP) {
            Ok(answer) if answer.is_empty() => match self.ended(self.answer_within) {
                Ok(status) => Err(ReaperError::SupervisorGone { run: run.clone(), status }),
                Err(source) => Err(self.failed(source)),
            },
            answer => answer.map_err(|source| self.failed(source)),
        };
        let answer = match answer {
            Ok(answer) => answer,
            Err(error) => {
                if matches!(error, ReaperError::SupervisorGone { .. } | ReaperError::SupervisorSilent { .. }) {
                    sweep_all(&run, self.grace, self.targets.clone())?;
                }
                return Err(error);
            }
        };
        let folder_guard = RunFolderGuard(Some(self));
        match serde_json::from_str(&answer) {
            Ok(Answer::Swept(report)) => {
                tracing::info!(left = report.leftovers.len(), "the supervisor has swept");
                Ok((report, folder_guard))
            }
            Ok(Answer::Failed(reason)) => Err(ReaperError::Sweep { run, reason }),
            Err(source) => Err(ReaperError::Report { run, answer, source }),
        }
    }

    /// The orderly end if a sweep cannot succeed now, because the engine is gone: the supervisor goes on trying by
    /// itself up to its own limit, and the folder stays.
    pub fn detach(self) -> Result<(), ReaperError> {
        send(&self.words, FINISH, WORD_LIMIT).map_err(|source| conversation(&self.run, source))
    }

    /// Ends the supervision and leaves everything of the run alone.
    pub fn keep(self) -> Result<(), ReaperError> {
        let run = self.run.clone();
        let (_, status) = self.end_with(KEEP)?;
        if status.success() { Ok(()) } else { Err(ReaperError::SupervisorGone { run, status }) }
    }

    /// A trigger that still works when this was dropped with the work that it was lent to.
    pub fn sweep_trigger(&self) -> io::Result<SweepTrigger> {
        Ok(SweepTrigger(File::from(self.words.as_fd().try_clone_to_owned()?)))
    }

    fn is_ready(&mut self) -> io::Result<bool> {
        let line = match self.answers.line(Instant::now() + READY_LIMIT) {
            Err(error) if error.kind() == io::ErrorKind::TimedOut => String::new(),
            line => line?,
        };
        if line.trim_end() == READY {
            return Ok(true);
        }
        self.kill();
        Ok(false)
    }

    /// Sends one word, and returns the line that the supervisor answers; empty if it is gone.
    fn ask(&mut self, word: &str) -> io::Result<String> {
        self.say(word)?;
        self.answers.line(Instant::now() + self.answer_within)
    }

    fn say(&mut self, word: &str) -> io::Result<()> {
        match send(&self.words, word, WORD_LIMIT.min(self.answer_within)) {
            // It is gone; its status tells how.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
            said => said,
        }
    }

    /// Sends one word, and returns the supervisor's answer and how it ended.
    fn end_with(mut self, word: &str) -> Result<(String, ExitStatus), ReaperError> {
        let said = self.say(word).and_then(|()| self.answers.rest(Instant::now() + self.answer_within));
        let parted = said.and_then(|answer| Ok((answer, self.ended(self.answer_within)?)));
        parted.map_err(|source| self.failed(source))
    }

    /// The error of a conversation. A supervisor that does not answer is killed: it must not sweep at a time when nobody
    /// expects it.
    fn failed(&mut self, source: io::Error) -> ReaperError {
        let run = self.run.clone();
        if source.kind() != io::ErrorKind::TimedOut {
            return conversation(&run, source);
        }
        self.kill();
        ReaperError::SupervisorSilent { run, pid: self.process.id(), within: self.answer_within }
    }

    /// Kills the supervisor, and waits a short time until it is gone.
    fn kill(&mut self) {
        // A process that is gone needs no signal.
        let _ = self.process.kill();
        let _ = self.ended(KILLED_WITHIN);
    }

    /// The exit status of the supervisor, once it has ended. The end of its output can come earlier.
    fn ended(&mut self, within: Duration) -> io::Result<ExitStatus> {
        let pid = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        let pid = pid.ok_or_else(|| io::Error::other("it has no process id"))?;
        let process = pidfd_open(pid, PidfdFlags::empty())?;
        if !wait(&mut [PollFd::new(&process, PollFlags::IN)], Some(Instant::now() + within))? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.process.wait()
    }
}

/// The supervisor's output.
#[derive(Debug)]
struct Answers {
    pipe: ChildStdout,
    heard: Vec<u8>,
}

impl Answers {
    /// The next line; less if the supervisor ends before that.
    fn line(&mut self, deadline: Instant) -> io::Result<String> {
        let mut searched = 0;
        let end = loop {
            if let Some(end) = self.heard[searched..].iter().position(|byte| *byte == b'\n') {
                break searched + end + 1;
            }
            // Data that arrived late is still searched once.
            if searched > 0 && Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
            searched = self.heard.len();
            if !self.hear(deadline)? {
                break searched;
            }
        };
        String::from_utf8(self.heard.drain(..end).collect()).map_err(io::Error::other)
    }

    /// The rest of the output until the supervisor ends.
    fn rest(&mut self, deadline: Instant) -> io::Result<String> {
        while self.hear(deadline)? {
            if Instant::now() > deadline {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        String::from_utf8(std::mem::take(&mut self.heard)).map_err(io::Error::other)
    }

    /// Reads more; `false` at the end.
    fn hear(&mut self, deadline: Instant) -> io::Result<bool> {
        if !wait(&mut [PollFd::new(&self.pipe, PollFlags::IN)], Some(deadline))? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        let mut bytes = [0; 8192];
        let count = self.pipe.read(&mut bytes)?;
        self.heard.extend_from_slice(&bytes[..count]);
        if self.heard.len() > LONGEST_ANSWER {
            return Err(io::Error::other(format!("it says more than {LONGEST_ANSWER} bytes at once")));
        }
        Ok(count > 0)
    }
}

/// Writes a word into a supervisor's pipe, which is full if the supervisor was stopped for long.
fn send(mut pipe: impl Write + AsFd, word: &str, within: Duration) -> io::Result<()> {
    let deadline = Instant::now() + within;
    for piece in format!("{word}\n").as_bytes().chunks(AT_ONCE) {
        if !wait(&mut [PollFd::new(&pipe, PollFlags::OUT)], Some(deadline))? {
            return Err(io::ErrorKind::TimedOut.into());
        }
        pipe.write_all(piece)?;
    }
    Ok(())
}

/// A second writing end of a supervisor's pipe.
///
/// If the end of a trial takes too long and is dropped, its supervisor would take the harness for gone, and remove the
/// folder; after this word it sweeps and leaves the folder alone.
#[derive(Debug)]
pub struct SweepTrigger(File);

impl SweepTrigger {
    /// Makes the supervisor sweep by itself; nobody waits for it.
    pub fn trigger(self) {
        // A supervisor that is gone has swept, or cannot.
        let _ = send(&self.0, FINISH, Duration::ZERO);
    }
}

/// A supervisor that has swept and still guards the folder. After this is dropped, which blocks for a moment, the
/// harness owns the folder.
#[derive(Debug)]
#[must_use]
pub struct RunFolderGuard(Option<Supervisor>);

impl Drop for RunFolderGuard {
    fn drop(&mut self) {
        if let Some(supervisor) = self.0.take() {
            // A supervisor that is gone guards nothing.
            let _ = supervisor.end_with(KEEP);
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
    if let Some(SweptCluster { address: cluster, .. }) = &options.targets.cluster {
        command.arg("--kubeconfig").arg(whole(&cluster.kubeconfig)?).args(["--context", &cluster.context]);
        command.args(cluster.namespace.iter().flat_map(|namespace| ["--namespace", namespace.as_str()]));
    }
    match options.targets.engine.as_ref().and_then(|engine| engine.plain().ok()) {
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
    // A harness that is itself part of a run must not pass that label on: the sweep would end the supervisor.
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
