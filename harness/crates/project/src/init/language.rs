//! The languages of new performers, and the files of each.

use std::fmt;

use hourglass_proto::PERFORMER_PROTO;

use super::NewFile;

/// A language of performers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Go
    Go,
    /// Rust
    Rust,
    /// JavaScript, with Node.js
    Js,
    /// Python
    Python,
}

macro_rules! file {
    ($language:literal, $file:literal) => {
        ($file, include_str!(concat!("../../templates/", $language, "/", $file)))
    };
}

const GO: &[(&str, &str)] = &[
    file!("go", "main.go"),
    ("go.mod", include_str!("../../templates/go/go.mod.template")),
    ("go.sum", include_str!("../../templates/go/go.sum.template")),
    file!("go", "Dockerfile"),
    (".gitignore", include_str!("../../templates/go/gitignore")),
    (".dockerignore", include_str!("../../templates/go/dockerignore")),
];
const RUST: &[(&str, &str)] = &[
    ("Cargo.toml", include_str!("../../templates/rust/Cargo.toml.template")),
    file!("rust", "build.rs"),
    file!("rust", "src/main.rs"),
    ("proto/performer.proto", PERFORMER_PROTO),
    file!("rust", "Dockerfile"),
    (".gitignore", include_str!("../../templates/rust/gitignore")),
    (".dockerignore", include_str!("../../templates/rust/dockerignore")),
];
const JS: &[(&str, &str)] = &[
    file!("js", "package.json"),
    file!("js", "performer.js"),
    ("proto/performer.proto", PERFORMER_PROTO),
    file!("js", "Dockerfile"),
    (".gitignore", include_str!("../../templates/js/gitignore")),
    (".dockerignore", include_str!("../../templates/js/dockerignore")),
];
const PYTHON: &[(&str, &str)] = &[
    file!("python", "requirements.txt"),
    file!("python", "performer.py"),
    ("proto/performer.proto", PERFORMER_PROTO),
    file!("python", "Dockerfile"),
    (".gitignore", include_str!("../../templates/python/gitignore")),
    (".dockerignore", include_str!("../../templates/python/dockerignore")),
];
const SCENARIOS: [(&str, &str); 3] = [
    file!("scenarios", "answers.yaml"),
    file!("scenarios", "executors_down.yaml"),
    file!("scenarios", "payloads.yaml"),
];

impl Language {
    /// All, in the order in which they are looked for.
    pub const ALL: [Self; 4] = [Self::Go, Self::Rust, Self::Js, Self::Python];

    /// `go`, as on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Js => "js",
            Self::Python => "python",
        }
    }

    /// The program that builds or runs its performer.
    pub const fn program(self) -> &'static str {
        match self {
            Self::Go => "go",
            Self::Rust => "cargo",
            Self::Js => "npm",
            Self::Python => "python3",
        }
    }

    pub(super) const fn manifest(self) -> &'static str {
        match self {
            Self::Go => "go.mod",
            Self::Rust => "Cargo.toml",
            Self::Js => "package.json",
            Self::Python => "pyproject.toml",
        }
    }

    pub(super) fn programs() -> String {
        Self::ALL.map(Self::program).join(", ")
    }

    /// The files of a new project: the project file, the performer, three scenarios.
    pub(super) fn files(self) -> Vec<NewFile> {
        let (project, performer) = match self {
            Self::Go => (include_str!("../../templates/go/harness.yaml"), GO),
            Self::Rust => (include_str!("../../templates/rust/harness.yaml"), RUST),
            Self::Js => (include_str!("../../templates/js/harness.yaml"), JS),
            Self::Python => (include_str!("../../templates/python/harness.yaml"), PYTHON),
        };
        let performer = performer.iter().map(|(path, text)| NewFile::new(format!("performer/{path}"), *text));
        let scenarios = SCENARIOS.iter().map(|(path, text)| NewFile::new(format!("scenarios/{path}"), *text));
        std::iter::once(NewFile::new("harness.yaml", project)).chain(performer).chain(scenarios).collect()
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
