//! Unusual machines: proxies in the environment, kubeconfigs of all kinds, contexts of the docker command, folders that
//! others have made, too few files.

use std::{
    env,
    ffi::OsStr,
    fs,
    os::unix::{
        ffi::OsStrExt as _,
        fs::{PermissionsExt as _, symlink},
    },
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant, SystemTime},
};

use hourglass_test_support::{LIMIT, Running, Sandbox, eventually, run};
use rustix::process::{Signal, geteuid};

use crate::{HARNESS, http_proxy::HttpProxy};

/// Every variable from which some program takes a proxy.
const PROXIES: [&str; 6] = ["http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
/// The longest time until a refusal before the start, on a busy machine.
const SOON: Duration = Duration::from_secs(20);

fn with_proxy<'a>(command: &'a mut Command, proxy: &HttpProxy) -> &'a mut Command {
    command.env_remove("NO_PROXY").env_remove("no_proxy");
    command.envs(PROXIES.map(|name| (name, format!("http://{}", proxy.authority()))))
}

/// Chains, components and performers are on this machine, so that no proxy applies to them.
#[test]
fn trial_traffic_never_uses_a_proxy() {
    let sandbox = Sandbox::new(HARNESS);
    let proxy = HttpProxy::start();
    let outcome = run(with_proxy(&mut sandbox.harness(&["run", "--keep", "always", "square"]), &proxy));
    outcome.assert_code(0).assert_shows(&["PASS  process::square"]);
    assert_eq!(proxy.asked(), [""; 0]);
    let environments = sandbox.environments();
    assert!(environments.len() >= 5, "two chains, an aggregator, an executor and a performer: {environments:?}");
    for variables in environments {
        for name in ["NO_PROXY", "no_proxy"] {
            let exceptions = variables.iter().find_map(|variable| variable.strip_prefix(name)?.strip_prefix('='));
            assert_eq!(exceptions, Some("localhost,127.0.0.1,127.0.0.0/8,::1"), "{variables:?}");
        }
    }
    sandbox.run(&["gc"]).assert_code(0);
    sandbox.assert_nothing_left();
}

/// The kubeconfig of a cluster whose name does not resolve.
fn kubeconfig_of_lab(sandbox: &Sandbox, scheme: &str, more: &str) -> PathBuf {
    let text = format!(
        "current-context: lab\n\
         contexts: [{{name: lab, context: {{cluster: lab}}}}]\n\
         clusters: [{{name: lab, cluster: {{server: \"{scheme}://lab.invalid:6443\"{more}}}}}]\n"
    );
    sandbox.file("kubeconfig", &text)
}

fn on_kubernetes(sandbox: &Sandbox, kubeconfig: &Path) -> Command {
    let mut command = sandbox.harness(&["run", "--runtime", "kubernetes", "square", "--kubeconfig"]);
    command.arg(kubeconfig);
    for name in PROXIES.into_iter().chain(["NO_PROXY", "no_proxy"]) {
        command.env_remove(name);
    }
    command
}

#[rstest::rstest]
#[case::https("https", "HTTPS_PROXY")]
#[case::https_in_lower_case("https", "https_proxy")]
#[case::http("http", "http_proxy")]
fn cluster_behind_a_proxy_is_requested_by_name(#[case] scheme: &str, #[case] variable: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let proxy = HttpProxy::start();
    let kubeconfig = kubeconfig_of_lab(&sandbox, scheme, "");
    let outcome = run(on_kubernetes(&sandbox, &kubeconfig).env(variable, proxy.authority()));
    outcome.assert_code(3).assert_complains(&["API server of cluster lab"]);
    assert_eq!(proxy.asked().first().map(String::as_str), Some("CONNECT lab.invalid:6443 HTTP/1.1"));
}

#[test]
fn proxy_of_a_kubeconfig_is_used_without_any_variable() {
    let sandbox = Sandbox::new(HARNESS);
    let proxy = HttpProxy::start();
    let kubeconfig = kubeconfig_of_lab(&sandbox, "https", &format!(", proxy-url: \"http://{}\"", proxy.authority()));
    run(&mut on_kubernetes(&sandbox, &kubeconfig)).assert_code(3).assert_complains(&["API server of cluster lab"]);
    assert_eq!(proxy.asked().first().map(String::as_str), Some("CONNECT lab.invalid:6443 HTTP/1.1"));
}

