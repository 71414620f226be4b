//! Which runtimes tests must run on.

use std::env;

use hourglass_base::{ComponentHost, RuntimeKind};

/// The variable that names the runtimes that tests must not leave out, as `docker,kubernetes`.
pub const REQUIRE_VARIABLE: &str = "HARNESS_REQUIRE";

/// Programs that some tests need besides a runtime, and that `HARNESS_REQUIRE` can name.
const PROGRAMS: [&str; 1] = ["chromium"];

/// The runtimes that `HARNESS_REQUIRE` names. Another word is an error: a misspelt requirement must not be ignored
/// silently.
///
/// ```
/// # fn example() -> Result<(), String> {
/// for runtime in hourglass_api::required_runtimes()? {
///     println!("tests must run on {runtime}");
/// }
/// # Ok(())
/// # }
/// ```
pub fn required_runtimes() -> Result<Vec<RuntimeKind>, String> {
    named(&env::var(REQUIRE_VARIABLE).unwrap_or_default())
}

/// Whether tests must run on a runtime: always as processes, in Docker and Kubernetes if `HARNESS_REQUIRE` names them,
/// and on all runtimes if it contains a word that is not a runtime.
///
/// For tests with a case for each runtime: not every machine has an engine and a cluster.
///
/// ```
/// # use hourglass_api::{Runtime, is_required};
/// for runtime in [Runtime::Process, Runtime::Docker, Runtime::Kubernetes] {
///     if is_required(runtime) {
///         // the test of this runtime
///     }
/// }
/// ```
pub fn is_required(runtime: RuntimeKind) -> bool {
    requires(&env::var(REQUIRE_VARIABLE).unwrap_or_default(), runtime)
}

/// Whether tests must run that need a program: if `HARNESS_REQUIRE` names it, or contains a word without a meaning.
pub fn is_program_required(program: &str) -> bool {
    let words = env::var(REQUIRE_VARIABLE).unwrap_or_default();
    named(&words).is_err() || words.split(',').any(|word| word.trim() == program)
}

fn requires(words: &str, runtime: RuntimeKind) -> bool {
    runtime.capabilities().host == ComponentHost::Harness || named(words).map_or(true, |named| named.contains(&runtime))
}

fn named(words: &str) -> Result<Vec<RuntimeKind>, String> {
    let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    let runtimes = words.filter(|word| !PROGRAMS.contains(word));
    runtimes
        .map(|word| {
            let known = RuntimeKind::ALL.into_iter().find(|kind| kind.as_str() == word);
            known.ok_or_else(|| {
                format!("{REQUIRE_VARIABLE} names {word:?}; the runtimes are process, docker and kubernetes")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use RuntimeKind::{Docker, Kubernetes, Process};

    use super::*;

    /// A misspelt name must not turn tests into passes that have tested nothing.
    #[rstest::rstest]
    #[case("", &[Process])]
    #[case("docker", &[Process, Docker])]
    #[case("process, kubernetes", &[Process, Kubernetes])]
    #[case("docker,chromium", &[Process, Docker])]
    #[case("dokcer", &RuntimeKind::ALL)]
    fn runtimes_are_required_by_name(#[case] words: &str, #[case] expected: &[RuntimeKind]) {
        let required: Vec<_> = RuntimeKind::ALL.into_iter().filter(|kind| requires(words, *kind)).collect();
        assert_eq!(required, expected);
    }
}
