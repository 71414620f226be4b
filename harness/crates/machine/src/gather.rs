//! Collects the facts about the machine: all checks run concurrently, each with a time limit, so that one that hangs (a
//! file system that does not answer, an engine that is stopped) is one line of the result and does not block the rest.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Stdio,
    thread,
    time::{Duration, Instant},
};

use hourglass_base::{cache::cache_folder, on_path};
use hourglass_chain::AnvilSearch;
use hourglass_engine::{Engine, EngineAddress, EngineContext as _, EngineError};
use hourglass_runner::RunFolders;
use jiff::{SignedDuration, Timestamp};
use rustix::process::{Resource, getrlimit};
use tokio::{process::Command, sync::oneshot, time::timeout};

use super::{
    AnvilFacts, Bounding, Clock, EngineFacts, Facts, Inotify, Known, KubernetesFacts, Leftovers, Npm, Space, Unknown,
    deploy_tools,
};

/// The time limit of one check.
pub(super) const LIMIT: Duration = Duration::from_secs(5);
/// The engine has limits of its own, whose errors say better what is wrong.
const ENGINE_LIMIT: Duration = Duration::from_secs(25);

/// Inspects this machine, also for the deploy scripts of the project of this file or, without one, of the current folder. Takes as long
/// as the slowest check, at most half a minute.
pub async fn gather(project: Option<PathBuf>) -> Facts {
    let started = (Timestamp::now(), Instant::now());
    let (anvil, npm, deploy_tools, engine, kubernetes, cache, memory, inotify, leftovers) = tokio::join!(
        anvil(),
        aside(LIMIT, || Ok(Npm { npm: on_path("npm"), node: on_path("node") })),
        deploy_tools::look(project),
        engine(EngineAddress::locate()),
        kubernetes(),
        aside(LIMIT, || cache_folder().map_err(untold).and_then(|folder| space(&folder))),
        aside(LIMIT, memory),
        aside(LIMIT, || Ok(Inotify { instances: inotify("instances")?, watches: inotify("watches")? })),
        aside(LIMIT, || Leftovers::look(&RunFolders::locate()).map_err(untold)),
    );
    let now = Timestamp::now();
    let elapsed = SignedDuration::try_from(started.1.elapsed()).unwrap_or_default();
    let open_files = getrlimit(Resource::Nofile).current;
    let clock = Clock { now, jumped: now.duration_since(started.0) - elapsed };
    Facts { anvil, npm, deploy_tools, engine, kubernetes, cache, memory, inotify, open_files, leftovers, clock }
}

/// The engine at this address.
pub(super) async fn engine(address: EngineAddress) -> Known<Result<EngineFacts, EngineError>> {
    // In a thread of its own with its own scheduler: connecting to the socket of a stopped engine blocks for ever.
    aside(ENGINE_LIMIT, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(untold)?;
        Ok(runtime.block_on(ask(address)))
    })
    .await
}

/// In a thread of its own, because it asks the engine too.
async fn kubernetes() -> Known<KubernetesFacts> {
    aside(ENGINE_LIMIT, || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(untold)?;
        Ok(runtime.block_on(KubernetesFacts::look()))
    })
    .await
}

async fn ask(address: EngineAddress) -> Result<EngineFacts, EngineError> {
    let engine = Engine::connect_to(address.clone()).await?;
    let asked = Timestamp::now();
    let info = timeout(LIMIT, engine.docker().info())
        .await
        .map_err(|_| EngineError::Silent { address: address.clone(), within: LIMIT })?
        .context(|| "ask the Docker engine about itself".to_owned())?;
    let theirs = info.system_time.as_deref().and_then(|time| time.parse::<Timestamp>().ok());
    let local = address.socket().is_some();
    let root = info.docker_root_dir.as_ref().map(PathBuf::from).filter(|root| local && root.exists());
    Ok(EngineFacts {
        version: engine.version().to_owned(),
        bounding: local.then(process_of_engine).flatten().and_then(|process| Bounding::of(&process)),
        space: root.and_then(|root| space(&root).ok()),
        ahead: theirs.map(|theirs| ahead(theirs, asked, Timestamp::now())),
        address,
        info,
    })
}

/// The difference of a clock that showed `theirs` at some moment between the two.
fn ahead(theirs: Timestamp, asked: Timestamp, answered: Timestamp) -> SignedDuration {
    if theirs < asked {
        theirs.duration_since(asked)
    } else if theirs > answered {
        theirs.duration_since(answered)
    } else {
        SignedDuration::ZERO
    }
}

/// The engine's process, from the file in which it stores its id.
pub(super) fn process_of_engine() -> Option<String> {
    let rootless = env::var_os("XDG_RUNTIME_DIR").map(|folder| PathBuf::from(folder).join("docker.pid"));
    let files = [Some(PathBuf::from("/var/run/docker.pid")), rootless];
    let mut processes = files.into_iter().flatten().filter_map(|file| fs::read_to_string(file).ok());
    let process = processes.next()?.trim().to_owned();
    // Another process may have the id by now.
    let command = fs::read_to_string(format!("/proc/{process}/comm")).ok()?;
    (command.trim() == "dockerd").then_some(process)
}