/// The client's own parser fails for such a list, or ignores it.
#[rstest::rstest]
#[case::trailing_comma("lab.invalid,")]
#[case::domain(".invalid")]
#[case::spaces("other.example lab.invalid")]
fn cluster_in_no_proxy_is_reached_directly(#[case] exceptions: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let proxy = HttpProxy::start();
    let kubeconfig = kubeconfig_of_lab(&sandbox, "https", "");
    let mut command = on_kubernetes(&sandbox, &kubeconfig);
    let outcome = run(command.env("HTTPS_PROXY", format!("http://{}", proxy.authority())).env("NO_PROXY", exceptions));
    outcome.assert_code(3).assert_complains(&["API server of cluster lab"]);
    assert_eq!(proxy.asked(), [""; 0]);
}

#[test]
fn output_of_an_exec_plugin_is_shown_before_anything_starts() {
    let sandbox = Sandbox::new(HARNESS);
    let text = "current-context: lab\n\
        contexts: [{name: lab, context: {cluster: lab, user: me}}]\n\
        clusters: [{name: lab, cluster: {server: \"https://127.0.0.1:9\"}}]\n\
        users: [{name: me, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: sh, \
        args: [-c, \"echo log in first >&2; read answer || exit 3\"]}}}]\n";
    let kubeconfig = sandbox.file("kubeconfig", text);
    let outcome = run(&mut on_kubernetes(&sandbox, &kubeconfig));
    outcome.assert_code(3).assert_complains(&["sh, the exec plugin of context lab", "exit status: 3", "log in first"]);
    sandbox.assert_nothing_left();
}

