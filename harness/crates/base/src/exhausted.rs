//! The resource that a machine has run out of, according to the system's error.

use std::{error::Error, io};

use rustix::io::Errno;

/// What to do if one of the causes of an error is that a resource of the machine is used up: open files, memory, disk.
pub fn exhausted(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let causes = std::iter::successors(Some(error), |error: &&(dyn Error + 'static)| (*error).source());
    // The system returns the same error if the limit of watched files is reached.
    if causes.clone().any(<dyn Error>::is::<notify::Error>) {
        return Some(
            "raise fs.inotify.max_user_instances and max_user_watches with sysctl, or the limit of open files (`ulimit -n`)",
        );
    }
    causes.filter_map(|cause| cause.downcast_ref::<io::Error>()).find_map(of)
}

/// The same if only the text of the causes is left: the system's errors end with their numbers there.
pub fn exhausted_as_told(reason: &str) -> Option<&'static str> {
    told(reason).find_map(|error| of(&error))
}

/// The system's errors in a text.
fn told(reason: &str) -> impl Iterator<Item = io::Error> {
    let numbers = reason.split("(os error ").skip(1).filter_map(|rest| rest.split_once(')')?.0.parse().ok());
    numbers.map(io::Error::from_raw_os_error)
}

fn of(error: &io::Error) -> Option<&'static str> {
    let text = match Errno::from_io_error(error)? {
        Errno::MFILE => "raise the limit of open files (`ulimit -n`), or run fewer trials at once with --jobs",
        Errno::NFILE => "end programs that hold many files open, or raise fs.file-max with sysctl",
        Errno::NOMEM => "free memory, or run fewer trials at once with --jobs",
        Errno::NOSPC | Errno::DQUOT => "free space on the disk; `harness gc` removes what is left of earlier runs",
        _ => return None,
    };
    Some(text)
}

/// What to do if a program cannot be started. `wanted` is the advice for a missing program: which one to name instead.
pub fn not_started(error: &io::Error, wanted: &str) -> String {
    if let Some(text) = of(error) {
        return text.to_owned();
    }
    match Errno::from_io_error(error) {
        Some(Errno::NOENT | Errno::NOTDIR) => {
            format!(
                "make sure that the program exists, and the interpreter in its first line if it is a script; {wanted}"
            )
        }
        Some(Errno::ACCESS | Errno::PERM) => format!("make the program executable (`chmod +x`); {wanted}"),
        Some(Errno::AGAIN) => {
            "raise the limit of processes and threads (`ulimit -u`, `pids.max` of the control group), or \
                               run fewer trials at once with --jobs"
                .to_owned()
        }
        Some(Errno::NOEXEC) => {
            "begin the script with `#!` and its interpreter, or build the program for this machine".to_owned()
        }
        Some(Errno::TOOBIG) => "shorten its arguments, or unset large environment variables".to_owned(),
        Some(Errno::TXTBSY) => "wait until the program has been written to its end".to_owned(),
        _ => wanted.to_owned(),
    }
}

/// The same if only the text of the causes is left.
pub fn not_started_as_told(reason: &str, wanted: &str) -> String {
    told(reason).next().map_or_else(|| wanted.to_owned(), |error| not_started(&error, wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WANTED: &str = "name another";

    /// A user without free files, processes or bytes would look for the program in vain.
    #[rstest::rstest]
    #[case::not_there(Errno::NOENT, "make sure that the program exists")]
    #[case::below_a_file(Errno::NOTDIR, "make sure that the program exists")]
    #[case::not_executable(Errno::ACCESS, "chmod +x")]
    #[case::no_program(Errno::NOEXEC, "`#!`")]
    #[case::open_files(Errno::MFILE, "ulimit -n")]
    #[case::open_files_of_all(Errno::NFILE, "fs.file-max")]
    #[case::processes(Errno::AGAIN, "ulimit -u")]
    #[case::memory(Errno::NOMEM, "free memory")]
    #[case::disk(Errno::NOSPC, "free space")]
    #[case::arguments(Errno::TOOBIG, "shorten")]
    #[case::being_written(Errno::TXTBSY, "wait until")]
    #[case::anything_else(Errno::IO, WANTED)]
    fn the_remedy_matches_the_error_code(#[case] errno: Errno, #[case] remedy: &str) {
        let text = not_started(&io::Error::from_raw_os_error(errno.raw_os_error()), WANTED);
        assert!(text.contains(remedy), "{errno:?}: {text}");
        let of_the_program = matches!(errno, Errno::NOENT | Errno::NOTDIR | Errno::ACCESS | Errno::IO);
        assert_eq!(text.contains(WANTED), of_the_program, "{errno:?}: {text}");
        let told = format!("it cannot be started: {}", io::Error::from_raw_os_error(errno.raw_os_error()));
        assert_eq!(not_started_as_told(&told, WANTED), text);
    }

    #[test]
    fn an_exhausted_resource_is_found_in_a_text() {
        let told = format!("it did not answer: {}", io::Error::from_raw_os_error(Errno::MFILE.raw_os_error()));
        assert!(exhausted_as_told(&told).unwrap().contains("ulimit -n"));
        assert_eq!(exhausted_as_told("connection refused (os error 111)"), None);
    }

    #[test]
    fn an_exhausted_resource_is_found_among_the_causes() {
        #[derive(Debug, thiserror::Error)]
        #[error("failed to open the log")]
        struct Outer(#[source] io::Error);
        let error = |errno: Errno| Outer(io::Error::from_raw_os_error(errno.raw_os_error()));
        assert!(exhausted(&error(Errno::MFILE)).unwrap().contains("ulimit -n"));
        assert_eq!(exhausted(&error(Errno::NOENT)), None);
        let watching = notify::Error::io(io::Error::from_raw_os_error(Errno::MFILE.raw_os_error()));
        assert!(exhausted(&watching).unwrap().contains("max_user_instances"));
    }
}
