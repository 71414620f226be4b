//! Programs that a setup runs to their end.

use std::{ffi::OsStr, process::Stdio, time::Duration};

use hourglass_base::reach_loopback_directly;
use hourglass_component::timeout::timeout;
use tokio::{process::Command, time::Instant};

use super::{DockerSetupError, System};

/// How many lines of a failed program's output are shown.
const SHOWN: usize = 12;

/// How long a program may take; packages of an engine come from a mirror that may be slow.
const RUN_WITHIN: Duration = Duration::from_mins(30);

/// The result of a program.
pub(super) struct Ended {
    pub(super) success: bool,
    pub(super) status: String,
    /// The end of its output, indented.
    pub(super) output: String,
}

/// Runs a program with the system's folders in its PATH.
pub(super) async fn run<S: AsRef<OsStr>>(
    system: &System,
    program: &'static str,
    arguments: &[S],
) -> Result<Ended, DockerSetupError> {
    let path = system.program(program).ok_or(DockerSetupError::NoProgram { program })?;
    let began = Instant::now();
    let mut command = command(system, &path);
    command.args(arguments).env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null()).kill_on_drop(true);
    let output = timeout(RUN_WITHIN, command.output())
        .await
        .map_err(|_| DockerSetupError::Hangs { program, within: RUN_WITHIN })?
        .map_err(DockerSetupError::file("run", &path))?;
    let arguments: Vec<_> = arguments.iter().map(|argument| argument.as_ref().to_string_lossy()).collect();
    tracing::debug!(program, ?arguments, status = %output.status, elapsed = ?began.elapsed(), "a program of the setup has ended");
    let said = [output.stdout, output.stderr].concat();
    Ok(Ended {
        success: output.status.success(),
        status: output.status.to_string(),
        output: end_of(&String::from_utf8_lossy(&said)),
    })
}

/// A command with the system's folders in its PATH.
pub(super) fn command(system: &System, program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    if let Ok(path) = std::env::join_paths(&system.path) {
        command.env("PATH", path);
    }
    reach_loopback_directly(command.as_std_mut());
    command
}

/// Installs packages of Debian or of a similar distribution.
pub(super) async fn install(system: &System, packages: &[&'static str]) -> Result<(), DockerSetupError> {
    // An outdated list may still do; if it does not, this output tells why.
    let updated = run(system, "apt-get", &["update", "-qq"]).await?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"];
    arguments.extend(packages);
    let installed = run(system, "apt-get", &arguments).await?;
    if installed.success {
        return Ok(());
    }
    let before = if updated.success { String::new() } else { updated.output + "\n" };
    Err(DockerSetupError::Packages {
        packages: packages.to_vec(),
        status: installed.status,
        output: before + &installed.output,
    })
}

/// The last lines of a text, indented.
pub(super) fn end_of(text: &str) -> String {
    let lines: Vec<_> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    let shown = &lines[lines.len().saturating_sub(SHOWN)..];
    shown.iter().map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}
