//! Helm's command. Its files are in the harness's cache: the user's Helm is never touched.

use std::{
    env,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use hourglass_base::{cache::cache_folder, reach_loopback_directly};
use tokio::{
    io::AsyncWriteExt as _,
    process::{Child, Command},
    sync::OnceCell,
    time::timeout,
};

use super::{HelmError, Release};
use crate::{Cluster, Tool, kubeconfig_files};

/// Helm's folder in the harness's cache.
const FOLDER: &str = "helm";
/// The prefix of Helm's variables, which hold the user's settings for other purposes.
const PREFIX: &str = "HELM_";

/// Helm for one cluster.
#[derive(Debug, Clone)]
pub struct Helm {
    program: PathBuf,
    home: PathBuf,
    cluster: Cluster,
}

/// A call of Helm.
pub(super) struct Question<'a> {
    /// What is done with the release, as `install`.
    pub(super) doing: &'static str,
    pub(super) release: &'a Release,
    pub(super) arguments: Vec<&'a str>,
    /// What it reads from its standard input.
    pub(super) input: Option<String>,
    pub(super) within: Duration,
}

impl Helm {
    /// The Helm of this machine. The first call in a process runs it to check its version.
    pub async fn of(cluster: &Cluster) -> Result<Self, HelmError> {
        static PROGRAM: OnceCell<PathBuf> = OnceCell::const_new();
        let program = PROGRAM.get_or_try_init(|| async { Ok::<_, HelmError>(Tool::HELM.check().await?.path) }).await?;
        Ok(Self { program: program.clone(), home: cache_folder()?.join(FOLDER), cluster: cluster.clone() })
    }

    /// The cluster that it works on.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// Returns its standard output.
    pub(super) async fn ask(&self, question: Question<'_>) -> Result<String, HelmError> {
        let Question { doing, release, arguments, input, within } = question;
        let mut command = self.command(release);
        command.args(arguments).stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
        let run = |source| HelmError::Run { program: self.program.clone(), source };
        // A full pipe would block Helm, and an open one would wait for processes that Helm started; files do neither.
        let (stdout, stderr) = (tempfile::tempfile().map_err(run)?, tempfile::tempfile().map_err(run)?);
        command.stdout(stdout.try_clone().map_err(run)?).stderr(stderr.try_clone().map_err(run)?);
        let mut child = command.spawn().map_err(run)?;
        let finished = async {
            feed(&mut child, input.as_deref()).await?;
            child.wait().await
        };
        let (release, cluster) = (release.to_string(), self.cluster.name.clone());
        let (began, finished) = (Instant::now(), timeout(within, finished).await);
        tracing::info!(release, cluster, elapsed = ?began.elapsed(), "Helm was run to {doing} the release");
        let Ok(status) = finished else {
            return Err(HelmError::Late { doing, release, cluster, within });
        };
        if status.map_err(run)?.success() {
            return text_of(stdout).map_err(run);
        }
        let said = complaint(&text_of(stderr).map_err(run)?);
        Err(HelmError::Failed { doing, release, cluster, said })
    }

    fn command(&self, release: &Release) -> Command {
        let mut command = Command::new(&self.program);
        for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with(PREFIX)) {
            command.env_remove(name);
        }
        for (variable, folder) in
            [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data")]
        {
            command.env(variable, self.home.join(folder));
        }
        command.env_remove("KUBECONFIG").env("KUBECACHEDIR", self.discovery());
        match kubeconfig_files(&self.cluster.kubeconfig).as_slice() {
            // The file's name may contain a colon.
            [file] => drop(command.arg("--kubeconfig").arg(file)),
            // The option takes only one file.
            _ => drop(command.env("KUBECONFIG", &self.cluster.kubeconfig)),
        }
        reach_loopback_directly(command.as_std_mut());
        command.args(["--kube-context", &self.cluster.context, "--namespace", &release.namespace]);
        // An interruption of the harness must not reach Helm: the harness ends it in order.
        command.process_group(0).kill_on_drop(true);
        command
    }

    /// Helm caches for hours what an API server offers, by the server's address. Clusters of the harness reuse
    /// addresses, so each has a folder of its own, which is removed with the cluster.
    fn discovery(&self) -> PathBuf {
        let own = self.cluster.machine.as_ref().and_then(|_| self.cluster.kubeconfig.parent());
        own.unwrap_or(&self.home).join("discovery")
    }
}

/// A Helm that ends early reads no more; its output says why.
async fn feed(child: &mut Child, input: Option<&str>) -> io::Result<()> {
    let (Some(text), Some(mut stdin)) = (input, child.stdin.take()) else { return Ok(()) };
    match stdin.write_all(text.as_bytes()).await {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error),
        _ => Ok(()),
    }
}

fn text_of(mut file: std::fs::File) -> io::Result<String> {
    file.rewind()?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Lines before the error are warnings; an error may have several lines.
fn complaint(stderr: &str) -> String {
    const ERROR: &str = "Error: ";
    let lines: Vec<_> = stderr.trim().lines().collect();
    match lines.iter().position(|line| line.starts_with(ERROR)) {
        Some(at) => lines[at..].join("\n").split_off(ERROR.len()),
        None => lines.last().map_or("it does not say why", |last| *last).to_owned(),
    }
}

/// A chart's folder as an argument.
pub(super) fn argument(path: &Path) -> Result<&str, HelmError> {
    let not_text = || HelmError::file("use", path)(io::Error::other("its path is no text"));
    path.to_str().ok_or_else(not_text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::alone("Error: UPGRADE FAILED: context deadline exceeded\n", "UPGRADE FAILED: context deadline exceeded")]
    #[case::after_a_warning(
        "W1121 warnings.go:70] unknown field\nError: INSTALLATION FAILED: no\n",
        "INSTALLATION FAILED: no"
    )]
    #[case::of_several_lines(
        "Error: values don't meet the specifications of the schema(s) in the following chart(s):\nc:\n- at '/a': no\n",
        "values don't meet the specifications of the schema(s) in the following chart(s):\nc:\n- at '/a': no"
    )]
    #[case::no_error("panic\nexit\n", "exit")]
    #[case::nothing("", "it does not say why")]
    fn the_error_is_the_end_of_helms_output(#[case] stderr: &str, #[case] expected: &str) {
        assert_eq!(complaint(stderr), expected);
    }
}
