//! Builds the command of a component's program.

use std::{
    env,
    ffi::OsString,
    io,
    path::{Path, PathBuf},
};

use hourglass_reaper as reaper;
use rustix::{
    fs::{Access, access},
    io::Errno,
};
use tokio::process::Command;

use super::{ProcessSettings, component::Launch};

/// The command of a component without its configuration; its environment is set.
///
/// The harness's own components adopt orphaned descendants themselves. A user's program is made to: the harness is
/// started first, and then becomes the program. The check that the program can be started happens before, because the
/// harness itself always starts.
pub(super) fn command(
    launch: &Launch,
    program: &str,
    arguments: &[String],
    settings: &ProcessSettings,
) -> io::Result<Command> {
    let ours = &settings.executable.0;
    let mut command = if Path::new(program) == ours {
        Command::new(program)
    } else {
        let program = located(program, settings.working_directory.as_deref());
        find(&program, &launch.environment)?;
        reaper::adopting(ours, &program)
    };
    if let Some(folder) = &settings.working_directory {
        command.current_dir(folder);
    }
    command.args(arguments).envs(launch.environment.iter().cloned());
    Ok(command)
}

/// A relative path to a program starts at the folder in which the program starts.
fn located(program: &str, folder: Option<&Path>) -> String {
    match folder.filter(|_| program.contains('/')) {
        // The folder comes from a path that was text, or the program is looked for where the text says.
        Some(folder) => folder.join(program).to_string_lossy().into_owned(),
        None => program.to_owned(),
    }
}

/// Fails as starting the program would.
fn find(program: &str, environment: &[(String, String)]) -> io::Result<()> {
    let may_run =
        |path: PathBuf| access(&path, Access::EXEC_OK).and(if path.is_dir() { Err(Errno::ACCESS) } else { Ok(()) });
    if program.contains('/') {
        return may_run(program.into()).map_err(io::Error::from);
    }
    let own = environment.iter().rev().find(|(name, _)| name == "PATH").map(|(_, value)| OsString::from(value));
    let path = own.or_else(|| env::var_os("PATH")).unwrap_or_default();
    let found = env::split_paths(&path).any(|folder| may_run(folder.join(program)).is_ok());
    if found { Ok(()) } else { Err(Errno::NOENT.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[rstest::rstest]
    #[case::in_path("sh", None)]
    #[case::by_path("/bin/sh", None)]
    #[case::not_in_path("no-such-executor", Some(io::ErrorKind::NotFound))]
    #[case::not_at_path("/no/such/executor", Some(io::ErrorKind::NotFound))]
    #[case::no_program("/etc/passwd", Some(io::ErrorKind::PermissionDenied))]
    #[case::folder("/etc", Some(io::ErrorKind::PermissionDenied))]
    fn a_program_that_cannot_be_started_is_detected_before_the_start(
        #[case] program: &str,
        #[case] expected: Option<io::ErrorKind>,
    ) {
        assert_eq!(find(program, &[]).err().map(|error| error.kind()), expected);
        let nowhere = [("PATH".to_owned(), "/no/such/folder".to_owned())];
        assert!(program.contains('/') || find(program, &nowhere).is_err(), "the PATH of the component counts");
    }
}
