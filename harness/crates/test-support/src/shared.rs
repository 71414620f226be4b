//! A value that all tests of a target share.

use std::{
    ops::Deref,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// A value in a static, created when a test first needs it. Statics are not dropped: `main` calls [`Shared::tear_down`]
/// when the tests are done.
#[derive(Debug)]
pub struct Shared<T>(Mutex<Option<T>>);

impl<T> Shared<T> {
    /// No value yet.
    pub const fn new() -> Self {
        Self(Mutex::new(None))
    }

    /// The value, for one test at a time. A test that only needs a clone of it drops the guard at once.
    pub fn lock(&self, make: impl FnOnce() -> T) -> SharedGuard<'_, T> {
        let mut value = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        value.get_or_insert_with(make);
        SharedGuard(value)
    }

    /// Drops the value, if there is one.
    pub fn tear_down(&self) {
        drop(self.0.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self::new()
    }
}

/// Access to a [`Shared`] value.
#[derive(Debug)]
pub struct SharedGuard<'a, T>(MutexGuard<'a, Option<T>>);

impl<T> Deref for SharedGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.0.as_ref().unwrap()
    }
}