async fn anvil() -> Known<Option<AnvilFacts>> {
    let found = aside(LIMIT, || AnvilSearch::default().find().map_err(untold)).await?;
    let Some(binary) = found else { return Ok(None) };
    let version = version_of(&binary.path).await;
    Ok(Some(AnvilFacts { binary, version }))
}

/// The version that a program reports, or why it reports none.
pub(super) async fn version_of(program: &Path) -> Result<String, String> {
    let mut command = Command::new(program);
    let output = timeout(LIMIT, command.arg("--version").stdin(Stdio::null()).kill_on_drop(true).output());
    match output.await {
        Ok(Ok(output)) => version_in(&String::from_utf8_lossy(&output.stdout))
            .ok_or_else(|| format!("it ends with {} and says no version", output.status)),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err(Unknown::Late(LIMIT).to_string()),
    }
}

/// `1.7.1` of `anvil Version: 1.7.1-v1.7.1`, of `anvil 1.7.1 (…)`, of `jq-1.7.1` and of `yq (…) version v1.7.1`.
fn version_in(text: &str) -> Option<String> {
    let line = text.lines().next()?;
    let mut numbers =
        line.split_whitespace().map(|word| word.trim_start_matches(|first: char| !first.is_ascii_digit()));
    let word = numbers.find(|word| !word.is_empty())?;
    Some(word.split(['-', '+']).next().unwrap_or(word).to_owned())
}

/// The folder need not exist yet: it will be created in the nearest existing parent.
pub(super) fn space(folder: &Path) -> Known<Space> {
    let existing = folder.ancestors().find(|folder| folder.exists()).unwrap_or(folder);
    let space = rustix::fs::statvfs(existing).map_err(untold)?;
    Ok(Space { folder: folder.to_owned(), free: space.f_bavail * space.f_frsize })
}

fn memory() -> Known<u64> {
    let information = fs::read_to_string("/proc/meminfo").map_err(untold)?;
    let available = information.lines().find_map(|line| line.strip_prefix("MemAvailable:"));
    let kibibytes = available.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    let machine = kibibytes.ok_or_else(|| untold("/proc/meminfo has no MemAvailable"))? * 1024;
    // Inside a container this is the container's own.
    let limit = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"]
        .into_iter()
        .find_map(|file| fs::read_to_string(file).ok()?.trim().parse::<u64>().ok());
    Ok(limit.map_or(machine, |limit| machine.min(limit)))
}

fn inotify(limit: &str) -> Known<u64> {
    let text = fs::read_to_string(format!("/proc/sys/fs/inotify/max_user_{limit}")).map_err(untold)?;
    text.trim().parse().map_err(untold)
}

/// Runs a check in a thread that is not joined if it does not end: a task would keep the process from ending.
pub(super) async fn aside<T: Send + 'static>(
    limit: Duration,
    look: impl FnOnce() -> Known<T> + Send + 'static,
) -> Known<T> {
    let (sender, receiver) = oneshot::channel();
    thread::Builder::new().spawn(move || drop(sender.send(look()))).map_err(untold)?;
    match timeout(limit, receiver).await {
        Ok(Ok(known)) => known,
        Ok(Err(_)) => Err(untold("the look at it failed")),
        Err(_) => Err(Unknown::Late(limit)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` hands over")]
pub(super) fn untold(error: impl ToString) -> Unknown {
    Unknown::Untold(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// People run the doctor when something is wrong with the machine; it must not hang where that hangs.
    #[tokio::test]
    async fn a_check_that_hangs_times_out() {
        let limit = Duration::from_millis(50);
        let (hold, forever) = std::sync::mpsc::channel::<()>();
        let known: Known<()> = aside(limit, move || forever.recv().map_err(untold)).await;
        assert_eq!(known, Err(Unknown::Late(limit)));
        drop(hold);
    }

    /// Facts that every Linux provides must be read: an unknown is a warning that nobody can act on.
    #[tokio::test]
    async fn the_facts_of_this_machine_are_read() {
        let facts = gather(None).await;
        assert!(facts.cache.is_ok() && facts.memory.is_ok() && facts.inotify.is_ok(), "{facts:?}");
        assert!(facts.clock.jumped.abs() < SignedDuration::from_secs(1), "{:?}", facts.clock);
    }

    #[rstest::rstest]
    #[case("anvil Version: 1.7.1-v1.7.1\nCommit SHA: 4072e48", Some("1.7.1"))]
    #[case("anvil 0.2.0 (f625d0f 2024-04-02)", Some("0.2.0"))]
    #[case("jq-1.6", Some("1.6"))]
    #[case("yq (https://github.com/mikefarah/yq/) version v4.44.3", Some("4.44.3"))]
    #[case("GNU Make 4.3\nBuilt for x86_64-pc-linux-gnu", Some("4.3"))]
    #[case("", None)]
    #[case("anvil", None)]
    fn versions_are_parsed(#[case] text: &str, #[case] version: Option<&str>) {
        assert_eq!(version_in(text).as_deref(), version);
    }

    #[test]
    fn the_duration_of_a_call_does_not_count_as_clock_skew() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(ahead(at(102), at(100), at(105)), SignedDuration::ZERO);
        assert_eq!(ahead(at(90), at(100), at(105)), SignedDuration::from_secs(-10));
        assert_eq!(ahead(at(110), at(100), at(105)), SignedDuration::from_secs(5));
    }
}
