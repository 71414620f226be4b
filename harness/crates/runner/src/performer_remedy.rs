//! What to do about a performer that does not become ready, by what its executor reports of it.

use hourglass_base::not_started_as_told;

pub(crate) const READ_OUTPUT: &str = "read the component's output above, and its whole log in the trial's folder";
const READ_LOG: &str = "read the component's log in the trial's folder";
const WROTE_NOTHING: &str = "it wrote nothing: start its command by hand, with the variables that it gets, or have it write \
                             why it does not serve";

/// What executors say of a program that cannot be started, before its words.
const NO_COMMAND: &str = "failed to start the command \"";
/// What they say before the words of a command whose program has a space in its name.
const WITH_SPACE: &str = "failed to start the command \"'";
/// What they say of a performer that listens on another port, on another address, and on none.
const OTHER_PORT: &str = "and not on GRPC_PORT";
const OTHER_ADDRESS: &str = "and not on BIND_ADDRESS";
const NOWHERE: &str = "listens on no port";

const HAVE_ANOTHER_PORT: &str = "have it listen on the port in GRPC_PORT; or, if it always listens on one port, say which: \
                                 `components: {performer: {port: 8080}}`";
const HAVE_ANOTHER_ADDRESS: &str = "have it listen on the address in BIND_ADDRESS, or on all addresses";
const HAVE_IT_LISTEN: &str = "have it listen on the address in BIND_ADDRESS and the port in GRPC_PORT";
const COMMAND: &str =
    "a path starts at the folder that the error names; the command stands in the scenario or in the project file";

/// The remedy for a program whose name has a space: most often it has its arguments.
pub(crate) const SEPARATE: &str = "write program and arguments as separate items, as in `command: [node, performer.mjs]`; if the \
                                   space belongs to its name, make sure that the program exists";

/// The remedy for a performer that is not ready, as `how` says. `output` has the last lines that it wrote, `(none)` if there
/// are none, and is empty if they are not known.
pub(crate) fn remedy_of_performer(how: &str, output: &str) -> String {
    let text = if how.contains(WITH_SPACE) {
        SEPARATE
    } else if how.contains(NO_COMMAND) {
        return not_started_as_told(how, COMMAND);
    } else if how.contains(OTHER_ADDRESS) {
        HAVE_ANOTHER_ADDRESS
    } else if how.contains(OTHER_PORT) {
        HAVE_ANOTHER_PORT
    } else if how.contains(NOWHERE) {
        HAVE_IT_LISTEN
    } else {
        read_output(how, output)
    };
    text.to_owned()
}

/// The remedy for a component whose `output` should say what is wrong; `how` tells what is known besides.
pub(crate) fn read_output(how: &str, output: &str) -> &'static str {
    match output.trim() {
        // Executors in containers report the output with the end.
        "" | "(none)" if how.contains("its last output:") => READ_OUTPUT,
        "" => READ_LOG,
        "(none)" => WROTE_NOTHING,
        _ => READ_OUTPUT,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MISSING: &str =
        r#"it cannot be started: failed to start the command "bin/perf --now" in /work: No such file (os error 2)"#;
    const WITH_ARGUMENTS: &str =
        r#"it cannot be started: failed to start the command "'node x.mjs'" in /work: No such file (os error 2)"#;
    const FOREIGN: &str =
        "it listens on 127.0.0.1:9, where its health says SERVING, and not on GRPC_PORT at 127.0.0.1:8";
    const OTHER: &str = "it listens on [::1]:8, where its health says SERVING, and not on BIND_ADDRESS at 127.0.0.1:8";
    const SILENT: &str = "it was not healthy within 30s; last seen: listens on no port (Unavailable: refused)";
    const ENDED: &str = "it ended with exit status: 1";
    const TOLD: &str = "it ended with exit status: 1; its last output:\nno abacus";

    /// A remedy that points to an output that is not there, or to the port where the address is wrong, helps nobody.
    #[rstest::rstest]
    #[case::missing(MISSING, "  (none)", &["make sure that the program exists", "a path starts at the folder"])]
    #[case::with_its_arguments(WITH_ARGUMENTS, "  (none)", &["as separate items"])]
    #[case::other_port(FOREIGN, "  (none)", &["the port in GRPC_PORT", "port: 8080"])]
    #[case::other_address(OTHER, "  ready", &["the address in BIND_ADDRESS"])]
    #[case::nowhere(SILENT, "  (none)", &["the address in BIND_ADDRESS and the port in GRPC_PORT"])]
    #[case::silent(ENDED, "  (none)", &["it wrote nothing"])]
    #[case::unknown(ENDED, "", &["log in the trial's folder"])]
    #[case::with_output(ENDED, "  no abacus", &["output above"])]
    #[case::told_by_its_executor(TOLD, "  (none)", &["output above"])]
    fn the_remedy_is_about_what_was_seen(#[case] how: &str, #[case] output: &str, #[case] expected: &[&str]) {
        let remedy = remedy_of_performer(how, output);
        assert!(expected.iter().all(|part| remedy.contains(part)), "{how}: {remedy}");
        assert_eq!(remedy.contains("output above"), expected.contains(&"output above"), "{how}: {remedy}");
    }
}
