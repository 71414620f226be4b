//! Which runtimes tests are to run on.

use std::env;

use hourglass_base::RuntimeKind;

/// The variable that names the runtimes that tests must not leave out, as `docker,kubernetes`.
pub const REQUIRE_VARIABLE: &str = "HARNESS_REQUIRE";

/// Whether tests are to run on a runtime: as processes always, in Docker and Kubernetes where `HARNESS_REQUIRE` names them.
///
/// For tests with a case for each runtime: not every machine has an engine and a cluster.
pub fn is_required(runtime: RuntimeKind) -> bool {
    let words = env::var(REQUIRE_VARIABLE).unwrap_or_default();
    runtime == RuntimeKind::Process || words.split(',').any(|word| word.trim() == runtime.as_str())
}
