//! One test: its name and its function.

use std::fmt::{self, Debug, Display, Formatter};

use libtest_mimic::{Failed, Trial};

/// A test and its name, as [`tests!`](crate::tests) creates them.
pub struct Test {
    name: String,
    run: Box<dyn FnOnce() -> Result<(), Failed> + Send>,
}

impl Test {
    /// A test whose name is computed. It fails when it panics, or returns an error.
    pub fn new<O: TestOutcome>(name: impl Into<String>, run: impl FnOnce() -> O + Send + 'static) -> Self {
        Self { name: name.into(), run: Box::new(|| run().into_result()) }
    }

    pub(crate) fn into_trial(self, prefix: &str) -> Trial {
        Trial::test(format!("{prefix}{}", self.name), self.run)
    }
}

impl Debug for Test {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Test").field(&self.name).finish()
    }
}

/// What the function of a test returns: nothing, or a result whose error fails the test.
pub trait TestOutcome {
    /// The outcome in the type of the test runner.
    fn into_result(self) -> Result<(), Failed>;
}

impl TestOutcome for () {
    fn into_result(self) -> Result<(), Failed> {
        Ok(())
    }
}

impl<E: Display> TestOutcome for Result<(), E> {
    fn into_result(self) -> Result<(), Failed> {
        self.map_err(Failed::from)
    }
}

/// An array of [`Test`]s, each named as its path says.
///
/// ```
/// # use hourglass_test_support::tests;
/// mod lease {
///     pub fn warm_cluster_is_reused() {}
/// }
/// fn in_a_namespace(test: fn()) -> Result<(), String> {
///     test();
///     Ok(())
/// }
///
/// let named_by_path = tests![lease::warm_cluster_is_reused];
/// // A function that runs each test, with what the test needs.
/// let wrapped = tests![in_a_namespace => lease::warm_cluster_is_reused];
/// ```
#[macro_export]
macro_rules! tests {
    ($($module:ident::$test:ident),* $(,)?) => {
        [$($crate::Test::new(concat!(stringify!($module), "::", stringify!($test)), $module::$test)),*]
    };
    ($($test:ident),* $(,)?) => {
        [$($crate::Test::new(stringify!($test), $test)),*]
    };
    ($run:path => $($module:ident::$test:ident),* $(,)?) => {
        [$($crate::Test::new(concat!(stringify!($module), "::", stringify!($test)), || $run($module::$test))),*]
    };
}
