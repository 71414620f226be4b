//! Whether the operator can do its work: the answer of `/readyz`.

use std::{
    collections::BTreeMap,
    error::Error,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// How long a watch may be broken, or the API server silent, before `/readyz` reports it.
const GRACE: Duration = Duration::from_secs(10);

/// The operator's own condition.
#[derive(Debug)]
pub(crate) struct Health(Mutex<State>);

#[derive(Debug)]
struct State {
    role: Role,
    watches: BTreeMap<String, Watch>,
    answered: Instant,
    /// The error of the last request, where it got no answer.
    unanswered: Option<String>,
}

/// The part of this operator where several run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Role {
    /// It is not known yet.
    Starting,
    /// It waits for the end of the leader.
    Standby {
        /// The leader, if it is known.
        leader: Option<String>,
    },
    /// It acts.
    Leading,
    /// It ends.
    Ending,
}

#[derive(Debug)]
struct Watch {
    synced: bool,
    /// Since when it is broken, and why.
    broken: Option<(Instant, String)>,
}

impl Default for Health {
    fn default() -> Self {
        let (role, watches) = (Role::Starting, BTreeMap::new());
        Self(Mutex::new(State { role, watches, answered: Instant::now(), unanswered: None }))
    }
}

impl Health {
    /// Sets the role of this operator.
    pub(crate) fn becomes(&self, role: Role) {
        self.state().role = role;
    }

    /// Adds a watch that must be synced before the operator is ready.
    pub(crate) fn expect(&self, watch: &str) {
        self.state().watches.insert(watch.to_owned(), Watch { synced: false, broken: None });
    }

    /// Records that a watch has listed all its objects.
    pub(crate) fn synced(&self, watch: &str) {
        self.state().watches.insert(watch.to_owned(), Watch { synced: true, broken: None });
    }

    /// Records that a watch cannot be started.
    pub(crate) fn broken(&self, watch: &str, why: String) {
        let mut state = self.state();
        let Some(watch) = state.watches.get_mut(watch) else { return };
        let since = watch.broken.as_ref().map_or_else(Instant::now, |(since, _)| *since);
        watch.broken = Some((since, why));
    }

    /// Records that the API server has answered, whatever the answer was.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        state.answered = Instant::now();
        state.unanswered = None;
    }

    /// Records that the API server could not be reached.
    pub(crate) fn unanswered(&self, error: &(dyn Error + 'static)) {
        self.state().unanswered = Some(with_causes(error));
    }

    /// Whether the last answer of the API server was long ago: then the operator should send a request.
    pub(crate) fn is_silent(&self) -> bool {
        self.state().answered.elapsed() >= GRACE
    }

    /// What the operator is doing, or everything that prevents its work.
    pub(crate) fn ready(&self) -> Result<String, Vec<String>> {
        let state = self.state();
        let mut wrong = Vec::new();
        let silent = state.answered.elapsed();
        if silent >= GRACE {
            let why = state.unanswered.as_deref().map(|error| format!(": {error}")).unwrap_or_default();
            wrong.push(format!("the API server has not answered for {} s{why}", silent.as_secs()));
        }
        for (name, watch) in &state.watches {
            match &watch.broken {
                Some((since, why)) if !watch.synced || since.elapsed() >= GRACE => {
                    wrong.push(format!("{name} cannot be watched for {} s: {why}", since.elapsed().as_secs()));
                }
                None if !watch.synced => wrong.push(format!("{name} are still being listed")),
                _ => {}
            }
        }
        let doing = match &state.role {
            Role::Starting => Err("the operator is starting".to_owned()),
            Role::Ending => Err("the operator is shutting down".to_owned()),
            Role::Leading => Ok("leading".to_owned()),
            Role::Standby { leader: Some(leader) } => Ok(format!("standing by while {leader} leads")),
            Role::Standby { leader: None } => Ok("standing by".to_owned()),
        };
        match doing {
            Ok(doing) if wrong.is_empty() => Ok(doing),
            Ok(_) => Err(wrong),
            Err(doing) => Err(std::iter::once(doing).chain(wrong).collect()),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The message of the API server, or what went wrong on the way to it.
pub(crate) fn words(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        error => with_causes(error),
    }
}

/// An error's message and those of its causes, separated by colons. A message that a wrapper repeats appears once.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let next = error.to_string();
        if !text.ends_with(&next) {
            text = format!("{text}: {next}");
        }
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health() -> Health {
        let health = Health::default();
        health.expect("pods");
        health.becomes(Role::Leading);
        health
    }

    /// Moves all recorded times into the past.
    fn later(health: &Health, by: Duration) {
        let mut state = health.state();
        state.answered = state.answered.checked_sub(by).unwrap();
        for (since, _) in state.watches.values_mut().filter_map(|watch| watch.broken.as_mut()) {
            *since = since.checked_sub(by).unwrap();
        }
    }

    #[test]
    fn nothing_is_ready_before_all_watches_are_synced() {
        let health = health();
        assert_eq!(health.ready(), Err(vec!["pods are still being listed".to_owned()]));
        health.broken("pods", "forbidden".to_owned());
        assert_eq!(health.ready(), Err(vec!["pods cannot be watched for 0 s: forbidden".to_owned()]));
        health.synced("pods");
        assert_eq!(health.ready(), Ok("leading".to_owned()));
    }

    #[test]
    fn standby_is_ready_and_names_the_leader() {
        let health = health();
        health.synced("pods");
        health.becomes(Role::Standby { leader: Some("other".to_owned()) });
        assert_eq!(health.ready(), Ok("standing by while other leads".to_owned()));
        health.becomes(Role::Ending);
        assert_eq!(health.ready(), Err(vec!["the operator is shutting down".to_owned()]));
    }

    #[test]
    fn broken_watch_is_reported_until_it_recovers() {
        let health = health();
        health.synced("pods");
        health.broken("pods", "not found".to_owned());
        assert_eq!(health.ready(), Ok("leading".to_owned()), "a watch breaks now and then");
        later(&health, GRACE);
        health.answered();
        health.broken("pods", "still not found".to_owned());
        assert_eq!(health.ready(), Err(vec!["pods cannot be watched for 10 s: still not found".to_owned()]));
        health.synced("pods");
        assert_eq!(health.ready(), Ok("leading".to_owned()));
    }

    #[test]
    fn silent_api_server_is_reported_with_the_last_error() {
        let health = health();
        health.synced("pods");
        health.unanswered(&std::io::Error::other("connection refused"));
        assert_eq!(health.ready(), Ok("leading".to_owned()), "one lost request is no outage");
        later(&health, GRACE);
        assert!(health.is_silent());
        let wrong = "the API server has not answered for 10 s: connection refused".to_owned();
        assert_eq!(health.ready(), Err(vec![wrong]));
        health.answered();
        assert_eq!(health.ready(), Ok("leading".to_owned()));
    }
}
