//! Exec plugins: programs named in a kubeconfig that provide the user's credentials.
//!
//! The client runs plugins itself, when it is built and whenever credentials expire, without a time limit and with the
//! terminal of this process. Here they get neither: coreutils' `timeout` bounds a plugin and all processes that it
//! starts.

use std::{
    fmt::Write as _,
    os::unix::process::ExitStatusExt as _,
    path::Path,
    process::{ExitStatus, Output},
    thread,
    time::Duration,
};

use hourglass_base::on_path;
use hourglass_component::timeout::timeout;
use kube::{
    Client, Config,
    client::AuthError,
    config::{ExecConfig, ExecInteractiveMode},
};
use rustix::process::Signal;
use tokio::{runtime::Handle, sync::oneshot};

use super::ClusterError;

/// How long a plugin may take: one that asks a distant service takes seconds.
pub(super) const WITHIN: Duration = Duration::from_secs(20);
/// How long a plugin that was told to end may take to do so.
const GRACE: Duration = Duration::from_secs(2);
/// How much longer the whole call may take: processes that a plugin leaves behind may keep its output open.
const MARGIN: Duration = Duration::from_secs(5);
const BOUND_BY: &str = "timeout";
/// The exit code of `timeout` after it ended a program; after it killed one, it kills itself as well.
const ENDED: i32 = 124;
/// How many lines of a plugin's output are shown.
const SHOWN: usize = 12;

/// Why an exec plugin gives no credentials.
#[derive(Debug, thiserror::Error)]
pub enum PluginError {
    /// There is no such program.
    #[error("failed to run {plugin}, the exec plugin of context {context}: there is no such program{}", hint.as_ref().map(|hint| format!("; the kubeconfig says: {hint}")).unwrap_or_default())]
    NotInstalled {
        /// The program.
        plugin: String,
        /// The context.
        context: String,
        /// The install hint in the kubeconfig.
        hint: Option<String>,
    },
    /// It needs somebody who answers its questions.
    #[error(
        "failed to run {plugin}, the exec plugin of context {context}: it wants a terminal to ask questions (`interactiveMode: Always`), and a run gives it none"
    )]
    Interactive {
        /// The program.
        plugin: String,
        /// The context.
        context: String,
    },
    /// It took too long.
    #[error("failed to get credentials of {plugin}, the exec plugin of context {context}: no answer within {}{said}", humantime::format_duration(*within))]
    Late {
        /// The program.
        plugin: String,
        /// The context.
        context: String,
        /// How long it was given.
        within: Duration,
        /// What it wrote meanwhile.
        said: String,
    },
    /// It ended with an error.
    #[error(
        "failed to get credentials of {plugin}, the exec plugin of context {context}: it ended with {status}{said}"
    )]
    Failed {
        /// The program.
        plugin: String,
        /// The context.
        context: String,
        /// How it ended.
        status: ExitStatus,
        /// What it said.
        said: String,
    },
    /// Its output is no credential, or it cannot be run.
    #[error("failed to get credentials of {plugin}, the exec plugin of context {context}")]
    Unusable {
        /// The program.
        plugin: String,
        /// The context.
        context: String,
        /// Why not.
        source: AuthError,
    },
}

impl PluginError {
    /// What to do about it.
    pub fn remedy(&self) -> String {
        match self {
            Self::NotInstalled { .. } => {
                "install it, or name a context whose user has a token or a certificate".to_owned()
            }
            Self::Interactive { .. } => {
                "log in first so that it has nothing to ask, and let the kubeconfig say `interactiveMode: IfAvailable`"
                    .to_owned()
            }
            Self::Late { context, .. } | Self::Failed { context, .. } | Self::Unusable { context, .. } => format!(
                "log in as the plugin wants it; `kubectl --context '{context}' version` runs it with a terminal of yours"
            ),
        }
    }
}

/// A client for a configuration; `fail` says what else can be wrong with that.
pub(super) async fn client(
    mut config: Config,
    context: &str,
    within: Duration,
    fail: impl FnOnce(Box<dyn std::error::Error + Send + Sync>) -> ClusterError,
) -> Result<Client, ClusterError> {
    let Some(exec) = config.auth_info.exec.take().filter(|exec| exec.command.is_some()) else {
        return Client::try_from(config).map_err(|error| fail(error.into()));
    };
    let plugin = exec.command.clone().unwrap_or_default();
    config.auth_info.exec = Some(bounded(exec, context, within)?);
    let (sender, made) = oneshot::channel();
    let runtime = Handle::current();
    // Nobody joins this thread, so that a plugin that never returns blocks nothing.
    let thread = thread::Builder::new().spawn(move || {
        let _entered = runtime.enter();
        // If the receiver is gone, the time limit has passed.
        let _ = sender.send(Client::try_from(config));
    });
    if let Err(error) = thread {
        return Err(fail(error.into()));
    }
    let late = |said| PluginError::Late { plugin: plugin.clone(), context: context.to_owned(), within, said };
    let Ok(Ok(made)) = timeout(within + MARGIN, made).await else { return Err(late(String::new()).into()) };
    made.map_err(|error| match error {
        kube::Error::Auth(AuthError::AuthExecRun { out, .. }) => {
            let Output { status, stderr, .. } = *out;
            let said = said(&stderr);
            if was_ended(status) {
                return late(said).into();
            }
            PluginError::Failed { plugin: plugin.clone(), context: context.to_owned(), status, said }.into()
        }
        kube::Error::Auth(source) => {
            PluginError::Unusable { plugin: plugin.clone(), context: context.to_owned(), source }.into()
        }
        error => fail(error.into()),
    })
}

