//! One check: its subject, its finding, and its remedy.

use std::fmt::Display;

use schemars::JsonSchema;
use serde::Serialize;

use crate::RuntimeKind;

/// How a check came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// As it should be.
    Ok,
    /// Trials run, but slower, less safely, or not many of them.
    Warning,
    /// The runtimes that need it cannot be used.
    Missing,
}

impl Verdict {
    /// The word in the table and in JSON.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Missing => "missing",
        }
    }
}

/// What a look at one thing gave.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Check {
    /// What was looked at; the same in every version, for programs.
    pub name: &'static str,
    /// How it came out.
    pub verdict: Verdict,
    /// The runtimes that cannot be used where it is missing.
    pub needed_by: &'static [RuntimeKind],
    /// What was found.
    pub finding: String,
    /// What to do about it; nothing where all is well.
    pub remedy: Option<String>,
}

/// The subject of a check, and the runtimes that need it: creates the check once its result is known.
#[derive(Debug, Clone, Copy)]
pub struct Topic {
    /// The check's name.
    pub name: &'static str,
    /// The runtimes that cannot be used if it is missing.
    pub needed_by: &'static [RuntimeKind],
}

impl Topic {
    /// As it should be.
    pub fn ok(self, finding: impl Into<String>) -> Check {
        self.check(Verdict::Ok, finding.into(), None)
    }

    /// A warning with its remedy.
    pub fn warning(self, finding: impl Into<String>, remedy: impl Into<String>) -> Check {
        self.check(Verdict::Warning, finding.into(), Some(remedy.into()))
    }

    /// Its runtimes cannot be used; with its remedy.
    pub fn missing(self, finding: impl Into<String>, remedy: impl Into<String>) -> Check {
        self.check(Verdict::Missing, finding.into(), Some(remedy.into()))
    }

    /// Nothing is known about it: a trial will tell.
    pub fn unknown(self, why: impl Display) -> Check {
        self.check(Verdict::Warning, format!("not known: {why}"), None)
    }

    fn check(self, verdict: Verdict, finding: String, remedy: Option<String>) -> Check {
        Check { name: self.name, verdict, needed_by: self.needed_by, finding, remedy }
    }
}
