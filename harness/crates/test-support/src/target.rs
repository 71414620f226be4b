//! Registering tests with libtest-mimic and running them.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use crate::{Requirement, Test};

/// A test target with `harness = false`.
#[derive(Debug)]
pub struct TestTarget {
    arguments: Arguments,
    prefix: &'static str,
    trials: Vec<Trial>,
}

impl TestTarget {
    /// A target without tests, with the arguments of this process.
    pub fn from_args() -> Self {
        Self { arguments: Arguments::from_args(), prefix: "", trials: Vec::new() }
    }

    /// How many tests run at once, unless an argument says so.
    #[must_use]
    pub fn test_threads(mut self, threads: usize) -> Self {
        self.arguments.test_threads.get_or_insert(threads);
        self
    }

    /// Runs one test after the other, whatever the arguments say.
    #[must_use]
    pub fn one_at_a_time(mut self) -> Self {
        self.arguments.test_threads = Some(1);
        self
    }

    /// Sets a prefix for the name of every test that is added later.
    #[must_use]
    pub fn prefix(self, prefix: &'static str) -> Self {
        Self { prefix, ..self }
    }

    /// Adds tests without requirements.
    #[must_use]
    pub fn tests(self, tests: impl IntoIterator<Item = Test>) -> Self {
        self.add(tests, false)
    }

    /// Adds tests that are ignored if the requirement is not met.
    #[must_use]
    pub fn tests_with(self, requirement: &Requirement, tests: impl IntoIterator<Item = Test>) -> Self {
        if let (Some(notice), false) = (requirement.notice(), self.arguments.list) {
            eprintln!("{notice}");
        }
        self.add(tests, requirement.left_out())
    }

    /// Adds tests that run only when ignored tests are requested.
    #[must_use]
    pub fn ignored_tests(self, tests: impl IntoIterator<Item = Test>) -> Self {
        self.add(tests, true)
    }

    /// Runs or lists the tests.
    pub fn run(self) -> ExitCode {
        libtest_mimic::run(&self.arguments, self.trials).exit_code()
    }

    fn add(mut self, tests: impl IntoIterator<Item = Test>, ignored: bool) -> Self {
        let prefix = self.prefix;
        self.trials.extend(tests.into_iter().map(|test| test.into_trial(prefix).with_ignored_flag(ignored)));
        self
    }
}
