//! A step that is built key by key, as in a scenario file, and run when it is awaited.

use std::{panic::Location, sync::Arc};

use hourglass_component::keys::H256;
use serde_json::{Map, Value};

use crate::{HarnessError, document::Earlier, session::Session};

#[derive(Debug, Clone)]
pub(crate) struct PendingStep {
    session: Arc<Session>,
    kind: &'static str,
    keys: Map<String, Value>,
    /// What it names of earlier steps.
    earlier: Vec<Earlier>,
    location: &'static Location<'static>,
}

impl PendingStep {
    pub(crate) fn new(session: &Arc<Session>, kind: &'static str, location: &'static Location<'static>) -> Self {
        Self { session: Arc::clone(session), kind, keys: Map::new(), earlier: Vec::new(), location }
    }

    /// The same step for a task that was created for an AVS: for the first without a name.
    pub(crate) fn about(mut self, task: &str, avs: Option<&str>) -> Self {
        self.earlier.push(Earlier::Task { alias: task.to_owned(), avs: avs.map(str::to_owned) });
        self.with("task", task.into())
    }

    /// The same step, which names a performer that was deployed.
    pub(crate) fn naming(mut self, alias: &str, operator: &str) -> Self {
        let named = Earlier::Performer { alias: alias.to_owned(), operator: operator.to_owned() };
        if !self.earlier.contains(&named) {
            self.earlier.push(named);
        }
        self
    }

    pub(crate) fn with(mut self, key: impl Into<String>, value: Value) -> Self {
        self.keys.insert(key.into(), value);
        self
    }

    /// The same step without a key that it may have.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.keys.remove(key);
        self
    }

    /// Runs it; returns the hashes of the tasks that it created.
    pub(crate) async fn created(self) -> Result<Vec<H256>, HarnessError> {
        self.session.step(self.kind, &self.keys.into(), &self.earlier, self.location).await
    }

    /// Runs it.
    pub(crate) async fn done(self) -> Result<(), HarnessError> {
        self.created().await.map(drop)
    }

    pub(crate) fn session(&self) -> &Arc<Session> {
        &self.session
    }
}

#[cfg(test)]
mod tests {
    /// The files whose functions are steps.
    const SOURCES: [&str; 7] = [
        include_str!("cluster.rs"),
        include_str!("component.rs"),
        include_str!("deployment.rs"),
        include_str!("environment.rs"),
        include_str!("expect.rs"),
        include_str!("load.rs"),
        include_str!("task.rs"),
    ];

    macro_rules! keys {
        ($($key:ident: $file:ident::$kind:ident,)+) => { [$(stringify!($key)),+] };
    }

    /// What a scenario can do, a Rust test can do.
    #[test]
    fn every_kind_of_step_has_a_function() {
        for key in hourglass_scenario::for_each_step_kind!(keys) {
            let named = format!("\"{key}\"");
            assert!(SOURCES.iter().any(|source| source.contains(&named)), "no function does the step `{key}`");
        }
    }
}