/// The harness must not silently use an engine that the user does not see.
#[test]
fn the_context_of_the_docker_command_is_used_and_named() {
    let sandbox = Sandbox::new(HARNESS);
    // The SHA-256 of `kubeconfig_of_lab`.
    let folder = "docker/contexts/meta/a51146d38077ff992eba84cf1d5e9b249073503eb74868699016153b031a38f7";
    fs::create_dir_all(sandbox.path(folder)).unwrap();
    let meta = r#"{"Name":"lab","Metadata":{},"Endpoints":{"docker":{"Host":"unix:///nowhere/lab.sock"}}}"#;
    sandbox.file(&format!("{folder}/meta.json"), meta);
    sandbox.file("docker/config.json", r#"{"currentContext":"lab"}"#);
    let with = |variable: Option<&str>| {
        let mut command = sandbox.harness(&["run", "docker::square"]);
        command.env("DOCKER_CONFIG", sandbox.path("docker")).env_remove("DOCKER_HOST").env_remove("DOCKER_CONTEXT");
        command.envs(variable.map(|context| ("DOCKER_CONTEXT", context)));
        run(&mut command)
    };
    with(None).assert_code(3).assert_shows(&["/nowhere/lab.sock (Docker's context lab", "docker context use"]);
    with(Some("lap")).assert_code(3).assert_shows(&["context lap, which DOCKER_CONTEXT names", "no such context"]);
}

/// Every user can write to the folder for temporary files, so that another user may have made this folder first.
#[test]
fn folder_below_tmp_must_belong_to_the_user() {
    let sandbox = Sandbox::new(HARNESS);
    let (shared, elsewhere) = (sandbox.path("tmp"), sandbox.path("elsewhere"));
    fs::create_dir(&shared).unwrap();
    fs::create_dir(&elsewhere).unwrap();
    let here = |arguments: &[&str]| {
        let mut command = sandbox.harness(arguments);
        command.env("TMPDIR", &shared).env_remove("HARNESS_RUNS");
        run(&mut command)
    };
    let own = shared.join(format!("hourglass-harness-{}", geteuid().as_raw()));
    here(&["run", "square"]).assert_code(0);
    assert_eq!(fs::metadata(&own).unwrap().permissions().mode() & 0o777, 0o700);
    fs::remove_dir(&own).unwrap();
    symlink(&elsewhere, &own).unwrap();
    for command in [&["run", "square"][..], &["gc"], &["ps"]] {
        here(command).assert_code(3).assert_complains(&["it is a link", "HARNESS_RUNS"]);
    }
    assert_eq!(fs::read_dir(&elsewhere).unwrap().count(), 0, "a planted link was followed");
}

#[test]
fn a_cache_that_cannot_be_written_to_is_named_with_the_variable_for_another() {
    let sandbox = Sandbox::new(HARNESS);
    let mut command = sandbox.harness(&["run", "square"]);
    command.env("HOME", "/proc/1/nothing").env_remove("HARNESS_CACHE").env_remove("XDG_CACHE_HOME");
    run(&mut command).assert_code(3).assert_shows(&["/proc/1/nothing", "remedy    set HARNESS_CACHE"]);
}

/// A shell that sets a `ulimit` and executes the harness.
fn limited(sandbox: &Sandbox, limit: &str, arguments: &[&str]) -> Command {
    let mut command = sandbox.command("sh");
    command.args(["-c", &format!("ulimit {limit} && exec \"$@\""), "sh", HARNESS]).args(arguments);
    command
}

#[test]
fn too_few_open_files_are_reported_at_once() {
    let sandbox = Sandbox::new(HARNESS);
    let began = Instant::now();
    let outcome = run(&mut limited(&sandbox, "-n 20", &["run", "square"]));
    outcome.assert_code(3).assert_complains(&["too many open files", "at least 30", "20 are allowed", "ulimit -Hn"]);
    assert!(began.elapsed() < SOON);
    sandbox.assert_nothing_left();
}

#[test]
fn the_limit_of_open_files_is_raised_to_what_is_allowed() {
    let sandbox = Sandbox::new(HARNESS);
    run(&mut limited(&sandbox, "-Sn 20", &["run", "square"])).assert_code(0);
}

/// The harness of a user with a limit of processes and threads. The limit does not apply to root: in that case the
/// harness runs as another user that has no other processes.
fn with_threads(sandbox: &Sandbox, count: usize, arguments: &[&str]) -> Command {
    let limited = ["prlimit", &format!("--nproc={count}"), HARNESS];
    let user = format!("--reuid={}", 1_000_000_000 + std::process::id());
    // Folders of tests, and the executable, may belong to root.
    let another = ["setpriv", &user, "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
    let words = if geteuid().is_root() { [&another[..], &limited[..]].concat() } else { limited.to_vec() };
    let mut command = sandbox.command(words[0]);
    command.args(&words[1..]).args(arguments);
    command
}

/// A thread that cannot be started causes no panic in the harness or its children, and no failure of the components
/// under test.
#[rstest::rstest]
#[case::not_one(1, "failed to start the command")]
#[case::too_few_for_the_harness(3, "failed to start the command")]
#[case::too_few_for_trials(16, "failed to run these trials")]
fn too_few_threads_are_reported_at_once(#[case] count: usize, #[case] told: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let began = Instant::now();
    let outcome = run(&mut with_threads(&sandbox, count, &["run", "square"]));
    let limit = format!("this user may have {count} at once");
    outcome.assert_code(3).assert_complains(&["threads and processes are needed", &limit, "`ulimit -u`"]);
    // With many processors, the harness alone needs more.
    let small = count < 16 || std::thread::available_parallelism().unwrap().get() < 8;
    assert!(!small || outcome.stderr.contains(told), "{}", outcome.stderr);
    assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    assert!(began.elapsed() < SOON);
    assert!(!sandbox.runs().exists(), "a trial was begun");
    sandbox.assert_no_process();
}

/// Deep calls of the harness have the stack that they need, whatever the limit for main threads is.
#[test]
fn a_small_stack_is_enough() {
    let sandbox = Sandbox::new(HARNESS);
    run(&mut limited(&sandbox, "-s 256", &["run", "square"])).assert_code(0);
    sandbox.assert_nothing_left();
}

/// Some supervisors block signals, and the programs that they start inherit that.
#[test]
fn signals_that_the_parent_blocks_still_end_components() {
    let sandbox = Sandbox::new(HARNESS);
    let mut command = sandbox.command("env");
    run(command.args(["--block-signal", HARNESS, "run", "square"])).assert_code(0);
    sandbox.assert_nothing_left();
}

/// CI often sets a variable to nothing where it has no value for it.
#[rstest::rstest]
#[case::scenarios("HARNESS_SCENARIOS", &["lint", "--builtin"])]
#[case::project("HARNESS_PROJECT", &["lint", "--builtin"])]
#[case::cache_limit("HARNESS_CACHE_LIMIT", &["gc", "--dry-run"])]
fn an_empty_variable_counts_as_unset(#[case] variable: &str, #[case] arguments: &[&str]) {
    let sandbox = Sandbox::new(HARNESS);
    run(sandbox.harness(arguments).env(variable, "")).assert_code(0);
}

/// A limit of file sizes acts like a full disk, and must not end the harness without a message.
#[test]
fn too_small_limit_of_file_sizes_is_reported() {
    let sandbox = Sandbox::new(HARNESS);
    let outcome = run(&mut limited(&sandbox, "-f 100", &["run", "square"]));
    outcome.assert_code(3).assert_shows(&["File too large"]);
    sandbox.assert_no_process();
}

/// A user who gives up waiting for npm must not find it still running minutes later.
#[test]
fn an_interruption_ends_the_installation_of_anvil() {
    let sandbox = Sandbox::new(HARNESS);
    let npm = sandbox.file("npm", "#!/bin/sh\necho >>started\nexec sleep 1000\n");
    fs::set_permissions(&npm, fs::Permissions::from_mode(0o755)).unwrap();
    let path = env::join_paths([sandbox.path(""), "/usr/bin".into(), "/bin".into()]).unwrap();
    let mut command = sandbox.harness(&["run", "square"]);
    command.env_remove("HARNESS_ANVIL").env("PATH", path).env("HOME", sandbox.path("")).env_remove("FOUNDRY_DIR");
    let harness = Running::start(command.env("HARNESS_CACHE", sandbox.path("cache")));
    eventually(LIMIT, || sandbox.path("started").exists().then_some(()).ok_or("npm does not start")).unwrap();
    harness.signal(Signal::INT);
    harness.finish().assert_code(130);
    eventually(LIMIT, || sandbox.processes().is_empty().then_some(()).ok_or("npm goes on")).unwrap();
    assert_eq!(fs::read_dir(sandbox.path("cache/tools")).unwrap().count(), 0, "half an installation is left");
}

/// Anvil ends with a backtrace if one of its arguments is not UTF-8.
#[rstest::rstest]
#[case::runs("HARNESS_RUNS")]
#[case::cache("HARNESS_CACHE")]
fn a_folder_whose_path_is_not_utf_8_is_refused(#[case] variable: &str) {
    let sandbox = Sandbox::new(HARNESS);
    let folder = sandbox.path("").join(OsStr::from_bytes(b"x\xffy"));
    let outcome = run(sandbox.harness(&["run", "square"]).env(variable, &folder));
    outcome.assert_code(3);
    let said = outcome.stdout + &outcome.stderr;
    assert!(said.contains("not UTF-8") && said.contains(variable), "{said}");
    assert!(!folder.exists());
}

#[test]
fn gc_keeps_the_cache_within_its_bound() {
    let sandbox = Sandbox::new(HARNESS);
    let old = sandbox.path("cache/tools/old");
    fs::create_dir_all(&old).unwrap();
    fs::write(old.join("file"), [0; 3000]).unwrap();
    for path in [&old.join("file"), &old] {
        fs::File::open(path).unwrap().set_modified(SystemTime::now() - Duration::from_hours(50)).unwrap();
    }
    let gc = |arguments: &[&str], limit: &str| {
        let mut command = sandbox.harness(&[&["gc"], arguments].concat());
        run(command.env("HARNESS_CACHE", sandbox.path("cache")).env("HARNESS_CACHE_LIMIT", limit))
    };
    let would = gc(&["--dry-run"], "2kB");
    would.assert_code(0).assert_shows(&["cache/tools/old: ", "used 2d ago", "is to hold"]);
    gc(&[], "4kB").assert_code(0);
    assert!(old.exists(), "it was removed by a rehearsal or within the bound");
    gc(&["--cache-limit", "2kB"], "4kB").assert_code(0).assert_shows(&["cache/tools/old: "]);
    assert!(!old.exists());
}
