//! Which runtimes this machine has, decided cheaply and once, before anything is listed.

use std::env;

use hourglass_harness::{chain::AnvilSearch, scenario::RuntimeKind};

use crate::BUILT;

/// The variable that names the runtimes that must not be left out.
const REQUIRE_VARIABLE: &str = "HARNESS_REQUIRE";

/// Which runtimes there are, and why others are not.
pub(crate) struct Availability {
    runtimes: Vec<(RuntimeKind, Result<(), String>)>,
}

impl Availability {
    /// Looks at the machine and at what is required of it.
    pub(crate) fn of_this_machine() -> Result<Self, String> {
        let required = required(&env::var(REQUIRE_VARIABLE).unwrap_or_default())?;
        let wanted = RuntimeKind::ALL.into_iter().filter(|kind| BUILT.contains(kind) || required.contains(kind));
        let runtimes = wanted.map(|kind| {
            // What is required runs, and says itself what it lacks.
            let there = if required.contains(&kind) { Ok(()) } else { has(kind) };
            (kind, there)
        });
        Ok(Self { runtimes: runtimes.collect() })
    }

    /// The runtimes that have trials.
    pub(crate) fn runtimes(&self) -> Vec<RuntimeKind> {
        self.runtimes.iter().map(|(kind, _)| *kind).collect()
    }

    /// Whether the trials of a runtime run.
    pub(crate) fn has(&self, kind: RuntimeKind) -> bool {
        self.runtimes.iter().any(|(known, there)| *known == kind && there.is_ok())
    }

    /// Why trials are ignored, one line a runtime.
    pub(crate) fn reasons(&self) -> impl Iterator<Item = String> {
        self.runtimes.iter().filter_map(|(kind, there)| {
            let reason = there.as_ref().err()?;
            Some(format!("{kind} trials are ignored: {reason}; {REQUIRE_VARIABLE}={kind} makes them fail instead"))
        })
    }
}

/// How the trials look for Anvil.
pub(crate) fn anvil_search() -> AnvilSearch {
    AnvilSearch::default()
}

fn has(kind: RuntimeKind) -> Result<(), String> {
    if kind != RuntimeKind::Process {
        return Err("this version does not have this runtime".to_owned());
    }
    match anvil_search().find() {
        Ok(Some(_)) => Ok(()),
        Ok(None) if on_path("npm") => Ok(()),
        Ok(None) => Err("Anvil is not installed, and there is no npm to install it with".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn required(words: &str) -> Result<Vec<RuntimeKind>, String> {
    let words = words.split(',').map(str::trim).filter(|word| !word.is_empty());
    words
        .map(|word| {
            let known = RuntimeKind::ALL.into_iter().find(|kind| kind.as_str() == word);
            known.ok_or_else(|| {
                format!("{REQUIRE_VARIABLE} names {word:?}; the runtimes are process, docker and kubernetes")
            })
        })
        .collect()
}

fn on_path(program: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
