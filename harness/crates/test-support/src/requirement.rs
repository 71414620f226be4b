//! Requirements of tests on the machine.

use hourglass_api::{REQUIRE_VARIABLE, is_program_required, is_required};
use hourglass_base::RuntimeKind;
use hourglass_engine::Engine;

use crate::block_on;

/// A requirement of some tests of a target, and why they are left out on a machine that lacks it.
#[derive(Debug, Clone)]
pub struct Requirement {
    left_out: bool,
    notice: Option<String>,
}

impl Requirement {
    /// A Docker engine that answers. Without one the tests are left out, unless `HARNESS_REQUIRE` names `docker`: then no engine
    /// is looked for, and the tests fail.
    pub fn docker() -> Self {
        let connect = || block_on(Engine::connect()).err().map(|error| error.to_string());
        Self::of("Docker", RuntimeKind::Docker, connect)
    }

    /// A requirement of a runtime. `missing` returns why the machine lacks it; it is not called if `HARNESS_REQUIRE`
    /// names the runtime: the tests run then, and fail.
    pub fn of(name: &str, runtime: RuntimeKind, missing: impl FnOnce() -> Option<String>) -> Self {
        let missing = if is_required(runtime) { None } else { missing() };
        let notice = missing.map(|reason| {
            format!("tests with {name} are ignored: {reason}; {REQUIRE_VARIABLE}={runtime} makes them fail instead")
        });
        Self { left_out: notice.is_some(), notice }
    }

    /// Clusters. They cost seconds and hundreds of megabytes each: the tests run only if `HARNESS_REQUIRE` names
    /// `kubernetes`.
    pub fn kubernetes() -> Self {
        let left_out = !is_required(RuntimeKind::Kubernetes);
        let notice = format!("tests with clusters are ignored; {REQUIRE_VARIABLE}=kubernetes runs them");
        Self { left_out, notice: left_out.then_some(notice) }
    }

    /// A program that `HARNESS_REQUIRE` can name, such as `chromium`. `missing` returns why the machine lacks it; it is
    /// not called if the variable names the program: the tests run then, and fail.
    pub fn program(program: &str, missing: impl FnOnce() -> Option<String>) -> Self {
        let missing = if is_program_required(program) { None } else { missing() };
        let notice = missing.map(|reason| {
            format!("tests with {program} are ignored: {reason}; {REQUIRE_VARIABLE}={program} makes them fail instead")
        });
        Self { left_out: notice.is_some(), notice }
    }

    /// This, and another requirement that no variable can name. `missing` is the reason why the machine lacks it.
    #[must_use]
    pub fn and(&self, name: &str, missing: Option<&str>) -> Self {
        let notice = missing.filter(|_| !self.left_out);
        let notice = notice.map(|reason| format!("tests with {name} are ignored: {reason}"));
        Self { left_out: self.left_out || missing.is_some(), notice }
    }

    pub(crate) fn left_out(&self) -> bool {
        self.left_out
    }

    pub(crate) fn notice(&self) -> Option<&str> {
        self.notice.as_deref()
    }
}
