//! Every failure of a command as people read it.

use std::{
    collections::BTreeSet, os::unix::process::ExitStatusExt as _, path::Path, process::ExitStatus as Ended,
    time::Duration,
};

use hourglass_base::{RuntimeKind, StoredError};
use hourglass_component::{
    chain::{ChainError, SendError},
    document::DocumentError,
    keys::H256,
};
use hourglass_engine::{EngineAddress, EngineError};
use hourglass_project::{
    init::{AvsError, Language, WriteError},
    watch::WatchError,
};
use hourglass_reaper::LeakedResource;
use hourglass_scenario::{ComponentRef, SkippedFile};

use super::*;
use crate::cli::{bundle, gc, logs};

/// Checks that the samples have every variant of an enum. A new variant does not compile before it is named here, and
/// fails the test before it has a sample.
macro_rules! assert_every_variant {
    ($samples:expr, $type:ident: $($variant:ident)+) => {{
        fn name(error: &$type) -> &'static str {
            match error { $($type::$variant { .. } => stringify!($variant),)+ }
        }
        let seen: BTreeSet<_> = $samples.iter().map(name).collect();
        let missing: Vec<_> = [$(stringify!($variant)),+].into_iter().filter(|name| !seen.contains(name)).collect();
        assert_eq!(missing, [""; 0], "of {} these have no sample", stringify!($type));
    }};
}

fn denied() -> io::Error {
    io::Error::from_raw_os_error(13)
}

fn json() -> serde_json::Error {
    serde_json::from_str::<u8>("x").unwrap_err()
}

fn scenario() -> Vec<ScenarioError> {
    let path = || Path::new("scenarios/square.yaml").to_owned();
    vec![
        ScenarioError::Invalid(vec![DocumentError::Read { path: path(), source: denied() }]),
        ScenarioError::NoDirectory("scenarios".into()),
        ScenarioError::IsFile("scenarios/square.yaml".into()),
        ScenarioError::IsFolder("scenarios/".into()),
        ScenarioError::IsProject("harness.yaml".into()),
        ScenarioError::EmptyDirectory {
            path: "scenarios".into(),
            skipped_files: vec![SkippedFile { path: "scenarios/.yaml".into(), why: "it has no name before the dot" }],
        },
        ScenarioError::ForeignProject("/tmp/harness.yaml".into()),
        ScenarioError::SeveralProjects {
            first: ("one/a.yaml".into(), Some("/work/one/harness.yaml".into())),
            other: ("b.yaml".into(), None),
        },
        ScenarioError::ListDirectory { path: "scenarios".into(), source: denied() },
        ScenarioError::NoMatch { pattern: "sqare".to_owned(), suggestion: Some("square".to_owned()) },
        ScenarioError::NoMatch { pattern: "zebra".to_owned(), suggestion: None },
        ScenarioError::LargeDirectory { path: "scenarios".into(), most: 100_000 },
        ScenarioError::NoTag { tag: "smoky".to_owned(), suggestion: Some("smoke".to_owned()) },
        ScenarioError::NoTag { tag: "zebra".to_owned(), suggestion: None },
        ScenarioError::NoVariable { name: "cuont".to_owned(), suggestion: Some("count".to_owned()) },
        ScenarioError::NoVariable { name: "zebra".to_owned(), suggestion: None },
        ScenarioError::SetTwice("count".to_owned()),
        ScenarioError::ContractTwice("task_mailbox".to_owned()),
        ScenarioError::NotText { variable: "HARNESS_VAR_count".to_owned() },
        ScenarioError::EmptyShard { shard: "4/4".to_owned(), most: 3 },
        ScenarioError::BuiltinAndFolder,
        ScenarioError::NothingLeft("the tag `smoky`".to_owned()),
        ScenarioError::Empty("a name"),
        ScenarioError::TooLong("****…".to_owned()),
        ScenarioError::NotMeant {
            name: "node_drained".to_owned(),
            asked: vec![RuntimeKind::Process, RuntimeKind::Docker],
            meant: vec![RuntimeKind::Kubernetes],
            because: Some("Only a cluster has nodes.".to_owned()),
        },
        ScenarioError::NoProof { name: "square".to_owned() },
        ScenarioError::ImageOfProcess { component: ComponentRef::Aggregator, trial: "process::own".to_owned() },
        ScenarioError::CommandOfContainer {
            component: ComponentRef::performer("alice"),
            trial: "docker::own".to_owned(),
            runtime: RuntimeKind::Docker,
            option: "--performer-image",
        },
        ScenarioError::WithoutEffect {
            option: "--cluster",
            reason: "none of the trials uses the kubernetes runtime".to_owned(),
            remedy: "choose `--runtime kubernetes`, or leave the option out",
        },
        ScenarioError::Expression {
            option: "--allow-error",
            expression: "a(".to_owned(),
            reason: "unclosed group".to_owned(),
        },
        ScenarioError::StaleSchema { document: "scenario", path: "schema.json".into() },
        ScenarioError::Read { path: "schema.json".into(), source: denied() },
    ]
}

