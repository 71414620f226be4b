//! The output format of a command.

/// How a command writes what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// How a command writes trials as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrialsForm {
    /// An object with a version.
    Document,
    /// An array, as the old names of the commands write it.
    Array,
}

/// The option that says it, and the one that said it before.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct FormatArgs {
    /// How to write it
    #[arg(long, value_enum, default_value_t)]
    pub format: Format,
    /// Write JSON; `--format json` is the way to say it
    #[arg(long, hide = true, conflicts_with = "format")]
    pub json: bool,
}

impl FormatArgs {
    /// Whether JSON is requested.
    pub fn is_json(self) -> bool {
        self.json || self.format == Format::Json
    }
}