/// The plugin, run within bounds and without a terminal.
fn bounded(exec: ExecConfig, context: &str, within: Duration) -> Result<ExecConfig, PluginError> {
    let plugin = exec.command.clone().unwrap_or_default();
    if exec.interactive_mode == Some(ExecInteractiveMode::Always) {
        return Err(PluginError::Interactive { plugin, context: context.to_owned() });
    }
    if !is_there(&plugin) {
        return Err(PluginError::NotInstalled { plugin, context: context.to_owned(), hint: exec.install_hint });
    }
    let mut args = vec![format!("--kill-after={}", GRACE.as_secs()), within.as_secs_f64().to_string(), plugin];
    args.extend(exec.args.into_iter().flatten());
    let interactive_mode = Some(ExecInteractiveMode::Never);
    Ok(ExecConfig { command: Some(BOUND_BY.to_owned()), args: Some(args), interactive_mode, ..exec })
}

fn was_ended(status: ExitStatus) -> bool {
    status.code() == Some(ENDED) || status.signal() == Some(Signal::KILL.as_raw())
}

fn is_there(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).exists();
    }
    on_path(program).is_some()
}

/// The last lines of its standard error, indented; empty if it wrote nothing.
fn said(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let mut shown = if lines.is_empty() { String::new() } else { "; it said:".to_owned() };
    for line in &lines[lines.len().saturating_sub(SHOWN)..] {
        // Writing to a string does not fail.
        let _ = write!(shown, "\n    {}", line.trim_end());
    }
    shown
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const SHORT: Duration = Duration::from_millis(500);

    fn shell(script: &str) -> serde_json::Value {
        serde_json::json!({
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": ["-c", script],
            "interactiveMode": "IfAvailable",
        })
    }

    async fn credentials(exec: serde_json::Value, within: Duration) -> Result<Client, ClusterError> {
        let mut config = Config::new("http://127.0.0.1:9".parse().unwrap());
        config.auth_info.exec = Some(serde_json::from_value(exec).unwrap());
        let fail = |source| ClusterError::Kubeconfig { path: "k".into(), context: None, source };
        client(config, "lab", within, fail).await
    }

    /// Without a limit, a run would hang as long as the plugin does, or wait for an answer that nobody gives.
    #[rstest::rstest]
    #[case::hangs(
        shell("echo who are you >&2; sleep 1000"),
        SHORT,
        "no answer within 500ms; it said:\n    who are you"
    )]
    #[case::hears_no_signal(shell("trap '' TERM; sleep 1000; sleep 1000"), SHORT, "no answer within 500ms")]
    #[case::asks(
        shell("echo password: >&2; read answer || exit 4"),
        WITHIN,
        "it ended with exit status: 4; it said:\n    password:"
    )]
    #[case::says_why(
        shell("echo run aws sso login >&2; exit 1"),
        WITHIN,
        "exit status: 1; it said:\n    run aws sso login"
    )]
    #[case::says_nothing_of_use(shell("echo hello"), WITHIN, "get credentials of sh, the exec plugin of context lab")]
    #[case::not_there(
        serde_json::json!({ "command": "no-such-plugin", "installHint": "apt install it" }),
        WITHIN,
        "there is no such program; the kubeconfig says: apt install it"
    )]
    #[case::not_at_its_path(serde_json::json!({ "command": "/nowhere/plugin" }), WITHIN, "run /nowhere/plugin, the exec plugin")]
    #[case::wants_a_terminal(
        serde_json::json!({ "command": "sh", "interactiveMode": "Always" }),
        WITHIN,
        "it wants a terminal"
    )]
    #[tokio::test]
    async fn plugin_failures_are_reported(
        #[case] exec: serde_json::Value,
        #[case] within: Duration,
        #[case] expected: &str,
    ) {
        let began = Instant::now();
        let Err(error) = credentials(exec, within).await else { panic!("it has credentials") };
        assert!(error.to_string().contains(expected), "{error}");
        assert!(error.remedy().is_some());
        assert!(began.elapsed() < WITHIN, "it took {:?}", began.elapsed());
    }

    /// A process that the plugin leaves running keeps the plugin's output open.
    #[tokio::test]
    async fn a_plugin_that_leaves_a_process_running_does_not_block() {
        let left = shell("setsid sleep 20 & echo busy >&2; sleep 1000");
        let Err(error) = credentials(left, SHORT).await else { panic!("it has credentials") };
        assert!(error.to_string().contains("no answer within 500ms"), "{error}");
    }

    #[tokio::test]
    async fn a_plugin_that_answers_is_used() {
        let answer =
            r#"{"apiVersion":"client.authentication.k8s.io/v1","kind":"ExecCredential","status":{"token":"t"}}"#;
        credentials(shell(&format!("echo '{answer}'")), WITHIN).await.unwrap();
    }
}