fn reaper() -> Vec<ReaperError> {
    let run = || "r00000000a-00000000".parse().unwrap();
    let engine = || EngineError::NotThere { address: EngineAddress::Socket("/var/run/docker.sock".into()) };
    vec![
        ReaperError::Executable(denied()),
        ReaperError::Absolute { path: "runs".into(), source: denied() },
        ReaperError::Log { run: run(), path: "/runs/supervisor.log".into(), source: denied() },
        ReaperError::Spawn { run: run(), executable: "/bin/harness".into(), source: io::Error::from_raw_os_error(24) },
        ReaperError::NotReady { run: run(), executable: "/bin/harness".into(), state: "it ended".to_owned() },
        ReaperError::SupervisorGone { run: run(), status: Ended::from_raw(256) },
        ReaperError::SupervisorSilent { run: run(), pid: 4711, within: Duration::from_secs(90) },
        ReaperError::Conversation { run: run(), source: denied() },
        ReaperError::Report { run: run(), answer: "x".to_owned(), source: json() },
        ReaperError::Signals(denied()),
        ReaperError::Adopt(denied()),
        ReaperError::Sweep { run: run(), reason: "failed to list the processes: permission denied".to_owned() },
        ReaperError::Processes { run: run(), source: denied() },
        ReaperError::Engine { run: run(), source: Box::new(engine()) },
        ReaperError::Cluster {
            run: run(),
            context: "kind-mine".to_owned(),
            source: Box::new(ClusterError::Unknown { name: "mine".to_owned(), known: Vec::new() }),
        },
        ReaperError::Runtime(denied()),
        ReaperError::AllProcesses(denied()),
        ReaperError::StillThere {
            run: run(),
            limit: Duration::from_secs(10),
            leftovers: vec![LeakedResource::Volume("v".to_owned())],
        },
        ReaperError::RefusedFolder { path: "/".into(), reason: "it is not below the folder of runs".to_owned() },
        ReaperError::Folder { path: "/runs/r".into(), source: denied() },
    ]
}

fn report() -> Vec<ReportError> {
    vec![
        ReportError::Write { path: "junit.xml".into(), source: io::Error::from_raw_os_error(28) },
        ReportError::Closed { path: "-".into() },
        ReportError::Render { path: "junit.xml".into(), source: Box::new(json()) },
        ReportError::Destination { path: "reports".into(), reason: "it is a folder" },
        ReportError::Scenario { path: "./square.yaml".into(), scenario: "scenarios/square.yaml".into() },
        ReportError::Twice { path: "report".into(), other: "./report".into() },
    ]
}

fn devnet() -> Vec<DevnetError> {
    let run = || "r1m8jw4p9x-fmbc2888".to_owned();
    let known = || vec![run(), "r1m8jw4p9y-fmbc2888".to_owned()];
    let silent = || ChainError::Silent {
        chain_id: 31_338,
        url: "http://127.0.0.1:1".to_owned(),
        what: "its id".to_owned(),
        method: "eth_chainId".to_owned(),
        within: Duration::from_secs(10),
    };
    vec![
        DevnetError::NotRunning { root: "/runs".into() },
        DevnetError::Unknown { name: "r2".to_owned(), known: known() },
        DevnetError::Several { known: known() },
        DevnetError::ForeignFile { path: ".env".into() },
        DevnetError::Stored(StoredError::Read { path: "/runs/r/devnet.json".into(), source: denied() }),
        DevnetError::Key { devnet: run(), account: "app" },
        DevnetError::Locked { devnet: run(), path: "/runs/r/task.lock".into(), within: Duration::from_secs(30) },
        DevnetError::Lock { path: "/runs/r/task.lock".into(), source: denied() },
        DevnetError::Create(SendError::Reverted {
            what: "create a task".to_owned(),
            error: "PayloadIsEmpty()".to_owned(),
        }),
        DevnetError::Create(SendError::Chain(silent())),
        DevnetError::Chain(silent()),
        DevnetError::UnknownTask { task: H256([0xab; 32]), chains: "either chain", devnet: run() },
    ]
}

