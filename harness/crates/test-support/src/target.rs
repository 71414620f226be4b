//! Registering tests with libtest-mimic and running them.

use std::process::ExitCode;

use libtest_mimic::{Arguments, Failed, Trial};

use crate::Requirement;

/// A test and its name, as [`tests!`](crate::tests) makes them.
pub type Test = (&'static str, fn());

/// [`Test`]s named `module::function`, as the path of each says.
#[macro_export]
macro_rules! tests {
    ($($module:ident::$test:ident),* $(,)?) => {
        [$((concat!(stringify!($module), "::", stringify!($test)), $module::$test as fn())),*]
    };
}

/// A test target with `harness = false`.
#[derive(Debug)]
pub struct TestTarget {
    arguments: Arguments,
    trials: Vec<Trial>,
}

impl TestTarget {
    /// One without tests, with the arguments of this process.
    pub fn from_args() -> Self {
        Self { arguments: Arguments::from_args(), trials: Vec::new() }
    }

    /// How many tests run at once, unless an argument says so.
    #[must_use]
    pub fn test_threads(mut self, threads: usize) -> Self {
        self.arguments.test_threads.get_or_insert(threads);
        self
    }

    /// Adds tests that need nothing.
    #[must_use]
    pub fn tests(self, tests: impl IntoIterator<Item = Test>) -> Self {
        self.add(tests, false)
    }

    /// Adds tests that are ignored where the requirement is not met.
    #[must_use]
    pub fn tests_with(self, requirement: &Requirement, tests: impl IntoIterator<Item = Test>) -> Self {
        if let (Some(notice), false) = (requirement.notice(), self.arguments.list) {
            eprintln!("{notice}");
        }
        self.add(tests, requirement.left_out())
    }

    /// Adds tests that run only when ignored tests are asked for.
    #[must_use]
    pub fn ignored_tests(self, tests: impl IntoIterator<Item = Test>) -> Self {
        self.add(tests, true)
    }

    /// Runs or lists the tests.
    pub fn run(self) -> ExitCode {
        libtest_mimic::run(&self.arguments, self.trials).exit_code()
    }

    fn add(mut self, tests: impl IntoIterator<Item = Test>, ignored: bool) -> Self {
        let trial = |(name, test): Test| {
            let trial = Trial::test(name, move || {
                test();
                Ok::<(), Failed>(())
            });
            trial.with_ignored_flag(ignored)
        };
        self.trials.extend(tests.into_iter().map(trial));
        self
    }
}