fn show() -> Vec<ShowError> {
    let known = || vec!["process::square".to_owned(), "docker::square".to_owned()];
    let kind = hourglass_report::RUN_REPORT_KIND;
    let path = || "report.json".into();
    let stored = [
        StoredError::Read { path: path(), source: denied() },
        StoredError::TooLarge { path: path(), limit: 1 << 30 },
        StoredError::Syntax { path: path(), line: 3, source: json() },
        StoredError::Kind { path: path(), line: 1, kind },
        StoredError::Version { path: path(), line: 2, found: "2".to_owned(), kind },
        StoredError::Invalid { path: path(), line: 4, kind, source: json() },
    ];
    assert_every_variant!(stored, StoredError: Read TooLarge Syntax Kind Version Invalid);
    let others = vec![
        ShowError::NoneKept { root: "/runs".into() },
        ShowError::Unknown { name: "r1m8".to_owned(), root: "/runs".into() },
        ShowError::Ambiguous {
            name: "r1".to_owned(),
            count: 2,
            runs: vec!["r1m8jw4p9x-fmbc2888".to_owned(), "r1m8jw4p9y-fmbc2888".to_owned()],
        },
        ShowError::NoReport { run: "r1m8jw4p9x-fmbc2888".to_owned(), folder: "/runs/r1m8jw4p9x-fmbc2888".into() },
        ShowError::NoTrial { name: "process::sqare".to_owned(), known: known() },
        ShowError::WhichTrial { known: known() },
        ShowError::WhichTrial { known: Vec::new() },
        ShowError::NoTimeline { trial: "process::square".to_owned(), path: "/runs/r/timeline.jsonl".into() },
        ShowError::NothingToOpen { reason: "text is for the terminal" },
        ShowError::NoDisplay { path: path() },
        ShowError::Opener { path: path(), opener: "xdg-open", source: denied() },
    ];
    stored.into_iter().map(ShowError::from).chain(others).collect()
}

fn command() -> Vec<CliError> {
    let run = "r00000000a-00000000".parse().unwrap();
    let cluster = |name: &str| name.parse().unwrap();
    let unknown = || ClusterError::Unknown { name: "mine".to_owned(), known: vec!["other".to_owned()] };
    vec![
        CliError::Document(DocumentError::Read { path: "executor.yaml".into(), source: denied() }),
        CliError::Operator(hourglass_operator::ConfigError::Read { path: "operator.yaml".into(), source: denied() }),
        gc::unknown(&run),
        logs::unknown(&cluster("mine"), &[cluster("other")]),
        logs::not_empty(Path::new("logs")),
        CliError::Environment(Box::new(denied())),
        CliError::Component { component: "executor", source: Box::new(denied()) },
        CliError::Image(ImageError::NotExecutable { path: "x".into(), reason: "it is a script".to_owned() }),
        KubernetesSetupError::from(unknown()).into(),
        CliError::Cluster(unknown()),
        CliError::Cluster(ClusterError::NamespaceBusy {
            namespace: "team-a".to_owned(),
            trial: "kubernetes::square".to_owned(),
            run: "r1m8k7vcer-era614s3".to_owned(),
            within: Duration::from_mins(30),
        }),
        CliError::Cluster(ClusterError::NamespaceOccupied {
            namespace: "team-a".to_owned(),
            found: vec!["Deployment web".to_owned(), "Service web".to_owned()],
        }),
        CliError::Cluster(ClusterError::NamespaceNotCleared {
            namespace: "team-a".to_owned(),
            within: Duration::from_secs(30),
            left: vec!["Performer alice".to_owned()],
        }),
        CliError::ClusterOperator(OperatorError::Cluster(Box::new(unknown()))),
        CliError::Executable(denied()),
        gc::unremoved("/runs/r".into(), denied()),
        CliError::Folders(FoldersError::Refused {
            path: "/tmp/hourglass-harness-1000".into(),
            reason: "it is a link, which anybody may have put there".to_owned(),
        }),
        CliError::Folders(FoldersError::Make { path: "/runs".into(), source: denied() }),
        CliError::OpenFiles(TooFewFiles { needed: 170, allowed: 128 }),
        CliError::Threads(TooFewThreads { purpose: "run these trials", needed: 36, had: 11, limit: Some(16) }),
        CliError::Prepare(PrepareError::Failed {
            command: "go build -o bin/performer ./cmd".to_owned(),
            file: "harness.yaml".into(),
            status: "exit status: 1".to_owned(),
            output: "cmd/main.go:3:8: package performer is not in std".to_owned(),
        }),
        CliError::Prepare(PrepareError::TooLong {
            command: "make".to_owned(),
            file: "harness.yaml".into(),
            within: Duration::from_mins(10),
            output: String::new(),
        }),
        CliError::Prepare(PrepareError::Start {
            command: "go build".to_owned(),
            file: "harness.yaml".into(),
            source: io::ErrorKind::NotFound.into(),
        }),
        CliError::Prepare(PrepareError::Missing {
            command: "make".to_owned(),
            file: "harness.yaml".into(),
            creates: "bin/performer".into(),
        }),
        CliError::Prepare(PrepareError::File { doing: "lock", path: "harness.yaml".into(), source: denied() }),
        CliError::Watch(WatchError::Large { folder: "performer".into(), most: 50_000 }),
        CliError::Init(InitError::NoToolchain),
        CliError::Init(InitError::HasPerformer { folder: ".".into(), language: Language::Go }),
        CliError::Init(InitError::Write(WriteError::Exists { folder: ".".into(), files: vec!["harness.yaml".into()] })),
        CliError::Init(InitError::Write(WriteError::File { path: "harness.yaml".into(), source: denied() })),
        CliError::Init(InitError::Avs(AvsError::Read {
            path: ".hourglass/context/devnet.yaml".into(),
            source: denied(),
        })),
        CliError::Interrupted,
        CliError::Serve { port: 80, source: denied() },
        CliError::Scheduler(io::Error::from_raw_os_error(24)),
        CliError::Render(json()),
        CliError::Output(OutputError(io::Error::from_raw_os_error(28))),
        CliError::Bundle(BundleError::Folder { path: "/runs/r".into(), source: denied() }),
        CliError::Bundle(BundleError::Write { path: "hourglass-r.tar.gz".into(), source: denied() }),
        bundle::unknown("r1"),
        RecordsError { directive: "nonsense[".to_owned() }.into(),
    ]
}

/// All samples, after a check that none is missing.
fn all() -> Vec<CliError> {
    let (scenario, reaper, report, show, command) = (scenario(), reaper(), report(), show(), command());
    let devnet = devnet();
    assert_every_variant!(devnet, DevnetError:
        NotRunning Unknown Several ForeignFile Stored Key Locked Lock Create Chain UnknownTask);
    assert_every_variant!(scenario, ScenarioError:
        Invalid NoDirectory IsFile IsFolder IsProject ForeignProject SeveralProjects EmptyDirectory ListDirectory NoMatch NothingLeft Empty
        TooLong NotMeant NoProof ImageOfProcess CommandOfContainer WithoutEffect Expression StaleSchema Read LargeDirectory NoTag NoVariable
        SetTwice ContractTwice NotText EmptyShard
        BuiltinAndFolder);
    assert_every_variant!(reaper, ReaperError:
        Executable Absolute Log Spawn NotReady SupervisorGone SupervisorSilent Conversation Report Signals Adopt Sweep Processes
        Engine Cluster Runtime AllProcesses StillThere RefusedFolder Folder);
    assert_every_variant!(report, ReportError: Write Closed Render Destination Scenario Twice);
    assert_every_variant!(show, ShowError:
        NoneKept Unknown Ambiguous NoReport NoTrial WhichTrial Stored NoTimeline NothingToOpen NoDisplay Opener);
    let scenario = scenario.into_iter().map(CliError::from);
    let reaper = reaper.into_iter().map(CliError::from);
    let report = report.into_iter().map(CliError::from);
    let show = show.into_iter().map(CliError::from);
    let all: Vec<_> = command
        .into_iter()
        .chain(scenario)
        .chain(reaper)
        .chain(report)
        .chain(show)
        .chain(devnet.into_iter().map(CliError::from))
        .collect();
    assert_every_variant!(all, CliError:
        Scenario Document Operator Usage Prepare Watch Init Environment Component Reaper Image KubernetesSetup Cluster ClusterOperator Report Show
        Executable File Folders OpenFiles Threads Interrupted Serve Scheduler Render Output Records Bundle Devnet);
    all
}

/// The messages for users are reviewed here: a change of any of them shows in the snapshot.
#[test]
fn every_failure_is_a_statement_that_stands_alone() {
    let texts: Vec<_> = all().iter().map(|error| error.text(false)).collect();
    insta::assert_snapshot!(texts.join("\n"));
    for text in &texts {
        let statement = text.lines().next().and_then(|line| line.strip_prefix("error: "));
        assert_eq!(flaw(statement.unwrap_or_default()), None, "{text}");
        // The harness does not choose the messages of the system and of libraries.
        let causes = text.lines().filter_map(|line| line.strip_prefix("  because: "));
        for cause in causes {
            assert_eq!(bare_verb(cause).or_else(|| doubled(cause)), None, "{text}");
        }
    }
}

/// Errors of all crates, of which the table above has some: the messages in their attributes begin as statements do.
#[test]
fn no_error_of_any_crate_is_a_fragment() {
    let mut messages = Vec::new();
    let mut folders = ["harness", "fixtures", "operator", "proto"].map(|folder| root().join(folder)).to_vec();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                messages.extend(attributes(&std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(messages.len() > 300, "the sources are not read: {}", messages.len());
    let fragments: Vec<_> = messages.iter().filter(|message| bare_verb(message).is_some()).collect();
    assert_eq!(fragments, [""; 0]);
    let sentences: Vec<_> = messages.iter().filter(|message| message.ends_with('.')).collect();
    assert_eq!(sentences, [""; 0]);
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// The messages of a source file's errors up to their first quote.
fn attributes(source: &str) -> Vec<String> {
    let attributes = source.split(concat!("#[", "error(")).skip(1);
    let messages = attributes.filter_map(|rest| rest.trim_start().strip_prefix('"')?.split('"').next());
    messages.map(str::to_owned).collect()
}

/// The check of the table refuses messages that do not stand alone.
#[rstest::rstest]
#[case::nothing("", "it says nothing of an object")]
#[case::fragment("start executor/alice as \"x\"", "it begins with a bare verb")]
#[case::fragment_with_a_cause("find scenarios: there is no folder", "it begins with a bare verb")]
#[case::fragment_that_is_one_word("interrupt", "it says nothing of an object")]
#[case::upper_case("Failed to start executor/alice", "it begins with a capital")]
#[case::period("failed to start executor/alice.", "it ends with a period")]
#[case::no_object("failed to start", "it says nothing of an object")]
#[case::no_object_before_the_cause("failed to start: permission denied", "it says nothing of an object")]
#[case::no_verb("failed to: permission denied", "it says nothing of an object")]
#[case::twice("failed to failed to start executor/alice", "it fails twice")]
#[case::twice_with_the_same("failed to start alice: failed to start alice: no such file", "it fails twice")]
fn a_message_that_does_not_stand_alone_is_refused(#[case] message: &str, #[case] why: &str) {
    assert_eq!(flaw(message), Some(why), "{message}");
}

/// Why a message is not a statement that stands alone.
fn flaw(message: &str) -> Option<&'static str> {
    // In “failed to start alice: permission denied”, the part that says what failed.
    let said = message.strip_prefix("failed to ").unwrap_or(message);
    let object = said.split(": ").next().unwrap_or_default().split_whitespace().nth(1);
    if message.starts_with(char::is_uppercase) {
        return Some("it begins with a capital");
    }
    if message.ends_with('.') {
        return Some("it ends with a period");
    }
    if object.is_none() || message.starts_with("failed to:") {
        return Some("it says nothing of an object");
    }
    bare_verb(message).or_else(|| doubled(message))
}

fn bare_verb(message: &str) -> Option<&'static str> {
    let first = message.split([' ', ':']).next().unwrap_or_default();
    BARE_VERBS.split_whitespace().any(|verb| verb == first).then_some("it begins with a bare verb")
}

/// Whether a printer has added a part that the message contains itself, or a cause repeats the message.
fn doubled(message: &str) -> Option<&'static str> {
    let parts: Vec<_> = message.split(": ").collect();
    let repeats = parts.windows(2).any(|pair| pair[0] == pair[1]);
    (repeats || message.contains("failed to failed")).then_some("it fails twice")
}

/// A message that begins with one of these needs “failed to” before it.
const BARE_VERBS: &str = "\
    adopt apply ask bring build carry check choose compile connect create decode delete deliver deploy describe \
    end find finish follow forward get go have hear inspect install keep kill know list listen load look make \
    open prepare promote prove put reach read recognise recover remove render renew replace reserve run see \
    select serve set sign signal speak split start sweep take understand unpack use verify watch write";
